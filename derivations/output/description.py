"""A claim and its proof as plain data, for JSON: its LaTeX is printed from the very expressions that were checked."""

from __future__ import annotations

import re
from typing import Any

import sympy as sp

from derivations.algebra.notation import MEANING, N, letter_of, meaning
from derivations.algebra.sums import TENSORS
from derivations.output.printing import latex
from derivations.prover import limits
from derivations.prover.claim import Claim, Step
from derivations.prover.proof import Checked, Proof, parts


def remainder_bound(step: Step, worst: str) -> str:
    """The largest multiple of the next power of h that was left out, with that power: 0.99 |h|³."""
    p = limits.power_of_h(step.expr)
    return f"{worst} |h|{raised(None if p is None else p + 1)}"


def raised(p: int | None) -> str:
    """A power as a superscript; the first is not written."""
    return "" if p in (None, 1) else str(p).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def called(claim: Claim) -> str | None:
    """What stands on the left, in LaTeX: a definition's name; for a gradient d and the symbol that is moved, dW_ri.

    ∂L/∂W already says what it is.
    """
    if claim.names is not None:
        return latex(claim.names)
    asked = [slope for slope in claim.start.atoms(sp.Derivative) if not isinstance(slope.expr, sp.Symbol)]
    return f"d{latex(asked[0].variables[0])}" if claim.kind == "gradient" and asked else None


def symbols(claim: Claim) -> list[dict[str, str]]:
    """Every symbol of a claim that has a meaning, with its LaTeX, its meaning and its shape, in order."""
    atoms: dict[str, sp.Basic] = {}
    for expr in (*parts(claim), *([claim.names] if claim.names is not None else [])):
        atoms |= {s.name: s for s in expr.atoms(sp.Symbol)}
        atoms |= {str(t.label.name): t for t in expr.atoms(sp.IndexedBase)}
        atoms |= {M.name: M for M in expr.atoms(sp.MatrixSymbol)}
    return [
        {"name": letter_of(name), "latex": latex(sp.Symbol(name)), "meaning": said, "shape": shape_of(name, atom)}
        for name, atom in sorted(atoms.items())
        if (said := meaning(name, atom))
    ]


def sizes(claim: Claim) -> dict[str, str]:
    """What every size in the shapes of the claim's function counts, in the order in which they stand there."""
    counted = {size.name: said for size, said in MEANING.items() if size.is_integer}
    letters = re.findall(r"[A-Za-z]\w*", " ".join(size for shape in claim.shapes.values() for size in shape))
    return {letter: counted[letter] for letter in dict.fromkeys(letters)}


def shape_of(name: str, atom: sp.Basic) -> str:
    """The shape of a tensor as one reads it, n × N; nothing for a number.

    What has one index is a column, m × 1, as in the code; or a row, 1 × N, if it has a number for each example.
    """
    if name not in TENSORS or isinstance(atom, sp.Symbol):
        return ""
    shape = tuple(map(str, TENSORS[name].shape))
    if len(shape) == 1:
        shape = ("1", *shape) if shape[0].startswith(N.name) else (*shape, "1")
    return " × ".join(shape)


def described_step(claim: Claim, step: Step, checked: Checked) -> dict[str, Any]:
    """A step as plain data. One that leaves something out says so by its sign, → for =, or by + o(hᵖ)."""
    checks: dict[str, Any] = {"symbolic": checked.symbolic, "digits": checked.digits, "rule": checked.rule is None}
    found = {"latex": latex(step.expr), "because": step.because, "rule": step.rule.name, "checks": checks}
    if not claim.leaves_out(step):
        return found | {"checks": checks | {"off_by": checked.worst}}
    found["checks"] = checks | {"left_out": remainder_bound(step, checked.worst)}
    return found | ({"sign": r"\to"} if claim.relation == "limit" else {"left_out": left_out_in_latex(step.expr)})


def left_out_in_latex(term: sp.Expr) -> str:
    """+ o(hᵖ), for a leading term c hᵖ."""
    p = limits.power_of_h(term)
    return rf"+ o\left(h{'' if p in (None, 1) else f'^{{{p}}}'}\right)"


def tends(claim: Claim) -> str:
    """H → 0, from above or below where the claim is about one side, in LaTeX; nothing for what is no limit or order."""
    if claim.relation not in limits.RELATIONS:
        return ""
    sides = [sign for _, sign in limits.sides(claim.given)]
    of = r" \text{, for every smooth } L" if claim.start.has(limits.L) else ""
    return rf"h \to 0{f'^{{{sides[0]}}}' if len(sides) == 1 else ''}{of}"


def described(proof: Proof, seconds: float) -> dict[str, Any]:
    """A claim as plain data, its LaTeX printed from the very expressions that were checked."""
    claim = proof.claim
    return {
        "name": claim.name,
        "kind": claim.kind,
        "relation": claim.relation,
        "says": claim.says,
        "ok": proof.ok,
        "holds_for": proof.holds_for,
        "gaps": list(proof.gaps),
        "names": called(claim),
        "question": latex(claim.start),
        "steps": [described_step(claim, step, checked) for step, checked in zip(claim.steps, proof.steps, strict=True)],
        "given": [latex(condition) for condition in claim.given],
        "tends": tends(claim),
        "where": [{"name": latex(name), "latex": latex(expr)} for name, expr in claim.where.items()],
        "symbols": symbols(claim),
        "shapes": {name: list(shape) for name, shape in claim.shapes.items()},
        "sizes": sizes(claim),
        "witnesses": proof.witnesses,
        "uses": list(claim.uses),
        "source": claim.source,
        "wrong_twins_rejected": proof.rejected,
        "wrong_twins": [
            {
                "latex": latex(twin.expr) if isinstance(twin.expr, sp.Basic) else None,
                "left_out": left_out_in_latex(twin.expr) if claim.relation == "order" else "",
                "mistake": twin.mistake,
                "rejected": reason,
            }
            for twin, reason in zip(claim.wrong_twins, proof.twins, strict=True)
        ],
        "seconds": round(seconds, 3),
    }
