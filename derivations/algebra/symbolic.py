"""Are two expressions equal, symbolically? Sums by their normal form; numbers by SymPy's simplify, case by case."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import sympy as sp

from derivations.algebra import integrals, normal_form
from derivations.algebra.normal_form import Powers, prepared, unfolded_once
from derivations.algebra.sums import Index, apart, unfolded

KINKED = (sp.Max, sp.Min, sp.Abs, sp.Piecewise)


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
    if any(may_be_met(kink, given) for side in opened for kink in kinks_under_slopes(side)):
        return False
    if any(expr.atoms(Index, sp.Indexed) for expr in (before, after, *(meaning for _, meaning in powers.where))):
        return normal_form.equal(before, after, powers)
    difference = unfolded(apart(sp.sympify(before) - sp.sympify(after)), dict(powers.where))
    return all(is_zero(difference.subs(case), powers) for case in cases(difference, given))


def kinks_under_slopes(expr: sp.Basic) -> set[sp.Expr]:
    """What is 0 where something that is differentiated bends or jumps: x for max(0, x) and for |x|."""
    under = [node.expr for node in expr.atoms(sp.Derivative)]
    bent = {node for inner in under for node in inner.atoms(*KINKED, sp.sign)}
    return {zero for node in bent for zero in zeros(node)}


def zeros(bent: sp.Expr) -> list[sp.Expr]:
    """The differences whose zeros are the kinks of one function."""
    if isinstance(bent, sp.Piecewise):
        met = [c for _, condition in bent.args for c in condition.atoms(sp.Rel)]
        return [c.lhs - c.rhs for c in met]
    if isinstance(bent, sp.Abs | sp.sign):
        return [bent.args[0]]
    return [first - second for first, second in combinations(bent.args, 2)]


def may_be_met(kink: sp.Expr, given: tuple[sp.Basic, ...]) -> bool:
    """Whether the conditions leave it open that the expression is 0."""
    number, rest = kink.as_coeff_Mul()
    return (
        not any(isinstance(c, sp.Ne | sp.Gt | sp.Lt) and c.rhs == 0 and about(c.lhs) == about(rest) for c in given)
        or number == 0
    )


def about(expr: sp.Expr) -> sp.Basic:
    """A condition on an entry is one on every entry of its tensor."""
    return expr.base if isinstance(expr, sp.Indexed) else expr


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
    kinked = {s for node in difference.atoms(*KINKED) for s in node.free_symbols}
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
