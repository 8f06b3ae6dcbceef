"""Two arithmetics for one formula: plain numbers, and numbers with bounds on a kernel's rounding error.

A kernel reads its inputs in its own dtype, accumulates in a finer one, and stores intermediate results in its own
again. So a formula states three things: its sums, what is stored on the way, and what is given. It then gives its value
(Plain), or its value with two error bounds (Bounded): `most`, which no order of additions exceeds, and `likely`, which
roundings of independent sign exceed with probability 3e-14. docs/lies/scale.md derives both.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod, sqrt
from typing import Any

from nnref.arrays import namespace
from nnref.checking.operations.rounding import SAFE
from nnref.checking.operations.rounding import Precision as Roundings
from nnref.checking.operations.running_error import WithError as RunningError
from nnref.shapes import Array

T = 8.0
"""Of k independent roundings, each at most u, the sum passes t √k u with chance 2 exp(−t²/2): 3e-14 (Hoeffding)."""

FUNCTION = 4.0
"""Roundings of one exponential, root or error function on a device: each is within two units in the last place."""

UNITS = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
"""The unit roundoff of each dtype that kernels work in."""

GRAINS = {"float64": 2.0**-1022, "float32": 2.0**-126, "float16": 2.0**-24, "bfloat16": 2.0**-126}
"""Largest loss by underflow: numbers below the smallest normal one may become 0; float16 keeps its subnormals."""


STORED = 2.0
"""Roundings of a slope by the output that are stored on the way: a difference and a product, A (1 − A) or 1 − A²."""


@dataclass(frozen=True)
class KernelPrecision:
    """A kernel's units of rounding: `fine` of its sums, `coarse` of what it stores, and `grain`, its loss by
    underflow."""

    fine: float
    coarse: float
    grain: float

    @classmethod
    def of(cls, stored: str, added: str) -> KernelPrecision:
        """The precision of a kernel from the names of its dtypes, with the float64 rounding of the truth included."""
        return cls(UNITS[added] + UNITS["float64"], UNITS[stored] + UNITS["float64"], GRAINS[stored])


class Plain:
    """The arithmetic of the truth and of mistakes: float64, without errors."""

    def given(self, A: Array) -> Any:
        """What the kernel was given, exact."""
        return A

    def store(self, A: Any) -> Any:
        """A as it is: no rounding to the kernel's dtype here."""
        return A

    def store_term(self, A: Any, term: Any) -> Any:
        """A as it is: no rounding of a term here."""
        return A

    def sum(self, A: Any, axis: int, split: bool = False) -> Any:
        """The sum over an axis, which is kept with length one; split says that blocks may store partial sums."""
        return namespace(A).sum(A, axis=axis, keepdims=True)

    def matmul(self, A: Any, B: Any, split: bool = False) -> Any:
        """The product of matrices, of every pair in a batch."""
        return A @ B

    def exp(self, A: Any) -> Any:
        """The exponential."""
        return namespace(A).exp(A)

    def inverse_root(self, A: Any) -> Any:
        """One over the root."""
        return 1 / namespace(A).sqrt(A)

    def function(self, A: Any, value: Any, slope: Any, size: Any = None) -> Any:
        """A function of A, given by its value; slope bounds its derivative near A.

        size is Σ|terms| of what it is computed by, 1 unless given: each is rounded.
        """
        return value(A)

    def formula(self, f: Any, A: Any, B: Any, stored: bool = False) -> Any:
        """A formula f(A, B, precision) of numbers with a running error, as the records of activations write them.

        stored, if a kernel may keep what it makes on the way.
        """
        return f(RunningError.exact(A, 0.0), RunningError.exact(B, 0.0), Roundings(0.0, 0.0)).value

    def value(self, A: Any) -> Any:
        """The numbers alone."""
        return A

    def moved(self, A: Any, how: Any) -> Any:
        """The entries in another order or shape, as how puts them."""
        return how(A)

    def either(self, A: Any, other: Any) -> Any:
        """A, which a kernel may also have from other(), the same number by another way."""
        return A

    def bilinear(self, how: Any, A: Array, B: Array, k: int, split: bool = False) -> Any:
        """Sums of at most k products of an entry of A and one of B, both given, as how takes them."""
        return how(A, B)


class Rounded(Plain):
    """The arithmetic of a kernel of one precision: every number carries its bounds."""

    def __init__(self, precision: KernelPrecision) -> None:
        self.precision = precision

    def given(self, A: Array) -> Bounded:
        """What the kernel was given, exact."""
        return Bounded(A, 0.0, 0.0, self.precision.fine)

    def store(self, A: Bounded) -> Bounded:
        """A, rounded once to the kernel's dtype."""
        u, grain, size = self.precision.coarse, self.precision.grain, abs(A.value)
        likely, most = (e + u * (size + e) + grain for e in (A.likely, A.most))
        return Bounded(A.value, likely, most, A.u)

    def store_term(self, A: Bounded, term: Bounded) -> Bounded:
        """A with the rounding of a term of it, once to the kernel's dtype."""
        stored = self.store(term)
        likely, most = A.likely + (stored.likely - term.likely), A.most + (stored.most - term.most)
        return Bounded(A.value, likely, most, A.u)

    def sum(self, A: Bounded, axis: int, split: bool = False) -> Bounded:
        """The sum over an axis in any order of additions."""
        xp = namespace(A.value)

        def added(B: Any) -> Any:
            return xp.sum(B, axis=axis, keepdims=True) if not isinstance(B, float) else B

        size, square = added(abs(A.value)), added(A.value * A.value) if split else None
        likely = 0.0 if isinstance(A.likely, float) else self.random(added(A.likely), added(A.likely * A.likely))
        return self.added(added(A.value), likely, added(A.most), size, square, A.value.shape[axis])

    def matmul(self, A: Bounded, B: Bounded, split: bool = False) -> Bounded:
        """Products added up in any order."""
        a, b, most, squares = abs(A.value), abs(B.value), 0.0, 0.0
        if not isinstance(A.most, float):
            most, squares = most + A.most @ b, squares + (A.likely * A.likely) @ (b * b)
        if not isinstance(B.most, float):
            grown = a if isinstance(A.most, float) else a + A.most
            most, squares = most + grown @ B.most, squares + (grown * grown) @ (B.likely * B.likely)
        likely = 0.0 if isinstance(squares, float) else self.random(most, squares)
        square = (a * a) @ (b * b) if split else None
        return self.added(A.value @ B.value, likely, most, a @ b, square, A.value.shape[-1])

    def bilinear(self, how: Any, A: Array, B: Array, k: int, split: bool = False) -> Bounded:
        """The sums of products, and the same of sizes, each of which is rounded."""
        square = how(A * A, B * B) if split else None
        return self.added(how(A, B), 0.0, 0.0, how(abs(A), abs(B)), square, k)

    def random(self, most: Any, squares: Any) -> Any:
        """The likely sum of errors of independent sign, at most their total."""
        xp = namespace(squares)
        return xp.minimum(most, T * xp.sqrt(squares))

    def added(self, value: Any, likely: Any, most: Any, size: Any, square: Any, k: int) -> Bounded:
        """A sum of k terms of these errors, of its roundings, and, given Σ terms², of parts that blocks have stored.

        The parts of a sum are at most Σ|terms| together. Terms of either sign leave parts of the size of √Σ terms²,
        and terms of one sign parts of the size of the sum.
        """
        u = self.precision.fine
        likely, most = likely + steps(k) * u * size, most + k * u * size
        if square is not None:
            stored = self.precision.coarse
            likely = likely + stored * self.random(size, square + value * value)
            most = most + stored * size
        return Bounded(value, likely, most, u)

    def exp(self, A: Bounded) -> Bounded:
        """The exponential: an error of its argument is a relative one, and a fast one rounds its argument too."""
        xp = namespace(A.value)
        value = xp.exp(A.value)
        own = FUNCTION * A.u * (1 + abs(A.value))

        def grown(e: Any) -> Any:
            return value * (own + (0.0 if isinstance(e, float) else xp.expm1(xp.minimum(e, 0 * e + 50.0))))

        return Bounded(value, grown(A.likely), grown(A.most), A.u)

    def inverse_root(self, A: Bounded) -> Bounded:
        """One over the root, at the least that its argument may have been."""
        xp = namespace(A.value)
        value = 1 / xp.sqrt(A.value)

        def grown(e: Any) -> Any:
            return 1 / xp.sqrt(xp.maximum(A.value - e, A.value * 2.0**-40)) - value + FUNCTION * A.u * value

        return Bounded(value, grown(A.likely), grown(A.most), A.u)

    def function(self, A: Bounded, value: Any, slope: Any, size: Any = None) -> Bounded:
        """A function of A: its own rounding and its argument's, and its argument's error, by the slope."""
        made, steep = value(A.value), abs(slope(A.value))
        own = FUNCTION * A.u * (abs(made) + (1.0 if size is None else size(A.value)))
        likely, most = (steep * e + own for e in (A.likely, A.most))
        return Bounded(made, likely, most, A.u)

    def formula(self, f: Any, A: Bounded, B: Bounded, stored: bool = False) -> Bounded:
        """A formula of numbers with a running error, whose unit is c u: that of its arguments and of its roundings."""
        u, c = (self.precision.coarse, STORED) if stored else (self.precision.fine, SAFE)
        precision = Roundings(u, self.precision.grain / u, c)

        def made(a: Any, b: Any) -> Any:
            zeros = namespace(A.value).zeros_like(A.value)
            given = (RunningError(C.value, e / precision.reach + zeros, precision.reach) for C, e in ((A, a), (B, b)))
            return f(*given, precision)

        likely, most = made(A.likely, B.likely), made(A.most, B.most)
        return Bounded(likely.value, precision.reach * likely.e, precision.reach * most.e, self.precision.fine)

    def value(self, A: Any) -> Any:
        """The numbers alone."""
        return A.value if isinstance(A, Bounded) else A

    def moved(self, A: Bounded, how: Any) -> Bounded:
        """The entries in another order or shape: nothing is rounded."""
        likely, most = (e if isinstance(e, float) else how(e) for e in (A.likely, A.most))
        return Bounded(how(A.value), likely, most, A.u)

    def either(self, A: Bounded, other: Any) -> Bounded:
        """The larger bounds of two ways to one number."""
        B, xp = other(), namespace(A.value)
        return Bounded(A.value, xp.maximum(A.likely, B.likely), xp.maximum(A.most, B.most), A.u)


def steps(k: int) -> float:
    """The error of a sum of k terms in units of u Σ|terms|: t √k, or k if that is less."""
    return min(float(k), T * sqrt(k))


@dataclass(frozen=True, eq=False)
class Bounded:
    """Numbers with a likely and a strict bound of their rounding error, and the unit u of one operation.

    Bounds are absolute, entry by entry; 0.0 where nothing was rounded.
    """

    value: Any
    likely: Any
    most: Any
    u: float
    __array_ufunc__ = None
    __array_priority__ = 100

    def __add__(self, other: Any) -> Bounded:
        value, likely, most = parts(other)
        total = self.value + value
        size = self.u * abs(total)
        return Bounded(total, self.likely + likely + size, self.most + most + size, self.u)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Bounded:
        return self + (-other)

    def __neg__(self) -> Bounded:
        return Bounded(-self.value, self.likely, self.most, self.u)

    def __mul__(self, other: Any) -> Bounded:
        value, likely, most = parts(other)
        product = self.value * value
        size, a, b = self.u * abs(product), abs(self.value), abs(value)
        return Bounded(
            product,
            a * likely + self.likely * b + self.likely * likely + size,
            a * most + self.most * b + self.most * most + size,
            self.u,
        )

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Bounded:
        value, likely, most = parts(other)
        quotient, b = self.value / value, abs(value)
        size = self.u * abs(quotient)

        def grown(e: Any, f: Any) -> Any:
            if isinstance(f, float):
                return e / b + size
            return (e + abs(quotient) * f) / namespace(b).maximum(b - f, b * 2.0**-40) + size

        return Bounded(quotient, grown(self.likely, likely), grown(self.most, most), self.u)


def parts(other: Any) -> tuple[Any, Any, Any]:
    """A number and its bounds; plain ones are exact."""
    return (other.value, other.likely, other.most) if isinstance(other, Bounded) else (other, 0.0, 0.0)


def flags(A: Array, numbers: list[float]) -> Array:
    """A vector in the dtype and on the device of A."""
    xp = namespace(A)
    try:
        return xp.asarray(numbers, dtype=A.dtype, device=A.device)
    except (AttributeError, TypeError):  # CuPy's has no device, and puts it where the current one is
        return xp.asarray(numbers, dtype=A.dtype)


def rows_of_last_axis(A: Array) -> Array:
    """An array as rows of its last axis; a number alone is one row of one."""
    shape = tuple(A.shape) or (1,)
    return namespace(A).reshape(A, (prod(shape[:-1]), shape[-1]))
