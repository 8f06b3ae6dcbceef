"""Mistakes across steps: gradients that are never reset, velocities of the wrong sign, weights that grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE, with_part
from nnref.checking.watching.calculus.graph import bits_of, decayed
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.updates import Update
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.lineages import Part, lineages
from nnref.checking.watching.verdict.verdicts import GROWS, Judged, Laid

Tape = Sequence[Node]

MEMORY = "memory"
"""Verdict kind: the part of a step from older gradients has the wrong sign."""


def goes_back(role: Roles, row: Judged, laid: Laid, tapes: Sequence[Tape], before: Roles, tolerance: float) -> bool:
    """Is a step a multiple of the gradient minus one of the previous gradient, as with a velocity of the wrong sign?"""
    same = parts_of(before, role)
    last = next((u for u in before.updates if u.new is not None and same[u] == same[row.update]), None)
    if last is None or last.old.shape != row.update.old.shape:
        return False
    older = [values for _, values in entering(before, last, tapes)][-1:]
    both = with_part(row.given, laid, older[0], tolerance) if older else None
    return both is not None and both[0] * both[1] < 0


def entering(role: Roles, update: Update, tapes: Sequence[Tape]) -> Iterator[tuple[Node, Laid]]:
    """The values, of the step's shape, through which all its dependence on labels passes, in every run, last first."""
    shape = update.old.shape
    for node in entered(role, update.step):
        values = [tape[node.index].value for tape in tapes]
        if not any(v is None or np.size(v) != np.prod(shape, dtype=int) for v in values):
            yield node, tuple(np.asarray(v, float).reshape(shape) for v in values)


def remembers(role: Roles, step: Node, gradient: Node, before: Roles) -> bool:
    """Does the step depend on something besides its gradient that earlier labels went into, such as a velocity?"""
    graph, bit = role.graph, 1 << gradient.index
    between = (graph.tape[k] for k in bits_of(graph.above[step.index] | 1 << step.index) if graph.depends(k, bit))
    beside = (m for n in between if n is not gradient for m in n.inputs if not graph.depends(m.index, bit))
    made = (k for m in beside for k in (m.index, *bits_of(graph.above[m.index])))
    return any(before.of_labels[k] for k in made if k <= role.begin)


def added_to_last(role: Roles, row: Judged, tapes: Sequence[Tape], before: Roles, tolerance: float) -> Node | None:
    """The value that is a gradient plus the previous step's value of it; None if gradients do not accumulate."""
    same = parts_of(before, role)
    last = next((u for u in before.updates if u.new is not None and same[u] == same[row.update]), None)
    if last is None or last.old.shape != row.update.old.shape:
        return None
    older = [(n, tuple(last.sign * v for v in laid)) for n, laid in entering(before, last, tapes)]
    for node, laid in entering(role, row.update, tapes):
        now = tuple(row.update.sign * v for v in laid)
        for then in (laid for n, laid in older if n.site == node.site):
            both = with_part(now, row.truth, then, tolerance)
            if both is not None and abs(both[1] - 1) <= ALIKE:
                return node
    return None


def parts_of(before: Roles, role: Roles) -> Mapping[Update, Part]:
    """The parameter of each update in two steps."""
    return role.graph.once(("parts", before), lambda: lineages([before.updates, role.updates]))


def not_grown(row: Judged) -> Judged:
    """The verdict on an update of a parameter that is multiplied by more than 1 before or after, or turned."""
    node, end = row.update.old, row.update.end
    if row.verdict == "ok" and row.update.new is not None and end.op in ("negative", "multiply", "divide"):
        says = "the new value is turned, or larger by a factor, before the program goes on with it"
        return replace(row, verdict="WRONG", note=says, kind="correction", entry=end, factor=None, inner=None)
    while row.verdict == "ok" and node is not row.update.base and node.args and isinstance(node.args[0], Node):
        if node.op == "add" and decayed(node) is not None:
            return replace(row, verdict="WRONG", note=GROWS, kind="correction", entry=node, factor=None, inner=None)
        node = node.args[0]
    return row
