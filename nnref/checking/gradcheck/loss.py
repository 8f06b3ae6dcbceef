"""The loss as a function of one parameter entry, and whether it is reproducible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError, array, array_from, floating, framed
from nnref.checking.gradcheck.nesting import Leaf, leaves, rebuild
from nnref.checking.gradcheck.stairs import Rounding, measured, steps_within
from nnref.precision import unit
from nnref.shapes import Array

H = 1e-100
"""The complex step: its square vanishes beside any number in the loss (Squire & Trapp 1998)."""

JITTER = 64.0
"""Unit roundoffs by which two evaluations at one point may differ: twice the 2 √k of a sum of k = 256 terms, added in
two orders (precision.gathered says what 2 √k rests on)."""

AWAY = (2.0**-3, 2.0**-10)
"""Distances, in sizes of each tensor, of the point at which the loss is evaluated before and after the check: the first
of them at which the loss is finite is taken."""


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
    A = array_from(L, "the loss")
    if A.size == 1 and not floating(A.dtype) and A.dtype.kind != "c":
        raise GradcheckError(f"the loss should be one floating-point number; {A.dtype} came.")
    if A.size != 1:
        raise GradcheckError(
            f"the loss should be one floating-point number; {A.dtype} of shape {A.shape} came. "
            f"For a function with many outputs use check_vjp."
        )
    return A.reshape(())


def finite(L: Array) -> Array:
    """L if it is a finite real number, else refused: no slope exists there."""
    if L.dtype.kind == "c":
        raise GradcheckError(f"the loss is {L} at real parameters; it should be real. Try its .real, or abs(…)**2.")
    if not np.isfinite(L):
        raise GradcheckError(f"the loss is {L} at these parameters; it should be finite. Try smaller ones.")
    return L


@dataclass(frozen=True)
class FarPoint:
    """A point with every tensor moved by `distance` times its size, entries up and down in turn, and the loss there."""

    distance: float
    value: float

    def arrays(self, at: list[Array]) -> list[Array]:
        """The parameters there."""
        return moved(at, self.distance)


def moved(arrays: list[Array], distance: float) -> list[Array]:
    """Every tensor moved by `distance` times its size, its entries up and down in turn."""
    return [A + distance * size(A) * signs(A) for A in arrays]


def size(A: Array) -> float:
    """The largest entry of a tensor, or 1 where all are 0: the unit in which it is moved."""
    return float(np.abs(A).max(initial=0)) or 1.0


def signs(A: Array) -> Array:
    """+1 and −1 in turn, shaped like A."""
    return 1.0 - 2.0 * (np.arange(A.size).reshape(A.shape) % 2)


def steady(loss: Callable[[Any], Any], parameters: Any) -> tuple[Call, FarPoint | None]:
    """The loss of a list of arrays, after checking that it is one number, reproducible, and modifies nothing.

    Between the two evaluations there is one at a far point, to expose a loss that caches its last value. That point is
    kept, and evaluated again at the end.
    """
    first = finite(number(untouched("the loss", loss, parameters)))
    call = Call(loss, rebuild(parameters, repeat(np.zeros(0))))  # keeps the nesting, not the arrays
    at = [A.astype("float64") for A in leaves(parameters).values()]
    with np.errstate(all="ignore"):
        points = (FarPoint(distance, real_part(call(moved(at, distance)))) for distance in AWAY)
        away = next((point for point in points if np.isfinite(point.value)), None)
    second = finite(number(untouched("the loss", loss, parameters)))
    if not same_evaluation(float(first), float(second), unit(first.dtype)):
        raise GradcheckError(
            f"the loss is {first} and then {second} at the same parameters. Switch off dropout, or fix its seed; "
            f"it must not change from call to call."
        )
    return call, away


def real_part(L: Array) -> float:
    """The real part of a loss, which may be complex away from here, as with the root of a negative number."""
    return float(np.real(L))


def same_evaluation(a: float, b: float, u: float) -> bool:
    """Are two evaluations at one point the same? Threads that add in another order differ by some roundings."""
    return bool(abs(a - b) <= JITTER * u * max(abs(a), abs(b)) or a == b or (np.isnan(a) and np.isnan(b)))


def untouched(what: str, function: Callable[[Any], Any], parameters: Any, leaf: Leaf = array) -> Any:
    """function(parameters), refusing one that changes its argument. leaf reads one array of the nesting."""
    copies = [A.copy() for A in leaves(parameters, leaf=leaf).values()]
    given = rebuild(parameters, iter([A.copy() for A in copies]))
    result = framed(what, lambda: function(given))
    for (name, A), before in zip(leaves(given, leaf=leaf).items(), copies, strict=True):
        if not np.array_equal(A, before, equal_nan=True):
            raise GradcheckError(f"{what} changed {name}, its own argument. Work on a copy: {name} = {name} - …")
    return result


class PerturbedLoss:
    """The loss at private float64 copies of the parameters, one entry of which is moved and put back."""

    def __init__(
        self,
        call: Callable[[list[Array]], Array],
        arrays: list[Array],
        rng: np.random.Generator,
        away: FarPoint | None = None,
    ) -> None:
        self.call, self.away = call, away
        self.arrays = [np.array(A, dtype="float64", order="C") for A in arrays]
        self.evaluations, self.fresh = 0, False
        self.complex: tuple[int, Array] | None = None
        first = self.counted(self.arrays)
        self.at, self.u = float(finite(first)), unit(first.dtype)
        self.fresh = self.remembers()
        self.rounding = self.rounding_at(self.arrays, self.at, rng)

    @property
    def noise(self) -> float:
        """What rounding may do to one evaluation."""
        return self.rounding.noise

    def rounding_at(
        self, arrays: list[Array], at: float, rng: np.random.Generator, like: Rounding | None = None
    ) -> Rounding:
        """What rounding does to the loss, which is at, at these arrays; like is what it does elsewhere."""
        return measured(lambda moved: real_part(self.counted(moved)), arrays, at, self.u, rng, like)

    def look_wide(self, rng: np.random.Generator) -> None:
        """Search a wider range for steps of the loss, which differences would mistake for slopes."""
        if not self.rounding.stair:
            height = steps_within(lambda moved: real_part(self.counted(moved)), self.arrays, self.at, self.noise, rng)
            if height:
                self.rounding = replace(self.rounding, noise=max(self.noise, height), stair=height)

    def counted(self, arrays: list[Array]) -> Array:
        """The loss of these arrays; overflow and division by zero show in the value, and give no warning."""
        self.evaluations += 1
        with np.errstate(all="ignore"):
            return self.call([A.copy() for A in arrays] if self.fresh else arrays)

    def remembers(self) -> bool:
        """Does the loss cache by the identity of its arrays, and so miss changes in place? Then it is given copies."""
        if not self.away:
            return False
        kept = [A.copy() for A in self.arrays]
        for A, B in zip(self.arrays, self.away.arrays(kept), strict=True):
            A[...] = B
        there = real_part(self.counted(self.arrays))
        for A, B in zip(self.arrays, kept, strict=True):
            A[...] = B
        if same_evaluation(there, self.away.value, self.u) and same_evaluation(
            real_part(self.counted(self.arrays)), self.at, self.u
        ):
            return False
        self.counted(self.away.arrays(self.arrays))  # so that no cached value of the moved arrays is used
        return True

    def check_same(self, everywhere: bool = False) -> None:
        """Evaluate the loss where it was evaluated before: here, and, if everywhere, at the point away from here too.

        Errors: GradcheckError where it is another number.
        """
        before = [(self.at, self.arrays)]
        if everywhere and self.away:
            before.append((self.away.value, self.away.arrays(self.arrays)))
        for then, arrays in before:
            now = real_part(self.counted(arrays))
            if not same_evaluation(then, now, self.u):
                raise drift(f"the loss is {then!r} and later {now!r} at the same parameters")

    def twin(self, arrays: list[Array] | None = None) -> PerturbedLoss:
        """The same loss with copies of its arrays, or with others: for another thread, or at another point."""
        twin = object.__new__(PerturbedLoss)
        twin.__dict__.update(self.__dict__)
        twin.arrays = [np.array(A, order="C") for A in arrays or self.arrays]
        twin.evaluations, twin.complex = 0, None
        return twin

    def along(self, tensor: int, direction: Array, t: float) -> float:
        """L(θ + t direction), the direction within one tensor."""
        moved = list(self.arrays)
        moved[tensor] = moved[tensor] + t * direction
        return real_part(self.counted(moved))

    def entry(self, tensor: int, k: int, t: float) -> float:
        """L(θ + t e_k): one entry is moved in place and put back, whatever the loss does."""
        flat = self.arrays[tensor].reshape(-1)
        kept = flat[k]
        try:
            flat[k] = kept + t
            return real_part(self.counted(self.arrays))
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


def drift(seen: str) -> GradcheckError:
    """The error for a loss that is not reproducible; seen holds both numbers in words."""
    return GradcheckError(
        f"{seen}: the loss changes from call to call, as with a counter, a schedule, running statistics, dropout or a "
        f"cache. Give one that depends on its argument alone."
    )
