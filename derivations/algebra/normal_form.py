"""The normal form of finite sums, by which two expressions are the same number for all sizes and all values, or not.

SymPy differentiates such sums, but does not use that an index lies inside its range, rename bound indices, exchange
sums, or see that Σ_k exp(z_k) / Σ_k exp(z_k) is 1. That is all this module adds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, permutations, product

import sympy as sp

from derivations.algebra.sums import (
    Entry,
    Index,
    all_opened,
    apart,
    fresh,
    opened,
    outermost,
    rebuilt,
    same_dimension,
    total,
    unfolded,
)


@dataclass(frozen=True)
class Powers:
    """What a comparison may use. A rule lends few of them; the proof that a step is true lends all.

    derive takes derivatives; linear only moves them inside sums; contract lets δ choose a term; logarithms opens the
    logarithm of positive products; matrices opens entries of products; where unfolds names; units are tensors whose
    sum over the index at a position is one; distinct are pairs of indices that differ; integrate splits integrals at 0
    and works them out.
    """

    derive: bool = False
    linear: bool = False
    contract: bool = False
    logarithms: bool = False
    matrices: bool = False
    integrate: bool = False
    where: frozenset[tuple[sp.Expr, sp.Expr]] = frozenset()
    units: frozenset[tuple[sp.Expr, int]] = frozenset()
    distinct: frozenset[frozenset[sp.Expr]] = frozenset()
    positive: frozenset[sp.Expr] = frozenset()


class Slope(sp.Function):  # type: ignore[misc]
    """A derivative that is compared as it stands, by what it is taken of and with respect to."""

    is_real = True


Bound = tuple[Index, ...]
Normal = dict[tuple[Bound, sp.Expr], sp.Expr]
"""The normal form: for every product with its bound indices, named canonically, its rational coefficient."""


def equal(left: sp.Basic, right: sp.Basic, powers: Powers) -> bool:
    """Are the two the same number for all sizes and all values, by these powers alone?"""
    forms = normal(sp.sympify(left), powers), normal(sp.sympify(right), powers)
    return forms[0] == forms[1] and not any(factor.has(sp.nan, sp.zoo) for _, factor in forms[0])


def canonical(expr: sp.Basic, powers: Powers) -> sp.Expr:
    """The expression in its one normal form: two that are equal by these powers are written alike."""
    return written(prepared(expr, powers), powers)


def written(expr: sp.Basic, powers: Powers) -> sp.Expr:
    """A prepared expression, written from its normal form."""
    return sp.Add(*(c * summed(bound, factor) for (bound, factor), c in collected(expr, powers).items()))


@lru_cache(maxsize=1024)
def normal(expr: sp.Basic, powers: Powers) -> Normal:
    """The normal form; empty for what is 0. A proof asks for the same line several times."""
    return collected(prepared(expr, powers), powers)


def prepared(expr: sp.Basic, powers: Powers) -> sp.Basic:
    """Names unfolded, entries opened, derivatives taken or sealed: from here on only sums, products and functions."""
    expr = unfolded_once(all_opened(expr) if powers.matrices else expr, powers.where)
    return without_derivatives(expr, powers) if expr.has(sp.Derivative) else expr


@lru_cache(maxsize=256)
def unfolded_once(expr: sp.Basic, where: frozenset[tuple[sp.Expr, sp.Expr]]) -> sp.Basic:
    """The same, kept: a step's line is unfolded for its truth and for its rule, and with the same letters SymPy
    remembers what it found out about its parts.
    """
    return unfolded(expr, dict(where))


def without_derivatives(expr: sp.Basic, powers: Powers) -> sp.Basic:
    """Every derivative taken, moved inside its sums, or sealed as a Slope."""
    if not isinstance(expr, sp.Derivative):
        return rebuilt(expr, lambda node: without_derivatives(node, powers)) if expr.has(sp.Derivative) else expr
    asked = with_entries_opened(expr.expr, expr.variables) if powers.derive or powers.linear else expr.expr
    inner = without_derivatives(asked, powers)
    if powers.derive:
        return apart(sp.diff(inner, *expr.variables))
    if powers.linear:
        return sp.Add(*linear_slopes(inner, expr.variables, powers))
    return Slope(written(inner, powers), *expr.variables)


def with_entries_opened(expr: sp.Basic, variables: tuple[sp.Expr, ...]) -> sp.Basic:
    """The expression with every entry written with sums whose matrix holds a variable: SymPy sees no W_ri in W A."""
    if isinstance(expr, Entry):
        names = {str(x.base) for x in variables if isinstance(x, sp.Indexed)}
        return opened(*expr.args) if names & {M.name for M in expr.atoms(sp.MatrixSymbol)} else expr
    return rebuilt(expr, lambda node: with_entries_opened(node, variables)) if expr.has(Entry) else expr


def linear_slopes(inner: sp.Expr, variables: tuple[sp.Expr, ...], powers: Powers) -> Iterator[sp.Expr]:
    """The slopes of the terms of a sum, constants outside; a term without the variable has slope 0."""
    moving = {getattr(x, "base", x) for x in variables}
    for (bound, factor), c in collected(inner, powers).items():
        parts = sp.Mul.make_args(factor)
        held = [part for part in parts if not part.has(*moving)]
        moved = sp.Mul(*(part for part in parts if part.has(*moving)))
        if moved != 1:
            yield c * summed(bound, sp.Mul(*held, Slope(moved, *variables)))


def collected(expr: sp.Basic, powers: Powers) -> Normal:
    """Summands with their indices contracted and canonically named, like ones added."""
    out: Normal = {}
    for summand in summands(expr, powers):
        bound, product_of_them = reduced(*contracted(*summand, powers), powers)
        c, factor = product_of_them.as_coeff_Mul()
        key = canonically_named(bound, factor)
        out[key] = out.get(key, sp.S.Zero) + c
    return {key: c for key, c in out.items() if c != 0}


def summands(expr: sp.Basic, powers: Powers) -> list[tuple[Bound, sp.Expr]]:
    """(bound indices, product) pairs of which the expression is the sum."""
    expr = expanded(sp.sympify(expr), powers)
    if isinstance(expr, sp.Add):
        return [pair for term in expr.args for pair in summands(term, powers)]
    if isinstance(expr, sp.Mul):
        return multiplied(expr.args, powers)
    if isinstance(expr, sp.Sum):
        k, summand = outermost(expr)
        new = fresh(k.dim)
        return [((new, *bound), f) for bound, f in summands(summand.xreplace({k: new}), powers)]
    if isinstance(expr, sp.Pow) and (expr.base.has(sp.Sum) or (expr.base.is_Add and expr.exp.is_Integer)):
        return power(expr, powers)
    if expr.has(sp.Sum) and expr.args and not isinstance(expr, sp.KroneckerDelta | sp.Indexed):
        return [((), expr.func(*(written(argument, powers) for argument in expr.args)))]
    return [((), expr)]


def multiplied(factors: tuple[sp.Expr, ...], powers: Powers) -> list[tuple[Bound, sp.Expr]]:
    """The summands of a product, one for every choice of a summand from each factor."""
    choices = product(*(summands(factor, powers) for factor in factors))
    return [(sum((b for b, _ in choice), ()), sp.Mul(*(f for _, f in choice))) for choice in choices]


def power(expr: sp.Pow, powers: Powers) -> list[tuple[Bound, sp.Expr]]:
    """A power of something with sums in it: whole powers are multiplied out, others keep a canonical base."""
    if expr.exp.is_Integer and expr.exp > 0:
        return multiplied(tuple(apart(expr.base) for _ in range(int(expr.exp))), powers)
    common, rest = common_factor(expr.base, powers)
    if not (expr.exp.is_Integer or is_positive(common, powers)):
        # √(a b) is √a √b unless both are negative.
        return [((), sp.Pow(common * rest, expr.exp))]
    kept = sp.Pow(rest, expr.exp)
    if common == 1:
        return [((), kept)]
    return [(bound, f * kept) for bound, f in summands(sp.Pow(common, expr.exp), powers)]


def common_factor(base: sp.Expr, powers: Powers) -> tuple[sp.Expr, sp.Expr]:
    """What can be taken out of a sum: Σ_k exp(c) exp(z_k) is exp(c) times Σ_k exp(z_k)."""
    parts = collected(base, powers)
    if len(parts) != 1:
        return sp.S.One, sp.Add(*(c * summed(bound, f) for (bound, f), c in parts.items()))
    (((bound, factor), c),) = parts.items()
    free = sp.Mul(*(f for f in sp.Mul.make_args(factor) if not f.free_symbols & set(bound)))
    return c * free, summed(bound, factor / free)


def expanded(expr: sp.Expr, powers: Powers) -> sp.Expr:
    """Products multiplied out; the exponential of a sum is a product. SymPy's own would turn exp(Σ) into a Product."""
    # A power of a sum is left to power(): SymPy would multiply out a denominator too, but only where it stands open.
    expr = sp.expand(expr, power_base=True, power_exp=False, log=False, mul=True, multinomial=False, func=False)
    if expr.has(sp.exp):
        expr = expr.replace(
            lambda node: isinstance(node, sp.exp) and isinstance(node.args[0], sp.Add),
            lambda node: sp.Mul(*(sp.exp(term) for term in node.args[0].args)),
        )
    if powers.logarithms and expr.has(sp.log):
        opened_up = expr.replace(lambda node: isinstance(node, sp.log), lambda node: logarithm(node.args[0], powers))
        if opened_up != expr:
            return expanded(opened_up, powers)
    return expr


def logarithm(expr: sp.Expr, powers: Powers) -> sp.Expr:
    """Log of a product of positive factors as a sum of logarithms, and log exp x = x."""
    if isinstance(expr, sp.exp) and is_real(expr.args[0], powers):
        return expr.args[0]
    if isinstance(expr, sp.Pow) and is_real(expr.exp, powers) and is_positive(expr.base, powers):
        return expr.exp * logarithm(expr.base, powers)
    if isinstance(expr, sp.Mul) and all(is_positive(factor, powers) for factor in expr.args):
        return sp.Add(*(logarithm(factor, powers) for factor in expr.args))
    if expr.has(sp.Sum):
        common, rest = common_factor(expr, powers)
        if common != 1 and is_positive(common, powers):
            return logarithm(common, powers) + sp.log(rest)
    return sp.log(expr)


def is_positive(expr: sp.Expr, powers: Powers) -> bool:
    """Whether the expression is built from what is positive in a way that keeps it so."""
    if expr.is_positive or getattr(expr, "base", None) in powers.positive:
        return True
    if isinstance(expr, sp.exp):
        return is_real(expr.args[0], powers)
    if isinstance(expr, sp.Sum):
        return is_positive(expr.function, powers)
    if isinstance(expr, sp.Add | sp.Mul):
        return all(is_positive(part, powers) for part in expr.args)
    return isinstance(expr, sp.Pow) and is_positive(expr.base, powers) and is_real(expr.exp, powers)


def is_real(expr: sp.Expr, powers: Powers) -> bool:
    """Whether the expression is built from what is real in a way that keeps it so: no root or logarithm of any sign."""
    if expr.is_extended_real:
        return True
    if isinstance(expr, sp.Sum):
        return is_real(expr.function, powers)
    if isinstance(expr, sp.log):
        return is_positive(expr.args[0], powers)
    if isinstance(expr, sp.Pow) and not expr.exp.is_Integer:
        return is_positive(expr.base, powers) and is_real(expr.exp, powers)
    return bool(expr.args) and all(is_real(part, powers) for part in expr.args)


def summed(bound: Bound, factor: sp.Expr) -> sp.Expr:
    """Σ over the bound indices of the product."""
    for k in bound:
        factor = total(factor, k)
    return factor


def contracted(bound: Bound, factor: sp.Expr, powers: Powers) -> tuple[Bound, sp.Expr]:
    """δ_ik under Σ_k chooses the term k = i; δ_ij of two free indices lets j be written i."""
    while powers.contract or powers.distinct:
        for d in (f for f in sp.Mul.make_args(factor) if isinstance(f, sp.KroneckerDelta)):
            i, j = d.args
            same_dimension(i, j, str(d))
            if frozenset((i, j)) in powers.distinct:
                return (), sp.S.Zero
            if not powers.contract:
                continue
            gone = next((k for k in (i, j) if k in bound), None)
            kept = j if gone == i else i
            if gone is not None:
                bound, factor = tuple(k for k in bound if k != gone), (factor / d).xreplace({gone: kept})
                break
            first, second = sorted((i, j), key=sp.default_sort_key)
            same = (factor / d).xreplace({second: first}) * d
            if same != factor:
                factor = same
                break
        else:
            return bound, factor
    return bound, factor


def reduced(bound: Bound, factor: sp.Expr, powers: Powers) -> tuple[Bound, sp.Expr]:
    """Σ_k 1 is the dimension, Σ_k u_k is 1 for a unit, and Σ_k g_k beside a power of itself raises that power."""
    changed = True
    while changed:
        changed = False
        for k in bound:
            mine = [f for f in sp.Mul.make_args(factor) if k in f.free_symbols]
            g = sp.Mul(*mine)
            whole = whole_sum(k, mine, g, factor, powers)
            if whole is not None:
                bound, factor, changed = tuple(other for other in bound if other != k), factor / g * whole, True
                break
    return bound, factor


def whole_sum(k: Index, mine: list[sp.Expr], g: sp.Expr, factor: sp.Expr, powers: Powers) -> sp.Expr | None:
    """What Σ_k g is in one word, if it has one here."""
    if not mine:
        return k.dim
    if isinstance(g, sp.Indexed) and any(
        (g.base, place) in powers.units and index == k and list(g.indices).count(k) == 1
        for place, index in enumerate(g.indices)
    ):
        return sp.S.One
    base = summed(*canonically_named((k,), g))
    denominators = (f for f in sp.Mul.make_args(factor) if isinstance(f, sp.Pow) and f.base == base)
    return base if any(f.exp.is_Integer and f.exp < 0 for f in denominators) else None


def canonically_named(bound: Bound, factor: sp.Expr) -> tuple[Bound, sp.Expr]:
    """Bound indices renamed by dimension, nesting and order: of all orders, the one whose text comes first."""
    if not bound:
        return (), factor
    height = nesting(factor)
    groups: dict[sp.Expr, list[Index]] = {}
    for k in bound:
        groups.setdefault(k.dim, []).append(k)
    dims = sorted(groups, key=sp.default_sort_key)
    names = {dim: [Index(f"k{height}{r}_{dim}", dim) for r in range(len(groups[dim]))] for dim in dims}
    orders = product(*(permutations(names[dim]) for dim in dims))
    old = [k for dim in dims for k in groups[dim]]
    renamed = [factor.xreplace(dict(zip(old, chain(*each), strict=True))) for each in orders]
    first = renamed[0] if len(renamed) == 1 else min(renamed, key=str)  # the text of a long line takes long to write
    return tuple(name for dim in dims for name in names[dim]), first


def nesting(expr: sp.Basic) -> int:
    """How deep sums stand within sums: names of one depth are not used at another, so none is captured."""
    return max((1 + nesting(s.function) for s in expr.atoms(sp.Sum)), default=0)
