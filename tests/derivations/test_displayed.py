"""Is everything that is displayed true as it is displayed: every = an equality, every limit a limit?"""

import re
from dataclasses import replace

import mpmath as mp
import pytest
import sympy as sp

from derivations import finite_differences, tanh
from derivations.algebra.sums import TENSORS
from derivations.output import page, printing
from derivations.output.description import described
from derivations.prover import digits
from derivations.prover.proof import prove
from tests.support.proofs import CLAIMS, each_claim, lines_of, proof_of

CLOSE = 1e-30
"""Largest relative difference of two sides of an equality: what 50 digits leave where a derivative is taken."""


def displayed(proof):
    """Each line of the proof as a page shows it: its sign, whether more is added, and both sides."""
    data = described(proof, 0.0)
    for (left, step), line in zip(lines_of(proof.claim), data["steps"], strict=True):
        sign, shown = page.arrived(line)
        yield sign, shown != line["latex"], left, step.expr, line["checks"]


def unequal(proof, trials=2):
    """The lines shown as an equality whose sides differ, and badges that say another thing.

    They differ at the points of the proof, or at some that are drawn for the page alone.
    """
    claim = proof.claim
    for sign, more, left, right, checks in displayed(proof):
        said = page.words_of_digits(checks)
        if ("50 digits" in said) != (sign == "=" and not more):
            yield f"the badge says {said!r} beside {sign}"
        elif sign == "=" and not more:
            points = digits.points(f"displayed {claim.name}", [left, right], claim.given, claim.where, trials)
            gap = max((digits.disagreement(left, right, at)[0] for at in points), default=0)
            if gap > CLOSE or mp.mpf(checks["off_by"]) > CLOSE:
                yield f"off by {mp.nstr(gap, 3)}, and the badge says {checks['off_by']}"


@each_claim
def test_every_displayed_equality_holds_at_drawn_points_and_its_badge_says_how_well(claim, draws):
    assert list(unequal(proof_of(claim.name), draws(0, 2))) == []


@pytest.mark.parametrize("claim", [finite_differences.central, finite_differences.complex_step, tanh.near_0])
def test_a_limit_or_a_leading_term_shown_as_an_equality_is_seen(claim, monkeypatch):
    monkeypatch.setattr(page, "arrived", lambda step: ("=", step["latex"]))
    assert any("beside =" in said for said in unequal(proof_of(claim.name)))


def test_an_equality_that_is_none_is_seen():
    """Tanh h / h said to be 1, as the page once showed it."""
    assert any("off by" in said for said in unequal(prove(replace(tanh.near_0, relation="="))))


@pytest.mark.parametrize(
    ("name", "shown", "tends"),
    [
        ("finite_differences.forward", r"+ o\left(h\right)", r"h \to 0 \text{, for every smooth } L"),
        ("finite_differences.richardson", r"+ o\left(h^{4}\right)", r"h \to 0 \text{, for every smooth } L"),
        ("tanh.near_0", r"\to 1", r"h \to 0"),
        ("relu.right_slope", r"\to 1", r"h \to 0^{+}"),
        ("relu.left_slope", r"\to 0", r"h \to 0^{-}"),
    ],
)
def test_a_limit_says_what_it_tends_to_and_from_where(name, shown, tends):
    claim = described(proof_of(name), 0.0)
    assert page.answer(claim).removesuffix(r" \end{aligned}").rstrip().endswith(shown)
    assert claim["tends"] == tends
    assert tends in page.stated(claim)
    assert "no assumption" not in page.section(claim, page.Context({name: claim}))


@pytest.mark.parametrize(("name", "beside"), [("layer_norm.dgamma", False), ("affine.dW", True)])
def test_a_long_question_opens_the_proof_and_a_short_one_stands_beside_its_answer(name, beside):
    claim = described(proof_of(name), 0.0)
    assert (claim["question"] in page.stated(claim)) is beside
    assert claim["question"] in page.proof(claim)
    assert page.arrived(claim["steps"][-1])[1] in page.stated(claim)


def test_a_name_is_printed_with_its_prime_and_index_and_takes_no_second_one():
    """m_after would be read as m_a fter, and W_k with the indices b and j is no TeX: of two indices one is above."""
    assert printing.name_in_latex("m_after") == "m'"
    assert printing.name_in_latex("angle_q") == r"\mathrm{angle}_{q}"
    said = [expr for claim in CLAIMS.values() for expr in (claim.start, claim.result, *claim.where)]
    arrays = {entry.base.label.name for expr in said for entry in expr.atoms(sp.Indexed)}
    assert "W" in arrays
    shown = [TENSORS[name].latex for name in arrays & set(TENSORS)]
    assert [latex for latex in shown if re.search(r"(?<!\\)_\{?\w+\}?$", latex)] == []
