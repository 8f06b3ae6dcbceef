"""The sizes at which an expression is worked out: what it leaves open, its number of terms, and how many are borne."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import lru_cache

import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

from derivations.algebra.sums import TENSORS, Entry, Index, Where, outermost

LARGEST = 4
"""Sizes are drawn from 1, or as many as indices must differ, to this, once all are alike and once no two are."""

TERMS = 2000
"""No more terms than this are added up for one value: where sums stand within sums, sizes are drawn small."""

RAISED = 4
"""Times so many terms may be added up where small sizes are raised, so that more than half of ten sums have several."""


def drawn_sizes(count: int, trial: int, least: int, rng: random.Random) -> list[int]:
    """First all different and above one, where nothing hides, then all alike, then any, one among them."""
    if trial == 0:
        return rng.sample(range(max(2, least), max(2, least) + count), count)
    if trial == 1:
        return [max(LARGEST - 1, least)] * count
    return [rng.randint(least, max(LARGEST, least)) for _ in range(count)]


def affordable(
    expressions: list[sp.Basic], sizes: list[sp.Symbol], drawn: list[int], least: int, trial: int
) -> dict[sp.Symbol, int]:
    """The drawn sizes, or smaller ones, so that no expression is too long a sum: nine sums may have 3,628,800 terms.

    A sum of one term is no sum. So each size is raised as far as the terms allow, others first at other points: not
    all at once, but in some point each sum has several terms.
    """

    def longest(at: Mapping[sp.Symbol, int]) -> int:
        return max((terms(expr, at) for expr in expressions), default=0)

    at = dict(zip(sizes, drawn, strict=True))
    if longest(at) <= TERMS:
        return at
    at = dict.fromkeys(sizes, least)
    first = trial * len(sizes) // 4 % len(sizes)
    for times in (RAISED, 1):  # several terms at some cost; more than that where it costs little
        for s in [*sizes[first:], *sizes[:first]]:
            raised = at | {s: at[s] + 1}
            # What lengthens no sum, as a stride, stays: the larger it is, the less falls within an image at all.
            if longest(at) < longest(raised) <= times * TERMS:
                at = raised
    return at


def terms(expr: sp.Basic, sizes: Mapping[sp.Symbol, int]) -> int:
    """How many numbers are met when an expression is worked out; a δ lets one place of an index through."""
    if isinstance(expr, sp.Sum):
        k, summand = outermost(expr)
        size, inner = int(k.dim.xreplace(sizes)), terms(summand, sizes)
        chosen = set(switches(summand) if isinstance(summand, sp.Sum) else deltas(summand)) - set(switches(expr))
        return size + inner if chosen else size * inner
    if not expr.args or isinstance(expr, sp.Indexed | Entry):
        return 1
    return sum(terms(argument, sizes) for argument in expr.args)


def free_symbols(expressions: list[sp.Basic], where: Where) -> set[sp.Symbol]:
    """Sizes, indices and numbers that are free in the expressions; names of where are followed."""
    found = set().union(*(free(expr) for expr in expressions))
    for entry, meaning in where.items():
        found |= free(meaning) - set(getattr(entry, "indices", ()))
    return found - {name for name in where if isinstance(name, sp.Symbol)}


def free(expr: sp.Basic) -> set[sp.Symbol]:
    """What an expression leaves open: also the sizes of its tensors, and the indices it is differentiated by."""
    if isinstance(expr, sp.Symbol):
        return {expr, *(free(expr.dim) if isinstance(expr, Index) else ())}
    if isinstance(expr, sp.Sum):
        k, summand = outermost(expr)
        return free(summand) - {k} | free(k.dim)
    if isinstance(expr, sp.Integral):
        return free(expr.function) - set(expr.variables)
    parts = expr.args
    if isinstance(expr, sp.Indexed):
        parts = (*expr.indices, *TENSORS[str(called(expr))].shape)
    elif isinstance(expr, sp.MatrixSymbol):
        parts = expr.shape
    elif isinstance(expr, ElementwiseApplyFunction):
        parts = (expr.expr,)
    elif isinstance(expr, sp.Derivative):
        parts = (expr.expr, *expr.variables)
    return set().union(*(free(part) for part in parts))


def called(expr: sp.Basic) -> str | None:
    """The name of a symbol or of the tensor whose entry this is."""
    if isinstance(expr, sp.Indexed):
        return str(expr.base.label.name)
    return str(expr.name) if isinstance(expr, sp.Symbol) else None


@lru_cache(maxsize=4096)
def switches(expr: sp.Sum) -> tuple[sp.Expr, ...]:
    """The δ among the factors of the innermost summand that hang on no index of the sums: where one is 0, all is."""
    bound: set[sp.Symbol] = set()
    inner: sp.Basic = expr
    while isinstance(inner, sp.Sum):
        bound |= set(inner.variables)
        inner = inner.function
    return tuple(delta for delta in deltas(inner) if not delta.free_symbols & bound)


def deltas(expr: sp.Basic) -> tuple[sp.Expr, ...]:
    """The δ among the factors of a product."""
    factors = expr.args if isinstance(expr, sp.Mul) else (expr,)
    return tuple(f for f in factors if isinstance(f, sp.KroneckerDelta))
