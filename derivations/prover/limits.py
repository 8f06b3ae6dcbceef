"""What remains as h tends to 0: a limit, or an error's leading term c hᵖ, for every smooth function L.

Symbolically L(x + d) is its Taylor polynomial and a bounded remainder, all coefficients symbols; to 50 digits L is a
function whose values are known, and h shrinks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, product

import mpmath as mp
import sympy as sp

from derivations.algebra import symbolic
from derivations.algebra.notation import number
from derivations.prover import digits

h = number("h", "a step that tends to 0")
L = sp.Function("L")
"""Any smooth function of one number: the loss, as one parameter moves. For a complex step it is analytic."""

RELATIONS: dict[str, Callable[[int], bool]] = {"limit": lambda p: p == 0, "order": lambda p: p > 0}
"""The relations of which the last step leaves something out that vanishes with h, and the powers hᵖ it may keep."""

FUNCTIONS: tuple[Callable[[sp.Expr, int], sp.Expr], ...] = (
    lambda x, k: sp.exp(x),
    lambda x, k: sp.sin(x + k * sp.pi / 2),
)
"""What L is when numbers are asked for, with its k-th derivative: exp and sin, at most 21 where |x| ≤ 3."""

HIGHEST = 6
"""The highest power of h that is looked for."""

EXPONENTS = (5, 10, 15)
"""h runs through 10⁻⁵, 10⁻¹⁰ and 10⁻¹⁵."""

NEXT = 1000
"""What is left out is at most this times h beside the leading power: the sum of a few Taylor coefficients is less."""


def power_of_h(term: sp.Expr) -> int | None:
    """The p of a term c hᵖ; None where the expression has not that form."""
    return next((p for p in range(HIGHEST + 1) if not sp.expand(term / h**p).has(h)), None)


def fits(relation: str, term: sp.Expr) -> bool:
    """Whether the term is what the relation says: a limit has no h, an order's leading term c hᵖ vanishes with h."""
    p = power_of_h(term)
    return p is not None and RELATIONS[relation](p)


def vanishes(before: sp.Expr, after: sp.Expr, given: tuple[sp.Basic, ...]) -> bool:
    """Whether (before − c hᵖ) / hᵖ tends to 0 with h, from each side that is not excluded."""
    p = power_of_h(after)
    if p is None:
        return False
    rest = (taylor(before, p + 3) - taylor(after, p + 3)) / h**p
    return all(sp.limit(sp.expand(rest.subs(h, side)), side, 0, sign) == 0 for side, sign in sides(given))


def leading(expr: sp.Expr, p: int | None, given: tuple[sp.Basic, ...]) -> sp.Expr | None:
    """The term c hᵖ of the expression, from its Taylor coefficients; None where the two sides differ."""
    if p is None:
        return None
    rest = taylor(expr, p + 3) / h**p
    found = {sp.limit(sp.expand(rest.subs(h, side)), side, 0, sign) for side, sign in sides(given)}
    return named(found.pop()) * h**p if len(found) == 1 and sp.oo not in found else None


def sides(given: tuple[sp.Basic, ...]) -> Iterator[tuple[sp.Symbol, str]]:
    """The step h as a positive number from above and as a negative one from below, unless what is given excludes it."""
    for sign, assumption in (("+", "positive"), ("-", "negative")):
        side = sp.Symbol("h", **{assumption: True})
        if not symbolic.excluded(h, side, given):
            yield side, sign


def coefficient(x: sp.Expr, k: int) -> sp.Symbol:
    """The k-th derivative of L at x, as a number."""
    return sp.Symbol(f"L{k} {x}", real=True)


def taylor(expr: sp.Expr, last: int) -> sp.Expr:
    """The expression with L(x + d), d a multiple of h, written as a polynomial in d and a bounded remainder."""
    remainder = (sp.Symbol(f"R{number}", real=True) for number in count())

    def around(point: sp.Expr) -> sp.Expr:
        d = sp.expand(point).coeff(h) * h
        x = sp.expand(point - d)
        if d == 0:
            return coefficient(x, 0)
        known = sp.Add(*(coefficient(x, k) * d**k / sp.factorial(k) for k in range(last + 1)))
        return known + (next(remainder) + sp.I * next(remainder) * sp.im(d / h)) * h ** (last + 1)

    expr = expr.replace(
        lambda node: isinstance(node, sp.Derivative),
        lambda node: coefficient(node.variables[0], len(node.variables)) if node.expr.func == L else node,
    )
    expr = expr.replace(lambda node: node.func == L, lambda node: around(node.args[0]))
    return sp.expand(expr.replace(sp.im, lambda inner: sp.im(sp.expand(inner, complex=True))))


def named(expr: sp.Expr) -> sp.Expr:
    """The coefficients as derivatives of L again."""
    found = {}
    for symbol in expr.free_symbols:
        if " " in symbol.name:
            k, x = symbol.name[1:].split(" ")
            at = sp.Symbol(x, real=True)
            found[symbol] = sp.Derivative(L(at), *(at,) * int(k), evaluate=False) if int(k) else L(at)
    return expr.xreplace(found)


def shrinks(before: sp.Expr, after: sp.Expr, given: tuple[sp.Basic, ...], seed: str) -> tuple[bool, str]:
    """Whether |before − c hᵖ| ≤ NEXT |h|ᵖ⁺¹ for known functions as h shrinks; and the largest multiple of |h|ᵖ⁺¹."""
    p = power_of_h(after)
    if p is None:
        return False, "no power of h"
    gaps = [concrete(before - after, function) for function in FUNCTIONS]
    directions = [1 if sign == "+" else -1 for _, sign in sides(given)]
    worst = max(left_out(gap, p, sign, exponent, seed) for gap, sign, exponent in product(gaps, directions, EXPONENTS))
    return bool(worst <= NEXT), mp.nstr(worst, 2)


def left_out(gap: sp.Expr, p: int, sign: int, exponent: int, seed: str) -> mp.mpf:
    """|gap| / |h|ᵖ⁺¹ at h = ±10⁻ᵉ, at a random point."""
    # A difference of nearly equal numbers is divided by h and by hᵖ⁺¹: so many digits more are carried.
    with mp.workdps(digits.DIGITS + digits.GUARD + exponent * (p + 2)):
        step = mp.mpf(10) ** -exponent
        at = digits.Point(seed, {}, arrays={"h": {(): sign * step}})
        return abs(digits.value(gap, at)) / step ** (p + 1)


def concrete(expr: sp.Basic, function: Callable[[sp.Expr, int], sp.Expr]) -> sp.Basic:
    """The expression with a known function for L, and that function's own derivatives for the derivatives of L."""
    if isinstance(expr, sp.Derivative) and expr.expr.func == L:
        return function(expr.variables[0], len(expr.variables))
    if expr.func == L:
        return function(expr.args[0], 0)
    if isinstance(expr, sp.im):
        return sp.im(concrete(expr.args[0], function), evaluate=False)  # SymPy's own would be a formula for the answer
    return expr.func(*(concrete(argument, function) for argument in expr.args)) if expr.args else expr
