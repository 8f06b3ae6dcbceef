"""The verdict on each parameter: what enters its update is one multiple, in every run, of ∂L/∂(the parameter)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nnref.checking.watching.graph import through
from nnref.checking.watching.losses import Loss, losses
from nnref.checking.watching.parameters import Roles, Update
from nnref.checking.watching.slopes import slopes
from nnref.checking.watching.tape import Node

Array = np.ndarray[Any, Any]
Tape = Sequence[Node]
Slopes = Mapping[int, Array]


@dataclass(frozen=True, eq=False)
class Judged:
    """One update's verdict: "ok", "WRONG" or "cannot tell".

    given and truth are the step and ∂L/∂parameter in each run; factor is given / truth where there is one factor, decay
    what is added of the parameter itself, per unit of gradient. note says what is wrong or why it cannot be told.
    """

    update: Update
    verdict: str
    given: tuple[Array, ...]
    truth: tuple[Array, ...]
    factor: float | None = None
    decay: float = 0.0
    note: str = ""
    silent: bool = False


@dataclass(frozen=True, eq=False)
class Reading:
    """All verdicts of one step under one loss, and the slopes that they rest on, one mapping a run."""

    loss: Loss
    rows: tuple[Judged, ...]
    slopes: tuple[Slopes, ...]
    tie: float
    lost: tuple[Node, ...] = ()
    factor: float | None = None
    others: tuple[Loss, ...] = field(default=())

    @property
    def right(self) -> int:
        """How many are right."""
        return sum(row.verdict == "ok" for row in self.rows)

    @property
    def all_right(self) -> bool:
        """Are all right, and is one of them evidence?"""
        return self.right == len(self.rows) and any(not row.silent for row in self.rows)


def half_of_the_digits(tapes: Sequence[Tape], update: Update) -> float:
    """How far two right values may be apart, relative to the largest: half of the digits of the least precise one.

    Rounding takes a few digits at the end; a wrong formula agrees in half of all digits only by accident.
    """
    value = tapes[0][update.step.index].value
    kinds = [getattr(value, "dtype", np.dtype(float)), *(n.value.dtype for n in narrow(tapes[0]))]
    return float(np.sqrt(max(np.finfo(k).eps for k in kinds if k.kind == "f"))) if kinds else 1.5e-8


def narrow(tape: Tape) -> list[Node]:
    """A value of less than double precision, if there is one."""
    found = (n for n in tape if isinstance(n.value, np.ndarray | np.generic) and n.value.dtype.kind == "f")
    return [n for n in found if n.value.dtype.itemsize < 8][:1]


def joined(parts: Sequence[Any]) -> Array:
    """The entries of all runs in a row."""
    return np.concatenate([np.ravel(np.asarray(part, float)) for part in parts])


def multiple(given: Sequence[Any], truth: Sequence[Any], tolerance: float) -> float | None:
    """C with given = c · truth in all runs; None if there is none. 0.0 if both are zero."""
    x, g = joined(given), joined(truth)
    if x.size != g.size or not np.isfinite(x).all() or not np.isfinite(g).all():
        return None
    top = np.abs(g).max(initial=0.0)
    if not top:
        return 0.0 if not x.any() else None
    g = g / top
    c = float(x @ g) / float(g @ g)
    near = np.abs(x - c * g).max(initial=0.0) <= tolerance * np.abs(x).max(initial=0.0)
    return c / top if c and near else None


def with_decay(
    given: Sequence[Any], truth: Sequence[Any], old: Sequence[Any], tolerance: float
) -> tuple[float, float] | None:
    """(c, d) with given = c · truth + d · parameter in all runs, or None."""
    x, g, p = joined(given), joined(truth), joined(old)
    if x.size < 4 or x.size != g.size or x.size != p.size or not g.any() or not np.isfinite(x).all():
        return None
    sides = np.stack([g / np.abs(g).max(), p / (np.abs(p).max() or 1.0)], 1)
    found, *_ = np.linalg.lstsq(sides, x, rcond=None)
    fits = np.abs(sides @ found - x).max() <= tolerance * np.abs(x).max()
    c, d = found[0] / np.abs(g).max(), found[1] / (np.abs(p).max() or 1.0)
    return (float(c), float(d)) if fits and abs(found[0]) > tolerance and abs(found[1]) > tolerance else None


def judge(role: Roles, tapes: Sequence[Tape]) -> tuple[Reading, ...]:
    """The verdicts under every loss that may be meant, the best first; () where none can be made."""
    wanted = [role.graph.depends(n.index, role.parameters) for n in role.graph.tape]
    kinked = any(n.op in ("maximum", "minimum") for n in role.graph.tape)
    found: list[Reading] = []
    for tie in (0.0, 1.0, 0.5) if kinked else (0.0,):
        for loss in losses(role, tapes):
            made = [slopes(tape, seeds, wanted, tie) for tape, seeds in zip(tapes, loss.seeds, strict=True)]
            rows = verdicts(role, tapes, [s for s, _ in made])
            if rows is not None:
                lost = tuple(made[0][1])
                found.append(Reading(loss, rows, tuple(s for s, _ in made), tie, lost, common(rows)))
        if any(r.all_right for r in found):
            break
    return chosen(found)


def chosen(found: Sequence[Reading]) -> tuple[Reading, ...]:
    """The readings, the loss that is meant first: the program's own if it fits as well as any."""
    ranked = sorted(found, key=lambda r: (r.all_right, r.right, r.loss.node is not None), reverse=True)
    return tuple(ranked)


def verdicts(role: Roles, tapes: Sequence[Tape], known: Sequence[Slopes]) -> tuple[Judged, ...] | None:
    """Each update by itself, and then against the factor that most of them have."""
    rows = [by_itself(update, tapes, known) for update in role.updates]
    if all(row.silent for row in rows):
        return None
    factor = common(rows)
    return tuple(beside(row, factor) for row in rows)


def by_itself(update: Update, tapes: Sequence[Tape], known: Sequence[Slopes]) -> Judged:
    """Is the step one multiple of the truth, or of it and the parameter?"""
    truth = [through(tape[update.old.index], g) for tape, g in zip(tapes, known, strict=True)]
    shape = update.old.shape
    true = tuple(np.zeros(shape) if t is None else np.asarray(t, float) for t in truth)
    given = tuple(update.sign * np.asarray(tape[update.step.index].value, float) for tape in tapes)
    row = Judged(update, "WRONG", given, true)
    if given[0].shape != shape:
        fits = np.broadcast_shapes(given[0].shape, shape) == shape if compatible(given[0].shape, shape) else False
        if not fits or given[0].size != np.prod(shape, dtype=int):
            if not fits:
                return replace(row, note=f"shape {given[0].shape} for {shape}")
            given = tuple(np.broadcast_to(x, shape) for x in given)
            row = replace(row, given=given, note=f"shape {update.step.shape} for {shape}")
        else:
            given = tuple(x.reshape(shape) for x in given)
            row = replace(row, given=given)
    if not all(np.isfinite(x).all() for x in (*given, *true)):
        return replace(row, verdict="cannot tell", note="not a number, or infinite")
    tolerance = half_of_the_digits(tapes, update)
    if not any(t.any() for t in true):
        zero = not any(x.any() for x in given)
        note = "every true entry is 0, which is no evidence" if zero else "not zero, where every true entry is"
        return replace(row, verdict="cannot tell" if zero else "WRONG", note=note, silent=zero)
    if (c := multiple(given, true, tolerance)) is not None:
        return replace(row, verdict="ok", factor=c, note="")
    old = [np.asarray(tape[update.old.index].value, float) for tape in tapes]
    if (both := with_decay(given, true, old, tolerance)) is not None:
        return replace(row, verdict="ok", factor=both[0], decay=both[1] / both[0], note="")
    return row


def compatible(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Can the shapes be broadcast together?"""
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


ALIKE = 1e-4
"""Factors that differ by less than this part are one: batch sizes and rates differ by far more."""


def common(rows: Sequence[Judged]) -> float | None:
    """The factor that most updates have; of the largest arrays where there is a draw."""
    with_one = [row for row in rows if row.factor]

    def weight(row: Judged) -> tuple[int, int]:
        same = sum(abs(r.factor / row.factor - 1) <= ALIKE for r in with_one if r.factor and row.factor)
        return same, row.truth[0].size

    return max(with_one, key=weight).factor if with_one else None


def beside(row: Judged, factor: float | None) -> Judged:
    """A row whose factor is not that of the others is wrong, or at least not told."""
    if row.factor and factor and abs(row.factor / factor - 1) > ALIKE:
        return replace(row, verdict="WRONG", note=f"{row.factor / factor:.4g} times the truth, beside the others")
    if row.factor and factor and factor < 0 and row.update.new is not None:
        return replace(row, verdict="WRONG", note="the sign is wrong: this step goes up the loss")
    return row
