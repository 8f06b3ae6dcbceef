"""The step after a step; and parameters that are known from it on, as in a list that begins with numbers alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nnref.checking.watching.calculus.graph import Graph
from nnref.checking.watching.meaning.parameters import Roles, only_what_reaches, step, without_data
from nnref.checking.watching.recording.tape import Node


def next_step(role: Roles) -> Roles | None:
    """The roles in the next step, which starts from the values computed so far."""
    graph = role.graph
    known = graph.dependent(role.parameters)
    old = [n.index for n in graph.tape[: role.last + 1] if known[n.index]]
    after = without_data(step(Graph(graph.tape, graph.cut | frozenset(old)), role.labels, (), role.last))
    if after is None:
        return None
    seen = set(old) - {n.index for n in begun(role)}
    new = sum({1 << u.new.index for u in role.updates if u.new is not None})
    mine = [u for u in after.updates if u.base.index not in seen or graph.depends(u.base.index, new)]
    after = replace(after, updates=tuple(mine), unlabelled=role.unlabelled)
    return only_what_reaches(after) if mine else None


def begun(role: Roles) -> Iterator[Node]:
    """Numbers that nobody knew, plus or minus something made of labels: biases of a list begin so, as b = [0.1] * 4.

    From the next step on they are known.
    """
    for node in role.graph.tape[role.begin + 1 : role.last + 1]:
        unknown = node.op in ("subtract", "add") and len(node.args) == 2 and not isinstance(node.args[0], Node)
        if unknown and role.of_labels[node.index] and node.real and not node.shape:
            yield node


def late(role: Roles, after: Roles) -> list[Node]:
    """What began so in a step and goes into the outputs of the step after it: parameters that only that one knows."""
    return [node for node in begun(role) if after.outputs >> node.index & 1]


def with_late(role: Roles) -> Roles | None:
    """The step after one, if it has the updates of all its parameters, and of some that this one does not know yet."""
    after = next_step(role) if any(True for _ in begun(role)) else None
    if after is None or not (missing := late(role, after)):
        return None
    known = {u.base.index for u in after.updates}
    return after if len(known) >= len(missing) + len(role.updates) and known >= {n.index for n in missing} else None
