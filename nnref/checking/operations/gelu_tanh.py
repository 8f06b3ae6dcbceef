"""What the checks know of GELU's tanh form: 1 − T² cancels where the cubic beside it is large."""

from __future__ import annotations

from typing import Any

from nnref.arrays import namespace
from nnref.checking.operations import tanh
from nnref.checking.operations.entrywise import beside_large, entrywise, of_formula
from nnref.checking.operations.record import Ball, Formula, Slopes, Writing
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from nnref.gelu_tanh import CUBIC, ROOT
from nnref.shapes import Array

STEEPEST = 1.2
"""A bound of the slope, whose maximum is 1.13 near Z = 1.4."""

ROUNDINGS = 8.0
"""Units u of Z that Z (1 + T) / 2 rounds at most: 3 of the cubic, 2 of tanh, and a sum and products."""


def rounded(number: Any, u: float) -> WithError:
    """A constant with its one rounding, as it is no binary number."""
    return WithError(number, abs(number), u)


def cubic(Z: WithError) -> WithError:
    """√(2/π) (Z + 0.044715 Z³), what stands in the tanh."""
    return (Z + Z * Z * Z * rounded(CUBIC, Z.u)) * rounded(ROOT, Z.u)


def of_cubic(Z: WithError) -> WithError:
    """The slope of what stands in the tanh."""
    return (1 + Z * Z * rounded(3 * CUBIC, Z.u)) * rounded(ROOT, Z.u)


def within_reach(Z: WithError, p: Precision) -> WithError:
    """The tanh of the cubic, which lies between −1 and 1 however far off Z is."""
    return bounded(tanh.within_reach(cubic(Z), p), 2.0, p)


def bounded(V: WithError, width: float, p: Precision) -> WithError:
    """Numbers that lie in an interval of this width: they cannot be further off."""
    if not p.reach:
        return V
    return WithError(V.value, namespace(V.e).minimum(V.e, 0 * V.e + width / p.reach), V.u)


def error(Z: WithError, A: Array, p: Precision) -> Array:
    """The error of Z (1 + T) / 2, operation by operation; no more than the steepest slope makes of that of Z.

    Operation by operation alone, the error would grow for large Z, where the cubic's slope outgrows the tanh's
    flatness.
    """
    by_slope = STEEPEST * Z.e + ROUNDINGS * (abs(Z.value) + p.reach * Z.e)
    made: Array = namespace(by_slope).minimum(of_formula(lambda Z: Z * (1 + within_reach(Z, p)) / 2, Z, p), by_slope)
    return made + p.underflow * (1 + abs(Z.value)) * (abs(Z.value) + Z.e > 0)


def slope(Z: WithError, A: WithError, p: Precision) -> WithError:
    """The slope, operation by operation, which lies between −0.2 and 1.2; a product may underflow beside a large Z."""
    return beside_large(bounded(written(Z, within_reach(Z, p)), 1.4, p), Z, p)


def written(V: WithError, T: WithError) -> WithError:
    """(1 + T)/2 + V/2 (1 − T²) √(2/π) (1 + 3 · 0.044715 V²), the slope where T is the tanh of the cubic of V."""
    return (1 + T) / 2 + V / 2 * tanh.less_square(T) * of_cubic(V)


def of(V: WithError) -> WithError:
    """The tanh of the cubic."""
    return tanh.of(cubic(V))


def inner(z: Ball) -> Ball:
    """√(2/π) (z + 0.044715 z³) of a ball or a power series."""
    import flint

    return (z + z * z * z * (flint.arb(44715) / 1_000_000)) * root()


def root() -> Ball:
    """√(2/π) as a ball."""
    import flint

    return (2 / flint.arb.pi()).sqrt()


def ball(z: Ball) -> Ball:
    """Z (1 + tanh x) / 2, as z / (1 + exp(−2x)), all of whose digits are kept far below 0."""
    return z / (1 + (-2 * inner(z)).exp())


def ball_slope(z: Ball, a: Ball) -> Ball:
    """The slope in balls: (1 + tanh x)/2 is σ(2x), and (1 − tanh² x)/2 is 2 σ(2x) σ(−2x)."""
    import flint

    above, below = (1 / (1 + (sign * inner(z)).exp()) for sign in (-2, 2))
    return above + 2 * z * above * below * root() * (1 + z * z * (flint.arb(3 * 44715) / 1_000_000))


TANH = "np.tanh(np.sqrt(2 / np.pi) * (Z{l} + 0.044715 * Z{l}**3))"
OF_CUBIC = "np.sqrt(2 / np.pi) * (1 + 0.134145 * Z{l}**2)"

RECORD = entrywise(
    "gelu_tanh",
    error=error,
    slope=slope,
    ball=ball,
    ball_slope=ball_slope,
    series=ball,
    writing=Writing(
        "gelu_tanh",
        f"Z{{l}} * (1 + {TANH}) / 2",
        {"slope": f"((1 + (t := {TANH})) / 2 + Z{{l}} / 2 * (1 - t**2) * {OF_CUBIC})"},
        words=("gelu_?tanh", r"0\.044715"),
        beside=("gelu", "tanh"),
    ),
    slopes=Slopes(
        taken=(Formula("(1 + T)/2 + Z/2 (1 - T²) √(2/π) (1 + 0.134145 Z²)", lambda Z, A: written(Z, of(Z))),),
        misplaced=(Formula("(1 + T)/2 + A/2 (1 - T²) √(2/π) (1 + 0.134145 A²)", lambda Z, A: written(A, of(A))),),
        miswritten=(
            Formula("(1 + T)/2", lambda Z, A: (1 + of(Z)) / 2),
            Formula(
                "(1 + T)/2 + Z/2 (1 - T²)",
                lambda Z, A: (1 + of(Z)) / 2 + Z / 2 * tanh.less_square(of(Z)),
            ),
            Formula(
                "(1 + T)/2 + Z/2 (1 - T²) √(2/π)",
                lambda Z, A: (1 + of(Z)) / 2 + Z / 2 * tanh.less_square(of(Z)) * rounded(ROOT, Z.u),
            ),
            Formula(
                "(1 + T)/2 + Z/2 (1 - T²) √(2/π) (1 + 0.044715 Z²)",
                lambda Z, A: (
                    (1 + of(Z)) / 2
                    + Z / 2 * tanh.less_square(of(Z)) * (1 + Z * Z * rounded(CUBIC, Z.u)) * rounded(ROOT, Z.u)
                ),
            ),
        ),
    ),
)
