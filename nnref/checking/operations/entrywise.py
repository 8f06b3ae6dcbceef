"""The record of an entrywise operation A = f(Z), from what is known of f at one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.checking.operations.record import (
    Ball,
    Enclosures,
    Errors,
    Kink,
    Matrix,
    Record,
    Rows,
    Slopes,
    Undecided,
    Writing,
)
from nnref.checking.operations.rounding import SAFE, Precision
from nnref.checking.operations.running_error import WithError
from nnref.shapes import Array

Error = Callable[[WithError, Array, Precision], Array]
"""error(Z, A, precision): the error of A = f(Z), from that of Z and from computing f."""

Slope = Callable[[WithError, WithError, Precision], WithError]
"""slope(Z, A, precision): f' as it is computed, from Z or from A, with its error."""

Backward = Callable[[WithError, WithError, Precision], tuple[Array, Array]]
"""backward(slope, dA, precision): dZ = slope ∘ dA and its error."""


def entrywise(
    name: str,
    *,
    error: Error,
    slope: Slope,
    ball: Callable[[Ball], Ball],
    ball_slope: Callable[[Ball, Ball], Ball],
    series: Callable[[Ball], Ball],
    writing: Writing,
    slopes: Slopes,
    kinks: tuple[Kink, ...] = (),
    backward: Backward | None = None,
    choices: tuple[float, ...] = (),
) -> Record:
    """The record of A = f(Z): its error, slope and slope in balls, f of a ball, and f of a power series, by flint.

    ball, ball_slope(z, a) and series are asked only of balls that lie on one side of every kink. series is to know no
    formula for the derivative. Where f is a line on each side of its kinks, pass backward=piecewise_linear.
    """
    back = backward or smooth

    def going_back(theta: Any, Z: Array, E_Z: Array, A: Array, E_A: Array, dA: Array, E_dA: Array, p: Precision) -> Any:
        made = slope(WithError(Z, E_Z, p.reach), WithError(A, E_A, p.reach), p)
        return ((), *back(made, WithError(dA, E_dA, p.reach), p))

    return Record(
        name,
        Errors(lambda theta, Z, E_Z, A, p: error(WithError(Z, E_Z, p.reach), A, p), going_back, slope),
        Enclosures(
            lambda theta, Z, where: decided(ball, Z, kinks, where),
            lambda Z, dA: {},
            lambda theta, Z, A, dA: each(lambda z, a, da: ball_slope(z, a) * da, Z, A, dA),
        ),
        lambda W, z, rows: pushed(series, z, rows),
        kinks,
        writing,
        slopes,
        choices,
    )


def smooth(slope: WithError, dA: WithError, p: Precision) -> tuple[Array, Array]:
    """The gradient dZ = f'(Z) dA and its error, where the slope is itself computed."""
    E_dZ = abs(slope.value) * dA.e + (slope.e + p.size(slope.value, slope.e)) * p.size(dA.value, dA.e)
    return slope.value * dA.value, E_dZ + p.underflow * (abs(dA.value) + dA.e > 0)


def piecewise_linear(slope: WithError, dA: WithError, p: Precision) -> tuple[Array, Array]:
    """The gradient dZ = f'(Z) dA and its error, where the slope is exact: a product with 0 or 1 rounds nothing."""
    rounded = np.where((slope.value != 0) & (slope.value != 1), abs(slope.value * dA.value), 0.0)
    return slope.value * dA.value, abs(slope.value) * dA.e + rounded


def nearest_to_0(Z: Array, r: Array) -> Array:
    """The smallest distance from 0 of the numbers within r of Z."""
    near = abs(Z) - r
    made: Array = namespace(near).maximum(near, 0 * near)
    return made


def of_steepest(
    steepest: Callable[[Array, Array], Array], roundings: float, Z: WithError, A: Array, p: Precision
) -> Array:
    """The error of A = f(Z): that of Z times the steepest slope within its reach, plus the rounding of f.

    steepest(z, r) is the largest |f'| within r of z. numpy's exp and tanh err by 3 units in the last place, 6 u;
    roundings counts those and the operations beside them.
    """
    return steepest(Z.value, p.reach * Z.e) * Z.e + roundings / SAFE * (abs(A) + p.underflow * (abs(A) + Z.e > 0))


def beside_large(slope: WithError, Z: WithError, p: Precision) -> WithError:
    """A slope with an allowance for underflow: one factor is small where the other, Z, is large."""
    return WithError(slope.value, slope.e + p.underflow * (1 + abs(Z.value)), slope.u)


def of_formula(f: Callable[[WithError], WithError], Z: WithError, p: Precision) -> Array:
    """The error of A = f(Z), where f is written in numbers that carry their error; a factor may underflow beside Z."""
    return f(Z).e + p.underflow * (1 + abs(Z.value)) * (abs(Z.value) + Z.e > 0)


def decided(f: Callable[[Ball], Ball], Z: Matrix, kinks: tuple[Kink, ...], where: str) -> Matrix:
    """Apply f to every entry of Z, each a ball on one side of every kink; one exactly at a kink counts as below."""
    N = Z.ncols()
    for k, z in enumerate(entries(Z) if kinks else ()):
        if not all(z > kink.at or z <= kink.at for kink in kinks):
            raise Undecided(f"example {k % N}: unit {k // N} of {where}: {z} is on neither side of the kink.")
    return each(f, Z)


def each(f: Callable[..., Ball], *matrices: Matrix) -> Matrix:
    """F of every entry, or of the entries in the same place of several matrices."""
    import flint

    first = matrices[0]
    return flint.arb_mat(first.nrows(), first.ncols(), [f(*x) for x in zip(*map(entries, matrices), strict=True)])


def entries(M: Matrix) -> list[Ball]:
    """The entries of a matrix, row by row."""
    found: list[Ball] = M.entries()
    return found


def pushed(f: Callable[[Ball], Ball], z: Callable[[int], Ball], rows: Rows) -> Rows:
    """The coefficients of t in f(z + t₁ t) for every t₁ of every row; rows of zeros are left out."""
    from flint import arb_series

    found = {}
    for r, row in rows.items():
        moved = [f(arb_series([z(r), t]))[1] for t in row]
        if not all(t.is_zero() for t in moved):
            found[r] = moved
    return found
