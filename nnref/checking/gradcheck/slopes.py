"""The slope of a loss without a derivative formula: central differences with an error bar, and the complex step."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError, floating, framed, read, unit
from nnref.checking.gradcheck.nesting import rebuild
from nnref.shapes import Array

H = 1e-100
"""The complex step: its square is nothing beside any number of the loss (Squire & Trapp 1998)."""

SPACINGS = (2.0**10, 2.0**16, 2.0**22, 2.0**33)
"""Distances, in unit roundoffs, between the points at which the loss is looked at to see its rounding. A log of 1 + x
is a staircase for small x: points within one stair would show no noise at all, so the widest is about 1e-6."""

POINTS = 9
"""How many points lie on one line: five fourth differences."""

STAIR = 8.0
"""Unit roundoffs of 1. A loss that stands still along every line stands on a stair whose height cannot be seen. It is u
for log(1 + x), and 2 u √L for the square (1 − y)² of a saturated unit, 4 u up to L = 4, beyond which 2 u L says more;
twice the larger of these."""

KINK = 24.0
"""What rounding may do to the difference between the slopes to either side, in units of noise / h: each side is
(4 S(h/4) − S(h)) / 3 of one-sided slopes S, which carry 2 noise / h and 8 noise / h, so 34/3 each, 68/3 in all."""

PAIR = 5.0
"""What rounding may do to (16 D(h/4) − D(h)) / 15, in units of noise / h: (16 · 4 + 1) / 15 = 13/3, rounded up."""

FINER = 4.0
"""How many times smaller the next step is: truncation falls 16-fold, and rounding grows only 4-fold."""

DECIDES = 1e-2
"""An error bar above this share of the tensor's largest entry decides nothing. It is below 1/64, so that N − 1 for N in
a batch of 64, the smallest slip of a formula that people make, is never called right."""


@dataclass(frozen=True)
class Slope:
    """∂L/∂θ at one place: the value, its error bar e, and the slopes to either side where a kink was found."""

    value: float
    e: float
    between: tuple[float, float] | None = None


@dataclass(frozen=True)
class Step:
    """The step h for one tensor, what bends over it, D(h) − D(h/4) and one side's slope against the other's, and noise.

    noise is what rounding does to the loss here and at h from here, where it may do more.
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
        """The noise at these values, which may be larger than that at θ because they are."""
        return self.noise + excess(self.at, self.u, *pairs)


def excess(at: float, u: float, *pairs: tuple[Any, Any]) -> Any:
    """What a relative rounding of 2 u adds where the loss is larger than at θ."""
    return 2 * u * np.maximum(0, np.abs(pairs).max(axis=(0, 1)) - abs(at))


@dataclass
class Call:
    """The loss of a list of arrays, for a loss of any nesting; what it returns must be one floating-point number."""

    loss: Callable[[Any], Any]
    tree: Any

    def __call__(self, arrays: list[Array]) -> Array:
        """One number, real or complex, as an array of shape ()."""
        return number(framed("the loss", lambda: self.loss(rebuild(self.tree, iter(arrays)))))


def number(L: Any) -> Array:
    """What a loss returned, as an array of shape ().

    Errors: GradcheckError for anything but one floating-point number.
    """
    if L is None:
        raise GradcheckError("the loss returned None; it should be one floating-point number. Does it end in return?")
    A = read(L, "the loss")
    if A.size == 1 and not floating(A.dtype) and A.dtype.kind != "c":
        raise GradcheckError(f"the loss should be one floating-point number; {A.dtype} came.")
    if A.size != 1:
        raise GradcheckError(
            f"the loss should be one floating-point number; {A.dtype} of shape {A.shape} came. "
            f"For a function with many outputs use check_vjp."
        )
    return A.reshape(())


def finite(L: Array) -> Array:
    """L itself, refused where it is no finite number: no slope exists there."""
    if not np.isfinite(L):
        raise GradcheckError(f"the loss is {L} at these parameters; it should be finite. Try smaller ones.")
    return L


class Loss:
    """The loss as a function of one entry at a time: private float64 copies that are moved and put back."""

    def __init__(self, call: Callable[[list[Array]], Array], arrays: list[Array], rng: np.random.Generator) -> None:
        self.call = call
        self.arrays = [np.array(A, dtype="float64", order="C") for A in arrays]
        self.evaluations = 0
        self.complex: tuple[int, Array] | None = None
        first = self.counted(self.arrays)
        self.at = float(finite(first))
        self.u = unit(first.dtype)
        seen, stair = 0.0, STAIR * self.u * max(1.0, abs(self.at))
        for spacing in (self.u * k for k in SPACINGS if self.u * k < 1e-2):
            wider = self.rounding(spacing, rng)
            # Rounding does not grow with the distance, but for stairs; what grows beyond is a kink that was crossed.
            seen = max(seen, wider) if wider <= 4 * max(seen, stair) else seen
        self.noise = max(2 * self.u * abs(self.at), seen or STAIR * self.u)

    def counted(self, arrays: list[Array]) -> Array:
        """The loss of these arrays. What overflows or divides by zero beside the point is seen in the result."""
        self.evaluations += 1
        with np.errstate(all="ignore"):
            return self.call(arrays)

    def twin(self, arrays: list[Array] | None = None) -> Loss:
        """The same loss with arrays of its own, the same numbers or others, for another thread or another point."""
        twin = object.__new__(Loss)
        twin.__dict__.update(self.__dict__)
        twin.arrays = [np.array(A, order="C") for A in arrays or self.arrays]
        twin.evaluations, twin.complex = 0, None
        return twin

    def rounding(self, spacing: float, rng: np.random.Generator, lines: int = 3) -> float:
        """What rounding does to the loss, from its fourth differences along lines of equally spaced points.

        The smooth part of the loss leaves spacing⁴ there, which is nothing; independent roundings leave √70 of their
        standard deviation (Moré & Wild 2011). The median of some lines, since one may cross a kink; four deviations.
        """
        found = []
        for _ in range(lines):
            moves = [rng.choice([-spacing, spacing], A.shape) * np.maximum(abs(A), size(A)) for A in self.arrays]
            line = [
                float(self.counted([A + i * move for A, move in zip(self.arrays, moves, strict=True)]))
                for i in range(POINTS)
            ]
            found.append(float(np.sqrt((np.diff(line, 4) ** 2).mean() / 70)))
        return 4 * float(np.nan_to_num(np.median(found), nan=0.0))

    def along(self, tensor: int, direction: Array, t: float) -> float:
        """L(θ + t direction), the direction within one tensor."""
        moved = list(self.arrays)
        moved[tensor] = moved[tensor] + t * direction
        return float(self.counted(moved))

    def entry(self, tensor: int, k: int, t: float) -> float:
        """L(θ + t e_k): one entry is moved in place and put back, whatever the loss does."""
        flat = self.arrays[tensor].reshape(-1)
        kept = flat[k]
        try:
            flat[k] = kept + t
            return float(self.counted(self.arrays))
        finally:
            flat[k] = kept

    def imaginary(self, tensor: int, k: int) -> float:
        """Im L(θ + iH e_k) / H."""
        if self.complex is None or self.complex[0] != tensor:
            self.complex = tensor, self.arrays[tensor].astype(complex)
        A = self.complex[1]
        A.imag.flat[k] = H
        try:
            return float(np.imag(self.counted([*self.arrays[:tensor], A, *self.arrays[tensor + 1 :]]))) / H
        finally:
            A.imag.flat[k] = 0


def size(A: Array) -> float:
    """The largest entry of a tensor, or 1 where all are 0: the unit in which it is moved."""
    return float(np.abs(A).max(initial=0)) or 1.0


def first_step(loss: Loss, A: Array) -> float:
    """The largest step tried: u^(1/5), beyond which even extrapolated differences lose, times the tensor's size.

    A power of two, so that adding it to a number is exact more often than not.
    """
    return float(2.0 ** np.round(np.log2(loss.u**0.2 * max(1.0, size(A)))))


def best_step(loss: Loss, tensor: int, places: Array) -> Step:
    """The step at which truncation and rounding together are least, found at a few places of the tensor."""
    A = loss.arrays[tensor]

    @cache
    def look(h: float) -> list[tuple[float, float]]:
        return [pair(loss, tensor, int(k), h) for k in places]

    h = start = first_step(loss, A)
    step, total = tried(loss, h, look)
    # Rounding only grows as h shrinks: once it alone is more than the least total, nothing better follows.
    while loss.noise / (h / FINER) < total and h > loss.u * size(A):
        h /= FINER
        other, sum_of_both = tried(loss, h, look)
        if sum_of_both < total:
            step, total = other, sum_of_both
    # A loss that hardly bends, as where units are saturated, bears larger steps, up to the tensor's own size.
    while step.h >= start and FINER * step.h <= size(A):
        other, sum_of_both = tried(loss, FINER * step.h, look)
        if not sum_of_both < total:
            break
        step, total = other, sum_of_both
    there = loss.twin([step.h * signs(B) + B if k == tensor else B for k, B in enumerate(loss.arrays)])
    noise = max(loss.noise, there.rounding(loss.u * SPACINGS[0], np.random.default_rng(0), lines=1))
    loss.evaluations += there.evaluations
    return replace(step, noise=noise)


def signs(A: Array) -> Array:
    """+1 and −1 in turn, shaped like A."""
    return 1.0 - 2.0 * (np.arange(A.size).reshape(A.shape) % 2)


def tried(loss: Loss, h: float, look: Callable[[float], list[tuple[float, float]]]) -> tuple[Step, float]:
    """The step h as it does where one looks, and its truncation and rounding together."""
    near_and_far = list(zip(look(h / FINER), look(h), strict=True))
    bend = most([abs(central(n, h / FINER) - central(f, h)) for n, f in near_and_far])
    # Curvature makes the sides differ in proportion to h, and so is told from a kink, which does not.
    sides = [4 / 3 * (abs(sum(f) - 2 * loss.at) / h - abs(sum(n) - 2 * loss.at) / (h / FINER)) for n, f in near_and_far]
    return Step(h, bend if np.isfinite(bend) else 0.0, abs(most(sides)), loss.noise), bend + loss.noise / h


def most(values: list[float]) -> float:
    """What three quarters do not exceed, infinite where the loss was not finite at more than one in four.

    The middle would be too small where half of the places belong to units that are off: their step does not fit the
    others, which all had to be looked at again.
    """
    quartile = np.sort(values)[3 * (len(values) - 1) // 4] if values else 0.0
    return float(np.nan_to_num(quartile, nan=np.inf, posinf=np.inf))


def pair(loss: Loss, tensor: int, k: int, h: float) -> tuple[float, float]:
    """L(θ + h e_k) and L(θ − h e_k)."""
    return loss.entry(tensor, k, h), loss.entry(tensor, k, -h)


def central(at: tuple[float, float], h: float) -> float:
    """The central difference D(h)."""
    return (at[0] - at[1]) / (2 * h)


def difference(loss: Loss, tensor: int, k: int, h: float) -> float:
    """The central difference of the loss at entry k of a tensor."""
    return central(pair(loss, tensor, k, h), h)


def slope_of(line: Line, step: Step, scale: float, far: tuple[float, float]) -> Slope:
    """L'(0) with its error bar, from steps h, h/4, h/16: h shrinks until three agree as well as they do elsewhere.

    far is L(h) and L(−h). The bar is the whole gap between two steps, though extrapolation removes most of it, plus
    what rounding does. At a kink all steps give the mean of two one-sided slopes and agree: so the sides are compared
    too, after their smooth difference h L'' has been extrapolated away. A kink is gone only at an h that would show it.
    """
    h, agreed = step.h, None
    best, kink = Slope(np.nan, np.inf), None
    while True:
        near = line.pair(h / FINER)
        noise = line.rounding(far, near) / h
        D1, D2 = central(far, h), central(near, h / FINER)
        value, e = (16 * D2 - D1) / 15, abs(D2 - D1) + PAIR * noise
        up, down = ((4 * FINER * (n - line.at) - (f - line.at)) / (3 * h) for n, f in zip(near, far, strict=True))
        low, high = min(up, -down), max(up, -down)
        if high - low > max(2 * KINK * noise, 4 * abs(D2 - D1)):
            agreed = None
            if kink is None or e + KINK * noise < kink.e:
                kink = Slope(value, e + KINK * noise, (low, high))
        elif kink and kink.between and 8 * KINK * noise > kink.between[1] - kink.between[0]:
            return kink  # it is not gone: rounding would hide it now
        else:
            best, kink = min(best, Slope(value, e), key=lambda slope: slope.e), None
            if not abs(D2 - D1) <= 4 * (step.bend + PAIR * noise):  # nor where one of them is no number
                agreed = None
            elif agreed:  # a gap that the next step does not keep was small by accident
                return replace(agreed, e=max(agreed.e, abs(D2 - D1) - PAIR * noise))
            else:
                agreed = Slope(value, e)
        h, far = h / FINER, near
        if not line.noise / h <= DECIDES * scale:
            return kink or best


def complex_slope(loss: Loss, tensor: int, direction: Array) -> float:
    """Im L(θ + iH direction) / H."""
    moved = list(loss.arrays)
    moved[tensor] = moved[tensor] + 1j * H * direction
    return float(np.imag(loss.counted(moved))) / H


def complex_refusal(loss: Loss, rng: np.random.Generator) -> str | None:
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
            h = first_step(loss, A) / max(1.0, float(np.linalg.norm(direction)))

            line = Line(partial(loss.along, tensor, direction), loss.at, loss.noise, loss.u)
            seen = slope_of(line, Step(h, 0.0, 0.0, loss.noise), abs(slope), line.pair(h))
            if seen.between or not abs(slope - seen.value) <= seen.e:
                return "the complex step disagrees with differences: a kink, or a loss that is not analytic"
    return None
