"""python -m derivations [NAME] [--json]: prove every claim, or one of them step by step, afresh."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import sympy as sp

from derivations.claim import Claim
from derivations.notation import MEANING
from derivations.proof import Proof, claims, prove


def main(argv: Sequence[str] | None = None) -> int:
    """List the claims, or print one with its steps; exit 0 if all hold, 1 if one does not, 2 for bad use."""
    parser = argparse.ArgumentParser(prog="python -m derivations", description="Prove the claims, afresh.")
    parser.add_argument("name", nargs="?", help="a claim, such as affine.dW, or the first part of some: affine")
    parser.add_argument("--json", action="store_true", help="one JSON object, with LaTeX from the checked expressions")
    arguments = parser.parse_args(argv)
    chosen = [claim for name, claim in claims().items() if name.startswith(arguments.name or "")]
    if not chosen:
        print(f"no claim is called {arguments.name}; there are {', '.join(claims())}.", file=sys.stderr)
        return 2
    found = []
    for claim in chosen:
        start = perf_counter()
        proof = prove(claim)
        found.append((proof, perf_counter() - start))
        if not arguments.json:
            print(in_full(proof) if arguments.name == claim.name else in_a_line(*found[-1]), flush=True)
    if arguments.json:
        print(json.dumps({"claims": [described(*pair) for pair in found]}, ensure_ascii=False))
    elif arguments.name not in claims():
        held = sum(proof.ok for proof, _ in found)
        print(f"{held} of {len(found)} claims hold, in {sum(seconds for _, seconds in found):.1f} s")
    return 0 if all(proof.ok for proof, _ in found) else 1


def in_a_line(proof: Proof, seconds: float) -> str:
    """Name, status, for which sizes, how many wrong twins were rejected, and the time; then any gaps."""
    claim = proof.claim
    status = "holds" if proof.ok else "FAILS"
    line = f"{claim.name:24s} {status}  {proof.holds_for:10s} {len(claim.wrong_twins)} wrong twins  {seconds:.2f} s"
    return "\n".join([line, *(f"    {gap}" for gap in proof.gaps)])


def in_full(proof: Proof) -> str:
    """A claim as one reads it: what it says, under which conditions, each step with its reason, and what is wrong."""
    claim = proof.claim
    lines = [f"{claim.name} ({claim.kind}): {claim.says}.", f"source: {claim.source}", ""]
    lines += [f"  {symbol} is {MEANING[symbol]}" for symbol in symbols(claim)]
    lines += [f"  {symbol} = {sp.sstr(expr)}" for symbol, expr in claim.where.items()]
    lines += [f"  given {sp.sstr(condition)}" for condition in claim.given]
    lines += ["", f"    {sp.sstr(claim.start)}"]
    for step in claim.steps:
        lines += [f"  = {sp.sstr(step.expr)}", f"        {step.because}"]
    lines += ["", *(f"  not {sp.sstr(twin.expr)}: {twin.mistake}" for twin in claim.wrong_twins)]
    lines += [f"  rests on {name}" for name in claim.uses]
    return "\n".join([*lines, "", *(proof.gaps or [f"proved: {proof.holds_for}"])])


def symbols(claim: Claim) -> list[str]:
    """The names of the symbols in a claim that have a meaning, in order."""
    expressions = [claim.start, *(step.expr for step in claim.steps)]
    atoms = {atom for expr in expressions for atom in expr.atoms(sp.Symbol, sp.MatrixSymbol)}
    return sorted({atom.name for atom in atoms} & MEANING.keys())


def described(proof: Proof, seconds: float) -> dict[str, Any]:
    """A claim as plain data, its LaTeX printed from the very expressions that were checked."""
    claim = proof.claim
    return {
        "name": claim.name,
        "kind": claim.kind,
        "says": claim.says,
        "ok": proof.ok,
        "holds_for": proof.holds_for,
        "gaps": list(proof.gaps),
        "question": sp.latex(claim.start),
        "steps": [{"latex": sp.latex(step.expr), "because": step.because} for step in claim.steps],
        "given": [sp.latex(condition) for condition in claim.given],
        "uses": list(claim.uses),
        "source": claim.source,
        "wrong_twins_rejected": len(claim.wrong_twins) if proof.ok else 0,
        "wrong_twins": [{"latex": sp.latex(twin.expr), "mistake": twin.mistake} for twin in claim.wrong_twins],
        "seconds": round(seconds, 3),
    }


if __name__ == "__main__":
    sys.exit(main())
