"""Are two expressions equal, symbolically? Sums by their normal form; numbers by SymPy's simplify, case by case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy.core.evalf import PrecisionExhausted

from derivations.algebra import integrals, kinks, normal_form
from derivations.algebra.normal_form import Powers, prepared, unfolded_once
from derivations.algebra.sums import Index, apart, rebuilt, unfolded

DIGITS = 15
"""Digits to which a difference is asked for at a point."""

CARRIED = 100
"""Digits carried for them at most: a difference that cancels to fewer than that is left to the symbols."""


def conditions(given: tuple[sp.Basic, ...]) -> Powers:
    """What may be used because it is given: sums that are one, indices that differ, entries that are positive."""
    units = {
        (c.lhs.function.base, list(c.lhs.function.indices).index(c.lhs.limits[0][0]))
        for c in given
        if isinstance(c, sp.Eq) and isinstance(c.lhs, sp.Sum) and c.rhs == 1
    }
    distinct = {frozenset((c.lhs, c.rhs)) for c in given if isinstance(c, sp.Ne) and isinstance(c.lhs, Index)}
    positive = {getattr(c.lhs, "base", c.lhs) for c in given if isinstance(c, sp.Gt) and c.rhs == 0}
    return Powers(units=frozenset(units), distinct=frozenset(distinct), positive=frozenset(positive))


def equal(before: sp.Basic, after: sp.Basic, powers: Powers, given: tuple[sp.Basic, ...] = ()) -> bool:
    """The same number wherever the conditions hold, by these powers alone. No slope is taken where a kink may be."""
    opened = (unfolded_once(sp.sympify(side), powers.where) for side in (before, after) if powers.derive)
    if any(kinks.may_be_met(kink, given) for side in opened for kink in kinks.under_slopes(side)):
        return False
    if any(expr.atoms(Index, sp.Indexed) for expr in (before, after, *(meaning for _, meaning in powers.where))):
        return normal_form.equal(before, after, powers)
    difference = unfolded(apart(sp.sympify(before) - sp.sympify(after)), dict(powers.where))
    if not difference.has(*kinks.BENT, sp.Integral) and normal_form.equal(before, after, powers):
        return True  # SymPy's simplify takes minutes over a sigmoid within a tanh
    pieces = kinks.between(difference, given)
    return all(is_zero(piece.subs(case), powers) for piece in pieces for case in cases(piece, given))


def is_zero(difference: sp.Expr, powers: Powers) -> bool:
    """Does it simplify to 0?"""
    plain = prepared(difference, powers)
    if plain.has(sp.Integral):
        plain = integrals.merged(plain) if powers.integrate else integrals.sealed(plain)
    if is_seen_not_to_be_zero(plain):
        return False  # SymPy's simplify takes for ever over a tanh beside a slope that is left as it stands
    if powers.logarithms:
        plain = sp.expand_log(plain)
    return bool(sp.simplify(plain.rewrite(sp.exp)) == 0)


def is_seen_not_to_be_zero(expr: sp.Expr) -> bool:
    """Whether it is a number other than 0, to all digits asked for, where its symbols are numbers.

    What cannot be told is not seen: a function without values, a complex number, or 0 to as many digits as are carried.
    """
    symbols = sorted(expr.free_symbols, key=str)
    try:
        number = at_a_point(expr, {x: number_for(x, k) for k, x in enumerate(symbols)})
        seen = number.evalf(DIGITS, maxn=CARRIED, strict=True)
    except (PrecisionExhausted, ZeroDivisionError):
        return False
    return isinstance(seen, sp.Float) and bool(seen.is_finite and seen != 0)


def number_for(x: sp.Symbol, k: int) -> sp.Rational:
    """The k-th number of those that stand for symbols, all different: of the symbol's sign, and whole for a size."""
    number = sp.Integer(k + 2) if x.is_integer else sp.Rational(k + 7, 10)
    return -number if x.is_negative else number


def at_a_point(expr: sp.Basic, numbers: Mapping[sp.Symbol, sp.Rational]) -> sp.Basic:
    """The expression where its symbols are these numbers.

    A slope that is left as it stands is any function of what it is of: 1 / (2 + f) with x elsewhere, and so by no rule
    of calculus what a slope would be.
    """
    if isinstance(expr, normal_form.Slope):
        inner, *variables = expr.args
        elsewhere = {x: numbers[x] + len(variables) for x in variables}
        return 1 / (2 + at_a_point(inner, {**numbers, **elsewhere}))
    if isinstance(expr, sp.Symbol):
        return numbers.get(expr, expr)
    if not expr.has(normal_form.Slope):
        return expr.xreplace(numbers)
    return rebuilt(expr, lambda node: at_a_point(node, numbers))


def cases(difference: sp.Expr, given: tuple[sp.Basic, ...]) -> list[dict[sp.Symbol, Any]]:
    """A kink splits the line: x > 0, x < 0 and, unless the conditions exclude it, x = 0. Without one there is one case.

    SymPy gives max(0, x) the slope 1/2 at 0, so that a claim about that slope cannot be shown without excluding 0.
    """
    kinked = {s for node in difference.atoms(*kinks.KINKED) for s in node.free_symbols}
    kinked |= {s for c in given if isinstance(c, sp.Rel) and c.rhs == 0 for s in c.lhs.free_symbols if c.lhs == s}
    signs: list[dict[sp.Symbol, Any]] = [{}]
    for x in sorted(kinked, key=str):
        allowed = [case for case in sides(x, difference) if not excluded(x, case, given)]
        signs = [{**before, x: case} for before in signs for case in allowed]
    return signs


def sides(x: sp.Symbol, difference: sp.Expr) -> list[sp.Expr]:
    """A number of either sign, and 0, at which a derivative is left to SymPy."""
    at_zero = x if difference.has(sp.Derivative) else sp.S.Zero
    return [sp.Symbol(x.name, positive=True), sp.Symbol(x.name, negative=True), at_zero]


def excluded(x: sp.Symbol, case: sp.Expr, given: tuple[sp.Basic, ...]) -> bool:
    """Whether a condition on x alone rules the case out."""
    for c in given:
        if isinstance(c, sp.Rel) and c.lhs == x and c.rhs == 0:
            at = c.subs(x, sp.S.Zero if case == x else case)
            if at == sp.false:
                return True
    return False
