"""What the checks know of the sigmoid: its slope A (1 − A) cancels where A is near 1, and has A's absolute error
there."""

from __future__ import annotations

from functools import partial

from nnref import sigmoid
from nnref.arrays import namespace
from nnref.checking.operations.entrywise import entrywise, nearest_to_0, of_steepest
from nnref.checking.operations.record import Ball, Formula, Slopes, Writing
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from nnref.shapes import Array

ROUNDINGS = 8
"""Relative error of the sigmoid in units u: 6 of numpy's exp, a sum and a quotient."""


def steepest(Z: Array, r: Array) -> Array:
    """The largest slope within r of Z, which is that nearest to 0."""
    E = namespace(Z).exp(-nearest_to_0(Z, r))
    made: Array = E / (1 + E) ** 2
    return made


def slope(Z: WithError, A: WithError, p: Precision) -> WithError:
    """The slope A (1 − A) and its error, which is that of A, however small the slope is."""
    value = A.value * (1 - A.value)
    return WithError(value, value + (abs(1 - 2 * A.value) + p.reach * A.e) * A.e, A.u)


def of(Z: WithError) -> WithError:
    """The sigmoid of numbers that carry their error."""
    A = sigmoid.forward(Z.value)
    return WithError(A, A * (1 - A) * Z.e + 2 * A, Z.u)


def within_reach(Z: WithError, p: Precision) -> WithError:
    """The sigmoid with the error of the steepest slope within reach of Z, for use as a factor elsewhere."""
    A = sigmoid.forward(Z.value)
    return WithError(A, of_steepest(steepest, ROUNDINGS, Z, A, p), Z.u)


def ball(z: Ball) -> Ball:
    """1 / (1 + exp(−z)) of a ball or a power series."""
    return 1 / (1 + (-z).exp())


def times_rest(V: WithError) -> WithError:
    """V (1 − V)."""
    return V * (1 - V)


RECORD = entrywise(
    "sigmoid",
    error=partial(of_steepest, steepest, ROUNDINGS),
    slope=slope,
    ball=ball,
    ball_slope=lambda z, a: a * (1 - a),
    series=ball,
    writing=Writing("sigmoid", "sigmoid(Z{l})", {"slope": "A{l} * (1 - A{l})"}, words=("sigmoid",)),
    slopes=Slopes(
        taken=(
            Formula("σ(Z) (1 - σ(Z))", lambda Z, A: times_rest(of(Z))),
            Formula("A (1 - A)", lambda Z, A: times_rest(A)),
            Formula("σ(Z)", lambda Z, A: of(Z)),
        ),
        misplaced=(
            Formula("σ(A) (1 - σ(A))", lambda Z, A: times_rest(of(A))),
            Formula("Z (1 - Z)", lambda Z, A: times_rest(Z)),
        ),
        miswritten=(
            Formula("1 - A", lambda Z, A: 1 - A),
            Formula("A²", lambda Z, A: A * A),
            Formula("1 + A²", lambda Z, A: A * A + 1),
            Formula("A (1 + A)", lambda Z, A: A * (A + 1)),
        ),
    ),
)
