"""What the checks know of tanh: its slope 1 − A² cancels where A is near ±1, and has A's absolute error there."""

from __future__ import annotations

from functools import partial

from nnref.arrays import namespace
from nnref.checking.operations.entrywise import entrywise, nearest_to_0, of_steepest
from nnref.checking.operations.record import Ball, Formula, Slopes, Writing
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from nnref.shapes import Array

ROUNDINGS = 8
"""Relative error of tanh in units u: 6 of numpy's tanh, and 2 for a quotient."""


def steepest(Z: Array, r: Array) -> Array:
    """The largest slope within r of Z, which is that nearest to 0."""
    E = namespace(Z).exp(-2 * nearest_to_0(Z, r))
    made: Array = 4 * E / (1 + E) ** 2
    return made


def slope(Z: WithError, A: WithError, p: Precision) -> WithError:
    """The slope 1 − A² and its error: A² + (1 − A²) = 1 for two roundings, and that of A, however small it is."""
    return WithError(1 - A.value * A.value, 1 + (2 * abs(A.value) + p.reach * A.e) * A.e, A.u)


def within_reach(Z: WithError, p: Precision) -> WithError:
    """Tanh with the error of the steepest slope within reach of Z, for use as a factor elsewhere."""
    A: Array = namespace(Z.value).tanh(Z.value)
    return WithError(A, of_steepest(steepest, ROUNDINGS, Z, A, p), Z.u)


def of(Z: WithError) -> WithError:
    """Tanh of numbers that carry their error."""
    return Z.rounded(namespace(Z.value).tanh(Z.value), 1.0)


def series(x: Ball) -> Ball:
    """Tanh x = 1 − 2 / (1 + exp 2x), a formula independent of flint's tanh, which the ball uses."""
    return 1 - 2 / (1 + (2 * x).exp())


def less_square(V: WithError) -> WithError:
    """1 − V²."""
    return 1 - V * V


RECORD = entrywise(
    "tanh",
    error=partial(of_steepest, steepest, ROUNDINGS),
    slope=slope,
    ball=lambda z: z.tanh(),
    ball_slope=lambda z, a: 1 - a * a,
    series=series,
    writing=Writing("tanh", "np.tanh(Z{l})", {"slope": "(1 - A{l}**2)"}, words=("tanh",)),
    slopes=Slopes(
        taken=(
            Formula("1 - tanh(Z)²", lambda Z, A: less_square(of(Z))),
            Formula("1 - A²", lambda Z, A: less_square(A)),
        ),
        misplaced=(
            Formula("1 - tanh(A)²", lambda Z, A: less_square(of(A))),
            Formula("1 - Z²", lambda Z, A: less_square(Z)),
        ),
        miswritten=(
            Formula("1 - A", lambda Z, A: 1 - A),
            Formula("A²", lambda Z, A: A * A),
            Formula("1 + A²", lambda Z, A: A * A + 1),
            Formula("A (1 + A)", lambda Z, A: A * (A + 1)),
        ),
    ),
)
