"""Parameters that what follows takes out, as a normalisation a bias before it: their slopes are 0 but for rounding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.graph import base_of
from nnref.checking.watching.calculus.slopes import magnitude, slopes
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.decay_terms import decay_apart
from nnref.checking.watching.verdict.remembered import entering
from nnref.checking.watching.verdict.verdicts import GROWS, NO_EVIDENCE, Judged, Slopes

Tape = Sequence[Node]


def zeros(
    role: Roles, row: Judged, known: Sequence[Slopes], factor: float | None, tapes: Sequence[Tape] = ()
) -> Judged:
    """The verdict where true slopes are 0 up to rounding, as of a bias before a norm: what enters the step is 0 too.

    Beside it the parameter may decay. A step of 0 is no evidence if the slope is 0 by chance, as the sum of equally
    many labels of 1 and −1.
    """
    base, untold = row.update.base, row.verdict == "cannot tell" and row.silent
    if (row.verdict != "WRONG" and not untold) or row.note.startswith("shape"):
        return row
    size = max(magnitude(base, role.graph.users[base.index], g) for g in known)
    u = float(np.finfo(float).eps)
    if not size or largest(row.truth) > u * size:
        return row
    scale, decay = (factor or 1.0) * (row.rate or 1.0), 0.0
    if largest(row.given) > np.sqrt(u) * size * abs(scale):
        apart = decay_apart(role, row.update, tapes, row.given) if tapes else None
        decay = apart[1] / scale if apart is not None else 0.0
        none_enters = any(largest(laid) <= np.sqrt(u) * size for _, laid in entering(role, row.update, tapes))
        if decay < 0 and none_enters:
            return replace(row, note=GROWS, kind="decay")
        if not none_enters:
            return row
    if tapes and not is_taken_out(role, base, tapes[0]):
        return replace(row, verdict="cannot tell", note=NO_EVIDENCE, silent=True, factor=None)
    says = "the true gradient is 0: what follows takes this parameter out"
    return replace(row, verdict="ok", note=says, silent=True, decay=decay)


def largest(given: Sequence[Any]) -> float:
    """The largest entry of all runs, whatever its sign."""
    return max(float(np.abs(x).max(initial=0.0)) for x in given)


def is_taken_out(role: Roles, base: Node, tape: Tape) -> bool:
    """Does no output depend on this parameter to first order, for any slopes of the outputs?"""
    drawn, graph = np.random.default_rng(0), role.graph
    outputs = [m.output for m in role.meetings if not role.parameters >> base_of(m.output).index & 1]
    seeds = {n.index: drawn.normal(size=n.shape) for n in outputs}
    if not seeds:
        return True
    found, _ = slopes(tape, seeds, graph.dependent(role.parameters))
    slope = found.get(base.index)
    size = magnitude(base, graph.users[base.index], found)
    return slope is None or bool(np.abs(slope).max(initial=0.0) <= np.finfo(float).eps * size)
