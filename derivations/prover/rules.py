"""The rules a step may name. A rule's powers must suffice for the step, and its own power must be needed for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sympy as sp

from derivations.algebra import symbolic
from derivations.algebra.normal_form import Powers, canonical
from derivations.algebra.sums import all_opened, apart, fresh, outermost, rebuilt, total, unfolded
from derivations.prover import limits
from derivations.prover.claim import Claim, Rule

NONE = Powers()


algebra = Rule("algebra", lambda claim: NONE, heeds=False)
"""Multiply out, collect, cancel, exchange sums; derivatives, names and conditions are left alone."""

contract = Rule("choose the term", lambda claim: Powers(contract=True), lambda claim: NONE)
"""δ_ik under a sum over k chooses the term k = i."""

split = Rule("take a term out of the sum", lambda claim: Powers(contract=True), lambda claim: NONE)
"""Σ_k is the term k = i and Σ over k ≠ i, which is written with 1 − δ_ik."""

differentiate = Rule(
    "differentiate",
    lambda claim: Powers(derive=True, contract=True),
    lambda claim: Powers(contract=True),
    takes=True,
)
"""Take the derivatives; of a sum, only the terms that depend on the variable remain."""

linear = Rule("differentiate term by term", lambda claim: Powers(linear=True), lambda claim: NONE)
"""The derivative of a sum is the sum of the derivatives, and constants come out."""

definition = Rule("definition", lambda claim: Powers(where=frozenset(claim.where.items())), lambda claim: NONE)
"""Write a name for what it stands for, or what it stands for in place of the name."""

condition = Rule("what is given", lambda claim: symbolic.conditions(claim.given), lambda claim: NONE, uses_given=True)
"""Use a condition of the claim, such as Σ y = 1."""

logarithm = Rule(
    "logarithm of a quotient",
    lambda claim: replace(symbolic.conditions(claim.given), logarithms=True),
    lambda claim: symbolic.conditions(claim.given),
)
"""log(u / v) = log u − log v and log exp x = x, for what is positive."""

leading_term = Rule(
    "leading term",
    lambda claim: NONE,
    rewrite=lambda before, claim: limits.leading(before, limits.power_of_h(claim.result), claim.given),
)
"""Expand by Taylor's theorem in h, and keep the first term; for a limit, the one without h."""

integrate = Rule("integrate", lambda claim: Powers(integrate=True), lambda claim: NONE)
"""Split an integral over the line at 0, add its halves, and work it out where it has a value."""

matrix_product = Rule("read as a product of matrices", lambda claim: Powers(matrices=True), lambda claim: NONE)
"""Σ_k B_ik C_kj is the entry (i, j) of B C."""


def schema(name: str, pattern: sp.Basic, replacement: sp.Basic, *, needs: Powers = NONE) -> Rule:
    """A rule that replaces what has the form of the pattern wherever it stands."""

    def rewrite(before: sp.Basic, claim: Claim) -> sp.Basic | None:
        return replaced(before, pattern, replacement)

    return Rule(name, lambda claim: needs, rewrite=rewrite)


def replaced(expr: sp.Basic, pattern: sp.Basic, replacement: sp.Basic, powers: Powers = NONE) -> sp.Basic | None:
    """The expression with the pattern replaced; None where it does not occur.

    What is bound within the pattern may have any name; an index that is free in it is the one of that name where the
    pattern stands, also where a sum further out binds it: that is how a claim about z_i is used under Σ_i.
    """
    wanted, found = canonical(pattern, powers), []

    def change(node: sp.Basic) -> sp.Basic:
        if node.func == pattern.func and canonical(node, powers) == wanted:
            found.append(node)
            return replacement
        return rebuilt(node, change)

    changed = change(expr)
    return changed if found else None


def slope(u: sp.Expr, x: sp.Expr) -> sp.Derivative:
    """∂u/∂x, as a question."""
    return sp.Derivative(u, x, evaluate=False)


def quotient_rule(u: sp.Expr, v: sp.Expr, x: sp.Expr) -> Rule:
    """∂(u/v)/∂x = (v ∂u/∂x − u ∂v/∂x) / v²."""
    return schema("quotient rule", slope(u / v, x), (v * slope(u, x) - u * slope(v, x)) / v**2)


def product_rule(u: sp.Expr, v: sp.Expr, x: sp.Expr) -> Rule:
    """∂(u v)/∂x = v ∂u/∂x + u ∂v/∂x."""
    return schema("product rule", slope(u * v, x), v * slope(u, x) + u * slope(v, x))


def log_rule(v: sp.Expr, x: sp.Expr) -> Rule:
    """∂(log v)/∂x = ∂v/∂x / v."""
    return schema("slope of the logarithm", slope(sp.log(v), x), slope(v, x) / v)


def chain_rule(L: sp.Expr, through: Mapping[sp.Expr, sp.Expr], x: sp.Expr) -> Rule:
    """∂L/∂x = Σ ∂L/∂y ∂y/∂x, summed over every entry y of what lies between: {y: its gradient ∂L/∂y}."""

    def rewrite(before: sp.Basic, claim: Claim) -> sp.Basic | None:
        terms = sp.S.Zero
        for y, gradient in through.items():
            term = gradient * slope(y, x)
            for k in getattr(y, "indices", ()):
                term = total(term, k)
            terms += term
        return replaced(before, slope(L, x), terms)

    return Rule("chain rule", lambda claim: NONE, rewrite=rewrite)


def by(cited: Claim, at: Mapping[sp.Expr, sp.Expr] | None = None) -> Rule:
    """Another claim, with its indices, numbers or tensors replaced: {i: k, z[i]: Z[i, t]}."""
    left, right = (instance(unfolded(all_opened(expr), cited.where), at or {}) for expr in (cited.start, cited.result))

    def rewrite(before: sp.Basic, claim: Claim) -> sp.Basic | None:
        return replaced(before, left, right, Powers(where=frozenset(claim.where.items())))

    return Rule(cited.name, lambda claim: Powers(where=frozenset(claim.where.items()), matrices=True), rewrite=rewrite)


def instance(expr: sp.Basic, at: Mapping[sp.Expr, sp.Expr]) -> sp.Basic:
    """The expression for other sizes, indices, numbers and tensors, also in what it is differentiated by."""
    symbols = {old: new for old, new in at.items() if isinstance(old, sp.Symbol)}
    tensors = {old: new for old, new in at.items() if isinstance(old, sp.Indexed)}

    def change(node: sp.Basic) -> sp.Basic:
        if isinstance(node, sp.Derivative):
            return sp.Derivative(change(node.expr), *(change(x) for x in node.variables), evaluate=False)
        if isinstance(node, sp.Sum):
            k, summand = outermost(node)
            new = fresh(k.dim.xreplace(symbols))
            return total(change(apart(summand).xreplace({k: new})), new)
        if isinstance(node, sp.Indexed):
            moved = node.base[tuple(index.xreplace(symbols) for index in node.indices)]
            return renamed(moved, tensors)
        return node.xreplace(symbols) if not node.args else rebuilt(node, change)

    return change(expr)


def renamed(entry: sp.Indexed, tensors: Mapping[sp.Indexed, sp.Indexed]) -> sp.Basic:
    """An entry of another tensor, if its own has another name here: Z_it for z_i, with the same i or r in its place."""
    for old, new in tensors.items():
        if old.base == entry.base:
            places = zip(old.indices, new.indices, strict=False)
            letters = [o if o in new.indices else there for o, there in places]
            return new.xreplace(dict(zip(letters, entry.indices, strict=True)))
    return entry
