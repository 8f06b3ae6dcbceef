"""Which signs can an expression have? Read off its form: sums, products, squares, exponentials and what is given."""

from __future__ import annotations

from functools import reduce
from itertools import product

import sympy as sp

from derivations.algebra.sums import Index
from derivations.prover.sizes import called

Signs = frozenset[int]
"""The signs that a number may have, of −1, 0 and 1."""

ANY: Signs = frozenset({-1, 0, 1})
POSITIVE: Signs = frozenset({1})
ALLOWED = {"≥": frozenset({0, 1}), ">": POSITIVE}
"""The signs that a relation to 0 leaves."""


def shown(expr: sp.Expr, relation: str, given: tuple[sp.Basic, ...]) -> bool:
    """Whether the form of the expression alone shows it to be ≥ 0, or > 0."""
    return signs(expr, given) <= ALLOWED[relation]


def signs(expr: sp.Expr, given: tuple[sp.Basic, ...]) -> Signs:
    """The signs that the form of the expression leaves possible wherever the conditions hold."""
    line = affine(expr)
    if line is not None:
        return between(*line, given)
    if isinstance(expr, sp.Pow) and expr.exp.is_Rational:
        return power(signs(expr.base, given), expr.exp)
    if isinstance(expr, sp.Sum):
        return reduce(added, (signs(expr.function, given),) * 2)
    if isinstance(expr, sp.log):
        return signs(expr.args[0] - 1, given) if signs(expr.args[0], given) == POSITIVE else ANY
    if isinstance(expr, sp.exp):
        return POSITIVE
    parts = [signs(part, given) for part in expr.args] if isinstance(expr, sp.Add | sp.Mul | sp.Max) else []
    if isinstance(expr, sp.Add):
        return reduce(added, parts)
    if isinstance(expr, sp.Mul):
        return frozenset(sp.prod(choice) for choice in product(*parts))
    return frozenset(max(choice) for choice in product(*parts)) if parts else ANY


def added(left: Signs, right: Signs) -> Signs:
    """The signs of a sum: of one negative and one positive number it may be any."""
    found = {s + t for s, t in product(left, right)}
    return ANY if {1, -1} <= left | right else frozenset(max(-1, min(1, s)) for s in found)


def power(base: Signs, exponent: sp.Rational) -> Signs:
    """The signs of a power: an even one is not negative, any one keeps the sign of a positive number."""
    if exponent.is_Integer:
        return frozenset(s ** abs(int(exponent)) for s in base) if exponent > 0 or 0 not in base else ANY
    return base if base <= ALLOWED["≥"] and (exponent > 0 or 0 not in base) else ANY


def affine(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr] | None:
    """(α, x, β) where the expression is α x + β with one atom x and numbers α and β; a number is 0 x + β."""
    atoms = expr.atoms(sp.Indexed, sp.KroneckerDelta)
    atoms |= expr.free_symbols - {s for atom in atoms for s in atom.free_symbols}
    if not atoms:
        return (sp.S.Zero, sp.S.Zero, expr) if expr.is_extended_real and not expr.has(sp.Sum) else None
    if len(atoms) > 1 or expr.has(sp.Sum):
        return None
    (x,) = atoms
    slope = sp.expand(expr).coeff(x)
    rest = sp.expand(expr - slope * x)
    return (slope, x, rest) if slope.is_number and rest.is_number else None


def between(slope: sp.Expr, x: sp.Expr, rest: sp.Expr, given: tuple[sp.Basic, ...]) -> Signs:
    """The signs of α x + β for all x within their bounds, which an open end does not reach."""
    if slope == 0:
        return frozenset({int(sp.sign(rest))})
    ends = [(slope * end + rest, is_open) for end, is_open in bounds(x, given)]
    (low, low_open), (high, high_open) = ends if slope > 0 else reversed(ends)
    touches = (low == 0 and not low_open) or (high == 0 and not high_open) or (low < 0 and high > 0)
    possible = {-1: low < 0, 0: touches, 1: high > 0}
    return frozenset(sign for sign, may in possible.items() if may)


def bounds(x: sp.Expr, given: tuple[sp.Basic, ...]) -> tuple[tuple[sp.Expr, bool], tuple[sp.Expr, bool]]:
    """The least and the greatest that x can be, and whether each is excluded."""
    low, high = (-sp.oo, True), (sp.oo, True)
    if isinstance(x, sp.KroneckerDelta):
        return (sp.S.Zero, False), (sp.S.One, False)
    if isinstance(x, Index) or (x.is_integer and x.is_positive):
        low = (sp.S.One, False)
    for c in given:
        if isinstance(c, sp.Rel) and called(c.lhs) == called(x) and c.rhs.is_number:
            if isinstance(c, sp.Gt | sp.Ge | sp.Eq):
                low = max(low, (c.rhs, isinstance(c, sp.Gt)))
            if isinstance(c, sp.Lt | sp.Le | sp.Eq):
                high = min(high, (c.rhs, isinstance(c, sp.Lt)), key=lambda end: (end[0], not end[1]))
    return low, high
