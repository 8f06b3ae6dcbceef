"""Evaluating a formula in arrays with rounding errors: gives the noise scale of any layer from its own formulas.

A layer's formulas take exp, sum, reshape, … from the namespace of their arrays (nnref.arrays). The class Running has a
namespace too, in which each operation adds its own rounding to the errors of its operands (Higham 2002, §3.3). So
evaluating a formula also gives the rounding error of its result, and no scale is derived by hand. The errors are of
first order in u: products of two errors are left out, as in affine.py.

Errors of operands are added as if all had one sign or, for a typical error, their squares are (noting). The first gives
a strict bound for one formula; through twenty layers it is so large that even wrong gradients stay below it. If
roundings are independent and unbiased, t times the root of the sum of squares is exceeded with probability at most 2
exp(−t²/2) (Hoeffding; Higham & Mary 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnref.arrays import KNOWN
from nnref.checking.operations.rounding import SAFE
from nnref.shapes import Array

LAST_PLACES = 6.0
"""Units u by which numpy's exp, tanh and scipy's erf may err: three units in the last place."""


@dataclass
class Notes:
    """What is noted while formulas are evaluated: the longest sum, and how close each comparison was.

    typical: squares of errors are added up, and not errors. margins holds, for every comparison, the least |a − b| in
    units of their errors, by the last axis.
    """

    typical: bool = False
    longest: int = 1
    margins: list[Array] = field(default_factory=list)

    def narrowest(self, N: int) -> Array:
        """For each example, its closest comparison; the examples are the last axis, or vary fastest along it."""
        found = np.full(N, np.inf)
        for margin in self.margins:
            if margin.size % N == 0:
                found = np.minimum(found, margin.reshape(-1, N).min(axis=0))
        return found


TAKEN: list[Notes] = []
"""The notes being taken now, innermost last."""


@contextmanager
def noting(typical: bool = False) -> Iterator[Notes]:
    """Take notes within the block, and add errors, or their squares if typical."""
    notes = Notes(typical)
    TAKEN.append(notes)
    try:
        yield notes
    finally:
        TAKEN.remove(notes)


def is_typical() -> bool:
    """Are squares of errors added up?"""
    return bool(TAKEN) and TAKEN[-1].typical


def joint(*errors: Any) -> Any:
    """The combined error of several."""
    if is_typical():
        return np.sqrt(sum(np.square(e) for e in errors))
    return sum(errors)


def summed(terms: int) -> None:
    """Note the number of terms of a sum."""
    for notes in TAKEN:
        notes.longest = max(notes.longest, terms)


def decided(A: Any, B: Any) -> None:
    """Note how close the comparisons of A and B are, in units of their errors; infinite for exact numbers."""
    if TAKEN:
        (a, e_a), (b, e_b) = parts(A), parts(B)
        errors, gap = np.asarray(joint(e_a, e_b)), np.asarray(abs(a - b))
        with np.errstate(all="ignore"):
            margin = np.where(errors > 0, gap / np.where(errors > 0, errors, 1), np.inf)
        if margin.ndim:
            for notes in TAKEN:
                notes.margins.append(margin.reshape(-1, margin.shape[-1]).min(axis=0))


class Running:
    """An array and its running error e, in multiples of u, of the same shape. Operators add their own rounding."""

    __array_ufunc__ = None  # array * Running is ours to compute, not numpy's
    __slots__ = ("e", "value")

    def __init__(self, value: Any, e: Any = 0.0) -> None:
        self.value = np.asarray(value, "float64")
        self.e = np.broadcast_to(np.asarray(e, "float64"), self.value.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """How many axes."""
        return self.value.ndim

    @property
    def size(self) -> int:
        """How many numbers."""
        return self.value.size

    @property
    def dtype(self) -> Any:
        """Double precision, in which values and errors are held."""
        return self.value.dtype

    @property
    def device(self) -> str:
        """Where numpy's arrays are."""
        return "cpu"

    @property
    def T(self) -> Running:
        """The transpose."""
        return self.moved(np.transpose)

    def moved(self, rearrange: Callable[[Array], Array]) -> Running:
        """The entries rearranged, as by a slice or a reshape: nothing is rounded."""
        return Running(rearrange(self.value), rearrange(self.e))

    def __getitem__(self, index: Any) -> Running:
        return self.moved(lambda A: A[index])

    def __len__(self) -> int:
        return len(self.value)

    def __add__(self, other: Any) -> Running:
        value, e = parts(other)
        total = self.value + value
        return Running(total, joint(self.e, e, rounded(total, self.value, value)))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Running:
        return self + (-other)

    def __rsub__(self, other: Any) -> Running:
        return -self + other

    def __neg__(self) -> Running:
        return Running(-self.value, self.e)

    def __mul__(self, other: Any) -> Running:
        value, e = parts(other)
        product = self.value * value
        one = (abs(self.value) == 1) | (abs(value) == 1)  # a product with 1 rounds nothing
        rounding = np.where(one, 0, abs(product))
        if other is self:  # both factors have the same error
            return Running(product, joint(2 * abs(value) * e, rounding))
        return Running(product, joint(abs(self.value) * e, self.e * abs(value), rounding))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Running:
        value, e = parts(other)
        quotient = self.value / value
        return Running(quotient, joint(self.e / abs(value), abs(quotient) * e / abs(value), abs(quotient)))

    def __rtruediv__(self, other: Any) -> Running:
        return Running(other) / self

    def __pow__(self, power: float) -> Running:
        value = self.value**power
        return Running(value, joint(abs(power * self.value ** (power - 1)) * self.e, 2 * abs(value)))

    def __matmul__(self, other: Any) -> Running:
        value, e = parts(other)
        k = self.value.shape[-1]
        summed(k)
        if is_typical():  # each of k additions rounds a partial sum, whose square is typically that of its terms
            squares = np.square(self.value) @ (k * np.square(value) + np.square(e)) + np.square(self.e) @ np.square(
                value
            )
            return Running(self.value @ value, np.sqrt(squares))
        return Running(self.value @ value, abs(self.value) @ (abs(value) + e) + self.e @ abs(value))

    def __rmatmul__(self, other: Any) -> Running:
        return Running(other) @ self

    def __eq__(self, other: object) -> Any:
        return self.value == parts(other)[0]

    __hash__ = None  # type: ignore[assignment]  # an array, not a key

    def __gt__(self, other: Any) -> Any:
        decided(self, other)
        return self.value > parts(other)[0]

    def __lt__(self, other: Any) -> Any:
        decided(self, other)
        return self.value < parts(other)[0]

    def __le__(self, other: Any) -> Any:
        decided(self, other)
        return self.value <= parts(other)[0]

    def __ge__(self, other: Any) -> Any:
        decided(self, other)
        return self.value >= parts(other)[0]

    def __abs__(self) -> Running:
        return Running(abs(self.value), self.e)


def parts(other: Any) -> tuple[Any, Any]:
    """The value and the error of an operand; plain numbers and arrays are exact."""
    return (other.value, other.e) if isinstance(other, Running) else (np.asarray(other), 0.0)


def rounded(total: Array, one: Array, other: Array) -> Array:
    """The rounding of a sum of two: none where one of them is 0."""
    return np.where((np.asarray(one) == 0) | (np.asarray(other) == 0), 0, abs(total))


def function(f: Callable[[Array], Array], slope: Callable[[Array, Array], Array]) -> Callable[[Any], Any]:
    """Apply f to every entry; the error is slope(x, f(x)) times that of x, plus the rounding of f."""

    def of(A: Any) -> Any:
        if not isinstance(A, Running):
            return f(A)
        value = f(A.value)
        places = LAST_PLACES if is_typical() else LAST_PLACES / SAFE
        return Running(value, joint(abs(slope(A.value, value)) * A.e, places * abs(value)))

    return of


def erf(A: Any) -> Any:
    """The error function, by scipy."""
    from scipy.special import erf as of_scipy

    return function(of_scipy, lambda x, y: 2 / np.sqrt(np.pi) * np.exp(-x * x))(A)


def total(A: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum over axes; the number of terms is noted, and allowed for in noise.allowed."""
    if not isinstance(A, Running):
        return np.sum(A, axis=axis, keepdims=keepdims)
    value = np.sum(A.value, axis=axis, keepdims=keepdims)
    k = A.size // max(1, value.size)
    summed(k)
    if is_typical():
        return Running(value, np.sqrt(np.sum(np.square(A.e) + k * np.square(A.value), axis=axis, keepdims=keepdims)))
    return Running(value, np.sum(A.e + abs(A.value), axis=axis, keepdims=keepdims))


def mean(A: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean over axes."""
    summed = total(A, axis, keepdims)
    return summed / (np.size(A.value if isinstance(A, Running) else A) / max(1, np.size(parts(summed)[0])))


def largest(A: Any, axis: int, keepdims: bool = False) -> Any:
    """The largest along an axis, with that entry's error."""
    if not isinstance(A, Running):
        return np.max(A, axis=axis, keepdims=keepdims)
    place = np.expand_dims(A.value.argmax(axis=axis), axis)
    found = A.moved(lambda B: np.take_along_axis(B, place, axis))
    return found if keepdims else found.moved(lambda B: np.squeeze(B, axis))


def where(condition: Any, A: Any, B: Any) -> Any:
    """The entries of A where the condition holds, else those of B."""
    (a, e_a), (b, e_b) = parts(A), parts(B)
    return Running(np.where(condition, a, b), np.where(condition, e_a, e_b))


def maximum(A: Any, B: Any) -> Any:
    """The larger of the two, entry by entry."""
    decided(A, B)
    return where(parts(A)[0] >= parts(B)[0], A, B)


def joined(join: Callable[..., Array]) -> Callable[..., Any]:
    """Concatenate or stack: of values, and of errors."""

    def of(arrays: Sequence[Any], axis: int = 0) -> Running:
        given = [A if isinstance(A, Running) else Running(A) for A in arrays]
        return Running(join([A.value for A in given], axis=axis), join([A.e for A in given], axis=axis))

    return of


def rearranging(rearrange: Callable[..., Array]) -> Callable[..., Any]:
    """A function that only rearranges entries, such as reshape."""

    def of(A: Any, *where_to: Any, **options: Any) -> Any:
        if isinstance(A, Running):
            return A.moved(lambda B: rearrange(B, *where_to, **options))
        return rearrange(A, *where_to, **options)

    return of


NAMESPACE = SimpleNamespace(
    **{
        **vars(np),
        "abs": abs,
        "exp": function(np.exp, lambda x, y: y),
        "log": function(np.log, lambda x, y: 1 / x),
        "log1p": function(np.log1p, lambda x, y: 1 / (1 + x)),
        "sqrt": function(np.sqrt, lambda x, y: 0.5 / y),
        "tanh": function(np.tanh, lambda x, y: 1 - y * y),
        "atanh": function(np.arctanh, lambda x, y: 1 / (1 - x * x)),
        "expm1": function(np.expm1, lambda x, y: y + 1),
        "sin": function(np.sin, lambda x, y: np.cos(x)),
        "cos": function(np.cos, lambda x, y: np.sin(x)),
        "erf": erf,
        "sum": total,
        "mean": mean,
        "max": largest,
        "where": where,
        "maximum": maximum,
        "minimum": lambda A, B: -maximum(-A, -B),
        "concat": joined(np.concatenate),
        "stack": joined(np.stack),
        "isnan": lambda A: np.isnan(parts(A)[0]),
        "argmax": lambda A, axis: parts(A)[0].argmax(axis=axis),
        "astype": lambda A, dtype, copy=True: A if isinstance(A, Running) else A.astype(dtype, copy=copy),
        "isdtype": lambda dtype, kind: "real floating" in kind,
        "ones_like": lambda A: np.ones(A.shape),
        "zeros_like": lambda A: np.zeros(A.shape),
        **{
            name: rearranging(getattr(np, name))
            for name in ("reshape", "expand_dims", "squeeze", "moveaxis", "flip", "take", "broadcast_to")
        },
        "permute_dims": rearranging(np.transpose),
        "matrix_transpose": rearranging(lambda A: np.swapaxes(A, -1, -2)),
    }
)
"""The functions of the array API standard, for Running and plain arrays mixed."""

KNOWN[Running] = NAMESPACE
