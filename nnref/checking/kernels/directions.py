"""Random directions: what a sample of entries has missed, anywhere in a gradient; and where, by halves of each axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from nnref.checking.gradcheck.loss import Loss
from nnref.checking.gradcheck.slopes import Line, Step, first_step, power, slope_of
from nnref.checking.results.entry import Entry, Worst
from nnref.checking.results.findings import SURE, Finding, contents, described
from nnref.checking.results.sampling import size_by_directions
from nnref.shapes import Array

SEED = 19
"""The directions are the same in every run. They are drawn after the gradient came, so that nothing depends on them."""

DIRECTIONS = 8
"""Directions for each gradient: with bars b, a mistake of norm 3 b is missed with a chance of 3e-4."""

NORMAL = 6.0
"""A normal number exceeds six standard deviations with a chance of 2e-9."""

LOOKED = 16
"""Entries that are looked at where a direction has shown a mistake, to say what it is."""


@dataclass
class Tensor:
    """One gradient g, float64, where its argument stands in the loss ⟨dY, f⟩, and what rounding may do to an entry."""

    loss: Loss
    index: int
    g: Array
    rounding: float

    def along(self, v: Array) -> tuple[float, float, float]:
        """The slope along a direction, by the gradient and by differences, and the bar of their difference.

        Rounding errors ε of entries, each at most r, that do not depend on v add up to ⟨ε, v⟩, a normal number of
        standard deviation ‖ε‖ ≤ r √n.
        """
        A, n = self.loss.arrays[self.index], np.count_nonzero(v)
        yours = float((self.g * v).sum())
        line = Line(partial(self.loss.along, self.index, v), self.loss.at, self.loss.noise, self.loss.u)
        h = power(first_step(self.loss, A) / max(1.0, float(np.linalg.norm(v))))
        seen = slope_of(line, Step(h, 0.0, 0.0, self.loss.noise), abs(yours), line.pair(h))
        e = np.inf if seen.jump or seen.between else seen.e
        return yours, seen.value, e + NORMAL * self.rounding * float(np.sqrt(n))


def beyond_the_sample(
    forward: Callable[..., Array],
    at: Mapping[str, Array],
    vjp: Callable[[Array], Mapping[str, Any]],
    dY: Array,
    entries: tuple[Entry, ...],
) -> tuple[Entry, ...]:
    """The entries, where not all of a gradient was compared, judged along random directions too, or placed by them."""
    partly = [entry.name for entry in entries if entry.checked < entry.size and entry.wrong < entry.checked]
    if not partly:
        return entries
    gradients, dY = vjp(dY), np.asarray(dY, "float64")
    names, rng = list(at), np.random.default_rng(SEED)

    def inner(arrays: list[Array]) -> Array:
        return np.asarray((dY * forward(**dict(zip(names, arrays, strict=True)))).sum())

    with np.errstate(all="ignore"):
        loss = Loss(inner, [np.asarray(A, "float64") for A in at.values()], rng)
        found = []
        for entry in entries:
            g = gradients[entry.name] if entry.name in partly else None
            if g is None or g.shape != entry.shape:
                found.append(entry)
                continue
            t = Tensor(loss, names.index(entry.name), np.asarray(g, "float64"), entry.rounding)
            found.append(judged(t, entry, rng) if entry.verdict == "ok" else placed(t, entry, rng))
    return tuple(found)


def judged(t: Tensor, entry: Entry, rng: np.random.Generator) -> Entry:
    """One entry with what random directions say of its gradient."""
    bars, norm = [], float(np.linalg.norm(t.g))
    for _ in range(DIRECTIONS):
        v = rng.standard_normal(t.g.shape)
        yours, true, bar = t.along(v)
        if not np.isfinite(bar) or not np.isfinite(true):
            continue  # a kink along the way, or a loss that ends there: this direction tells nothing
        if abs(yours - true) > SURE * bar or not np.isfinite(yours):
            return wrong(t, entry, (yours, true), rng)
        if abs(yours - true) > bar:
            why = f"along a random direction the slope is {true:.4g}, and {yours:.4g} by the gradient"
            return replace(entry, verdict="cannot tell", cannot_tell=entry.size - entry.checked, reason=why)
        bars.append(2 * bar)
    return replace(entry, coarse="; ".join(filter(None, [entry.coarse, missed(bars, norm)])))


def missed(bars: list[float], norm: float) -> str:
    """What the directions would have missed, in words. A mistake is passed where it and rounding are within a bar each.

    >>> missed([0.1, 0.1], 10.0)
    '2 random directions: a mistake of 25% of the gradient, in norm, is missed once in a thousand times'
    """
    if not bars:
        return "along random directions the loss has kinks: nothing is known beyond the entries that were checked"
    size = size_by_directions(bars)
    if norm and size >= norm:
        return f"{len(bars)} random directions agree, but rounding here hides mistakes as large as the gradient"
    share = f"{100 * size / norm:.2g}% of the gradient, in norm," if norm else f"norm {size:.2g}"
    return f"{len(bars)} random directions: a mistake of {share} is missed once in a thousand times"


@dataclass(frozen=True)
class Region:
    """Where a mistake is: the indices along each axis, in words, and some entries there: (index, yours, true, bar)."""

    place: str
    rows: Array
    shape: tuple[int, ...]

    @property
    def gaps(self) -> Array:
        """How far off each entry is, in its own bars."""
        gaps: Array = abs(self.rows[:, 1] - self.rows[:, 2]) / self.rows[:, 3]
        return gaps

    @property
    def bad(self) -> Array:
        """Which of the entries are wrong."""
        return ~(self.gaps <= SURE)

    @property
    def says(self) -> str:
        """The place, and what is there."""
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


def region(t: Tensor, rng: np.random.Generator) -> Region:
    """The region outside which nothing is seen to be wrong, by halves of every axis.

    No entry is moved less than another, and each axis is halved within what the others leave, twice.
    """
    v = rng.choice([-1.0, 1.0], t.g.shape)
    axes = [(0, n) for n in v.shape]
    for axis in [*range(v.ndim), *range(v.ndim)]:
        inside = v
        for other, part in enumerate(axes):
            inside = inside if other == axis else kept(inside, other, *part)
        axes[axis] = halved(t, inside, axis)
    parts = zip(names_of_axes(v.ndim), axes, v.shape, strict=True)
    place = ", ".join(described(name, np.arange(*part), n).says for name, part, n in parts if part != (0, n))
    box = np.ravel_multi_index(np.ix_(*(np.arange(*part) for part in axes)), v.shape).reshape(-1)
    looked = rng.permutation(box)[:LOOKED]
    return Region(place, np.array([(k, *t.along(unit(v.shape, int(k)))) for k in looked]), v.shape)


def wrong(t: Tensor, entry: Entry, seen: tuple[float, float], rng: np.random.Generator) -> Entry:
    """The entry of a gradient that is right in the sample, and wrong along a direction."""
    found = region(t, rng)
    says = [found.says] if found.says else []
    says.append(f"along a random direction the slope is {seen[1]:.4g}, and {seen[0]:.4g} by the gradient")
    return replace(
        entry,
        verdict="WRONG",
        checked=entry.checked + len(found.rows),
        wrong=max(1, int(found.bad.sum())),
        where=tuple(Finding("direction", one) for one in says),
        worst=found.worst,
    )


def placed(t: Tensor, entry: Entry, rng: np.random.Generator) -> Entry:
    """The entry of a gradient that is wrong in some entries of the sample, with the region where it is."""
    v = rng.standard_normal(t.g.shape)
    if not np.isfinite(t.g).all() or not is_wrong(t, v):
        return entry
    says = region(t, rng).says
    kept = tuple(f for f in entry.where if f.kind not in ("block", "tail", "entry", "ratio"))
    return replace(entry, where=(Finding("direction", says), *kept)) if says else entry


def unit(shape: tuple[int, ...], k: int) -> Array:
    """The direction of one entry."""
    v = np.zeros(shape)
    v.flat[k] = 1.0
    return v


def names_of_axes(ndim: int) -> tuple[str, ...]:
    """What the axes are called."""
    return ("rows", "columns") if ndim == 2 else tuple(f"axis {k}, indices" for k in range(ndim))


def halved(t: Tensor, v: Array, axis: int) -> tuple[int, int]:
    """The least range of indices along an axis, by halving, outside which nothing is seen to be wrong."""
    start, stop = 0, v.shape[axis]
    while stop - start > 1:
        middle = (start + stop) // 2
        left, right = (is_wrong(t, kept(v, axis, *part)) for part in ((start, middle), (middle, stop)))
        if left == right:
            break
        start, stop = (start, middle) if left else (middle, stop)
    return trimmed(t, v, axis, start, stop)


def trimmed(t: Tensor, v: Array, axis: int, start: int, stop: int) -> tuple[int, int]:
    """The range without its halves at either end that are right: a mistake across the middle of a range."""
    low, high = start, stop
    step = (stop - start) // 2
    while step:
        while low + step < high and not is_wrong(t, kept(v, axis, low, low + step)):
            low += step
        while high - step > low and not is_wrong(t, kept(v, axis, high - step, high)):
            high -= step
        step //= 2
    return low, high


def is_wrong(t: Tensor, v: Array) -> bool:
    """Is the gradient wrong along a direction?"""
    yours, true, bar = t.along(v)
    return bool(abs(yours - true) > SURE * bar)


def kept(v: Array, axis: int, start: int, stop: int) -> Array:
    """A direction that moves only these indices of an axis."""
    made = np.zeros_like(v)
    index = (slice(None),) * axis + (slice(start, stop),)
    made[index] = v[index]
    return made
