"""Does every line of the article get the verdict its mathematics gives it, and would another line get another?"""

# ruff: noqa: E501  a change is named on one line, as the command prints it
import json
from dataclasses import replace

import pytest
import sympy as sp

from derivations import article
from derivations.article import QUOTATIONS
from derivations.example import SYMBOLS
from derivations.example_gradients import fitting
from derivations.judging import Statement, built, fault, judged
from derivations.proof import claims
from derivations.sums import Entry
from tests.mutations import of_the_article

VERDICTS = {quotation.id: judged(quotation) for quotation in QUOTATIONS}
BY_ID = {quotation.id: quotation for quotation in QUOTATIONS}
RIGHT = [q for q in QUOTATIONS if VERDICTS[q.id].verdict in ("holds", "notation")]
WRONG = [q for q in QUOTATIONS if VERDICTS[q.id].verdict == "wrong"]


def each(quotations):
    return pytest.mark.parametrize("quotation", quotations, ids=lambda quotation: quotation.id)


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


@each(RIGHT)
def test_a_right_line_that_is_broken_is_wrong(quotation):
    for place, statement in enumerate(quotation.reading):
        for mutant in broken(statement):
            reading = (*quotation.reading[:place], mutant, *quotation.reading[place + 1 :])
            verdict = judged(replace(quotation, reading=reading, corrected=None))
            assert verdict.verdict == "wrong"
            assert verdict.counterexample


STILL_TRUE = """
article sigmoid.range, constant: 2
article tanh.range, constant: 2
article softmax.between, constant: 2
article data.scale, constant: 2
article dW3.chain, sum: Sum(-(KroneckerDelta(k, r) - a3[r])*a2[j]*y3[k], (k, 1, n3))
article dW3.chain, index: Sum(-(KroneckerDelta(k, l) - a3[r])*KroneckerDelta(l, r)*a2[j]*y3[k], (l, 1, n3), (k, 1, n3))
article dW3.chain, index: Sum(-(KroneckerDelta(k, r) - a3[l])*KroneckerDelta(l, r)*a2[j]*y3[k], (l, 1, n3), (k, 1, n3))
article quotient, sign: ((exp(c*x) + 1)*Derivative(Activation(x), x) - Activation(x)*Derivative(exp(c*x) - 1, x))/(exp(c*x) + 1)**2
article quotient, constant: ((exp(c*x) + 1)*Derivative(Activation(x), x) - Activation(x)*Derivative(exp(c*x) + 2, x))/(exp(c*x) + 1)**2
article case1.1, sign: ((exp(z[i]) + Sum((1 - KroneckerDelta(i, k))*exp(z[k]), (k, 1, n)))*exp(z[i]) - exp(2*z[i]))/(exp(z[i]) + Sum((-KroneckerDelta(i, k) - 1)*exp(z[k]), (k, 1, n)))**2
article case1.2, sign: exp(z[i])*Sum((1 - KroneckerDelta(i, k))*exp(z[k]), (k, 1, n))/(exp(z[i]) + Sum((-KroneckerDelta(i, k) - 1)*exp(z[k]), (k, 1, n)))**2
article cases, index: -(1 - KroneckerDelta(i, j))*a[i]*a[j] + (1 - a[j])*KroneckerDelta(i, j)*a[i]
article cases, index: -(1 - KroneckerDelta(i, j))*a[i]*a[j] + (1 - a[i])*KroneckerDelta(i, j)*a[j]
article dz.question, sign: -Derivative(log(-a[i])*y[i] + Sum((1 - KroneckerDelta(i, k))*log(a[k])*y[k], (k, 1, n)), z[i])
article dz.question, sign: -Derivative(log(a[i])*y[i] + Sum((1 - KroneckerDelta(i, k))*log(-a[k])*y[k], (k, 1, n)), z[i])
article dW2.mask, index: ActivationSlope(z2[q])*KroneckerDelta(q, r)
article dW1.mask, index: ActivationSlope(z1[q])*KroneckerDelta(q, r)
""".strip().splitlines()
"""The changes that leave a line true: a wider bound, a square's sign, a constant whose slope is 0, an index that δ fixes.

The suite draws two changes a line; `python -m tests.mutations --article` makes every one.
"""


@each(RIGHT)
def test_a_right_line_with_anything_in_it_changed_is_wrong_unless_it_stays_true(quotation):
    for mutant in of_the_article(quotation, at_most=2):
        assert mutant.outcome in ("shapes", "digits") or str(mutant) in STILL_TRUE


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
    verdict = VERDICTS[quotation.id]
    assert verdict.counterexample
    assert verdict.corrected or quotation.id == "order.any"


@each([q for q in QUOTATIONS if q.loose])
def test_a_line_is_loose_only_if_it_fails_as_it_stands(quotation):
    assert quotation.literal
    assert VERDICTS[quotation.id].verdict == "notation"
    assert judged(replace(quotation, literal=quotation.reading)).verdict == "holds"


def test_the_two_slips_of_sign_are_wrong_and_the_step_between_them_keeps_the_first():
    first, between, second = (VERDICTS[name] for name in ("dz.4", "dz.5", "dz.6"))
    assert first.verdict == second.verdict == "wrong"
    assert first.counterexample == "n = 2, i = 2, y = (1, 0), z = (0, 0): the left side is 1/2, the right side −1/2"
    assert second.counterexample.startswith("n = 2")
    assert between.verdict == "holds"
    assert "whose slip it keeps" in between.reason


def test_the_slip_in_dW2_does_not_fit_and_is_wrong_in_numbers_where_it_fits():
    verdict = VERDICTS["dW2"]
    assert verdict.verdict == "wrong"
    assert "the right side is 64 × 64 and W2 is 64 × 128" in verdict.counterexample
    assert "with hidden layers of one width, h = 1" in verdict.counterexample
    assert VERDICTS["dW3"].verdict == "holds"


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
    assert all(verdict.reason for verdict in VERDICTS.values() if verdict.verdict == "no meaning")


def test_most_of_the_article_holds_and_the_counts_are_printed():
    found = article.judgements()
    json.dumps(found)
    assert [judgement["id"] for judgement in found] == list(BY_ID)
    of = {
        verdict: sum(j["verdict"] == verdict for j in found) for verdict in ("holds", "notation", "wrong", "no meaning")
    }
    assert sum(of.values()) == len(found)
    assert of["holds"] + of["notation"] > 5 * of["wrong"]
    assert article.counted(found).startswith(
        f"article: {of['holds']} hold, {of['notation']} are loose, {of['wrong']} are wrong"
    )
