"""Weight decay: the terms of a step that depend on a parameter alone, on all of it or on a part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE, half_of_the_digits, multiple, with_part
from nnref.checking.watching.calculus.graph import VIEWS, Graph, as_bits, bits_of
from nnref.checking.watching.calculus.slopes import evaluated_at, value_of
from nnref.checking.watching.meaning.parameters import MADE_ON_THE_WAY, Roles
from nnref.checking.watching.meaning.updates import Update
from nnref.checking.watching.recording.memory import positions
from nnref.checking.watching.recording.tape import Node, words

Array = np.ndarray[Any, Any]
Tape = Sequence[Node]

ADDS = words("add subtract concatenate hstack vstack stack row_stack column_stack append put assign put_at")
"""Operations that add or concatenate what depends on labels and what depends on a parameter alone."""

SCALES = words("multiply divide negative positive item entry") | VIEWS
"""Operations that only scale such a sum, or view a part of it."""


def with_decay(
    role: Roles, update: Update, node: Node, tapes: Sequence[Tape], given: Sequence[Any], truth: Sequence[Any]
) -> tuple[float, float] | None:
    """(c, λ) with given = c · (truth + λ · parameter), or with the part of it that decays; None if there is none.

    node is the value whose numbers given holds, in every run.
    """
    tolerance = half_of_the_digits(role.graph)
    old = [np.asarray(tape[update.old.index].value, float) for tape in tapes]
    if (both := with_part(given, truth, old, tolerance)) is not None:
        return both[0], both[1] / both[0]
    if (apart := decay_apart(role, update, tapes, given, node)) is None:
        return None
    c = multiple(apart[0], truth, tolerance)
    return (c, apart[1] / c) if c else None


def decay_apart(
    role: Roles, update: Update, tapes: Sequence[Tape], given: Sequence[Any], node: Node | None = None
) -> tuple[tuple[Array, ...], float] | None:
    """A step without what is made of the parameter alone, and how much of each weight that is; None if it is none."""
    old = [np.asarray(tape[update.old.index].value, float) for tape in tapes]
    alone = [made_of_it_alone(role, update.base, node or update.step, tape) for tape in tapes]
    shape = update.old.shape
    if any(a is None or a.size != np.prod(shape, dtype=int) for a in alone) or not any(np.any(a) for a in alone):
        return None
    term = [update.sign * np.reshape(a, shape) for a in alone if a is not None]
    decay = per_weight(term, old)
    return None if not decay else (tuple(np.asarray(g, float) - t for g, t in zip(given, term, strict=True)), decay)


def per_weight(term: Sequence[Array], old: Sequence[Array]) -> float | None:
    """The factor of each weight in a term, or of its sign, as with λ Σ|w|; None where it is neither."""
    there = [(t[t != 0], w[t != 0]) for t, w in zip(term, old, strict=True)]
    x, w = (np.concatenate(parts) for parts in zip(*there, strict=True))
    for part in (w, np.sign(w)):
        if part.all() and np.abs(x / part - x[0] / part[0]).max() <= ALIKE * abs(x[0] / part[0]):
            return float(x[0] / part[0])
    return None


def made_of_it_alone(role: Roles, base: Node, end: Node, tape: Tape) -> Array | None:
    """A value with all that depends on labels set to 0, and of its terms only those made of base kept.

    None where there are no such terms.
    """
    graph, values = role.graph, dict[int, Any]()
    labels = tuple(n.index for n in role.labels)
    added = graph.once(("added", base.index, labels), lambda: added_alone(role, base))
    within = graph.above[end.index] | 1 << end.index
    for k in bits_of(within) if within & added else ():
        if not graph.depends(k, added) or not role.of_labels[k]:
            continue
        node, parts = tape[k], graph.tape[k].inputs
        left = {m.index: values.get(m.index, np.zeros(m.shape)) for m in parts if role.of_labels[m.index]}
        if node.op in ADDS:
            beside = (m for m in parts if m.index not in left and not made_alone(role, m, base))
            left |= {m.index: np.zeros(m.shape) for m in beside}
        known = node.op in ADDS or (node.op in SCALES and scales(role, graph.tape[k]))
        values[k] = with_other_values(node, left) if known else np.zeros(node.shape)
    found = values.get(end.index)
    return None if found is None else np.asarray(found, float)


def added_alone(role: Roles, base: Node) -> int:
    """The sums, as bits, of what depends on labels and of what is made of one parameter alone."""
    graph = role.graph
    sums = (n for n in graph.tape if n.op in ADDS and role.of_labels[n.index])
    return as_bits(n.index for n in sums if any(made_alone(role, m, base) for m in n.inputs))


def scales(role: Roles, node: Node) -> bool:
    """Is it one factor that depends on labels, multiplied or divided by one that does not?"""
    return [m for m in node.inputs if role.of_labels[m.index]] == [node.args[0]] or (
        node.op == "multiply" and sum(role.of_labels[m.index] for m in node.inputs) == 1
    )


def with_other_values(node: Node, values: Mapping[int, Any]) -> Any:
    """An operation of these once more, with other values of some arguments; never of those that say where."""
    args = [values.get(a.index, a.value) if isinstance(a, Node) else a for a in node.args]
    if node.op == "view":
        lying, rows, strides = map(value_of, args[1:4])
        return np.ravel(args[0])[positions(lying, rows, strides)]
    if node.op in ("item", "entry"):
        return np.asarray(args[0])[value_of(node.args[1])]
    if node.op == "assign":
        return np.broadcast_to(args[0], args[1])
    if node.op == "put":
        made = np.array(args[0], float)
        made.reshape(-1)[positions(*map(value_of, args[2:5]))] = args[1]
        return made
    if node.op == "put_at":
        made = np.array(args[0], float)
        made[value_of(node.args[1])] = args[2]
        return made
    return evaluated_at(node, values)


def made_alone(role: Roles, term: Node, base: Node) -> bool:
    """Is a value made of nothing but one parameter, numbers, and masks of zeros and ones?"""
    graph = role.graph
    if role.of_labels[term.index] or not graph.depends(term.index, 1 << base.index):
        return False
    others = (graph.above[term.index] | 1 << term.index) & ~(graph.above[base.index] | 1 << base.index)
    return not others & graph.once("arrays of data", lambda: arrays_of_data(graph))


def arrays_of_data(graph: Graph) -> int:
    """The arrays that were handed out, as bits, but for single numbers, masks, and those made on the way."""
    leaves = (n for n in graph.tape if n.leaf and n.leaf not in MADE_ON_THE_WAY)
    return as_bits(n.index for n in leaves if prod(n.shape) != 1 and not of_zeros_and_ones(n))


def of_zeros_and_ones(node: Node) -> bool:
    """Is an array computed from zeros and ones alone?"""
    return node.value is not None and bool(np.isin(np.asarray(node.value), (0, 1)).all())


def terms_of_decay(role: Roles, loss: Node) -> list[Node]:
    """The terms of a loss made of parameters without data, such as λ ΣW²; of nested ones, the outermost."""
    graph, reached, made = role.graph, 0, role.parameters
    for meeting in role.meetings:
        reached |= graph.above[meeting.output.index]
    for update in role.updates:  # the random numbers of an initialisation are no data
        made |= graph.above[update.base.index]
    data = [k for k in bits_of(reached & ~made) if graph.tape[k].op == "leaf"]
    of_data = sum(1 << k for k in data)
    beside = [graph.tape[k] for k in bits_of(graph.above[loss.index] & ~reached)]
    numbers = [n for n in beside if np.prod(n.shape, dtype=int) == 1 and not role.of_labels[n.index]]
    alone = [n for n in numbers if not graph.depends(n.index, of_data)]
    found = [n for n in alone if graph.depends(n.index, role.parameters)]
    return [n for n in found if not any(graph.above[m.index] >> n.index & 1 for m in found)]
