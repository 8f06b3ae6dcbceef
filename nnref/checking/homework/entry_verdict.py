"""One gradient beside the truth, entry by entry: its row in the report, and where it is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from nnref.checking.reference import noise
from nnref.checking.results.entry import Entry, Worst
from nnref.checking.results.findings import Finding, patterns, shapes
from nnref.shapes import Array


@dataclass(frozen=True)
class Tolerance:
    """How far a gradient may be off: `allowed` times u S for its own rounding, plus `error` for that of the truth.

    doubt is the largest change of an entry if a ReLU whose input rounds to about 0 is on its other side.
    """

    S: Array
    dtype: DTypeLike
    allowed: float
    error: Array | float
    doubt: Array | float = 0.0

    @property
    def unit(self) -> Array:
        """One unit of the noise: u S, and the truth's own error."""
        return noise.unit(self.dtype) * self.S + self.error


def judged_entry(
    name: str,
    g: Array | None,
    truth: Array,
    bar: Tolerance,
    shape: tuple[int, ...],
    *,
    came: tuple[int, ...] | None = None,
    turned: bool = False,
    absent: str = "not written yet",
) -> Entry:
    """The row of a gradient g, given in columns. Its owner keeps it in `shape`; turned says that this is the transpose.

    A gradient that came in another shape is wrong throughout, and is compared as numpy would broadcast it.
    """
    if g is None:
        return Entry(name, shape, truth.size, 0, 0, 0, 0, None, absent)
    misshapen = g.shape != truth.shape
    where: tuple[Finding, ...] = (shapes(g.shape if came is None else came, shape),) if misshapen else ()
    try:
        a = np.broadcast_to(g, truth.shape).astype("float64")
    except ValueError:
        return Entry(name, shape, truth.size, truth.size, truth.size, 0, 0, None, "WRONG", where)
    gap, noises = errors_in_units(a, truth, bar)
    off = ~(noises <= bar.allowed) | misshapen
    # Where a ReLU's input is 0 up to rounding, the gradient with either slope is right.
    untold = off & (gap <= bar.doubt + bar.allowed * bar.unit) & (np.asarray(bar.doubt) > 0) & (not misshapen)
    wrong = off & ~untold
    if wrong.any() and not misshapen:
        known, room = (np.broadcast_to(bar.allowed * e, a.shape) for e in (bar.error, bar.unit))
        where = patterns(a, truth, known, room, np.ones(a.shape, bool), wrong)
    verdict = "WRONG" if wrong.any() else "cannot tell" if untold.any() else "ok"
    worst = worst_entry(a, truth, gap, noises, wrong, bar)
    worst = in_owners_layout(worst, len(shape), turned)
    return Entry(name, shape, a.size, a.size, int(wrong.sum()), int(untold.sum()), 0, worst, verdict, where)


def errors_in_units(a: Array, truth: Array, bar: Tolerance) -> tuple[Array, Array]:
    """The error of every entry, and the same in units of the noise; infinite where nothing was rounded, and for NaN."""
    with np.errstate(all="ignore"):
        gap = np.abs(a - truth)
        noises = np.where(gap == 0, 0.0, np.where(np.isfinite(gap / bar.unit), gap / bar.unit, np.inf))
    return np.where(np.isnan(gap), np.inf, gap), noises


def worst_entry(a: Array, truth: Array, gap: Array, noises: Array, wrong: Array, bar: Tolerance) -> Worst:
    """The entry shown in the report: the wrong one with the largest gap; if none is wrong, the one most units off."""
    size = np.where(wrong, gap, -1.0) if wrong.any() else noises
    k = np.unravel_index(int(size.argmax()), a.shape)
    S = float(np.broadcast_to(bar.S, a.shape)[k])
    return Worst(tuple(int(i) for i in k), float(a[k]), float(truth[k]), float(noises[k]), S)


def in_owners_layout(worst: Worst, ndim: int, turned: bool) -> Worst:
    """The worst entry, its index in its owner's layout; a bias kept as (n,) has one index."""
    index = worst.index[:1] if ndim == 1 else worst.index[::-1] if turned else worst.index
    return Worst(index, worst.yours, worst.truth, worst.noises, worst.S)
