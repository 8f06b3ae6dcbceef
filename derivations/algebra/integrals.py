"""Integrals over the line, split at 0 and added up, so that two of them can be compared by what stands under them."""

from __future__ import annotations

import sympy as sp

from derivations.algebra.notation import Density

t = sp.Symbol("t", positive=True)
"""What an integral over the positive half of the line runs through."""


def merged(expr: sp.Expr) -> sp.Expr:
    """A sum of integrals as one over the positive half, worked out if SymPy can."""
    under, rest = sp.S.Zero, sp.S.Zero
    for term in sp.Add.make_args(sp.expand(expr)):
        found = term.atoms(sp.Integral)
        if not found:
            rest += term
            continue
        integral, *others = found
        factor = term / integral
        if others or factor.has(sp.Integral):
            rest += sealed(term)  # a product of integrals is the integral of nothing here
            continue
        under += factor * on_the_positive_half(integral)
    under = sp.simplify(under)
    if under == 0:
        return rest
    whole = sp.Integral(under, (t, 0, sp.oo))
    return rest + (sealed(whole) if under.has(Density) else whole.doit())


def on_the_positive_half(integral: sp.Integral) -> sp.Expr:
    """What stands under the integral: f(t) over the half of the line, f(t) + f(−t) over the whole of it."""
    ((x, low, high),) = integral.limits
    if high != sp.oo or low not in (0, -sp.oo):
        raise ValueError(f"an integral should run over the line or its positive half; ({x}, {low}, {high}) came")
    f = integral.function
    return f.subs(x, t) if low == 0 else f.subs(x, t) + f.subs(x, -t)


def sealed(expr: sp.Expr) -> sp.Expr:
    """Every integral as one unknown number, the same for the same integral."""
    return expr.xreplace({integral: sp.Symbol(f"∫ {integral}") for integral in expr.atoms(sp.Integral)})
