"""The slope of a loss without a derivative formula: central differences with an error bar, and the complex step."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.loss import H, PerturbedLoss, moved, real_part, size
from nnref.shapes import Array

KINK = 24.0
"""What rounding may do to the difference between the slopes to either side, in units of noise / h: each side is
(4 S(h/4) − S(h)) / 3 of one-sided slopes S, which carry 2 noise / h and 8 noise / h, so 34/3 each, 68/3 in all."""

PAIR = 5.0
"""What rounding may do to (16 D(h/4) − D(h)) / 15, in units of noise / h: (16 · 4 + 1) / 15 = 13/3, rounded up."""

FINER = 4.0
"""How many times smaller the next step is: truncation falls 16-fold, and rounding grows only 4-fold."""

SMALLEST = 2.0**-106
"""The least step that is tried, in sizes of its tensor: the square of the unit roundoff."""

VISIBLE = 0.25
"""A step shows a slope if truncation and rounding are below this share of it: with a step FINER times smaller there is
still more slope than error."""

CONVERGES = 0.5**0.5
"""The changes of a one-sided slope from step to step shrink by this factor at least where there is a slope: by 1/4 for
curvature, 1/2 where a term |t|^1.5 bends it, and not at all (1) where it grows as a logarithm, or faster, as 4 at a
jump. The mean of 1/2 and 1."""

SECANTS = 4.0 ** np.arange(-4, 5)
"""Distances, in sizes of a tensor, at which the loss is evaluated to see whether it depends on that tensor at all."""

DECIDES = 1e-2
"""An error bar above this share of the tensor's largest entry decides nothing. Below 1/64, so that N − 1 in place of N
in a batch of 64, the smallest common mistake, is never called right."""


@dataclass(frozen=True)
class Slope:
    """∂L/∂θ at one place: the value, its error bar e, and the slopes to either side where a kink was found.

    jump says that the one-sided slopes grow without bound as the step shrinks: there is no slope.
    """

    value: float
    e: float
    between: tuple[float, float] | None = None
    jump: bool = False


@dataclass(frozen=True)
class DifferenceStep:
    """The step h for one tensor; bend is D(h) − D(h/4), sides the difference of the one-sided slopes.

    noise is the larger rounding error of the loss, at θ or at a distance of h.
    """

    h: float
    bend: float
    sides: float
    noise: float


@dataclass(frozen=True)
class Line:
    """The loss along a line through θ: L(t), its value at θ, the noise there, and the unit roundoff of the loss."""

    L: Callable[[float], float]
    at: float
    noise: float
    u: float

    def pair(self, h: float) -> tuple[float, float]:
        """L(h) and L(−h)."""
        return self.L(h), self.L(-h)

    def rounding(self, *pairs: tuple[float, float]) -> float:
        """The noise of these values: larger than at θ if they are larger than the loss there."""
        return self.noise + excess(self.at, self.u, *pairs)


def excess(at: float, u: float, *pairs: tuple[Any, Any]) -> Any:
    """The additional rounding, 2 u relative, where the loss is larger than at θ."""
    return 2 * u * np.maximum(0, np.abs(pairs).max(axis=(0, 1)) - abs(at))


def first_step(loss: PerturbedLoss, A: Array) -> float:
    """The largest step tried: the tensor's size times u^(1/5), above which extrapolated differences lose accuracy.

    A power of two, so that adding it to a number is exact more often than not.
    """
    return power(loss.u**0.2 * max(1.0, size(A)))


def power(h: float) -> float:
    """The nearest power of two."""
    return float(2.0 ** np.round(np.log2(h)))


def best_step(loss: PerturbedLoss, tensor: int, places: Array) -> DifferenceStep:
    """The step at which truncation and rounding together are least, found at a few places of the tensor."""
    A = loss.arrays[tensor]

    @cache
    def look(h: float) -> list[tuple[float, float]]:
        return [pair(loss, tensor, int(k), h) for k in places]

    start = first_step(loss, A)
    best = trial_of_step(loss, start, look)
    if not best.sees and size(A) < 1:  # parameters of tiny size may need steps that are tiny, too
        best = min(best, trial_of_step(loss, power(loss.u**0.2 * size(A)), look), key=Trial.order)
    h = best.step.h
    # Rounding grows as h shrinks: once it alone exceeds the least total, no smaller step is better. If no slope is
    # visible yet, as the loss oscillates within the step, smaller steps may show one while the loss still changes.
    while loss.noise / (h / FINER) < best.total or (not best.sees and loss_changes(loss, look(h))):
        h /= FINER
        if h < SMALLEST * size(A):
            break
        best = min(best, trial_of_step(loss, h, look), key=Trial.order)
    # A nearly linear loss, as with saturated units, allows larger steps, up to the tensor's size.
    while best.step.h >= start and FINER * best.step.h <= size(A):
        other = trial_of_step(loss, FINER * best.step.h, look)
        if not other.order() < best.order():
            break
        best = other
    there = loss.twin(moved_one(loss.arrays, tensor, best.step.h))
    at = real_part(there.counted(there.arrays))
    noise = there.rounding_at(there.arrays, at, np.random.default_rng(0), like=loss.rounding).noise
    loss.evaluations += there.evaluations
    return replace(best.step, noise=noise)


def moved_one(arrays: list[Array], tensor: int, h: float) -> list[Array]:
    """The arrays, one of them moved by h up and down in turn."""
    return [moved([B], h / size(B))[0] if k == tensor else B for k, B in enumerate(arrays)]


def loss_changes(loss: PerturbedLoss, pairs: list[tuple[float, float]]) -> bool:
    """Does the loss change by more than its noise at any of these steps?"""
    gaps = np.abs(np.array(pairs) - loss.at)
    return bool((gaps[np.isfinite(gaps)] > FINER * loss.noise).any())


@dataclass(frozen=True)
class Trial:
    """A step, its truncation and rounding together, and the slope that was seen with it."""

    step: DifferenceStep
    total: float
    slope: float

    @property
    def sees(self) -> bool:
        """Is the slope larger than what truncation and rounding make of it?"""
        return self.total < VISIBLE * self.slope

    def order(self) -> tuple[bool, float]:
        """Sort key: trials that see the slope first, by relative error; the others by total error.

        By total error alone, steps over which the loss oscillates would win: the longer they are, the smaller the
        quotient.
        """
        return (not self.sees, self.total / self.slope if self.sees else self.total)


def trial_of_step(loss: PerturbedLoss, h: float, look: Callable[[float], list[tuple[float, float]]]) -> Trial:
    """The errors of step h at the entries in look."""
    near_and_far = list(zip(look(h / FINER), look(h), strict=True))
    bend = most([abs(central(n, h / FINER) - central(f, h)) for n, f in near_and_far])
    # Curvature makes one-sided slopes differ in proportion to h; a kink does not.
    sides = [4 / 3 * (abs(sum(f) - 2 * loss.at) / h - abs(sum(n) - 2 * loss.at) / (h / FINER)) for n, f in near_and_far]
    slopes = np.abs([central(n, h / FINER) for n, _ in near_and_far])
    step = DifferenceStep(h, bend if np.isfinite(bend) else 0.0, max(0.0, most(sides)), loss.noise)
    return Trial(step, bend + loss.noise / h, float(slopes[np.isfinite(slopes)].max(initial=0)))


def most(values: list[float]) -> float:
    """The upper quartile; infinite where the loss was not finite at more than a quarter of the entries.

    The median would be too small where half of the entries belong to units that are off: the step would suit only
    those.
    """
    quartile = np.sort(values)[3 * (len(values) - 1) // 4] if values else 0.0
    return float(np.nan_to_num(quartile, nan=np.inf, posinf=np.inf))


def pair(loss: PerturbedLoss, tensor: int, k: int, h: float) -> tuple[float, float]:
    """L(θ + h e_k) and L(θ − h e_k)."""
    return loss.entry(tensor, k, h), loss.entry(tensor, k, -h)


def central(at: tuple[float, float], h: float) -> float:
    """The central difference D(h)."""
    return (at[0] - at[1]) / (2 * h)


@dataclass
class Sides:
    """One-sided slopes at ever smaller steps, with their rounding errors, and the kink that is known best.

    At a kink they converge; at a jump, or an infinite slope, they keep growing.
    """

    seen: list[tuple[float, float, float]] = field(default_factory=list)
    kink: Slope | None = None

    def see(self, up: float, down: float, bar: float) -> None:
        """Add the slopes to either side at a smaller step, at which rounding may move each by bar."""
        self.seen.append((up, down, bar))

    def keep(self, kink: Slope) -> None:
        """Keep this kink if it is known better than the last."""
        if self.kink is None or kink.e < self.kink.e:
            self.kink = kink

    def hides(self, noise: float) -> bool:
        """Is the step so small that rounding hides the kink?"""
        width = self.kink.between[1] - self.kink.between[0] if self.kink and self.kink.between else np.inf
        return 8 * KINK * noise > width

    @property
    def settle(self) -> bool:
        """Do the one-sided slopes converge, as far as rounding shows?"""
        settled = True
        for before, now, after in zip(self.seen, self.seen[1:], self.seen[2:], strict=False):
            bar, first, then = 2 * after[2], *(np.abs(np.subtract(b, a)[:2]) for a, b in ((before, now), (now, after)))
            if (first > 2 * now[2]).any() and CONVERGES * first.max() > bar:
                settled = not then.max() >= CONVERGES * first.max()
        return settled


def difference(loss: PerturbedLoss, tensor: int, k: int, h: float) -> float:
    """The central difference of the loss at entry k of a tensor."""
    return central(pair(loss, tensor, k, h), h)


def slope_of(line: Line, step: DifferenceStep, scale: float, far: tuple[float, float]) -> Slope:
    """L'(0) with its error bar, from steps h, h/4, h/16: h shrinks until three agree as well as they do elsewhere.

    far is L(h) and L(−h). The bar is the whole gap between two steps, though extrapolation removes most of it, plus
    what rounding does. At a kink all steps give the mean of two one-sided slopes and agree: so the sides are compared
    too, after their smooth difference h L'' has been extrapolated away. A kink is gone only at an h that would show it.
    """
    h, agreed = step.h, None
    best, sides = Slope(np.nan, np.inf), Sides()
    while True:
        near = line.pair(h / FINER)
        noise = line.rounding(far, near) / h
        D1, D2 = central(far, h), central(near, h / FINER)
        value, e = (16 * D2 - D1) / 15, abs(D2 - D1) + PAIR * noise
        up, down = ((4 * FINER * (n - line.at) - (f - line.at)) / (3 * h) for n, f in zip(near, far, strict=True))
        low, high = min(up, -down), max(up, -down)
        sides.see(up, -down, KINK * noise)
        if high - low > max(2 * KINK * noise, 4 * abs(D2 - D1)):
            agreed = None
            sides.keep(Slope(value, e + KINK * noise, (low, high)))
        elif sides.kink and sides.hides(noise):
            break  # the kink is not refuted: at this step rounding hides it
        else:
            best, sides.kink = min(best, Slope(value, e), key=lambda slope: slope.e), None
            if not abs(D2 - D1) <= 4 * (step.bend + PAIR * noise):  # nor where one of them is NaN
                agreed = None
            elif agreed and agreed.e <= DECIDES * scale:  # a gap that was small by chance grows again
                return replace(agreed, e=max(agreed.e, abs(D2 - D1) - PAIR * noise))
            else:
                agreed = Slope(value, e)
        h, far = h / FINER, near
        if not line.noise / h <= DECIDES * scale or h < np.finfo(float).tiny:
            break
    return sides.kink or best if sides.settle else Slope(best.value, np.inf, jump=True)


def complex_slope(loss: PerturbedLoss, tensor: int, direction: Array) -> float:
    """Im L(θ + iH direction) / H."""
    moved = list(loss.arrays)
    moved[tensor] = moved[tensor] + 1j * H * direction
    return float(np.imag(loss.counted(moved))) / H


def complex_refusal(loss: PerturbedLoss, rng: np.random.Generator) -> str | None:
    """Why the complex step cannot be trusted for this loss; None if it agrees with differences for every tensor."""
    for tensor, A in enumerate(loss.arrays):
        for _ in range(3 if A.size else 0):
            direction = rng.standard_normal(A.shape)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", np.exceptions.ComplexWarning)
                    slope = complex_slope(loss, tensor, direction)
            # Whatever a stranger's loss raises at a complex argument is a reason to use differences, not an error.
            except GradcheckError as error:
                return f"the loss does not take complex numbers: {type(error.__cause__ or error).__name__}"
            if why := contradiction(loss, tensor, direction, slope):
                return why
    return None


def contradiction(loss: PerturbedLoss, tensor: int, direction: Array, slope: float) -> str | None:
    """How differences along one direction contradict the complex step's slope, in words; None if they agree."""
    line = Line(partial(loss.along, tensor, direction), loss.at, loss.noise, loss.u)
    A, length = loss.arrays[tensor], max(1.0, float(np.linalg.norm(direction)))
    h = power(first_step(loss, A) / length)
    far = line.pair(h)
    if size(A) < 1 and abs(central(far, h)) < VISIBLE * abs(slope):  # the loss oscillates within this step
        h = power(h * size(A))
        far = line.pair(h)
    seen = slope_of(line, DifferenceStep(h, 0.0, 0.0, loss.noise), abs(slope), far)
    if seen.between or seen.jump or not abs(slope - seen.value) <= seen.e:
        return "the complex step disagrees with differences: a kink, or a loss that is not analytic"
    least = max(abs(slope), abs(seen.value))
    if seen.e > DECIDES * least and seen.e > DECIDES * max(least, secant(line, size(A))):
        return f"differences, known to {seen.e:.2g}, cannot confirm the complex step"
    return None


def secant(line: Line, size: float) -> float:
    """The smallest nonzero slope of secants from θ to points at the distances SECANTS.

    The scale of changes in the loss: where the slope is 0, an error bar has to be small beside this.
    """
    found = [abs(L - line.at) / t for t in size * SECANTS for L in line.pair(t)]
    return min((x for x in found if np.isfinite(x) and x > 0), default=0.0)
