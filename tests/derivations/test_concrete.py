"""Does the witness without sums of ours confirm what is true at small sizes, and see what is not?"""

from dataclasses import replace

import pytest

from derivations.prover import concrete
from tests.support.proofs import CLAIMS


def test_a_statement_with_one_size_can_be_written_out_and_one_with_three_cannot():
    assert concrete.applies(CLAIMS["softmax.sums_to_one"])
    assert not concrete.applies(CLAIMS["affine.dW"])


def test_softmax_sums_to_one_at_one_to_four_classes_and_twice_it_does_not(monkeypatch):
    claim = CLAIMS["softmax.sums_to_one"]
    assert concrete.disagreements(claim) == []
    wrong = replace(claim, steps=(*claim.steps[:-1], replace(claim.steps[-1], expr=2 * claim.result)))
    assert [said.split(",")[0] for said in concrete.disagreements(wrong)] == [f"n = {n}" for n in concrete.SIZES]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_places_are_those_that_the_conditions_allow(n):
    claim = next(c for c in CLAIMS.values() if c.name == "softmax.jacobian")
    found = list(concrete.places(claim, n))
    assert len(found) == n ** len(found[0])
