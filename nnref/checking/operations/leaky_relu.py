"""What the checks know of the leaky ReLU; its slope below 0 is chosen, as 0.1 in "leaky_relu 0.1"."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.checking.operations.entrywise import entrywise, piecewise_linear
from nnref.checking.operations.record import Formula, Kink, OwnMistake, Record, Slopes, Writing, Wrong
from nnref.checking.operations.relu import sign_of
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from nnref.leaky_relu import SLOPE
from nnref.shapes import Array

CHOICES = (SLOPE, 0.1, 0.2, 0.3, 0.05, 0.02, 0.001)
"""Slopes that people choose, the commonest first."""


def mask(below: float, Z: Array) -> Array:
    """The slope: 1 where Z > 0, else the one below."""
    ones = namespace(Z).ones_like(Z)
    made: Array = namespace(Z).where(Z > 0, ones, below * ones)
    return made


def error(below: float, Z: WithError, A: Array, p: Precision) -> Array:
    """The error of Z times the exact slope; below 0 the product is rounded, and so may the slope be."""
    carried = mask(below, Z.value) * Z.e
    return carried + np.where(Z.value > 0, 0.0, p.size(A, carried) + p.underflow * (abs(A) + Z.e > 0))


def slope(below: float, Z: WithError, A: WithError, p: Precision) -> WithError:
    """The slope, which is given and not computed."""
    return WithError.exact(mask(below, Z.value), Z.u)


def ball(below: float, z: Any) -> Any:
    """Z, or its part below 0, of a ball or a power series that lies on one side of 0."""
    return z if sign_of(z) > 0 else below * z


def exchanged(below: float, Z: WithError, A: WithError) -> WithError:
    """The slope with its two sides exchanged."""
    ones = namespace(Z.value).ones_like(Z.value)
    return WithError.exact(namespace(Z.value).where(Z.value > 0, below * ones, ones), Z.u)


def with_parameters(below: float) -> Record:
    """The record of a leaky rectifier of this slope below 0."""
    line = f"{below:g}"
    return entrywise(
        "leaky_relu",
        error=partial(error, below),
        slope=partial(slope, below),
        ball=partial(ball, below),
        ball_slope=lambda z, a: 1 if z > 0 else below,
        series=partial(ball, below),
        kinks=(Kink(at=0.0, jump=1.0 - below),),
        backward=piecewise_linear,
        writing=Writing(
            f"leaky {line}",
            f"np.where(Z{{l}} > 0, Z{{l}}, {line} * Z{{l}})",
            {"slope": "np.where(Z{l} > 0, 1, slope)"},
            words=("leaky",),
            beside=("relu",),
        ),
        slopes=Slopes(
            miswritten=(Formula("the two sides exchanged", partial(exchanged, below)),),
            own=(
                OwnMistake(
                    "slope.leaky",
                    "The derivative is that of a leaky rectifier.",
                    "dZ{l} = dA{l} * np.where(Z{l} > 0, 1, 0.01)",
                    (Wrong(lambda Z, dA, s: dA * np.where(Z.value > 0, 1, s), "slope {s}", (0, 1)),),
                ),
            ),
            mask=partial(mask, below),
        ),
        choices=CHOICES,
    )


RECORD = with_parameters(SLOPE)
