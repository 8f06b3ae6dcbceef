"""Networks in one step with losses of their own, as a generator and its critic after one forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nnref.checking.watching.calculus.factors import multiple
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.right_values import Search
from nnref.checking.watching.verdict.verdicts import Judged, Reading

SAYS = "made by a backward pass of its own, which begins with the slope of another loss"

Tape = Sequence[Node]


def of_other_losses(role: Roles, tapes: Sequence[Tape], readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """The readings; in the first, a network with a separate backward pass is not called wrong.

    Its gradients are right if they are those of another loss of the program; else left open.
    """
    if not readings or not (apart := of_another_pass(role, tapes, readings[0])):
        return tuple(readings)
    own = [r for r in readings[1:] if r.loss.node is not None]
    rows = [meant(row, own, apart) if row in apart else row for row in readings[0].rows]
    return replace(readings[0], rows=tuple(rows)), *readings[1:]


def meant(row: Judged, others: Sequence[Reading], apart: Sequence[Judged]) -> Judged:
    """A row under another loss under which its whole network is right; open if there is none."""
    updates = {r.update for r in apart}
    for reading in others:
        mine = [r for r in reading.rows if r.update in updates]
        if mine and all(r.verdict == "ok" and not r.silent for r in mine):
            return next(r for r in mine if r.update is row.update)
    return replace(row, verdict="cannot tell", note=SAYS, factor=None, inner=None)


def of_another_pass(role: Roles, tapes: Sequence[Tape], reading: Reading) -> list[Judged]:
    """The wrong rows of a network with nothing right, if they share no backward pass with the right rows.

    Nor may it begin with a value computed in another too, as where one difference is written out for each layer.
    """
    wrong = [r for r in reading.rows if r.verdict == "WRONG"]
    right = [r for r in reading.rows if r.verdict == "ok" and not r.silent]
    if reading.loss.node is None or len(wrong) < 2 or len(right) < 2 or any(r.own or r.kind for r in wrong):
        return []
    search = Search(role, tapes, reading)
    mine, theirs = (chain(search, rows) for rows in (wrong, right))
    if not mine or {n.index for n in mine} & {n.index for n in theirs}:
        return []
    first = mine[0]
    return [] if any(is_multiple(search, first, n) for n in theirs) or search.right(first) else wrong


def chain(search: Search, rows: Sequence[Judged]) -> list[Node]:
    """The backward values that the gradients of some rows are computed from, in order."""
    known = {n.index: n for row in rows for n in search.backward(row.update.step) if not search.forward >> n.index & 1}
    outputs = search.role.outputs
    return [known[k] for k in sorted(known) if not outputs >> k & 1]


def is_multiple(search: Search, a: Node, b: Node) -> bool:
    """Is one value a multiple of the other in all runs?"""
    one, other = search.values(a), search.values(b)
    if one is None or other is None or one[0].size != other[0].size or one[0].size < 2:
        return False
    return bool(multiple([np.ravel(v) for v in one], [np.ravel(v) for v in other], search.tolerance))
