"""Does every line of the article get the verdict its mathematics gives it, and would another line get another?"""

import json
from dataclasses import replace
from functools import cache

import pytest
import sympy as sp

from derivations.algebra.sums import Entry
from derivations.article import quotations
from derivations.article.example import SYMBOLS
from derivations.article.example_gradients import fitting
from derivations.article.judging import Statement, built, fault, judged
from derivations.article.quotations import QUOTATIONS
from derivations.prover.proof import claims
from tests import mutations
from tests.mutations import of_the_article
from tests.support.quick import some

BY_ID = {quotation.id: quotation for quotation in QUOTATIONS}
MISTAKES = {
    *("Z3.shape", "output.zero_or_one", "SD.words", "dW3.SD", "dW3.untransposed", "order.any"),
    *("dz.4", "dz.6", "dW2", "dW2.order", "db2.order", "dW1.order", "db1.heading", "db1.order"),
}
"""The lines of the article that are wrong, as they are known: what the judge finds is compared with this."""

MEANINGLESS = ["neuron.combination", "layer.superscript", "softmax.argmax", "dW3.question"]
"""The lines that say nothing which could be judged."""

RIGHT = [q for q in QUOTATIONS if q.id not in (*MISTAKES, *MEANINGLESS)]
WRONG = [q for q in QUOTATIONS if q.id in MISTAKES]


def each(quotations):
    return pytest.mark.parametrize("quotation", quotations, ids=lambda quotation: quotation.id)


def some_of(quotations):
    """One line in six in the quick run; CI takes all of them."""
    return pytest.mark.parametrize("quotation", some(quotations, 6, ids=lambda quotation: quotation.id))


@cache
def verdict_of(name):
    """The verdict on a line, judged when a test first asks: nothing is judged where tests are only collected."""
    return judged(BY_ID[name])


@some_of(QUOTATIONS)
def test_a_line_gets_the_verdict_that_is_known_of_it(quotation):
    known = "wrong" if quotation in WRONG else "no meaning" if quotation.id in MEANINGLESS else None
    assert verdict_of(quotation.id).verdict == (known or ("notation" if quotation.loose else "holds"))


def broken(statement):
    """Statements like this one that must be false: the sign flipped, the shape turned, the bound crossed, M for Mᵀ."""
    right = built(statement.right, SYMBOLS)
    if isinstance(right, sp.Tuple):
        yield replace(statement, right=sp.Tuple(*right[:-1], right[-1] + 1))
        return
    if statement.relation != "=":
        turned = {"≥": "<", ">": "≤", "≤": ">", "<": "≥"}
        yield replace(statement, relation=turned[statement.relation], form=None)
        return
    yield replace(statement, right=lambda net: -built(statement.right, net))
    if isinstance(right, Entry) and right.args[0].shape != (1, 1):
        yield replace(statement, right=lambda net: Entry(built(statement.right, net).args[0].T, *right.args[1:]))


@some_of(RIGHT)
def test_a_right_line_that_is_broken_is_wrong(quotation):
    for place, statement in enumerate(quotation.reading):
        for mutant in broken(statement):
            reading = (*quotation.reading[:place], mutant, *quotation.reading[place + 1 :])
            verdict = judged(replace(quotation, reading=reading, corrected=None))
            assert verdict.verdict == "wrong"
            assert verdict.counterexample


@some_of(RIGHT)
def test_a_right_line_with_anything_in_it_changed_is_wrong_unless_it_stays_true(quotation, draws):
    """Two changes a line, one in the quick run; `python -m tests.mutations --article` makes every one."""
    assert not [str(mutant) for mutant in of_the_article(quotation, at_most=draws(1, 2)) if mutant.unsound]


def test_a_change_that_nobody_listed_is_no_truth(monkeypatch):
    monkeypatch.setattr(mutations, "STILL_TRUE", frozenset())
    found = list(of_the_article(BY_ID["sigmoid.range"]))
    assert [str(mutant) for mutant in found if mutant.unsound] == ["article sigmoid.range, constant: 2"]
    assert not mutations.summary(found)["ok"]


@each([q for q in WRONG if q.corrected is not None])
def test_a_wrong_line_that_is_corrected_holds(quotation):
    failing = [fault(statement) is not None for statement in quotation.reading]
    reading = tuple(
        replace(s, right=quotation.corrected) if fails else s
        for s, fails in zip(quotation.reading, failing, strict=True)
    )
    assert any(failing)
    assert judged(replace(quotation, reading=reading, loose="", literal=())).verdict == "holds"


@each(WRONG)
def test_a_wrong_line_has_a_counterexample_and_the_right_form(quotation):
    verdict = verdict_of(quotation.id)
    assert verdict.counterexample
    assert verdict.corrected or quotation.id == "order.any"


@some_of([q for q in QUOTATIONS if q.loose])
def test_a_line_is_loose_only_if_it_fails_as_it_stands(quotation):
    assert quotation.literal
    assert verdict_of(quotation.id).verdict == "notation"
    assert judged(replace(quotation, literal=quotation.reading)).verdict == "holds"


def test_the_two_slips_of_sign_are_wrong_and_the_step_between_them_keeps_the_first():
    first, between, second = (verdict_of(name) for name in ("dz.4", "dz.5", "dz.6"))
    assert first.verdict == second.verdict == "wrong"
    assert first.counterexample == "K = 2, i = 2, y = (1, 0), z = (0, 0): the left side is 1/2, the right side −1/2"
    assert second.counterexample.startswith("K = 2")
    assert between.verdict == "holds"
    assert "whose slip it keeps" in between.reason


def test_the_slip_in_dW2_does_not_fit_and_is_wrong_in_numbers_where_it_fits():
    verdict = verdict_of("dW2")
    assert verdict.verdict == "wrong"
    assert "the right side is 64 × 64 and W2 is 64 × 128" in verdict.counterexample
    assert "with hidden layers of one width, h = 1" in verdict.counterexample
    assert verdict_of("dW3").verdict == "holds"


def test_shapes_fix_the_order_at_the_articles_sizes_and_not_in_general():
    assert [len(products) for products in fitting(square=False)] == [1, 1]
    assert [len(products) for products in fitting(square=True)] == [8, 1]


def test_a_wrong_correction_is_refused():
    with pytest.raises(ValueError, match="the corrected form does not hold either"):
        judged(replace(BY_ID["dz.4"], corrected=sp.S.Zero))


def test_what_can_be_neither_shown_nor_refuted_is_said():
    x = sp.Symbol("x", real=True)
    with pytest.raises(ValueError, match="neither shown nor refuted"):
        fault(Statement(x**2 - 2 * x + 2, sp.S.Zero, ">"))


def test_ids_are_unique_and_claims_exist():
    assert len(BY_ID) == len(QUOTATIONS)
    assert {quotation.claim for quotation in QUOTATIONS} - {None} <= claims().keys()


def test_a_line_without_meaning_says_why():
    assert all(verdict_of(name).reason for name in MEANINGLESS)


@pytest.mark.further
def test_most_of_the_article_holds_and_the_counts_are_printed(monkeypatch):
    monkeypatch.setattr(quotations, "judged", lambda quotation: verdict_of(quotation.id))
    found = quotations.judgements()
    json.dumps(found)
    assert [judgement["id"] for judgement in found] == list(BY_ID)
    of = {
        verdict: sum(j["verdict"] == verdict for j in found) for verdict in ("holds", "notation", "wrong", "no meaning")
    }
    assert sum(of.values()) == len(found)
    assert of["holds"] + of["notation"] > 5 * of["wrong"]
    assert quotations.counted(found).startswith(
        f"article: {of['holds']} hold, {of['notation']} are loose, {of['wrong']} are wrong"
    )
