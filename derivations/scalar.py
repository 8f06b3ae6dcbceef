"""Is a step between numbers true? By SymPy's simplification, and by evaluation to 50 digits at random points.

The second check shares nothing with the first: it uses neither SymPy's diff nor its doit, but an evaluator of its own
in mpmath, and takes derivatives by differences.
"""

from __future__ import annotations

import random
from typing import Any

import mpmath as mp
import sympy as sp

from derivations.claim import Claim
from derivations.notation import z

DIGITS = 50
ALGEBRA = mp.mpf(10) ** -45
"""Relative room for the roundings of an expression at 50 digits."""

DERIVATIVE = mp.mpf(10) ** -30
"""Where a derivative is taken: differences of order four with h = 10⁻¹⁰ lose h⁴ = 10⁻⁴⁰ and 10⁻⁵⁰ / h."""

H = mp.mpf(10) ** -10
POINTS = 8


def symbolically_equal(claim: Claim, before: sp.Expr, after: sp.Expr) -> bool:
    """For all numbers that the claim's conditions admit: their difference simplifies to 0."""
    difference = (before - after).subs(dict(claim.where))
    return all(sp.simplify(difference.subs(case).doit().rewrite(sp.exp)) == 0 for case in cases(claim, difference))


def cases(claim: Claim, difference: sp.Expr) -> list[dict[sp.Symbol, sp.Expr]]:
    """A kink splits the line: z > 0, z < 0 and, unless the claim excludes it, z = 0. Without one there is one case.

    SymPy gives max(0, z) the slope 1/2 at 0, so that a claim about that slope cannot be shown without excluding 0.
    """
    if not difference.has(sp.Max, sp.Abs, sp.Piecewise):
        return [{}]
    sides: list[dict[sp.Symbol, sp.Expr]] = [{z: sp.Symbol("Z", **{sign: True})} for sign in ("positive", "negative")]
    if sp.Ne(z, 0) in claim.given:
        return sides
    return [*sides, {z: sp.S.Zero}] if not difference.has(sp.Derivative) else [*sides, {}]


def equal_to_50_digits(claim: Claim, before: sp.Expr, after: sp.Expr) -> bool:
    """The same number, to the digits that the evaluation keeps, at random points of both signs."""
    room = DERIVATIVE if before.has(sp.Derivative) or after.has(sp.Derivative) else ALGEBRA
    with mp.workdps(DIGITS):
        for point in range(POINTS):
            rng = random.Random(f"scalar {point}")
            free = before.free_symbols.union(after.free_symbols, *(e.free_symbols for e in claim.where.values()))
            symbols = sorted(free, key=str)
            at = {s: mp.mpf(rng.choice([-1, 1]) * rng.randint(1, 10**6)) / 10**6 * 3 for s in symbols}
            at |= {s: value(e, at) for s, e in claim.where.items()}
            left, right = value(before, at), value(after, at)
            if abs(left - right) > room * max(abs(left), abs(right), 1):
                return False
    return True


def value(expr: sp.Basic, at: dict[sp.Symbol, Any]) -> Any:
    """The expression at a point, in mpmath; a derivative is a difference of order four."""
    if isinstance(expr, sp.Derivative):
        (variable,) = expr.variables

        def moved(steps: int) -> Any:
            return value(expr.expr, {**at, variable: at[variable] + steps * H})

        return (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * H)
    if expr in at:
        return at[expr]
    if isinstance(expr, sp.Rational):
        return mp.mpf(expr.p) / expr.q
    if isinstance(expr, sp.Piecewise):
        return next(value(branch, at) for branch, condition in expr.args if holds(condition, at))
    functions = {
        sp.Add: lambda *terms: mp.fsum(terms),
        sp.Mul: lambda *factors: mp.fprod(factors),
        sp.Pow: mp.power,
        sp.exp: mp.exp,
        sp.tanh: mp.tanh,
        sp.Max: max,
        sp.Abs: abs,
    }
    if expr.func not in functions:
        raise TypeError(f"{expr.func.__name__} has no evaluation here: {expr}")
    return functions[expr.func](*(value(argument, at) for argument in expr.args))


def holds(condition: sp.Basic, at: dict[sp.Symbol, Any]) -> bool:
    """Whether an inequality between two expressions is true at a point."""
    if condition is sp.true:
        return True
    left, right = (value(side, at) for side in (condition.lhs, condition.rhs))
    relations = {sp.Gt: left > right, sp.Lt: left < right, sp.Ge: left >= right, sp.Le: left <= right}
    return bool(relations[condition.func])
