"""The slope of a loss without a derivative formula: central differences with an error bar, and the complex step."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nnref.shapes import Array

STEP = {"d": 1e-4, "f": 1e-2}
"""The first step by the precision of the loss: truncation h² is then far above rounding u / h, so that the gap between
two steps shows it, and extrapolation removes it."""

SHRINK = 8.0
"""A step that meets a kink, or bends too much, is divided by this and tried again."""

TRIES = 6
"""Steps tried at most; the last is 3e-9 for a float64 loss, below which rounding drowns every slope."""

SHARP = 1e-6
"""An error bar below this share of the tensor's largest entry is worth no further step."""

H = 1e-100
"""The complex step: its square is nothing beside any number of the loss (Squire & Trapp 1998)."""

SPACINGS = (2.0**10, 2.0**16, 2.0**22, 2.0**33)
"""Distances, in unit roundoffs, between the points at which the loss is looked at to see its rounding. A log of 1 + x
is a staircase for small x: points within one stair would show no noise at all, so the widest is about 1e-6."""

POINTS = 9
"""How many points lie on one line: five fourth differences."""


STAIR = 8.0
"""Unit roundoffs of 1. A loss that stands still along every line stands on a stair whose height cannot be seen, as
log(1 + x) does for tiny x: it may then be off by this much, however small it is."""


@dataclass(frozen=True)
class Slope:
    """∂L/∂θ at one place: the value, its error bar e, and the slopes to either side where a kink was found."""

    value: float
    e: float
    between: tuple[float, float] | None = None


class Loss:
    """The loss as a function of one flat tensor at a time: private float64 copies that are moved and put back."""

    def __init__(self, call: Callable[[list[Array]], Array], arrays: list[Array], rng: np.random.Generator) -> None:
        self.call = call
        self.arrays = [np.array(A, dtype="float64", order="C") for A in arrays]
        first = call(self.arrays)
        self.kind = "f" if first.dtype.itemsize < 8 else "d"
        self.at = float(first)
        u = float(np.finfo(first.dtype).eps) / 2
        seen = [self.rounding(u * k, rng) for k in SPACINGS if u * k < 1e-2]
        self.noise = max(2 * u * abs(self.at), *seen, 0.0 if any(seen) else STAIR * u)

    def rounding(self, spacing: float, rng: np.random.Generator) -> float:
        """What rounding does to the loss, from its fourth differences along lines of equally spaced points.

        The smooth part of the loss leaves spacing⁴ there, which is nothing; independent roundings leave √70 of their
        standard deviation (Moré & Wild 2011). The median of three lines, since one may cross a kink; four deviations.
        """
        found = []
        for _ in range(3):
            signs = [rng.choice([-1, 1], A.shape) for A in self.arrays]
            line = [
                float(self.call([A * (1 + i * spacing * s) for A, s in zip(self.arrays, signs, strict=True)]))
                for i in range(POINTS)
            ]
            found.append(float(np.sqrt((np.diff(line, 4) ** 2).mean() / 70)))
        return 4 * float(np.median(found))

    def along(self, tensor: int, direction: Array, t: float) -> float:
        """L(θ + t direction), the direction within one tensor."""
        moved = list(self.arrays)
        moved[tensor] = moved[tensor] + t * direction
        return float(self.call(moved))

    def entry(self, tensor: int, k: int, t: float) -> float:
        """L(θ + t e_k): one entry is moved in place and put back, whatever the loss does."""
        flat = self.arrays[tensor].reshape(-1)
        kept = flat[k]
        try:
            flat[k] = kept + t
            return float(self.call(self.arrays))
        finally:
            flat[k] = kept

    def first_step(self, tensor: int) -> float:
        """The step for a tensor: relative to its largest entry, and never below STEP for small ones."""
        return STEP[self.kind] * max(1.0, float(np.abs(self.arrays[tensor]).max(initial=0)))

    def slope(self, tensor: int, k: int, scale: float) -> Slope:
        """The central difference at one entry; the step shrinks until its error bar is sharp beside scale."""
        return slope_of(lambda t: self.entry(tensor, k, t), self.at, self.noise, self.first_step(tensor), scale)


def slope_of(L: Callable[[float], float], L0: float, noise: float, h: float, scale: float) -> Slope:
    """L'(0) with its error bar, from steps h and h/2, shrinking h while that sharpens it.

    The bar is the whole gap between the two steps, though extrapolation removes most of it, plus what rounding does.
    At a kink both steps give the mean of two one-sided slopes and agree: so the sides are compared too, after their
    smooth difference h L'' has been extrapolated away.
    """
    best = Slope(np.nan, np.inf)
    for _ in range(TRIES):
        far, near = (L(h), L(-h)), (L(h / 2), L(-h / 2))
        D1, D2 = (far[0] - far[1]) / (2 * h), (near[0] - near[1]) / h
        e = abs(D2 - D1) + 4 * noise / h
        right = (4 * (near[0] - L0) - (far[0] - L0)) / h
        left = (4 * (L0 - near[1]) - (L0 - far[1])) / h
        at_kink = abs(right - left) > max(SHARP * scale, 32 * noise / h) and abs(right - left) > 4 * abs(D2 - D1)
        if e < best.e or (at_kink and best.between is None):
            sides = (min(right, left), max(right, left))
            best = Slope((4 * D2 - D1) / 3, e, sides if at_kink else None)
        if not at_kink and e <= SHARP * max(scale, abs(D2)):
            return best
        h /= SHRINK
    return best


def complex_slope(loss: Loss, tensor: int, direction: Array) -> float:
    """Im L(θ + iH direction) / H."""
    moved = list(loss.arrays)
    moved[tensor] = moved[tensor] + 1j * H * direction
    return float(np.imag(loss.call(moved))) / H


def complex_refusal(loss: Loss, rng: np.random.Generator) -> str | None:
    """Why the complex step cannot be trusted for this loss; None if it agrees with differences for every tensor."""
    for tensor, A in enumerate(loss.arrays):
        for _ in range(3):
            direction = rng.standard_normal(A.shape)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", np.exceptions.ComplexWarning)
                    slope = complex_slope(loss, tensor, direction)
            # Whatever a stranger's loss raises at a complex argument is a reason to use differences, not an error.
            except Exception as error:
                return f"the loss does not take complex numbers ({type(error).__name__})"
            h = loss.first_step(tensor) / max(1.0, float(np.linalg.norm(direction)))

            def line(t: float, tensor: int = tensor, direction: Array = direction) -> float:
                return loss.along(tensor, direction, t)

            seen = slope_of(line, loss.at, loss.noise, h, abs(slope))
            if seen.between or not abs(slope - seen.value) <= seen.e:
                return "the complex step disagrees with differences: a kink, or a loss that is not analytic"
    return None
