"""What the checks know of ReLU6: a ReLU with a second kink at 6, where it is cut off."""

from __future__ import annotations

from nnref.checking.operations.entrywise import entrywise, piecewise_linear
from nnref.checking.operations.record import Ball, Formula, Kink, OwnMistake, Slopes, Undecided, Writing, Wrong
from nnref.checking.operations.relu import as_numbers, sign_of, where_holds
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from nnref.relu6 import CUT
from nnref.shapes import Array


def mask(Z: Array) -> Array:
    """Where the slope is 1; at both kinks it is 0."""
    made: Array = (Z > 0) & (Z < CUT)
    return made


def error(Z: WithError, A: Array, p: Precision) -> Array:
    """The error of Z between the kinks, else 0."""
    return mask(Z.value) * Z.e


def slope(Z: WithError, A: WithError, p: Precision) -> WithError:
    """The slope, which is exact."""
    return as_numbers(mask(Z.value), Z)


def ball(z: Ball) -> Ball:
    """min(6, max(0, z)) of a ball, or of a power series, that lies between the kinks, or beyond."""
    return z if between(sign_of(z)) else 0 * z + (CUT if sign_of(z) > 0 else 0)


def between(z: Ball) -> bool:
    """Does a ball lie between the kinks, and not beyond? One that is exactly at a kink does not."""
    if not (z < CUT or z >= CUT):
        raise Undecided(f"{z} is on neither side of the kink.")
    return bool(z > 0 and z < CUT)


RECORD = entrywise(
    "relu6",
    error=error,
    slope=slope,
    ball=ball,
    ball_slope=lambda z, a: int(between(z)),
    series=ball,
    kinks=(Kink(at=0.0, jump=1.0), Kink(at=CUT, jump=1.0)),
    backward=piecewise_linear,
    writing=Writing(
        "relu6",
        "np.clip(Z{l}, 0, 6)",
        {"slope": "((Z{l} > 0) & (Z{l} < 6))"},
        words=("relu6",),
        beside=("relu",),
    ),
    slopes=Slopes(
        miswritten=(Formula("Z < 6", lambda Z, A: as_numbers(Z.value < CUT, Z)),),
        own=(
            OwnMistake(
                "slope.inverted",
                "The mask is the wrong way round.",
                "dZ{l} = dA{l} * (Z{l} <= 0)",
                (Wrong(where_holds(lambda Z: ~mask(Z))),),
            ),
        ),
        mask=mask,
        twice=False,
    ),
)
