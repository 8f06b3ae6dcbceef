"""The same statement at one, two, three and four classes, every number a symbol: a witness without sums of our own.

Sums are written out, indices are numbers, and SymPy's diff and simplify do the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import sympy as sp

from derivations.algebra.sums import TENSORS, Entry, Index, opened, outermost, unfolded
from derivations.prover.claim import Claim
from derivations.prover.digits import units
from derivations.prover.sizes import called, free, free_symbols

SIZES = (1, 2, 3, 4)


def disagreements(claim: Claim) -> list[str]:
    """The sizes and indices at which the claim's start and result do not simplify to the same."""
    start, result = (unfolded(expr, claim.where) for expr in (claim.start, claim.result))
    found = []
    for n in SIZES:
        for at in places(claim, n):
            gap = written_out(start, n, at, claim) - written_out(result, n, at, claim)
            if sp.simplify(sp.expand_log(gap).rewrite(sp.exp)) != 0:
                found.append(f"n = {n}, {', '.join(f'{i} = {k}' for i, k in at.items())}")
    return found


def applies(claim: Claim) -> bool:
    """Whether one size is all that the statement leaves open."""
    said = [claim.start, claim.result]
    sizes = {s for s in free_symbols(said, claim.where) if s.is_integer and not isinstance(s, Index)}
    dims = {i.dim for expr in (*said, *claim.where.values()) for i in expr.atoms(Index)}
    return claim.relation == "=" and len(sizes) == 1 and dims <= sizes


def places(claim: Claim, n: int) -> Iterator[dict[sp.Symbol, int]]:
    """Every choice of the free indices that the conditions allow."""
    apart = [c for c in claim.given if isinstance(c, sp.Ne) and isinstance(c.lhs, Index)]
    found = free(claim.start) | free(claim.result) | set().union(*(c.args for c in apart))
    indices = sorted((s for s in found if isinstance(s, Index)), key=str)
    for chosen in product(range(1, n + 1), repeat=len(indices)):
        at = dict(zip(indices, chosen, strict=True))
        if all(at[c.lhs] != at[c.rhs] for c in apart):
            yield at


def written_out(expr: sp.Basic, n: int, at: dict[sp.Symbol, int], claim: Claim) -> sp.Expr:
    """The expression with every sum written out, every entry a symbol and every derivative taken by SymPy."""
    if isinstance(expr, Entry):
        return written_out(opened(*expr.args), n, at, claim)
    if isinstance(expr, sp.Sum):
        k, summand = outermost(expr)
        return sp.Add(*(written_out(summand, n, {**at, k: i}, claim) for i in range(1, n + 1)))
    if isinstance(expr, sp.Indexed):
        return entry(str(called(expr)), tuple(int(index.xreplace(at)) for index in expr.indices), n, claim)
    if isinstance(expr, Index):
        return sp.Integer(at[expr])
    if isinstance(expr, sp.Symbol) and expr.is_integer:
        return sp.Integer(n)
    if isinstance(expr, sp.Derivative):
        return sp.diff(written_out(expr.expr, n, at, claim), *(written_out(x, n, at, claim) for x in expr.variables))
    if not expr.args:
        return expr
    return expr.func(*(written_out(argument, n, at, claim) for argument in expr.args))


def entry(name: str, indices: tuple[int, ...], n: int, claim: Claim) -> sp.Expr:
    """A symbol for an entry; where a column sums to one, its last entry is one less the others."""
    positive = any(isinstance(c, sp.Gt) and called(c.lhs) == name for c in claim.given)
    for unit, place in units(claim.given):
        if unit == name and indices[place] == n:
            others = ((*indices[:place], k, *indices[place + 1 :]) for k in range(1, n))
            return 1 - sp.Add(*(entry(name, other, n, claim) for other in others))
    assert name in TENSORS
    symbol = sp.Symbol(f"{name}_{'_'.join(map(str, indices))}", real=True, positive=positive or None)
    return symbol
