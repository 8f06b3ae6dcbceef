"""python -m derivations [NAME ...] [--json]: prove every claim, or those named, afresh; one alone step by step."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import sympy as sp

from derivations.article import quotations
from derivations.output import verdict
from derivations.output.description import described, raised, remainder_bound, symbols
from derivations.output.kept import Kept
from derivations.output.printing import plain
from derivations.prover import limits
from derivations.prover.claim import Claim, Step
from derivations.prover.proof import Proof, claims

Timed = tuple[Proof, float]


def main(argv: Sequence[str] | None = None) -> int:
    """List the claims, or print one with its steps; exit 0 if all hold, 1 if one does not, 2 for bad use."""
    parser = argparse.ArgumentParser(prog="python -m derivations", description="Prove the claims, afresh.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a claim, such as affine.dW, or a concept: affine")
    parser.add_argument("--uses", action="store_true", help="and all the claims that these rest on")
    parser.add_argument("--json", action="store_true", help="one JSON object, with LaTeX from the checked expressions")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes to prove in (default: all cores)"
    )
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="take and leave the proofs of these very sources")
    arguments = parser.parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # under LANG=C a terminal may not know ∂ or Σ
            stream.reconfigure(errors="replace")
    unknown = [name for name in arguments.names if not called_so(name)]
    if unknown:
        print(f"no claim is called {', '.join(unknown)}; there are {', '.join(claims())}.", file=sys.stderr)
        return 2
    chosen = [claim for name in arguments.names for claim in called_so(name)] or list(claims())
    if arguments.uses:
        chosen = list(verdict.with_what_they_rest_on(chosen, {name: claim.uses for name, claim in claims().items()}))
    alone = arguments.names == chosen and len(chosen) == 1
    found = []
    for timed in proved(list(dict.fromkeys(chosen)), arguments.jobs, Kept(arguments.keep)):
        found.append(timed)
        if not arguments.json:
            print(in_full(timed[0]) if alone else in_a_line(*timed), flush=True)
    verdict.keep("claims", {proof.claim.name: proof.claim.uses for proof, _ in found if proof.ok})
    judged = [] if arguments.names else quotations.judgements()
    if arguments.json:
        judgements = {"article": judged} if judged else {}
        print(json.dumps({"claims": [described(*timed) for timed in found], **judgements}, ensure_ascii=False))
    elif not alone:
        held = sum(proof.ok for proof, _ in found)
        print(f"{held} of {len(found)} claims hold, in {sum(seconds for _, seconds in found):.1f} s of computing")
        print(*([quotations.counted(judged)] if judged else []), sep="\n", end="\n" if judged else "")
    return 0 if all(proof.ok for proof, _ in found) else 1


def called_so(name: str) -> list[str]:
    """The claim of this name, or those of the concept of this name, and of no other whose name begins so.

    >>> called_so("sgd.update"), called_so("sgd.up")
    (['sgd.update'], [])
    """
    return [claim for claim in claims() if claim == name or claim.startswith(f"{name}.")]


def proved(names: Sequence[str], jobs: int, kept: Kept) -> Iterator[Timed]:
    """The proof of each claim and the seconds of computing it took, in order, several at a time."""
    alone = jobs < 2 or len(names) < 2
    one = partial(timed_proof, kept)
    with nullcontext() if alone else ProcessPoolExecutor(jobs) as pool:
        timed = map(one, names) if not isinstance(pool, Executor) else pool.map(one, names)
        for name, (proof, seconds) in zip(names, timed, strict=True):
            yield Proof(claims()[name], *proof), seconds


def timed_proof(kept: Kept, name: str) -> tuple[tuple[Any, ...], float]:
    """What proving one claim found, without the claim itself, whose rules are functions and cannot travel."""
    proof, seconds = kept.proof(claims()[name])
    return (proof.steps, proof.twins, proof.witnesses, proof.gaps), seconds


def in_a_line(proof: Proof, seconds: float) -> str:
    """Name, status, for which sizes, how many wrong twins were rejected, and the time; then any gaps."""
    claim = proof.claim
    status = "holds" if proof.ok else "FAILS"
    twins = f"{proof.rejected} of {len(claim.wrong_twins)} wrong twins rejected"
    line = f"{claim.name:38s} {status}  {proof.holds_for:10s} {len(claim.steps)} steps  {twins}  {seconds:5.2f} s"
    return "\n".join([line, *(f"    {gap}" for gap in proof.gaps)])


def in_full(proof: Proof) -> str:
    """A claim as one reads it: what it says, under which conditions, each step with its reason, and what is wrong."""
    claim = proof.claim
    lines = [f"{claim.name} ({claim.kind}): {claim.says}.", f"source: {claim.source}", ""]
    lines += [
        f"  {entry['name']} is {entry['meaning']}{entry['shape'] and ', ' + entry['shape']}" for entry in symbols(claim)
    ]
    lines += [f"  {plain(name)} stands for {plain(expr)}" for name, expr in claim.where.items()]
    lines += [f"  given {plain(condition)}" for condition in claim.given]
    lines += ["", f"    {plain(claim.start)}"]
    for step, checked in zip(claim.steps, proof.steps, strict=True):
        lines += [in_a_step(claim, step), f"        {step.rule.name}: {step.because}"]
        numbers = (
            f"as h shrinks (what is left out stays below {remainder_bound(step, checked.worst)})"
            if claim.leaves_out(step)
            else f"to 50 digits (off by {checked.worst})"
        )
        lines += [f"        shown symbolically, {numbers} and by its rule" if checked.ok else "        NOT shown"]
    lines += [f"  and that is {claim.relation} 0"] if claim.relation in ("≥", ">") else []
    lines += [""]
    for twin, reason in zip(claim.wrong_twins, proof.twins, strict=True):
        written = plain(twin.expr) if isinstance(twin.expr, sp.Basic) else "…"
        lines += [f"  not {written}: {twin.mistake}", f"        {reason or 'NOT rejected'}"]
    lines += [f"  confirmed by {name}" for name, shown in proof.witnesses.items() if shown]
    lines += [f"  rests on {name}" for name in claim.uses]
    return "\n".join([*lines, "", *(proof.gaps or [f"proved: {proof.holds_for}"])])


def in_a_step(claim: Claim, step: Step) -> str:
    """A step's line on a terminal: = and the expression, + o(hᵖ) where that is left out, or → and a limit."""
    if not claim.leaves_out(step):
        return f"  = {plain(step.expr)}"
    if claim.relation == "limit":
        return f"  → {plain(step.expr)}"
    return f"  = {plain(step.expr)} + o(h{raised(limits.power_of_h(step.expr))})"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
