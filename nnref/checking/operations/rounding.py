"""What one rounding does: the unit roundoff, the smallest normal number, and the error of a matrix product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from nnref.precision import unit
from nnref.shapes import Array

SAFE = 4.0
"""Smallest multiple of u S that is allowed: each term of S outside a sum stands for at most four roundings."""


@dataclass(frozen=True)
class Precision:
    """The precision of a computation: u, what underflow loses in units of u, and the multiple of u E that is allowed.

    E_x is the error of x in units of u; the computed x differs from the real one by at most c u E_x.
    """

    u: float
    underflow: float
    c: float = SAFE

    @classmethod
    def of(cls, dtype: DTypeLike, c: float = SAFE) -> Precision:
        """The precision of a dtype: a product loses up to u times the smallest normal number, below that number."""
        return cls(unit(dtype), float(np.finfo(dtype).tiny), c)

    @property
    def reach(self) -> float:
        """The factor c u: x differs from the real number by at most c u E_x."""
        return self.c * self.u

    def size(self, x: Array, E_x: Array) -> Array:
        """The largest that x may have been computed as: |x| and its reach, c u E_x."""
        return abs(x) + self.reach * E_x

    def product(self, x: Array, E_x: Array, y: Array, E_y: Array) -> Array:
        """The error of the matrix product x y: of multiplying and adding, and of each factor times the other."""
        terms = ((abs(x) + E_x) > 0).astype("float64") @ ((abs(y) + E_y) > 0)
        return self.size(x, E_x) @ (self.size(y, E_y) + E_y) + E_x @ abs(y) + self.underflow * terms
