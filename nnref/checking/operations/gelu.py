"""What the checks know of GELU: 1 + erf cancels far below 0; the slope can be negative, and is no function of A."""

from __future__ import annotations

from typing import Any

from nnref.arrays import erf, namespace
from nnref.checking.operations.entrywise import beside_large, entrywise, nearest_to_0, of_formula
from nnref.checking.operations.record import Ball, Formula, Slopes, Writing
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from nnref.gelu import ROOT_2, ROOT_2_PI
from nnref.shapes import Array


def density(Z: Array) -> Array:
    """The normal density φ."""
    made: Array = namespace(Z).exp(-Z * Z / 2) / ROOT_2_PI
    return made


def Phi(Z: WithError, reach: float = 0.0) -> WithError:
    """The normal distribution function (1 + erf(Z / √2)) / 2: its rounding error is that of 1, however small it is.

    Its slope is φ, at its largest within reach where Z is nearest to 0. Dividing by √2 rounds Z once more.
    """
    near = density(nearest_to_0(Z.value, reach * Z.e))
    value = (1 + erf(Z.value / ROOT_2)) / 2
    return WithError(value, near * (Z.e + abs(Z.value)) + 1 + value, Z.u)


def phi(Z: WithError, reach: float = 0.0) -> WithError:
    """The normal density, whose exponent z² / 2 is rounded; its slope −z φ is steepest at ±1."""
    value = density(Z.value)
    xp, far, near = namespace(Z.value), abs(Z.value) + reach * Z.e, nearest_to_0(Z.value, reach * Z.e)
    steepest = xp.where(
        (near <= 1) & (far >= 1),
        density(xp.ones_like(far)),
        xp.maximum(far * density(far), near * density(near)),
    )
    return WithError(value, steepest * Z.e + value * (2 + Z.value * Z.value / 2), Z.u)


def error(Z: WithError, A: Array, p: Precision) -> Array:
    """The error of Z Φ(Z): that of each factor times the other, and of their product."""
    return of_formula(lambda Z: Z * Phi(Z, p.reach), Z, p)


def slope(Z: WithError, A: WithError, p: Precision) -> WithError:
    """The slope Φ + Z φ, operation by operation; a density may underflow beside a large Z."""
    return beside_large(Phi(Z, p.reach) + Z * phi(Z, p.reach), Z, p)


def half_root() -> Ball:
    """√½ as a ball."""
    import flint

    return 1 / flint.arb(2).sqrt()


def ball(z: Ball) -> Ball:
    """Z (1 + erf(z / √2)) / 2, as z erfc(−z / √2) / 2, all of whose digits are kept far below 0."""
    return z * (-z * half_root()).erfc() / 2


def ball_slope(z: Ball, a: Ball) -> Ball:
    """Φ + z φ in balls."""
    import flint

    return (-z * half_root()).erfc() / 2 + z * (-z * z / 2).exp() / (2 * flint.arb.pi()).sqrt()


def series(x: Any) -> Any:
    """X (1 + erf(x / √2)) / 2 of a power series, by flint's erf."""
    return x * (1 + (x * half_root()).erf()) / 2


RECORD = entrywise(
    "gelu",
    error=error,
    slope=slope,
    ball=ball,
    ball_slope=ball_slope,
    series=series,
    writing=Writing(
        "gelu",
        "Z{l} * (1 + erf(Z{l} / np.sqrt(2))) / 2",
        {"slope": "((1 + erf(Z{l} / np.sqrt(2))) / 2 + Z{l} * np.exp(-Z{l}**2 / 2) / np.sqrt(2 * np.pi))"},
        words=("gelu",),
        beside=("tanh",),
    ),
    slopes=Slopes(
        taken=(Formula("Φ(Z) + Z φ(Z)", lambda Z, A: Phi(Z) + Z * phi(Z)),),
        misplaced=(Formula("Φ(A) + A φ(A)", lambda Z, A: Phi(A) + A * phi(A)),),
        miswritten=(
            Formula("Φ(Z)", lambda Z, A: Phi(Z)),
            Formula("Φ(Z) + φ(Z)", lambda Z, A: Phi(Z) + phi(Z)),
            Formula("Φ(Z) + Z exp(-Z²/2)", lambda Z, A: Phi(Z) + Z * phi(Z) * ROOT_2_PI),
            Formula("Φ(Z) + Z exp(-Z²)/√π", lambda Z, A: Phi(Z) + Z * phi(Z * ROOT_2) * ROOT_2),
        ),
    ),
)
