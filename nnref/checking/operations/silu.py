"""What the checks know of SiLU: its slope, taken from Z, may be negative, and is no function of A."""

from __future__ import annotations

from nnref.checking.operations import sigmoid
from nnref.checking.operations.entrywise import beside_large, entrywise, of_formula
from nnref.checking.operations.record import Ball, Formula, Slopes, Writing
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from nnref.shapes import Array


def error(Z: WithError, A: Array, p: Precision) -> Array:
    """The error of Z σ(Z): that of each factor times the other, and of their product."""
    return of_formula(lambda Z: Z * sigmoid.within_reach(Z, p), Z, p)


def slope(Z: WithError, A: WithError, p: Precision) -> WithError:
    """The slope σ (1 + Z (1 − σ)), operation by operation; a sigmoid may underflow beside a large Z."""
    return beside_large(written(Z, sigmoid.within_reach(Z, p)), Z, p)


def written(Z: WithError, S: WithError) -> WithError:
    """S (1 + Z (1 − S)), the slope where S is the sigmoid of Z."""
    return S * (1 + Z * (1 - S))


def ball(z: Ball) -> Ball:
    """Z / (1 + exp(−z)) of a ball or a power series."""
    return z / (1 + (-z).exp())


def ball_slope(z: Ball, a: Ball) -> Ball:
    """The slope in balls."""
    s = sigmoid.ball(z)
    return s * (1 + z * (1 - s))


RECORD = entrywise(
    "silu",
    error=error,
    slope=slope,
    ball=ball,
    ball_slope=ball_slope,
    series=ball,
    writing=Writing(
        "silu",
        "Z{l} * sigmoid(Z{l})",
        {"slope": "sigmoid(Z{l}) * (1 + Z{l} * (1 - sigmoid(Z{l})))"},
        words=("silu", "swish"),
        beside=("sigmoid",),
    ),
    slopes=Slopes(
        taken=(Formula("σ(Z) (1 + Z (1 - σ(Z)))", lambda Z, A: written(Z, sigmoid.of(Z))),),
        misplaced=(Formula("σ(A) (1 + A (1 - σ(A)))", lambda Z, A: written(A, sigmoid.of(A))),),
        miswritten=(
            Formula("σ(Z)", lambda Z, A: sigmoid.of(Z)),
            Formula("σ(Z) (1 - σ(Z))", lambda Z, A: sigmoid.times_rest(sigmoid.of(Z))),
            Formula("Z σ(Z) (1 - σ(Z))", lambda Z, A: Z * sigmoid.times_rest(sigmoid.of(Z))),
            Formula("σ(Z) (1 + Z σ(Z))", lambda Z, A: sigmoid.of(Z) * (1 + Z * sigmoid.of(Z))),
            Formula("A + σ(Z)", lambda Z, A: A + sigmoid.of(Z)),
        ),
    ),
)
