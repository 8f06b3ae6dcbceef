"""All entries of a gradient at once: its slope along directions of random signs (sampling.direction)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from nnref.checking.gradcheck.slopes import DifferenceStep, Line, complex_slope, first_step, power, slope_of
from nnref.checking.gradcheck.verdicts import RIGHT, JudgedTensor, Tensor
from nnref.checking.results.entry import Entry, Worst
from nnref.checking.results.findings import SURE, Finding, contents, described
from nnref.checking.results.sampling import missed_along
from nnref.precision import gathered
from nnref.shapes import Array

LOOKED = 16
"""Entries compared where a direction has shown a mistake, to say which it is."""


@dataclass(frozen=True)
class AlongDirection:
    """One direction: ⟨gradient, direction⟩, the slope of the loss along it, and the error bar of their gap."""

    yours: float
    true: float
    bar: float

    @property
    def gap(self) -> float:
        """The gap in multiples of the bar; infinite for NaN."""
        gap = abs(self.yours - self.true)
        return float(gap / self.bar) if np.isfinite(gap) and self.bar > 0 else 0.0 if gap == 0 else float("inf")


def judged_along(t: Tensor, entry: Entry, count: int, rng: np.random.Generator) -> Entry:
    """The row of a tensor, with the verdict of `count` directions on the entries that were not checked one by one.

    If the checked entries are right, the others are judged; if some are wrong and some right, the region is found.
    """
    if entry.checked == entry.size or t.judged is None:
        return entry
    with np.errstate(all="ignore"):  # a loss that overflows near the point shows in the values found
        if entry.verdict == "WRONG" and entry.wrong < entry.checked < entry.size:
            return with_region(t, entry, rng)
        if entry.verdict != "ok":
            return entry
        seen = [one for one in (seen_along(t, random_signs(t.A, rng)) for _ in range(count)) if one is not None]
        worst = max(seen, key=lambda one: one.gap, default=None)
        if worst is not None and worst.gap > SURE:
            return wrong_along(t, entry, worst, rng)
    told = [one for one in seen if one.gap <= 1]
    bar = max((one.bar for one in told), default=np.inf)
    says = (
        f"and along {len(told)} of {count} directions of random signs: an entry that is off by more than {bar:.2g} is "
        f"missed with chance {missed_along(len(told)):.2g}"
    )
    return replace(entry, where=(*entry.where, Finding("direction", says)))


def wrong_along(t: Tensor, entry: Entry, seen: AlongDirection, rng: np.random.Generator) -> Entry:
    """The row of a gradient that is right in the checked entries, and wrong along a direction."""
    found = region_of_mistake(t, rng)
    says = (
        f"along a direction of random signs yours is {seen.yours:.6g} and the slope {seen.true:.6g}: entries that were "
        "not checked are wrong"
    )
    return replace(
        entry,
        verdict="WRONG",
        checked=entry.checked + len(found.rows),
        wrong=max(1, int(found.bad.sum())),
        where=tuple(Finding("direction", one) for one in (found.says, says) if one) + entry.where,
        worst=found.worst or entry.worst,
    )


def with_region(t: Tensor, entry: Entry, rng: np.random.Generator) -> Entry:
    """The row of a gradient that is wrong in some of the checked entries, with the region of the mistake."""
    if not np.isfinite(t.a).all() or not is_wrong(t, random_signs(t.A, rng)):
        return entry
    says = region_of_mistake(t, rng).says
    kept = tuple(f for f in entry.where if f.kind not in ("block", "tail", "entry", "ratio"))
    return replace(entry, where=(Finding("direction", says), *kept)) if says else entry


@dataclass(frozen=True)
class Region:
    """The region of a mistake: its range along each axis, in words, and entries there: (index, yours, true, bar)."""

    place: str
    rows: Array
    shape: tuple[int, ...]

    @property
    def gaps(self) -> Array:
        """The error of each entry in multiples of its bar."""
        gaps: Array = abs(self.rows[:, 1] - self.rows[:, 2]) / self.rows[:, 3]
        return gaps

    @property
    def bad(self) -> Array:
        """Which of the entries are wrong."""
        return ~(self.gaps <= SURE)

    @property
    def says(self) -> str:
        """The region in words, and the kind of mistake."""
        if not self.bad.any():
            return f"within {self.place}" if self.place else ""
        a, t, bar = self.rows[self.bad, 1:].T
        how = next((finding.says for finding in contents(a, t, 0 * bar, bar, "there")), "")
        within = f"within {self.place}" if self.place and not self.bad.all() else self.place
        return f"{within}: {how}" if within and how else within or how

    @property
    def worst(self) -> Worst | None:
        """The entry that is furthest off."""
        if not self.bad.any():
            return None
        k = int(np.argmax(np.where(np.isfinite(self.gaps), self.gaps, -1)))
        index = tuple(int(i) for i in np.unravel_index(int(self.rows[k, 0]), self.shape))
        return Worst(index, float(self.rows[k, 1]), float(self.rows[k, 2]), float(self.gaps[k]))


def region_of_mistake(t: Tensor, rng: np.random.Generator) -> Region:
    """The smallest region found that holds the mistake: the range along each axis is halved in turn, in two rounds."""
    v = random_signs(t.A, rng)
    axes = [(0, n) for n in v.shape]
    for axis in [*range(v.ndim), *range(v.ndim)]:
        inside = v
        for other, part in enumerate(axes):
            inside = inside if other == axis else kept_only(inside, other, *part)
        axes[axis] = halved(t, inside, axis)
    parts = zip(names_of_axes(v.ndim), axes, v.shape, strict=True)
    place = ", ".join(described(name, np.arange(*part), n).says for name, part, n in parts if part != (0, n))
    box = (
        np.ravel_multi_index(np.ix_(*(np.arange(*part) for part in axes)), v.shape).reshape(-1)
        if v.ndim
        else np.arange(1)
    )
    looked = rng.permutation(box)[:LOOKED]
    seen = [
        seen_along(t, direction_of_entry(v.shape, int(k))) or AlongDirection(np.nan, np.nan, np.inf) for k in looked
    ]
    return Region(
        place, np.array([(k, one.yours, one.true, one.bar) for k, one in zip(looked, seen, strict=True)]), v.shape
    )


def direction_of_entry(shape: tuple[int, ...], k: int) -> Array:
    """The direction of one entry."""
    v = np.zeros(shape)
    v.flat[k] = 1.0
    return v


def names_of_axes(ndim: int) -> tuple[str, ...]:
    """The names of the axes."""
    return ("rows", "columns") if ndim == 2 else tuple(f"axis {k}, indices" for k in range(ndim))


def halved(t: Tensor, v: Array, axis: int) -> tuple[int, int]:
    """The smallest range along an axis, found by halving, outside which no direction shows a mistake."""
    start, stop = 0, v.shape[axis]
    while stop - start > 1:
        middle = (start + stop) // 2
        left, right = (is_wrong(t, kept_only(v, axis, *part)) for part in ((start, middle), (middle, stop)))
        if left == right:
            break
        start, stop = (start, middle) if left else (middle, stop)
    return trimmed(t, v, axis, start, stop)


def trimmed(t: Tensor, v: Array, axis: int, start: int, stop: int) -> tuple[int, int]:
    """The range without right halves at its ends: for a mistake that lies across the middle."""
    low, high = start, stop
    step = (stop - start) // 2
    while step:
        while low + step < high and not is_wrong(t, kept_only(v, axis, low, low + step)):
            low += step
        while high - step > low and not is_wrong(t, kept_only(v, axis, high - step, high)):
            high -= step
        step //= 2
    return low, high


def is_wrong(t: Tensor, v: Array) -> bool:
    """Is the gradient wrong along a direction?"""
    seen = seen_along(t, v)
    return seen is not None and seen.gap > SURE


def kept_only(v: Array, axis: int, start: int, stop: int) -> Array:
    """A direction that moves only these indices of an axis."""
    made = np.zeros_like(v)
    index = (slice(None),) * axis + (slice(start, stop),)
    made[index] = v[index]
    return made


def random_signs(A: Array, rng: np.random.Generator) -> Array:
    """A direction of random signs."""
    return np.where(rng.random(A.shape) < 0.5, -1.0, 1.0)


def seen_along(t: Tensor, direction: Array) -> AlongDirection | None:
    """The slope along a direction within one tensor; None at a kink, which has two.

    Along random signs the errors of the entries add up like independent ones, even where they are correlated.
    """
    assert t.judged is not None
    n, yours = int(np.count_nonzero(direction)), float((t.a * direction.reshape(-1)).sum())
    room = gathered(n) * (largest_rounding(t, t.judged) + t.u * float(np.abs(t.a).max(initial=0)))
    if t.analytic:
        return AlongDirection(yours, complex_slope(t.loss, t.index, direction), room)
    line = Line(partial(t.loss.along, t.index, direction), t.loss.at, t.loss.noise, t.loss.u)
    h = power(first_step(t.loss, t.A) / max(1.0, float(np.sqrt(n))))
    found = slope_of(line, DifferenceStep(h, 0.0, 0.0, t.loss.noise), max(abs(yours), room), line.pair(h))
    return None if found.between or found.jump else AlongDirection(yours, found.value, found.e + room)


def largest_rounding(t: Tensor, judged: JudgedTensor) -> float:
    """The largest rounding error of an entry, and the largest gap that was excused as rounding."""
    gap = np.abs(t.a[t.places] - judged.truths.value)[(judged.verdicts == RIGHT) & np.isnan(judged.truths.low)]
    return max(judged.r, float(gap.max(initial=0)))
