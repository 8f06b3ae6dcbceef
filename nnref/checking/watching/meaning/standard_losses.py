"""The standard losses: the slope of each with respect to the outputs, which are found where they meet the labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.guards import GUARD
from nnref.checking.watching.calculus.slopes import value_of
from nnref.checking.watching.meaning.parameters import Meeting, Roles
from nnref.checking.watching.recording.tape import Node, nodes_of

Array = np.ndarray[Any, Any]
Tape = Sequence[Node]


def stripped(role: Roles) -> list[tuple[Node, Meeting]]:
    """The outputs: the values that meet the labels, without log, 1 −, clip and guards around them.

    An output compared with several labels, as with all context words, occurs that often.
    """
    found: dict[tuple[int, int], tuple[Node, Meeting]] = {}
    labels = sum({1 << n.index for n in role.labels})
    for meeting in role.meetings:
        output = bare(meeting.output, role)
        met = role.graph.above[meeting.labels.index] | (1 << meeting.labels.index)
        key = output.index, met & labels
        if key not in found or plainer(meeting, found[key][1]):
            found[key] = output, meeting
    return list(found.values())


def plainer(a: Meeting, b: Meeting) -> bool:
    """Is one meeting a better source of the labels than the other: a difference, and with y and not 1 - y?"""
    return (a.at.op == "subtract", a.labels.op != "subtract") > (b.at.op == "subtract", b.labels.op != "subtract")


def bare(node: Node, role: Roles) -> Node:
    """log(A), log(A + ε), 1 − A, clip(A), A.copy(): A; but A + b where b is a parameter that began as a number."""

    def counts(part: Node) -> bool:
        return part.leaf != "constant" or bool(role.parameters >> part.index & 1)

    while True:
        first = node.args[0] if node.args else None
        if node.op in ("log", "log2", "log10", "array", "clip") and isinstance(first, Node):
            node = first
        elif node.op in ("add", "subtract", "maximum", "minimum", "negative"):
            nodes = [a for a in node.args if isinstance(a, Node) and counts(a)]
            rest = [float(value_of(a)) for a in node.args if a not in nodes and np.ndim(value_of(a)) == 0]
            guards = all(0 < abs(c) < GUARD or 0 < abs(1 - abs(c)) < GUARD for c in rest)
            if len(nodes) != 1 or len(rest) != len(node.args) - 1 or (node.op.startswith("m") and not guards):
                return node
            node = nodes[0]
        else:
            return node


def seeds_of(
    group: Sequence[tuple[Node, Meeting]], tape: Tape, slope: Callable[[Array, Array], Array]
) -> dict[int, Array] | None:
    """∂loss/∂outputs in one run; None if the shapes of labels and outputs do not fit."""
    found: dict[int, Array] = {}
    for output, meeting in group:
        A = np.asarray(tape[output.index].value, float)
        Y = one_hot(tape[output.index], met_labels(tape, meeting), tape[meeting.at.index])
        if Y is None or Y.shape != A.shape:
            return None
        found[output.index] = found.get(output.index, 0.0) + slope(A, Y)
    return found


def met_labels(tape: Tape, meeting: Meeting) -> Any:
    """The labels of this meeting in this run, as a shuffled list differs between runs.

    In -Y / P, Y are the labels. Of a list that is compared as a whole, all numbers are labels.
    """
    listed = [k for k, a in enumerate(meeting.at.args) if type(a) in (list, tuple) and meeting.labels in nodes_of(a)]
    if listed and meeting.at.op in ("subtract", "multiply"):
        return value_of(tape[meeting.at.index].args[listed[0]])
    here, place = tape[meeting.at.index].inputs, meeting.at.inputs.index(meeting.labels)
    met = here[place] if place < len(here) else tape[meeting.labels.index]
    return (met.inputs[0] if met.op == "negative" and met.inputs else met).value


def one_hot(output: Node, labels: Any, at: Node) -> Array | None:
    """The labels as an array of the output's shape; indices become ones."""
    A, v = np.asarray(output.value), np.asarray(labels)
    if at.op in ("item", "put_at", "entry") or (v.dtype.kind in "iu" and v.shape != A.shape and at.op != "subtract"):
        try:
            Y = np.zeros(A.shape)
            Y[value_of(at.args[1])] = 1
        except (IndexError, TypeError, ValueError):
            return None
        return Y
    if v.size == A.size == 1:
        return v.astype(float).reshape(A.shape)  # w @ x - y[i] where y has a column
    try:
        return np.broadcast_to(v.astype(float), A.shape)
    except ValueError:
        return None


def softmax(A: Array, Y: Array) -> Array:
    """Softmax over the axis along which the labels are distributions."""
    axis = -1 if np.allclose(Y.sum(-1), 1) else 0
    E = np.exp(A - A.max(axis, keepdims=True))
    return E / E.sum(axis, keepdims=True)


STANDARD: dict[str, Callable[[Array, Array], Array]] = {
    "squared error": lambda A, Y: A - Y,
    "cross-entropy": lambda A, Y: np.where(Y != 0, -Y / np.where(A == 0, 1, A), 0.0),
    "binary cross-entropy": lambda A, Y: (A - Y) / np.where(A * (1 - A) == 0, 1, A * (1 - A)),
    "hinge": lambda A, Y: -Y * (Y * A < 1) if (Y < 0).any() else A * np.nan,
    "softmax cross-entropy of scores": lambda A, Y: softmax(A, Y) - Y if A.ndim else A * np.nan,
    "sigmoid cross-entropy of scores": lambda A, Y: 1 / (1 + np.exp(-A)) - Y,
    "Huber error of width 1": lambda A, Y: np.clip(A - Y, -1, 1),
    "absolute error": lambda A, Y: np.sign(A - Y),
}
"""∂loss/∂output of the losses that people mean, up to a factor."""
