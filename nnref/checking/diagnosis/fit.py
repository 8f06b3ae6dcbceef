"""Does a prediction explain an array within the rounding of both, and with which unknown numbers?"""

from __future__ import annotations

from dataclasses import dataclass
from math import isclose

import numpy as np

from nnref.checking.operations.running_error import WithError
from nnref.checking.reference import noise
from nnref.checking.results.factor import fitted, nearest_factor
from nnref.shapes import Array

WITNESSES = 2
"""Equations needed beyond the unknown numbers: with fewer, any two columns would agree."""

DIGITS = 3
"""A fitted number within its own error of one with so few digits is that one: people write 0.01, not 0.0100000002."""


@dataclass(frozen=True)
class GivenGradient:
    """A given gradient, the error allowed to its entries beyond rounding, and the multiple of u S allowed."""

    value: Array
    slack: Array | float
    allowed: float

    def tolerance(self, made: WithError) -> Array:
        """The rounding of both: the given gradient in its own precision, the prediction in float64."""
        room = (made.u + noise.unit("float64")) * made.e + np.finfo("float64").tiny
        return self.allowed * room + self.slack

    def agrees(self, made: WithError) -> bool:
        """Is every entry what was predicted?"""
        if self.value.shape != made.shape or not np.isfinite(made.value).all():
            return False
        return bool((abs(self.value - made.value) <= self.tolerance(made)).all())

    def could_be(self, made: WithError) -> bool:
        """Is some multiple of a prediction within twice the tolerance, as least squares would find?"""
        if not (made.value**2).any():
            return False
        c = nearest_factor(self.value, made.value)
        left = np.linalg.norm(self.value - c * made.value)
        return bool(left <= 2 * max(1.0, abs(c)) * np.linalg.norm(self.tolerance(made)))


@dataclass(frozen=True)
class Number:
    """A fitted number, its error, and whether enough equations were left over as evidence."""

    value: float
    error: float
    believed: bool

    @property
    def is_one(self) -> bool:
        """Is it within its error of 1?"""
        return abs(self.value - 1) <= self.error


def short_number(value: float, error: float) -> float | None:
    """The number with few digits that this one is, within its error; None where there is none."""
    short = float(f"{value:.{DIGITS}g}")
    return short if abs(value - short) <= error < 1e-4 * abs(value) else None


def solved(yours: GivenGradient, free: Array, made: list[WithError], equations: int) -> list[Number] | None:
    """The numbers c for which yours = free + Σ c made, to within the tolerance of either; None if there are none.

    Shapes: all alike
    """
    if any(M.shape != yours.value.shape or not np.isfinite(M.value).all() for M in made):
        return None
    room = np.max([yours.tolerance(M) for M in made], axis=0)
    found = fitted(yours.value - free, [M.value for M in made], room)
    if found is None:
        return None
    left = equations - len(made)
    return [
        Number(c.value, c.bound, left >= WITNESSES or (left >= 0 and short_number(c.value, c.bound) is not None))
        for c in found
    ]


def fitted_factor(yours: GivenGradient, made: WithError, equations: int) -> Number | None:
    """The factor c with which the given gradient is c times the prediction in every entry; None where there is none."""
    if yours.value.shape != made.shape or not np.isfinite(made.value).all():
        return None
    if yours.agrees(made):
        return Number(1.0, 0.0, True)
    if not yours.value.any():
        return Number(0.0, 0.0, True)
    if not yours.could_be(made):
        return None
    found = solved(yours, np.zeros(made.shape), [made], equations)
    if found is None or not yours.agrees(made * found[0].value):
        return None
    return found[0]


def same_numbers(a: WithError, b: WithError, allowed: float) -> bool:
    """Do two predictions agree to their own precision?"""
    if a.shape != b.shape:
        return False
    return bool((abs(a.value - b.value) <= allowed * a.u * np.maximum(a.e, b.e)).all())


def same_factor(a: float, b: float, error: float = 0.0) -> bool:
    """Are two factors the same, beside the error of one of them?"""
    return abs(a - b) <= error or isclose(a, b, rel_tol=4 * noise.unit("float64"))
