"""Is every step true? Matrices: symbolically for all sizes, and exactly, in rational numbers, at random ones.

The two checks share nothing: the first lets SymPy differentiate matrix expressions of symbolic shape, the second builds
concrete matrices and takes differences of a function that is affine in the variable, which are exact. Claims about
numbers, entry by entry, are checked by derivations/scalar.py.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise, product
from operator import mul

import sympy as sp

from derivations import scalar
from derivations.claim import Claim

TRIALS = 3
LARGEST = 4
"""Random sizes are drawn from 2 to this: with 1 among them, a missing transpose could hide."""


@dataclass(frozen=True)
class Proof:
    """What checking a claim found: the gaps, one line each, and for which sizes it holds if there are none."""

    claim: Claim
    gaps: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Every step is true by both checks and every wrong twin is rejected by both."""
        return not self.gaps

    @property
    def holds_for(self) -> str:
        """The sizes for which the claim was shown."""
        if not self.ok:
            return "not shown"
        return "all sizes" if isinstance(self.claim.result, sp.MatrixExpr) else "scalar"


def prove(claim: Claim) -> Proof:
    """Check every step of the claim, and that every wrong twin fails."""
    gaps = []
    chain = [claim.start, *(step.expr for step in claim.steps)]
    for k, (before, after) in enumerate(pairwise(chain), 1):
        if faults := misfits(after):  # a misfit has no value to compare
            gaps += [f"{claim.name}: step {k}: {fault}" for fault in faults]
            break
        gaps += [
            f"{claim.name}: step {k} is not shown {how}" for how, shown in checks(claim, before, after) if not shown
        ]
    for twin in claim.wrong_twins:
        gaps += [
            f"{claim.name}: the wrong twin “{twin.mistake}” is not rejected {how}"
            for how, shown in checks(claim, claim.start, twin.expr)
            if shown
        ]
    return Proof(claim, tuple(gaps))


def misfits(expr: sp.Basic) -> list[str]:
    """A line for every product or sum of matrices whose shapes do not fit.

    SymPy refuses a product of 2 × 3 and 2 × 3 but lets m × N and n × N pass, because n might be N; here it may not.
    """
    found = []
    for node in sp.preorder_traversal(expr):
        if isinstance(node, sp.MatMul):
            pairs = pairwise(factor for factor in node.args if factor.is_Matrix)
            found += [f"{L} has {L.cols} columns and {R} has {R.rows} rows" for L, R in pairs if L.cols != R.rows]
        if isinstance(node, sp.MatAdd):
            found += [f"{L} and {R} differ in shape" for L, R in pairwise(node.args) if L.shape != R.shape]
    return found


def checks(claim: Claim, before: sp.Basic, after: sp.Basic) -> tuple[tuple[str, bool], ...]:
    """Both answers to: are these equal?"""
    if isinstance(claim.result, sp.MatrixExpr):
        return (
            ("symbolically", symbolically_equal(before, after)),
            ("exactly at random sizes", exactly_equal(before, after)),
        )
    return (
        ("symbolically", scalar.symbolically_equal(claim, before, after)),
        ("to 50 digits at random points", scalar.equal_to_50_digits(claim, before, after)),
    )


def symbolically_equal(before: sp.Basic, after: sp.Basic) -> bool:
    """For all sizes: the same matrix expression once derivatives are taken and products are sorted."""
    left, right = normal(before), normal(after)
    return bool(left.shape == right.shape and left == right)


def normal(expr: sp.Basic) -> sp.MatrixExpr:
    """Derivatives taken, transposes pushed inwards, products multiplied out."""
    taken = sp.diff(expr.expr, *expr.variables) if isinstance(expr, sp.Derivative) else expr
    return sp.expand(taken.doit()).doit()


def exactly_equal(before: sp.Basic, after: sp.Basic) -> bool:
    """The same numbers, in exact rational arithmetic, at random sizes and random matrices."""
    for trial in range(TRIALS):
        rng = random.Random(f"exact {trial}")
        sizes = sorted(before.atoms(sp.Symbol) | after.atoms(sp.Symbol), key=str)
        at = {s: sp.Integer(rng.randint(2, LARGEST)) for s in sizes}
        values: dict[str, sp.Matrix] = {}
        if evaluated(before, at, values, rng) != evaluated(after, at, values, rng):
            return False
    return True


def evaluated(
    expr: sp.Basic, at: dict[sp.Symbol, sp.Integer], values: dict[str, sp.Matrix], rng: random.Random
) -> sp.Matrix:
    """The expression as a concrete matrix; a derivative of a function affine in its variable is a difference."""
    if isinstance(expr, sp.Derivative):
        (variable,) = expr.variables
        X = evaluated(variable, at, values, rng)
        f0 = evaluated(expr.expr, at, values, rng)
        slopes = sp.zeros(*X.shape)
        for i, j in product(range(X.rows), range(X.cols)):
            moved = X.copy()
            moved[i, j] += 1
            slopes[i, j] = (evaluated(expr.expr, at, {**values, variable.name: moved}, rng) - f0)[0, 0]
        return slopes
    if isinstance(expr, sp.Trace):
        return sp.Matrix([[evaluated(expr.arg, at, values, rng).trace()]])
    if isinstance(expr, sp.MatrixSymbol):
        if expr.name not in values:
            rows, columns = (int(d.xreplace(at)) for d in expr.shape)
            values[expr.name] = sp.Matrix(rows, columns, lambda i, j: sp.Rational(rng.randint(-9, 9), 4))
        return values[expr.name]
    if isinstance(expr, sp.OneMatrix):
        return sp.ones(*(int(d.xreplace(at)) for d in expr.shape))
    if isinstance(expr, sp.Transpose):
        return evaluated(expr.arg, at, values, rng).T
    if isinstance(expr, sp.MatAdd):
        first, *rest = (evaluated(term, at, values, rng) for term in expr.args)
        return sum(rest, first)
    if isinstance(expr, sp.MatMul):
        scalar, product_of_matrices = expr.as_coeff_matrices()
        first, *rest = (evaluated(factor, at, values, rng) for factor in product_of_matrices)
        return scalar.xreplace(at) * reduce(mul, rest, first)
    if isinstance(expr, sp.Mul):
        number, rest_of_it = expr.as_coeff_Mul()
        return number * evaluated(rest_of_it, at, values, rng)
    raise TypeError(f"{type(expr).__name__} has no exact evaluation here: {expr}")


def claims() -> dict[str, Claim]:
    """Every claim of every module of derivations, by name."""
    import importlib
    import pkgutil

    import derivations

    modules = [
        importlib.import_module(f"derivations.{module.name}")
        for module in pkgutil.iter_modules(derivations.__path__)
        if not module.name.startswith("_") and not module.ispkg
    ]
    found = [c for module in modules for c in vars(module).values() if isinstance(c, Claim)]
    return {claim.name: claim for claim in sorted(found, key=lambda claim: claim.name)}
