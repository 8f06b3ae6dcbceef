"""Are two expressions equal, symbolically? Sums by their normal form; numbers by SymPy's simplify, case by case."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.algebra import integrals, kinks, normal_form
from derivations.algebra.normal_form import Powers, prepared, unfolded_once
from derivations.algebra.sums import Index, apart, unfolded


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
    if powers.logarithms:
        plain = sp.expand_log(plain)
    return bool(sp.simplify(plain.rewrite(sp.exp)) == 0)


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
