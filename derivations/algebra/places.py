"""Affine places such as s (a − 1) + u: which values they take for all sizes, and the δ that says where one is met.

An index of an image may be written X[a + u − 1] only where that place is inside for all sizes. Elsewhere a window is
written with a δ, which is 0 for every pixel where the place is out of range: that is what zero padding means.
"""

from __future__ import annotations

import sympy as sp


def at_least(expr: sp.Expr, bound: int) -> bool:
    """Whether a linear expression in sizes is at least the bound wherever every size is at least 1."""
    over = {x: 1 + sp.Symbol(f"{x} - 1", integer=True, nonnegative=True) for x in expr.free_symbols if x.is_positive}
    return bool(sp.expand(sp.expand(expr).xreplace(over) - bound).is_nonnegative)


def reach(place: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """The least and the greatest value of an affine place, each of its indices running from 1 to its dimension.

    None where a coefficient has no known sign, or one index is multiplied by another.
    """
    low = high = sp.expand(place)
    indices = letters(place)
    for index in indices:
        step = low.coeff(index, 1)
        if letters(step) or sp.expand(low - step * index).has(index):
            return None
        if not (at_least(step, 0) or at_least(-step, 0)):
            return None
        ends = (sp.S.One, index.dim) if at_least(step, 0) else (index.dim, sp.S.One)
        low, high = (sp.expand(side.subs(index, end)) for side, end in zip((low, high), ends, strict=True))
    return low, high


def inside(place: sp.Expr, dim: sp.Expr) -> bool:
    """Whether an affine place lies between 1 and dim wherever its indices do, for all sizes."""
    ends = reach(place)
    return ends is not None and at_least(ends[0], 1) and at_least(dim - ends[1], 0)


def letters(expr: sp.Expr) -> list[sp.Symbol]:
    """The indices in an expression: the symbols that know the dimension they run over."""
    return sorted((x for x in expr.free_symbols if hasattr(x, "dim")), key=str)


def chosen(bound: tuple[sp.Symbol, ...], d: sp.Expr) -> tuple[sp.Symbol, sp.Expr] | None:
    """The index under whose sum a δ chooses a term, and the place it chooses; None where that may be out of range.

    Out of range a δ is 0 for every index, and nothing may be chosen.
    """
    i, j = d.args
    gap = sp.expand(i - j)
    for h in (k for k in bound if gap.has(k)):
        step = gap.coeff(h, 1)
        if step in (1, -1):
            place = sp.expand(h - step * gap)
            if not place.has(h) and inside(place, h.dim):
                return h, place
    return None


def is_place(d: sp.Expr) -> bool:
    """Whether a δ speaks of an affine place, and not of two indices only."""
    return not all(hasattr(x, "dim") for x in d.args)


def in_one_form(factor: sp.Expr) -> sp.Expr:
    """The same product, every δ of a place written δ(0, gap), with the sign of the gap that comes first by its text."""
    found = {d: one_form(d) for d in factor.atoms(sp.KroneckerDelta) if is_place(d)}
    return factor.xreplace(found) if found else factor


def one_form(d: sp.Expr) -> sp.Expr:
    """δ(i, j) as δ(0, i − j), or as δ(0, j − i)."""
    i, j = d.args
    return sp.KroneckerDelta(0, min(sp.expand(i - j), sp.expand(j - i), key=str))
