"""Arrays with their rounding errors: a running error analysis, operation by operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.shapes import Array


@dataclass(frozen=True, eq=False)
class WithError:
    """A matrix and its running error e, in multiples of the unit roundoff u, to which each operation adds its own.

    The rules are those of the noise floor (Higham 2002, §3.3), for any formula and not only for the right one, so that
    a wrong formula's prediction is compared to the very precision it was computed to.
    """

    value: Array
    e: Array
    u: float
    __array_ufunc__ = None  # array * WithError calls __rmul__, not a ufunc

    @classmethod
    def exact(cls, value: Array, u: float) -> WithError:
        """A matrix that was given, not computed."""
        return cls(value, namespace(value).zeros_like(value), u)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the matrix."""
        return self.value.shape

    @property
    def T(self) -> WithError:
        """The transpose."""
        return self.moved(np.transpose)

    def moved(self, rearrange: Callable[[Array], Array]) -> WithError:
        """The entries rearranged, as by a roll, a slice or a reshape: nothing is rounded."""
        return WithError(rearrange(self.value), rearrange(self.e), self.u)

    def where(self, mask: Array) -> WithError:
        """The entries where mask holds, 0 elsewhere."""
        xp = namespace(self.value)
        value, e = (xp.where(mask, A, xp.zeros_like(A)) for A in (self.value, self.e))
        return WithError(value, e, self.u)

    def rounded(self, value: Array, factor: Array | float = 1.0) -> WithError:
        """A function's value here, rounded once; factor is the size of its derivative."""
        return WithError(value, abs(factor) * self.e + abs(value), self.u)

    def __add__(self, other: WithError | float) -> WithError:
        value, e = parts(other)
        total = self.value + value
        return WithError(total, self.e + e + abs(total), self.u)

    __radd__ = __add__

    def __sub__(self, other: WithError | float) -> WithError:
        return self + (-other)

    def __rsub__(self, other: float) -> WithError:
        return -self + other

    def __neg__(self) -> WithError:
        return WithError(-self.value, self.e, self.u)

    def __mul__(self, other: WithError | float | Array) -> WithError:
        value, e = parts(other)
        # The product of both errors matters where one factor cancelled to nothing, as 1 − A² does.
        errors = abs(self.value) * e + self.e * abs(value) + self.u * self.e * e
        return WithError(self.value * value, errors + abs(self.value * value), self.u)

    __rmul__ = __mul__

    def __truediv__(self, other: float) -> WithError:
        return self * (1 / other)

    def __matmul__(self, other: WithError) -> WithError:
        errors = abs(self.value) @ (abs(other.value) + other.e) + self.e @ abs(other.value)
        return WithError(self.value @ other.value, errors, self.u)

    def sum(self, axis: int | None = None) -> WithError:
        """The sum over an axis, which stays as an axis of length one."""
        value = np.sum(self.value, axis=axis, keepdims=True)
        return WithError(value, np.sum(self.e + abs(self.value), axis=axis, keepdims=True), self.u)


def exponential(V: WithError) -> WithError:
    """Exp of an array with its error."""
    E = namespace(V.value).exp(V.value)
    return WithError(E, E * (V.e + 2), V.u)


def parts(other: Any) -> tuple[Any, Any]:
    """The value and the error of an operand; plain numbers and masks are exact."""
    return (other.value, other.e) if isinstance(other, WithError) else (other, 0.0)
