"""What the checks know of ReLU: nothing is rounded, but near the kink the slope depends on the last digit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnref.arrays import namespace
from nnref.checking.operations.entrywise import entrywise, piecewise_linear
from nnref.checking.operations.record import Ball, Formula, Kink, OwnMistake, Slopes, Writing, Wrong
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from nnref.shapes import Array


def mask(Z: Array) -> Array:
    """Where the slope is 1; at 0 it is 0 (relu.convention)."""
    return Z > 0


def error(Z: WithError, A: Array, p: Precision) -> Array:
    """The error of max(0, Z): that of Z where Z > 0, else 0."""
    return mask(Z.value) * Z.e


def as_numbers(mask: Array, Z: WithError) -> WithError:
    """A mask as numbers of the kind of Z, exact."""
    return WithError.exact(namespace(Z.value).astype(mask, Z.value.dtype), Z.u)


def slope(Z: WithError, A: WithError, p: Precision) -> WithError:
    """The slope, which is exact: 1 where Z > 0, else 0."""
    return as_numbers(mask(Z.value), Z)


def ball(z: Ball) -> Ball:
    """max(0, z) of a ball, or of a power series, that lies on one side of 0."""
    return z if sign_of(z) > 0 else 0 * z


def sign_of(z: Ball) -> Ball:
    """The ball that decides: that of a number, or the first of a power series."""
    return z[0] if hasattr(z, "coeffs") else z


def half_at_0(Z: WithError) -> Array:
    """The mask with 1/2 at 0."""
    made: Array = (as_numbers(Z.value >= 0, Z).value + as_numbers(Z.value > 0, Z).value) / 2
    return made


def positive(V: WithError) -> WithError:
    """1 where a number is above 0, else 0."""
    return as_numbers(V.value > 0, V)


def where_holds(condition: Callable[[Array], Array]) -> Callable[[WithError, WithError, float], WithError]:
    """DA where a condition on Z holds, else 0."""
    return lambda Z, dA, s: dA.where(condition(Z.value))


RECORD = entrywise(
    "relu",
    error=error,
    slope=slope,
    ball=ball,
    ball_slope=lambda z, a: 1 if z > 0 else 0,
    series=ball,
    kinks=(Kink(at=0.0, jump=1.0),),
    backward=piecewise_linear,
    writing=Writing("relu", "relu(Z{l})", {"slope": "(Z{l} > 0)"}, words=("relu",)),
    slopes=Slopes(
        taken=(Formula("Z > 0", lambda Z, A: positive(Z)), Formula("A > 0", lambda Z, A: positive(A))),
        own=(
            OwnMistake(
                "slope.inverted",
                "The mask is the wrong way round.",
                "dZ{l} = dA{l} * (Z{l} <= 0)",
                (Wrong(where_holds(lambda Z: Z <= 0)), Wrong(where_holds(lambda Z: Z < 0), "Z < 0")),
            ),
            OwnMistake(
                "slope.at_zero",
                "The mask lets the exact zeros through: ReLU'(0) is 0 here, as in the forward pass max(0, Z).",
                "dZ{l} = dA{l} * (Z{l} >= 0)",
                (
                    Wrong(where_holds(lambda Z: Z >= 0)),
                    Wrong(lambda Z, dA, s: dA * half_at_0(Z), "1/2 at 0"),
                ),
            ),
            OwnMistake(
                "slope.leaky",
                "The derivative is that of a leaky rectifier.",
                "dZ{l} = dA{l} * np.where(Z{l} > 0, 1, 0.01)",
                (Wrong(lambda Z, dA, s: dA * np.where(Z.value > 0, 1, s), "slope {s}", (0, 1)),),
            ),
            OwnMistake(
                "slope.from_dA",
                "The mask is taken from dA, not from Z.",
                "dZ{l} = dA{l} * (dA{l} > 0)",
                (Wrong(lambda Z, dA, s: dA.where(dA.value > 0)),),
            ),
        ),
        mask=mask,
        twice=False,
    ),
)
