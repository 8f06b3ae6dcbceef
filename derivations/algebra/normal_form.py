"""The normal form of finite sums, by which two expressions are the same number for all sizes and all values, or not.

SymPy differentiates such sums, but does not use that an index lies inside its range, rename bound indices, exchange
sums, or see that Σ_k exp(z_k) / Σ_k exp(z_k) is 1. That is all this module adds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import sympy as sp

from derivations.algebra import denominators, places
from derivations.algebra.naming import Bound, canonically_named
from derivations.algebra.sums import (
    Entry,
    Index,
    all_opened,
    apart,
    fresh,
    lettered,
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


Normal = dict[tuple[Bound, sp.Expr], sp.Expr]
"""The normal form: for every product with its bound indices, named canonically, its rational coefficient."""

Unmultiplied = tuple[Bound, tuple[sp.Expr, ...]]
"""Bound indices, and factors that are still to be multiplied out."""


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
    line = lettered(prepared(expr, powers))
    return collected_once(line, of_use(powers, line))


@lru_cache(maxsize=1024)
def collected_once(expr: sp.Basic, powers: Powers) -> Normal:
    """The same, kept: lines that become one once names are unfolded and derivatives taken have one normal form."""
    return collected(expr, powers)


def of_use(powers: Powers, line: sp.Basic) -> Powers:
    """The powers that find something to work on in a prepared line; the others change nothing in it."""
    chooses = line.has(sp.KroneckerDelta)
    met = {node.base for node in line.atoms(sp.Indexed)} | line.free_symbols
    return Powers(
        contract=powers.contract and chooses,
        logarithms=powers.logarithms and line.has(sp.log),
        units=frozenset(unit for unit in powers.units if unit[0] in met),
        distinct=powers.distinct if chooses else frozenset(),
        positive=powers.positive & met,
    )


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
    pending = summands(expr, powers)
    while pending:
        first = pending.pop()
        bound, factor = reduced(*contracted(*first, powers), powers)
        if (less := unsettled(first[0], bound, factor, powers)) is not None:
            pending += [((*outer, *inner), f) for outer, parts in less for inner, f in multiplied(parts, powers)]
            continue
        c, factor = factor.as_coeff_Mul()
        key = canonically_named(bound, factor)
        out[key] = out.get(key, sp.S.Zero) + c
    return {key: c for key, c in out.items() if c != 0}


def unsettled(before: Bound, bound: Bound, factor: sp.Expr, powers: Powers) -> list[Unmultiplied] | None:
    """Products whose sum the summand is and that are nearer to its normal form; None for one that has it."""
    parts = sp.Mul.make_args(factor)
    below = [f for f in parts if isinstance(f, sp.Pow) and f.base.is_Add and f.exp.is_Rational]
    if any(f.exp <= -1 and common_factor(f.base, powers)[0] != 1 for f in below) or (
        below and len(bound) < len(before)
    ):
        return [(bound, parts)]  # made on the way, by multiplying powers or by choosing a term
    return next(filter(None, (beside_itself(bound, factor, D) for D in below if D.exp <= -1)), None)


def beside_itself(bound: Bound, factor: sp.Expr, below: sp.Pow) -> list[Unmultiplied] | None:
    """T D^e for a denominator D = T + R as D^(e + 1) − R D^e, where T leads D; None where T is not beside it."""
    D, e = below.args
    T = denominators.leading(D.args, bound)
    if T is None:
        return None
    whole = [S for S, e in denominators.exponents(T).items() if isinstance(S, sp.Sum) for _ in range(e)]
    rest, around = factor / below, bound
    for S in whole:
        found = next((k for k in around if is_whole(k, S, rest)), None)
        if found is None:
            return None
        rest = sp.Mul(*(f for f in sp.Mul.make_args(rest) if found not in f.free_symbols))
        around = tuple(k for k in around if k != found)
    less = denominators.without(rest, T / sp.Mul(*whole))
    return None if less is None else [(around, (less, D ** (e + 1))), (around, (-less, D - T, below))]


def is_whole(k: Index, S: sp.Sum, factor: sp.Expr) -> bool:
    """Whether Σ_k of what depends on k is that sum."""
    return bool(summed(*canonically_named((k,), depending(factor, k))) == S)


def depending(factor: sp.Expr, k: Index) -> sp.Expr:
    """The part of a product that depends on an index."""
    return sp.Mul(*(f for f in sp.Mul.make_args(factor) if k in f.free_symbols))


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
    if isinstance(expr, sp.Pow) and (expr.base.has(sp.Sum) or expr.base.is_Add):
        return power(expr, powers)
    if expr.has(sp.Sum) and expr.args and not isinstance(expr, sp.KroneckerDelta | sp.Indexed):
        return [((), expr.func(*(written(argument, powers) for argument in expr.args)))]
    return [((), expr)]


def multiplied(factors: tuple[sp.Expr, ...], powers: Powers) -> list[tuple[Bound, sp.Expr]]:
    """The summands of a product, one for every choice of a summand from each factor."""
    choices = product(*(summands(factor, powers) for factor in factors))
    return [(sum((b for b, _ in choice), ()), sp.Mul(*(f for _, f in choice))) for choice in choices]


def power(expr: sp.Pow, powers: Powers) -> list[tuple[Bound, sp.Expr]]:
    """A power of a sum: D^e as D^whole D^f with −1 < f ≤ 0, D multiplied out above the line and primitive below."""
    D, e = expr.args
    if e.is_Integer and e > 0:
        return multiplied(tuple(apart(D) for _ in range(int(e))), powers)
    common, rest = common_factor(D, powers)
    positive, other = by_sign(common, powers)
    whole = sp.ceiling(e) if e.is_Rational else sp.S.Zero
    above, below = max(whole, sp.S.Zero), min(whole, sp.S.Zero)
    # √(a b) is √a √b unless both are negative: what may be negative stays under the root.
    kept = rest**below * distributed(other, rest) ** (e - whole)
    outside = (positive ** (e - above), other**below, *(apart(D) for _ in range(above)))
    return [(bound, f * kept) for bound, f in multiplied(tuple(f for f in outside if f != 1), powers)]


def distributed(factor: sp.Expr, rest: sp.Expr) -> sp.Expr:
    """A product with a sum, term by term."""
    return sp.Add(*(factor * term for term in rest.args)) if rest.is_Add else factor * rest


def by_sign(product: sp.Expr, powers: Powers) -> tuple[sp.Expr, sp.Expr]:
    """A product as what is known to be positive times the others."""
    parts = sp.Mul.make_args(product)
    positive = sp.Mul(*(f for f in parts if is_positive(f, powers)))
    return positive, sp.Mul(*(f for f in parts if not is_positive(f, powers)))


@lru_cache(maxsize=4096)
def common_factor(base: sp.Expr, powers: Powers) -> tuple[sp.Expr, sp.Expr]:
    """What can be taken out of a sum, and what is left: Σ_k exp(c) exp(z_k) is exp(c) times Σ_k exp(z_k)."""
    parts = collected(base, powers)
    if len(parts) != 1:
        terms = [c * by_sums(bound, f) for (bound, f), c in parts.items()]
        common = denominators.shared(terms) if terms else sp.S.One
        return common, sp.Add(*(term / common for term in terms))
    (((bound, factor), c),) = parts.items()
    free = sp.Mul(*(f for f in sp.Mul.make_args(factor) if not f.free_symbols & set(bound)))
    return c * free, summed(bound, factor / free)


def by_sums(bound: Bound, factor: sp.Expr) -> sp.Expr:
    """Σ over the bound indices of the product, as a product of sums where nothing joins them."""
    factors = list(sp.Mul.make_args(factor))
    outside = [f for f in factors if not f.free_symbols & set(bound)]
    sums = []
    while bound:
        joined = {bound[0]}
        while more := {k for f in factors if f.free_symbols & joined for k in bound if k in f.free_symbols} - joined:
            joined |= more
        mine = sp.Mul(*(f for f in factors if f.free_symbols & joined))
        sums.append(summed(*canonically_named(tuple(k for k in bound if k in joined), mine)))
        bound = tuple(k for k in bound if k not in joined)
    return sp.Mul(*outside, *sums)


@lru_cache(maxsize=4096)
def held_as(power: sp.Pow) -> sp.Dummy:
    """What stands for a power of a sum while SymPy multiplies out: one symbol, so that SymPy remembers its products."""
    return sp.Dummy()


@lru_cache(maxsize=4096)
def expanded(expr: sp.Expr, powers: Powers) -> sp.Expr:
    """Products multiplied out; the exponential of a sum is a product. SymPy's own would turn exp(Σ) into a Product."""
    # Powers of sums are left to power(): SymPy would multiply out denominators too, but only where they stand open.
    held = {p: held_as(p) for p in expr.atoms(sp.Pow) if p.base.is_Add and not (p.exp.is_Integer and p.exp > 0)}
    expr = sp.expand(
        expr.xreplace(held), power_base=True, power_exp=False, log=False, mul=True, multinomial=False, func=False
    ).xreplace({dummy: p for p, dummy in held.items()})
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
    if expr.has(sp.Sum) or expr.is_Add:
        common, rest = common_factor(expr, powers)
        positive, other = by_sign(common, powers)
        if positive != 1:
            return logarithm(positive, powers) + sp.log(distributed(other, rest))
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
            if places.is_place(d):
                if powers.contract and (at := places.chosen(bound, d)) is not None:
                    bound, factor = tuple(k for k in bound if k != at[0]), (factor / d).xreplace(dict([at]))
                    break
                continue
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
    below = (f for f in sp.Mul.make_args(factor) if isinstance(f, sp.Pow) and f.base == base)
    return base if any(f.exp.is_Rational and f.exp <= -1 for f in below) else None
