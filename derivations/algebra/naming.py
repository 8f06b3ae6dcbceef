"""The names of bound indices: chosen by what they stand in, so that a sum is written in one way whatever they were."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, permutations, product

import sympy as sp

from derivations.algebra import places
from derivations.algebra.sums import Index

Bound = tuple[Index, ...]
"""The indices of nested sums, the outermost first."""


def canonically_named(bound: Bound, factor: sp.Expr) -> tuple[Bound, sp.Expr]:
    """Bound indices renamed by dimension, nesting and order: of all orders, the one whose text comes first."""
    if not bound:
        return (), places.in_one_form(factor)
    height = nesting(factor)
    groups: dict[sp.Expr, list[Index]] = {}
    for k in bound:
        groups.setdefault(k.dim, []).append(k)
    dims = sorted(groups, key=sp.default_sort_key)
    names = {dim: [Index(f"k{height}{r}_{dim}", dim) for r in range(len(groups[dim]))] for dim in dims}
    orders = product(*(alike_exchanged(groups[dim], bound, factor) for dim in dims))
    new = [name for dim in dims for name in names[dim]]
    renamed = [places.in_one_form(factor.xreplace(dict(zip(chain(*order), new, strict=True)))) for order in orders]
    first = renamed[0] if len(renamed) == 1 else min(renamed, key=str)  # the text of a long line takes long to write
    return tuple(new), first


def alike_exchanged(indices: list[Index], bound: Bound, factor: sp.Expr) -> Iterator[tuple[Index, ...]]:
    """The orders in which indices of one dimension may be named: by what they stand in; those alike in any order."""
    if len(indices) == 1:
        return iter([tuple(indices)])
    met: dict[tuple[str, ...], list[Index]] = {}
    for k in indices:
        met.setdefault(surroundings(k, bound, factor), []).append(k)
    return (tuple(chain(*order)) for order in product(*(permutations(met[text]) for text in sorted(met))))


def surroundings(k: Index, bound: Bound, factor: sp.Expr) -> tuple[str, ...]:
    """The text of every factor that an index stands in, whatever the bound indices are called."""
    blank = {other: Index("∘", other.dim) for other in bound} | {k: Index("·", k.dim)}
    mine = (f for f in sp.Mul.make_args(factor) if k in f.free_symbols)
    return tuple(sorted(str(places.in_one_form(f.xreplace(blank))) for f in mine))


def nesting(expr: sp.Basic) -> int:
    """How deep sums stand within sums: names of one depth are not used at another, so none is captured."""
    return max((1 + nesting(s.function) for s in expr.atoms(sp.Sum)), default=0)
