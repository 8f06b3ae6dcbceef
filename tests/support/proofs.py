"""Every claim and its proof: made when a test first asks for it, and kept for as long as derivations stays as it is."""

from functools import cache
from pathlib import Path

import pytest

from derivations.output.kept import Kept
from derivations.prover.proof import check, claims, prove
from tests.support.quick import some

CLAIMS = claims()
each_claim = pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda claim: claim.name)
"""Tests of one claim run one after the other in one process (tests/conftest.py), so that they share its proof."""


some_claims = pytest.mark.parametrize("claim", some(CLAIMS.values(), 16, ids=lambda claim: claim.name))
"""One claim in sixteen in the quick run, which proves all of them and rejects every wrong twin."""


KEPT = Kept(Path(__file__).parents[2] / "build" / "proofs")
"""Proofs of these very sources, which the site is printed from too."""


@cache
def proof_of(name):
    """The proof of a claim as it stands."""
    return KEPT.proof(CLAIMS[name])[0]


def lines_of(claim):
    """Each step of a claim, with the line before it."""
    return zip([claim.start, *(step.expr for step in claim.steps)], claim.steps, strict=False)


def stands(claim):
    """Whether a claim that was changed still has a proof: the first step that fails says no, and the rest is left."""
    return all(check(claim, before, step).ok for before, step in lines_of(claim)) and prove(claim).ok
