"""What an optimiser remembers, where more of it is kept than there was: it grows without end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE
from nnref.checking.watching.calculus.graph import VIEWS, bits_of
from nnref.checking.watching.calculus.slopes import value_of
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.updates import Update
from nnref.checking.watching.recording.tape import Node, Site

PASSED = VIEWS | {"assign", "array"}
"""Operations that leave a memory as it is."""

LINEAR = ("add", "subtract", "multiply", "divide")
"""Operations by which a memory decays, and is added to."""


def grown_memory(role: Roles, update: Update) -> tuple[Node, str] | None:
    """The value that keeps more than all of a memory, and the message: a decay is below 1, and a sum keeps 1."""
    for node, kept in kept_in(role, update):
        if abs(kept) > 1 + ALIKE:
            return node, f"{kept:.4g} times what was remembered is kept: it grows from step to step"
    return None


def kept_in(role: Roles, update: Update) -> Iterator[tuple[Node, float]]:
    """The values between gradient and step that keep something of those of the step before, and how much they keep."""
    graph, gradient = role.graph, [*entered(role, update.step)][-1]
    before: dict[tuple[Site, str], int] = {}
    for node in graph.tape[: role.begin + 1]:
        before[node.site, node.op] = before.get((node.site, node.op), 0) | 1 << node.index
    for k in bits_of(graph.above[update.step.index]) if before else ():
        node = graph.tape[k]
        inside = k > role.begin and node.shape == update.step.shape and graph.depends(k, 1 << gradient.index)
        same = graph.above[k] & before.get((node.site, node.op), 0)
        if inside and same and (kept := kept_of(role, node, same)):
            yield node, kept


def kept_of(role: Roles, now: Node, before: int) -> float:
    """How much of the values before, of the same place, is in this one; 0.0 if nothing is."""
    known = dict.fromkeys(bits_of(before), 1.0)
    for k in bits_of(role.graph.above[now.index] & ~before | 1 << now.index):
        node = role.graph.tape[k]
        if node.op in PASSED or (node.op in LINEAR and k > role.begin):
            parts = [known.get(m.index, 0.0) if isinstance(m, Node) else 0.0 for m in node.args]
            known[k] = kept_by(node, parts) if any(parts) else 0.0
    return known.get(now.index, 0.0)


def kept_by(node: Node, parts: list[float]) -> float:
    """How much of a memory an operation keeps, with so much of it in what it is made of."""
    if node.op in PASSED:
        return parts[0]
    if node.op in ("add", "subtract"):
        return parts[0] + (parts[-1] if node.op == "add" else -parts[-1])
    beside = np.ravel(np.asarray(value_of(node.args[1 if parts[0] else 0]), float))
    if len(parts) != 2 or all(parts) or beside.size != 1 or not beside[0]:
        return 0.0
    return sum(parts) * float(beside[0]) if node.op == "multiply" else parts[0] / float(beside[0])
