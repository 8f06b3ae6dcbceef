"""Numbers that carry what rounding may have done to them: a running error analysis, operation by operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.shapes import Array


@dataclass(frozen=True, eq=False)
class Carried:
    """A matrix and its running error e, in multiples of the unit roundoff u, to which each operation adds its own.

    The rules are those of the noise floor (Higham 2002, §3.3), for any formula and not only for the right one, so that
    a wrong formula's prediction is compared to the very precision it was computed to.
    """

    value: Array
    e: Array
    u: float
    __array_ufunc__ = None  # array * Carried is ours to compute, not numpy's

    @classmethod
    def exact(cls, value: Array, u: float) -> Carried:
        """A matrix that was given, not computed."""
        return cls(value, namespace(value).zeros_like(value), u)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the matrix."""
        return self.value.shape

    @property
    def T(self) -> Carried:
        """The transpose."""
        return self.moved(np.transpose)

    def moved(self, rearrange: Callable[[Array], Array]) -> Carried:
        """The entries taken elsewhere, as a roll, a slice or a reshape does: nothing is rounded."""
        return Carried(rearrange(self.value), rearrange(self.e), self.u)

    def where(self, mask: Array) -> Carried:
        """The entries where mask holds, 0 elsewhere."""
        xp = namespace(self.value)
        value, e = (xp.where(mask, A, xp.zeros_like(A)) for A in (self.value, self.e))
        return Carried(value, e, self.u)

    def rounded(self, value: Array, factor: Array | float = 1.0) -> Carried:
        """A function's value here, rounded once; factor is the size of its derivative."""
        return Carried(value, abs(factor) * self.e + abs(value), self.u)

    def __add__(self, other: Carried | float) -> Carried:
        value, e = parts(other)
        total = self.value + value
        return Carried(total, self.e + e + abs(total), self.u)

    __radd__ = __add__

    def __sub__(self, other: Carried | float) -> Carried:
        return self + (-other)

    def __rsub__(self, other: float) -> Carried:
        return -self + other

    def __neg__(self) -> Carried:
        return Carried(-self.value, self.e, self.u)

    def __mul__(self, other: Carried | float | Array) -> Carried:
        value, e = parts(other)
        # The product of both errors matters where one factor cancelled to nothing, as 1 − A² does.
        errors = abs(self.value) * e + self.e * abs(value) + self.u * self.e * e
        return Carried(self.value * value, errors + abs(self.value * value), self.u)

    __rmul__ = __mul__

    def __truediv__(self, other: float) -> Carried:
        return self * (1 / other)

    def __matmul__(self, other: Carried) -> Carried:
        errors = abs(self.value) @ (abs(other.value) + other.e) + self.e @ abs(other.value)
        return Carried(self.value @ other.value, errors, self.u)

    def sum(self, axis: int | None = None) -> Carried:
        """The sum over an axis, which stays as an axis of length one."""
        value = np.sum(self.value, axis=axis, keepdims=True)
        return Carried(value, np.sum(self.e + abs(self.value), axis=axis, keepdims=True), self.u)


def exponential(V: Carried) -> Carried:
    """Exp of numbers that carry their error."""
    E = namespace(V.value).exp(V.value)
    return Carried(E, E * (V.e + 2), V.u)


def parts(other: Any) -> tuple[Any, Any]:
    """The value and the error of an operand; plain numbers and masks are exact."""
    return (other.value, other.e) if isinstance(other, Carried) else (other, 0.0)
