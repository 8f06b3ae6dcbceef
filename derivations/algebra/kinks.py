"""Where a line bends: the zeros of max, min, |x| and cases, and the pieces between them on which nothing bends.

A kink at 0 of one number splits the line into x > 0, x < 0 and x = 0 (symbolic.cases). Kinks elsewhere, such as 6 for
ReLU6 or ±δ for Huber's loss, split it here: between two of them every maximum is one of its arguments.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise, product

import sympy as sp

from derivations.algebra.sums import rebuilt

KINKED = (sp.Max, sp.Min, sp.Abs, sp.Piecewise)
BENT = (*KINKED, sp.sign)


def under_slopes(expr: sp.Basic) -> set[sp.Expr]:
    """What is 0 where something that is differentiated bends or jumps: x for max(0, x) and for |x|."""
    under = [node.expr for node in expr.atoms(sp.Derivative)]
    return {zero for inner in under for node in inner.atoms(*BENT) for zero in zeros(node)}


def zeros(bent: sp.Expr) -> set[sp.Expr]:
    """The differences whose zeros are the kinks of one function."""
    if isinstance(bent, sp.Piecewise):
        met = [c for _, condition in bent.args for c in condition.atoms(sp.Rel)]
        return {left - right for c in met for left, right in product(pieces(c.lhs), pieces(c.rhs))}
    if isinstance(bent, sp.Abs | sp.sign):
        return pieces(bent.args[0])
    return {a - b for left, right in combinations(bent.args, 2) for a, b in product(pieces(left), pieces(right))}


def pieces(expr: sp.Expr) -> set[sp.Expr]:
    """The expressions without kinks of which the expression is one at every point."""
    if not expr.has(*BENT):
        return {expr}
    if isinstance(expr, sp.Max | sp.Min):
        return set().union(*(pieces(argument) for argument in expr.args))
    if isinstance(expr, sp.Piecewise):
        return set().union(*(pieces(branch) for branch, _ in expr.args))
    if isinstance(expr, sp.Abs):
        return {sign * piece for sign in (1, -1) for piece in pieces(expr.args[0])}
    if isinstance(expr, sp.sign):
        return {sp.S.One, sp.S.NegativeOne}
    return {expr.func(*chosen) for chosen in product(*(pieces(argument) for argument in expr.args))}


def may_be_met(kink: sp.Expr, given: tuple[sp.Basic, ...]) -> bool:
    """Whether the conditions leave it open that the expression is 0."""
    number, rest = kink.as_coeff_Mul()
    if number == 0:
        return True
    if rest == 1:
        return False  # a number other than 0
    apart = [c.lhs - c.rhs for c in given if isinstance(c, sp.Ne | sp.Gt | sp.Lt)]
    return not any(about(gap) == about(rest) or (gap != 0 and sp.cancel(kink / gap).is_number) for gap in apart)


def about(expr: sp.Expr) -> sp.Basic:
    """A condition on an entry is one on every entry of its tensor."""
    return expr.base if isinstance(expr, sp.Indexed) else expr


def between(expr: sp.Expr, given: tuple[sp.Basic, ...]) -> Iterator[sp.Expr]:
    """The expression on each piece of the line of a number that has kinks elsewhere than at 0, and at each kink.

    Without such a number, the expression itself; as it is too where the order of its kinks is not known.
    """
    orders = ((x, sorted_points(bends)) for x in letters(expr) if (bends := breakpoints(expr, x)) - {0})
    x, order = next(((x, order) for x, order in orders if order), (None, [sp.S.Zero]))
    if x is None:
        yield expr
        return
    middle = [(a + b) / 2 for a, b in pairwise(order)]
    for sample in (order[0] - 1, *middle, order[-1] + 1):
        if not excluded(x, sample, given):
            try:
                yield from between(straight(expr, x, sample), given)
            except Undecided:
                yield expr
    for bend in order:
        if not excluded(x, bend, given):
            yield expr if expr.has(sp.Derivative) else sp.sympify(expr).subs(x, bend)


def letters(expr: sp.Expr) -> list[sp.Symbol]:
    """The numbers of which something bends."""
    return sorted({x for node in expr.atoms(*BENT) for x in node.free_symbols}, key=str)


def breakpoints(expr: sp.Expr, x: sp.Symbol) -> set[sp.Expr]:
    """The values of a number at which something bends; none where a kink is not met once by a straight line."""
    found = set()
    for zero in (zero for node in expr.atoms(*BENT) for zero in zeros(node) if zero.has(x)):
        slope = sp.expand(zero).coeff(x)
        if slope == 0 or not slope.is_number or sp.expand(zero - slope * x).has(x):
            return set()
        found.add(sp.expand(x - zero / slope))
    return found


def sorted_points(points: set[sp.Expr]) -> list[sp.Expr] | None:
    """The points in ascending order; None where it is not known for all sizes and numbers."""
    order: list[sp.Expr] = []
    for point in sorted(points, key=str):
        below = [(point - other).is_positive for other in order]
        above = [(other - point).is_positive for other in order]
        if not all(b or a for b, a in zip(below, above, strict=True)):
            return None
        order.insert(sum(map(bool, below)), point)
    return order


def excluded(x: sp.Symbol, value: sp.Expr, given: tuple[sp.Basic, ...]) -> bool:
    """Whether a condition on the number rules the value out, or the whole piece of the line around it."""
    return any(c.subs(x, value) == sp.false for c in given if isinstance(c, sp.Rel) and c.lhs == x)


def straight(expr: sp.Basic, x: sp.Symbol, sample: sp.Expr) -> sp.Basic:
    """The expression on the piece of the line around the sample, where nothing bends in x."""
    if not isinstance(expr, BENT) or not expr.has(x):
        return rebuilt(expr, lambda node: straight(node, x, sample)) if expr.has(*BENT) else expr
    at = {x: sample}
    if isinstance(expr, sp.Piecewise):
        return straight(next(branch for branch, condition in expr.args if holds(condition, at)), x, sample)
    best, *others = (straight(argument, x, sample) for argument in expr.args)
    if isinstance(expr, sp.Abs | sp.sign):
        return sign(best, at) * (best if isinstance(expr, sp.Abs) else 1)
    for other in others:
        ahead = sign(other - best, at)
        best = other if ahead == (1 if isinstance(expr, sp.Max) else -1) else best
    return best


class Undecided(Exception):
    """The sign of an expression at a point is not known for all numbers in it."""


def sign(expr: sp.Expr, at: dict[sp.Symbol, sp.Expr]) -> int:
    """The sign of an expression at a point: −1, 0 or 1."""
    there = sp.expand(expr.xreplace(at))
    if there.is_positive or there.is_negative or there.is_zero:
        return 1 if there.is_positive else -1 if there.is_negative else 0
    raise Undecided


def holds(condition: sp.Basic, at: dict[sp.Symbol, sp.Expr]) -> bool:
    """Whether a condition is true at a point."""
    if condition in (sp.true, sp.false):
        return bool(condition)
    if isinstance(condition, sp.And | sp.Or):
        return {sp.And: all, sp.Or: any}[condition.func]([holds(part, at) for part in condition.args])
    ((x, sample),) = at.items()
    gap = sign(straight(condition.lhs - condition.rhs, x, sample), at)
    return bool(condition.func(gap, 0))
