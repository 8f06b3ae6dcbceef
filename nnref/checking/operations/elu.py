"""What the checks know of the exponential linear unit: a smooth one where α = 1; "elu 0.5" is one that bends at 0."""

from __future__ import annotations

from functools import partial
from typing import Any

from nnref import elu as formulas
from nnref.arrays import namespace
from nnref.checking.operations.entrywise import entrywise
from nnref.checking.operations.record import Ball, Formula, Kink, Record, Slopes, Writing
from nnref.checking.operations.relu import positive, sign_of
from nnref.checking.operations.rounding import SAFE, Precision
from nnref.checking.operations.running_error import WithError, exponential
from nnref.shapes import Array

ROUNDINGS = 8
"""Error of α (exp Z − 1) and of the slope in units u: 6 of numpy's exp, a difference and a product."""


def steepest(alpha: float, Z: Array, r: Array) -> Array:
    """The largest slope within r of Z: 1 where that reaches above 0, or that of the exponential, which grows."""
    xp = namespace(Z)
    top = Z + r
    below = alpha * xp.exp(xp.where(top > 0, 0 * top, top))
    made: Array = xp.where(top > 0, xp.maximum(below, 0 * below + 1), below)
    return made


def error(alpha: float, Z: WithError, A: Array, p: Precision) -> Array:
    """The error of Z times the steepest slope within its reach; below 0 also the rounding of exp Z, of − 1 and of α.

    People write exp Z − 1, which cancels near 0, and take the slope from A: so the 1 counts, however small A is.
    """
    r = p.reach * Z.e
    carried = steepest(alpha, Z.value, r) * Z.e
    rounded = ROUNDINGS / SAFE * (alpha + abs(A)) * (abs(Z.value) + Z.e > 0)
    return carried + namespace(Z.value).where(Z.value > r, 0 * rounded, rounded)


def slope(alpha: float, Z: WithError, A: WithError, p: Precision) -> WithError:
    """The slope, exp Z or A + α: it has A's error and its own rounding; above 0 it is exactly 1."""
    value = formulas.dZ(Z.value, 0 * Z.value + 1, alpha)
    r = p.reach * Z.e
    e = error(alpha, Z, A.value, p) + value
    return WithError(value, namespace(value).where(Z.value > r, 0 * e, e), Z.u)


def ball(alpha: float, z: Ball) -> Ball:
    """Z, or α (exp z − 1), of a ball; where it lies on both sides of 0, what holds them both."""
    below = alpha * z.expm1()
    return z if z > 0 else below if z <= 0 else z.union(below)


def ball_slope(alpha: float, z: Ball, a: Ball) -> Ball:
    """1, or α exp z; or what holds them both."""
    import flint

    below, one = alpha * z.exp(), flint.arb(1)
    return one if z > 0 else below if z <= 0 else one.union(below)


def series(alpha: float, x: Any) -> Any:
    """The same of a power series x: of both sides where its first coefficient lies on both."""
    first, below = sign_of(x), alpha * (x.exp() - 1)
    if first > 0 or first <= 0 or not hasattr(x, "coeffs"):
        return x if first > 0 else below
    return type(x)([above.union(under) for above, under in zip(x.coeffs(), below.coeffs(), strict=False)])


def cut_exponential(V: WithError) -> WithError:
    """Exp of min(V, 0), with its error."""
    cut = namespace(V.value).where(V.value > 0, 0 * V.value, V.value)
    return exponential(WithError(cut, V.e, V.u))


def split(Z: WithError, below: WithError) -> WithError:
    """1 above 0, and other numbers below."""
    return below.where(Z.value <= 0) + positive(Z)


def with_parameters(alpha: float) -> Record:
    """The record of an exponential linear unit that levels off at −α."""
    times = "" if alpha == 1 else f"{alpha:g} * "
    power = "np.exp(np.minimum(Z{l}, 0))"
    below = f"({power} - 1)" if times else f"{power} - 1"
    named = "exp Z" if alpha == 1 else f"{alpha:g} exp Z"
    return entrywise(
        "elu",
        error=partial(error, alpha),
        slope=partial(slope, alpha),
        ball=partial(ball, alpha),
        ball_slope=partial(ball_slope, alpha),
        series=partial(series, alpha),
        kinks=() if alpha == 1 else (Kink(at=0.0, jump=abs(1.0 - alpha)),),
        writing=Writing(
            "elu" if alpha == 1 else f"elu {alpha:g}",
            f"np.where(Z{{l}} > 0, Z{{l}}, {times}{below})",
            {"slope": f"np.where(Z{{l}} > 0, 1, {times}{power})"},
            words=("(?<![cgrs])(?<!mod)elu",),
        ),
        slopes=Slopes(
            taken=(Formula(f"1 above 0 and {named} below", lambda Z, A: split(Z, cut_exponential(Z) * alpha)),),
            misplaced=(
                Formula(f"1 above 0 and {named} of A below", lambda Z, A: split(Z, cut_exponential(A) * alpha)),
            ),
            miswritten=(
                Formula("1 above 0 and A below", lambda Z, A: split(Z, A)),
                Formula("1 above 0 and exp(-Z) below", lambda Z, A: split(Z, exponential(-Z))),
                Formula("exp Z on both sides", lambda Z, A: exponential(Z)),
            ),
        ),
    )


RECORD = with_parameters(1.0)
