"""How an expression is written, from the very object that was checked: LaTeX for a page, plain text for a terminal."""

from __future__ import annotations

import re

import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.printing.latex import LatexPrinter, translate
from sympy.printing.precedence import PRECEDENCE, precedence_traditional
from sympy.printing.str import StrPrinter

from derivations.algebra.notation import letter_of
from derivations.algebra.places import is_place, letters
from derivations.algebra.sums import TENSORS, Index, outermost

SETTINGS = {"order": "old"}
"""Terms stand in SymPy's own order, which does not depend on the run; factors in ours."""

SHORT = {"eps": "varepsilon"}
"""Names that are a Greek letter's own in short."""

TIMES = r" \, "
"""A thin space between factors: dZ Aᵀ is two of them, and dZAᵀ might be three."""


def latex(expr: sp.Basic) -> str:
    """The expression in LaTeX, with the field's brackets and indices."""
    return str(Latex(SETTINGS | {"mul_symbol": TIMES}).doprint(expr))


def plain(expr: sp.Basic) -> str:
    """The expression as one line of text that a terminal can show."""
    return str(Plain(SETTINGS).doprint(expr))


def name_in_latex(name: str) -> str:
    """A tensor's own LaTeX, or a number's: n0 is n with the index 0, alpha is a Greek letter, stride is a word.

    m_after is m with a prime, as what a step makes of m; angle_q is a word with an index.
    """
    if name in TENSORS:
        return TENSORS[name].latex
    if stem := re.fullmatch(r"([a-zA-Z]+)_after", name):
        return f"{name_in_latex(stem[1])}'"
    if indexed := re.fullmatch(r"([a-zA-Z]+)_([a-z])", name):
        return f"{name_in_latex(indexed[1])}_{{{indexed[2]}}}"
    if numbered := re.fullmatch(r"([a-zA-Z]+)(\d+)", name):
        return f"{translate(numbered[1])}_{{{numbered[2]}}}"
    letters = translate(SHORT.get(name, name))
    return rf"\mathrm{{{letters}}}" if re.fullmatch(r"[a-z]{4,}", letters) else letters


def sides(place: sp.KroneckerDelta) -> tuple[sp.Expr, sp.Expr]:
    """The two sides that a δ of an affine place says are equal: the pixel, and the place, if one is alone."""
    gap = sp.expand(place.args[0] - place.args[1])
    for index in letters(gap):
        sign = gap.coeff(index)
        rest = sp.expand(index - sign * gap)
        if sign in (1, -1) and all(not rest.coeff(other).could_extract_minus_sign() for other in letters(rest)):
            return index, rest
    return gap, sp.S.Zero


def excluded_from(summand: sp.Expr, k: Index) -> tuple[sp.Expr, list[sp.Expr]]:
    """The summand without its factors 1 − δ_ik, and the i that they exclude."""
    kept, excluded = [], []
    for factor in sp.Mul.make_args(summand):
        gap = 1 - factor
        if isinstance(gap, sp.KroneckerDelta) and k in gap.args:
            excluded.append(next(i for i in gap.args if i != k))
        else:
            kept.append(factor)
    return sp.Mul(*kept), sorted(excluded, key=str)


def in_reading_order(expr: sp.Mul) -> sp.Mul:
    """The factors as one says them: numbers, δ, weights, gradients, other entries, functions, sums, brackets."""

    def rank(factor: sp.Expr) -> int:
        base = factor.base if isinstance(factor, sp.Pow) else factor
        if factor.is_number or isinstance(factor, sp.KroneckerDelta):
            return 0 if factor.is_number else 1
        name = str(getattr(getattr(base, "base", base), "label", base))
        if base.is_Symbol or isinstance(base, sp.Indexed):
            return 2 if name.startswith("W") else 3 if name.startswith("d") else 4
        return 7 if isinstance(base, sp.Add) else 6 if isinstance(base, sp.Sum) else 5

    return sp.Mul(*sorted(expr.args, key=rank), evaluate=False)


def terms_in_reading_order(expr: sp.Add) -> list[sp.Expr]:
    """What is added before what is taken away; 1 and δ first, then products and sums, then single entries."""

    def rank(term: sp.Expr) -> tuple[bool, int]:
        bare = term.as_coeff_Mul()[1]
        kind = (
            0
            if term.is_number or isinstance(bare, sp.KroneckerDelta)
            else 2
            if bare.is_Symbol or bare.is_Indexed
            else 1
        )
        return term.could_extract_minus_sign(), kind

    return sorted(sorted(expr.args, key=sp.default_sort_key), key=rank)


def summand_needs_brackets(summand: sp.Expr) -> bool:
    """Σ reaches over a product; only a sum of terms, or what a minus would open, needs brackets."""
    return isinstance(summand, sp.Add) or summand.could_extract_minus_sign()


class Latex(LatexPrinter):  # type: ignore[misc]  # sympy has no types
    """SymPy's LaTeX, in the notation of the field."""

    def _as_ordered_terms(self, expr: sp.Expr, order: str | None = None) -> list[sp.Expr]:
        return terms_in_reading_order(expr)

    def _print_Symbol(self, expr: sp.Symbol, style: str = "plain") -> str:
        return name_in_latex(expr.name)

    _print_Index = _print_Dummy = _print_Symbol

    def _print_MatrixSymbol(self, expr: sp.MatrixSymbol) -> str:
        return name_in_latex(expr.name)

    def _print_Mul(self, expr: sp.Expr) -> str:
        # SymPy prints 1/u by handing the power u⁻¹ to this method: its arguments are no factors.
        return str(super()._print_Mul(in_reading_order(expr) if expr.is_Mul else expr))

    def _print_MatMul(self, expr: sp.MatMul) -> str:
        minus, factors = expr.could_extract_minus_sign(), list(expr.args)
        if minus:
            factors[:1] = [] if factors[0] == -1 else [-factors[0]]
        level = precedence_traditional(expr)
        written = (self._print(f) if isinstance(f, sp.Mul) else self.parenthesize(f, level, False) for f in factors)
        return ("- " if minus else "") + TIMES.join(written)

    def _print_Indexed(self, expr: sp.Indexed, exp: str | None = None) -> str:
        base = name_in_latex(expr.base.label.name)
        indices = " ".join(self._print(index) for index in expr.indices)
        written = f"{base}_{{{indices}}}"
        return written if exp is None else rf"{{{written}}}^{{{exp}}}"

    def _print_Entry(self, expr: sp.Expr) -> str:
        M, *indices = expr.args
        where = " ".join(self._print(index) for index in indices if index != 1)
        return rf"\left({self._print(M)}\right)_{{{where}}}"

    def _print_OneMatrix(self, expr: sp.Basic) -> str:
        return r"\mathbf{1}^{\mathsf{T}}" if expr.shape[0] == 1 else r"\mathbf{1}"

    def _print_Transpose(self, expr: sp.Transpose) -> str:
        if isinstance(expr.arg, sp.OneMatrix):
            return self._print(sp.OneMatrix(*expr.shape))
        inner = self.parenthesize(expr.arg, PRECEDENCE["Pow"])
        inner = f"{{{inner}}}" if expr.arg.is_symbol and "^" in inner else inner
        return rf"{inner}^{{\mathsf{{T}}}}"

    def _print_ElementwiseApplyFunction(self, expr: ElementwiseApplyFunction) -> str:
        return self._print(expr.function(sp.Symbol("_"))).replace("_", self._print(expr.expr), 1)

    def _print_HadamardProduct(self, expr: sp.HadamardProduct) -> str:
        return r" \circ ".join(self.parenthesize(factor, PRECEDENCE["Mul"], strict=False) for factor in expr.args)

    def _print_KroneckerDelta(self, expr: sp.KroneckerDelta, exp: str | None = None) -> str:
        if is_place(expr):
            left, right = sides(expr)
            return rf"\left[{self._print(left)} = {self._print(right)}\right]"
        return rf"\delta_{{{' '.join(self._print(index) for index in expr.args)}}}"

    def _print_Sum(self, expr: sp.Sum) -> str:
        k, summand = outermost(expr)
        summand, excluded = excluded_from(summand, k)
        below = rf"{self._print(k)} \ne {', '.join(map(self._print, excluded))}" if excluded else f"{self._print(k)}=1"
        above = "" if excluded else f"^{{{self._print(k.dim)}}}"
        written = self._print(summand)
        written = rf"\left({written}\right)" if summand_needs_brackets(summand) else written
        return rf"\sum_{{{below}}}{above} {written}"

    def _print_Derivative(self, expr: sp.Derivative) -> str:
        order = "" if len(expr.variables) == 1 else f"^{{{len(expr.variables)}}}"
        below = r" \, ".join(
            rf"\partial {self._print(x)}" + (f"^{{{times}}}" if times > 1 else "") for x, times in expr.variable_count
        )
        inner = expr.expr
        if isinstance(inner, sp.Symbol | sp.Indexed):
            return rf"\frac{{\partial{order} {self._print(inner)}}}{{{below}}}"
        written = self._print(inner) if isinstance(inner, sp.Function) else rf"\left({self._print(inner)}\right)"
        return rf"\frac{{\partial{order}}}{{{below}}} {written}"

    def _print_Max(self, expr: sp.Max, exp: str | None = None) -> str:
        first, *rest = sorted(expr.args, key=lambda argument: not argument.is_number)
        inner = ", ".join(map(self._print, (first, *rest)))
        return rf"\max\left({inner}\right)" + ("" if exp is None else f"^{{{exp}}}")


class Plain(StrPrinter):  # type: ignore[misc]  # sympy has no types
    """One line of text: Σ_k, ∂/∂z_i, δ_ij, ᵀ and ∘."""

    printmethod = "_plain"  # none has it: an entry's own way of writing itself would show whose tensor it is

    def _as_ordered_terms(self, expr: sp.Expr, order: str | None = None) -> list[sp.Expr]:
        return terms_in_reading_order(expr)

    def _print_Indexed(self, expr: sp.Indexed) -> str:
        return f"{letter_of(expr.base.label.name)}[{', '.join(map(self._print, expr.indices))}]"

    def _print_IndexedBase(self, expr: sp.IndexedBase) -> str:
        return letter_of(expr.label.name)

    def _print_Entry(self, expr: sp.Expr) -> str:
        M, *indices = expr.args
        return f"({self._print(M)})[{','.join(self._print(index) for index in indices if index != 1)}]"

    def _print_MatMul(self, expr: sp.MatMul) -> str:
        return " ".join(self.parenthesize(factor, PRECEDENCE["Mul"]) for factor in expr.args)

    def _print_MatrixSymbol(self, expr: sp.MatrixSymbol) -> str:
        return letter_of(expr.name)

    def _print_Transpose(self, expr: sp.Transpose) -> str:
        return f"{self.parenthesize(expr.arg, PRECEDENCE['Pow'])}ᵀ"

    def _print_OneMatrix(self, expr: sp.Basic) -> str:
        return "1ᵀ" if expr.shape[0] == 1 else "1"

    def _print_HadamardProduct(self, expr: sp.HadamardProduct) -> str:
        return " ∘ ".join(self.parenthesize(factor, PRECEDENCE["Mul"]) for factor in expr.args)

    def _print_ElementwiseApplyFunction(self, expr: ElementwiseApplyFunction) -> str:
        return self._print(expr.function(sp.Symbol("_"))).replace("_", self._print(expr.expr), 1)

    def _print_Activation(self, expr: sp.Function) -> str:
        return f"f({self._print(expr.args[0])})"

    def _print_ActivationSlope(self, expr: sp.Function) -> str:
        return f"f'({self._print(expr.args[0])})"

    def _print_Density(self, expr: sp.Function) -> str:
        return f"p({self._print(expr.args[0])})"

    def _print_Integral(self, expr: sp.Integral) -> str:
        ((x, low, high),) = expr.limits
        return f"∫_{self._print(low)}^{self._print(high)} {self._print(expr.function)} d{self._print(x)}"

    def _print_KroneckerDelta(self, expr: sp.KroneckerDelta) -> str:
        if is_place(expr):
            left, right = sides(expr)
            return f"[{self._print(left)} = {self._print(right)}]"
        return f"δ[{','.join(map(self._print, expr.args))}]"

    def _print_Sum(self, expr: sp.Sum) -> str:
        k, summand = outermost(expr)
        summand, excluded = excluded_from(summand, k)
        but = f"≠{','.join(map(self._print, excluded))}" if excluded else ""
        written = self._print(summand)
        return f"Σ_{self._print(k)}{but} {f'({written})' if summand_needs_brackets(summand) else written}"

    def _print_Mul(self, expr: sp.Mul) -> str:
        return str(super()._print_Mul(in_reading_order(expr))).replace("*", " ").replace("  ", "**")

    def _print_Derivative(self, expr: sp.Derivative) -> str:
        below = " ".join(f"∂{self._print(x)}" + (f"^{times}" if times > 1 else "") for x, times in expr.variable_count)
        above = "∂" if len(expr.variables) == 1 else f"∂^{len(expr.variables)}"
        inner = self._print(expr.expr)
        return (
            f"{above}{inner}/{below}"
            if not expr.expr.args or isinstance(expr.expr, sp.Indexed)
            else f"{above}/{below} ({inner})"
        )
