"""Are slopes taken only where nothing bends, also where a line bends elsewhere than at 0?"""

from dataclasses import replace

import pytest
import sympy as sp

from derivations.algebra import kinks
from derivations.algebra.notation import da, number, x, z
from derivations.prover import digits
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.proof import prove
from derivations.prover.rules import differentiate, slope

d = number("d_kink", "where a line bends", positive=True)

capped = sp.Min(sp.Max(0, z), 6)
huber = sp.Piecewise((z**2 / 2, sp.Abs(z) <= d), (d * (sp.Abs(z) - d / 2), True))

SLOPES = {
    "relu6": (
        capped,
        sp.Piecewise((1, (z > 0) & (z < 6)), (0, True)),
        (sp.Ne(z, 0), sp.Ne(z, 6)),
        sp.Piecewise((1, z > 0), (0, True)),
    ),
    "huber": (huber, sp.Max(-d, sp.Min(z, d)), (sp.Ne(z, d), sp.Ne(z, -d), sp.Ne(z, 0)), z),
    "larger of two": (sp.Max(z, x), sp.Piecewise((1, z > x), (0, True)), (sp.Ne(z, x),), sp.S.One),
    "shifted": (sp.Abs(z - 2), sp.sign(z - 2), (sp.Ne(z, 2),), sp.sign(z)),
}


def claimed(name):
    """The claim that a line has this slope."""
    line, answer, given, twin = SLOPES[name]
    step = Step(answer * da, differentiate, because="piece by piece")
    twins = (WrongTwin(twin * da, "a kink is not seen"),)
    return Claim(
        name, "gradient", "a slope", slope(line, z) * da, "elementary", (step,), given=given, wrong_twins=twins
    )


@pytest.mark.parametrize("name", SLOPES)
def test_a_slope_between_kinks_is_proved_and_one_across_a_kink_is_refused(name):
    proof = prove(claimed(name))
    assert proof.ok, proof.gaps


@pytest.mark.parametrize("name", SLOPES)
def test_without_a_kink_excluded_there_is_no_slope(name):
    claim = claimed(name)
    for condition in claim.given:
        if (name, condition) != ("huber", sp.Ne(z, 0)):  # |Z| bends at 0, where z²/2 is used: the prover asks for it
            rest = tuple(other for other in claim.given if other != condition)
            assert not prove(replace(claim, given=rest)).ok


def test_pieces_whose_order_is_not_known_are_left_as_they_are():
    line = sp.Min(sp.Max(0, z), x)
    assert list(kinks.between(line, ())) == [line]


def test_numbers_are_drawn_on_either_side_of_every_kink():
    drawn = [at.entry("Z", ()) for at in digits.points("reach", [capped], (), {}, 50)]
    assert min(drawn) < 0
    assert max(drawn) > 6
