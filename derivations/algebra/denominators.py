"""Denominators of several terms: what is taken out of one, and what a numerator has in common with it.

A fraction over D = T + R has many forms, since T/D is 1 − R/D. Here D is primitive (nothing that is in all of its terms
is left in it), its leading term T is kept beside no power D^e with e ≤ −1, and of a positive power only D^f with
−1 < f ≤ 0 is kept. Every rewriting is an identity wherever the denominator is not 0; each lowers the numerator in one
order of monomials, the higher degree first and then by text, so that there is an end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sympy as sp

from derivations.algebra.places import letters

Monomial = Mapping[sp.Expr, sp.Expr]
"""A product as bases and their rational exponents: exp(−2 z) is the base exp(z) to the power −2."""


def exponents(product: sp.Expr) -> dict[sp.Expr, sp.Expr]:
    """The bases of a product and their exponents; numbers are left out."""
    out: dict[sp.Expr, sp.Expr] = {}
    for f in sp.Mul.make_args(product):
        if f.is_number:
            continue
        base, e = f.as_base_exp()
        if isinstance(f, sp.exp):
            e, rest = f.args[0].as_coeff_Mul()
            base = sp.exp(rest)
        elif not e.is_Rational:
            base, e = f, sp.S.One
        out[base] = out.get(base, sp.S.Zero) + e
    return out


def multiplied(monomial: Monomial) -> sp.Expr:
    """The product again."""
    return sp.Mul(*(sp.exp(b.args[0] * e) if isinstance(b, sp.exp) else b**e for b, e in monomial.items()))


def shared(terms: Iterable[sp.Expr]) -> sp.Expr:
    """The number and the monomial that all terms have in common, each base to its least power, sums left aside."""
    terms = list(terms)
    found = [exponents(term) for term in terms]
    bases = sorted(set().union(*found), key=sp.default_sort_key)
    least = {b: min(e.get(b, sp.S.Zero) for e in found) for b in bases if not b.has(sp.Sum) and not b.is_Add}
    return content(terms) * multiplied({b: e for b, e in least.items() if e != 0})


def content(terms: list[sp.Expr]) -> sp.Expr:
    """The greatest rational number by which every term's coefficient can be divided, of the leading term's sign."""
    numbers = [term.as_coeff_Mul()[0] for term in terms]
    if not all(number.is_Rational for number in numbers):
        return sp.S.One
    common = sp.gcd_terms(sp.Add(*(abs(c) * sp.Dummy() for c in numbers)), clear=True).as_coeff_Mul()[0]
    first = leading(terms, set().union(*(letters(term) for term in terms)))
    return -common if first is not None and first.as_coeff_Mul()[0] < 0 else common


def leading(terms: Iterable[sp.Expr], bound: Iterable[sp.Symbol]) -> sp.Expr | None:
    """The term of the highest degree, and of those the first by text; None where only names of bound indices decide.

    A size is no variable unless there is nothing else: of ε n + ε + x no term leads, as ε may be divided by neither.
    """
    plain = {T: {blank(b, bound): e for b, e in exponents(T).items()} for T in terms}
    if any(len(m) < len(exponents(T)) for T, m in plain.items()):
        return None
    variables = {b for m in plain.values() for b in m if not is_size(b)} or {b for m in plain.values() for b in m}
    order = sorted(variables, key=sp.default_sort_key)
    ranks = {T: (sum(m.get(b, 0) for b in order), [m.get(b, 0) for b in order]) for T, m in plain.items()}
    highest = max(ranks.values(), default=None)
    found = [T for T, rank in ranks.items() if rank == highest]
    return found[0] if len(found) == 1 and highest and highest[0] > 0 else None


def blank(base: sp.Expr, bound: Iterable[sp.Symbol]) -> sp.Expr:
    """The base without the names of bound indices."""
    return base.xreplace({k: type(k)("·", k.dim) for k in bound})


def is_size(base: sp.Expr) -> bool:
    """Whether it is a size: a positive whole number, which may be divided by."""
    return bool(base.is_integer and base.is_positive)


def without(product: sp.Expr, T: sp.Expr) -> sp.Expr | None:
    """The product divided by a term of a denominator, if it holds it; sizes may be divided by where T has more."""
    has, wanted = exponents(product), exponents(T)
    needed = {b: e for b, e in wanted.items() if not is_size(b)} or wanted
    return product / T if all(has.get(b, sp.S.Zero) >= e for b, e in needed.items()) else None
