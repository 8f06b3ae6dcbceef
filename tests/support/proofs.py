"""Every claim and its proof: made when a test first asks for it, and kept for as long as derivations stays as it is."""

import json
import os
from functools import cache
from pathlib import Path

import pytest

from derivations.output import verdict
from derivations.prover.proof import Checked, Proof, check, claims, prove
from tests.support.quick import some

CLAIMS = claims()
each_claim = pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda claim: claim.name)
"""Tests of one claim run one after the other in one process (tests/conftest.py), so that they share its proof."""


some_claims = pytest.mark.parametrize("claim", some(CLAIMS.values(), 4, ids=lambda claim: claim.name))
"""One claim in four in the quick run, which proves all of them and rejects every wrong twin."""


KEPT = Path(__file__).parents[2] / "build" / "proofs"
"""A folder a state of derivations, by the hash of its files and of what computes: nothing is proved twice."""


@cache
def proof_of(name):
    """The proof of a claim as it stands."""
    file = KEPT / verdict.key()[:16] / f"{name}.json"
    if (kept := read(file)) is not None:
        return Proof(CLAIMS[name], *kept)
    proof = prove(CLAIMS[name])
    if proof.ok:
        write(file, proof)
    return proof


def read(file):
    """What was found of a claim, or None where nothing is kept."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except OSError:
        return None
    return tuple(Checked(**step) for step in kept["steps"]), tuple(kept["twins"]), kept["witnesses"], ()


def write(file, proof):
    """Keep a proof without gaps: written beside and renamed, as two processes may prove the same."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(f".{os.getpid()}")
    found = {"steps": [vars(step) for step in proof.steps], "twins": proof.twins, "witnesses": proof.witnesses}
    beside.write_text(json.dumps(found), encoding="utf-8")
    beside.replace(file)


def lines_of(claim):
    """Each step of a claim, with the line before it."""
    return zip([claim.start, *(step.expr for step in claim.steps)], claim.steps, strict=False)


def stands(claim):
    """Whether a claim that was changed still has a proof: the first step that fails says no, and the rest is left."""
    return all(check(claim, before, step).ok for before, step in lines_of(claim)) and prove(claim).ok
