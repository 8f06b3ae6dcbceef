"""What the checks know of softplus: its slope is the sigmoid, taken from Z, and never cancels."""

from __future__ import annotations

from functools import partial

from nnref.checking.operations import sigmoid
from nnref.checking.operations.entrywise import entrywise, of_steepest
from nnref.checking.operations.record import Ball, Formula, Slopes, Writing
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError, exponential
from nnref.shapes import Array
from nnref.sigmoid import forward as sigma

ROUNDINGS = 16
"""Relative error of softplus in units u: 6 of an exponential, 6 of a logarithm, and the sums."""


def steepest(Z: Array, r: Array) -> Array:
    """The largest slope within r of Z: the slope grows with Z."""
    return sigma(Z + r)


def slope(Z: WithError, A: WithError, p: Precision) -> WithError:
    """The slope, the sigmoid of Z, with an allowance for underflow."""
    S = sigmoid.within_reach(Z, p)
    return WithError(S.value, S.e + p.underflow, Z.u)


def ball(z: Ball) -> Ball:
    """log(1 + exp z) of a ball, all of whose digits are kept where exp z is small."""
    return z.exp().log1p()


def series(x: Ball) -> Ball:
    """log(1 + exp x) of a power series."""
    return (1 + x.exp()).log()


RECORD = entrywise(
    "softplus",
    error=partial(of_steepest, steepest, ROUNDINGS),
    slope=slope,
    ball=ball,
    ball_slope=lambda z, a: sigmoid.ball(z),
    series=series,
    writing=Writing(
        "softplus",
        "np.logaddexp(0, Z{l})",
        {"slope": "sigmoid(Z{l})"},
        words=("softplus",),
        beside=("sigmoid",),
    ),
    slopes=Slopes(
        taken=(Formula("σ(Z)", lambda Z, A: sigmoid.of(Z)),),
        misplaced=(Formula("σ(A)", lambda Z, A: sigmoid.of(A)),),
        miswritten=(
            Formula("σ(-Z)", lambda Z, A: sigmoid.of(-Z)),
            Formula("exp Z", lambda Z, A: exponential(Z)),
            Formula("σ(Z) (1 - σ(Z))", lambda Z, A: sigmoid.times_rest(sigmoid.of(Z))),
        ),
    ),
)
