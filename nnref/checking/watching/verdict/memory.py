"""The gradient within an optimiser's step: how many operations deep it is, also while the memory is still zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from nnref.checking.watching.calculus.factors import half_of_the_digits, multiple
from nnref.checking.watching.calculus.graph import bits_of
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.updates import Update
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.remembered import entering
from nnref.checking.watching.verdict.verdicts import Judged

Tape = Sequence[Node]


def within_memory(role: Roles, rows: Sequence[Judged], tapes: Sequence[Tape]) -> list[Judged]:
    """The rows; a step whose memory is still zero is judged by the gradient in it, found as deep as in the others.

    With a velocity of 0, as after an example of zeros, the step is a multiple of its first gradient.
    """
    made = next((r for r in rows if r.verdict == "ok" and r.inner and r.entry is not None), None)
    nodes = [] if made is None else [node for node, _ in entering(role, made.update, tapes)]
    if made is None or made.entry not in nodes:
        return list(rows)
    depth, found = nodes.index(made.entry), list[Judged]()
    for row in rows:
        plain = row.verdict == "ok" and row.factor and row.factor > 0 and not row.inner and not row.decay
        node, laid = next(islice(entering(role, row.update, tapes), depth, None), (None, ())) if plain else (None, ())
        kept = node is not None and added_to(role, row.update, node)
        c = multiple(laid, row.truth, half_of_the_digits(role.graph)) if kept else None
        found.append(row if c is None or c < 0 else replace(row, factor=None, inner=c, entry=node))
    return found


def added_to(role: Roles, update: Update, gradient: Node) -> bool:
    """Is a gradient added to something on its way to a step, as to a velocity?"""
    tape, above = role.graph.tape, role.graph.above
    way = (k for k in bits_of(above[update.step.index] | 1 << update.step.index) if above[k] >> gradient.index & 1)
    return any(tape[k].op in ("add", "subtract") for k in way)
