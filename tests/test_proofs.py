"""Is every claim proved, and does the prover see what is not true?"""

import json
from dataclasses import replace

import pytest
import sympy as sp

from derivations import affine, mlp, scalar, sigmoid
from derivations.__main__ import main
from derivations.claim import Step, WrongTwin
from derivations.notation import A, dZ
from derivations.proof import claims, exactly_equal, misfits, prove, symbolically_equal

each_claim = pytest.mark.parametrize("claim", claims().values(), ids=lambda claim: claim.name)


def is_matrix(claim):
    return isinstance(claim.result, sp.MatrixExpr)


@each_claim
def test_every_step_is_true_and_every_wrong_twin_is_rejected(claim):
    proof = prove(claim)
    assert proof.ok, "\n".join(proof.gaps)
    assert proof.holds_for == ("all sizes" if is_matrix(claim) else "scalar")


@each_claim
def test_a_gradient_has_a_wrong_twin(claim):
    assert claim.kind != "gradient" or claim.wrong_twins


@each_claim
def test_a_flipped_sign_is_rejected_by_both_checks_at_the_step_where_it_stands(claim):
    for k, step in enumerate(claim.steps, 1):
        steps = list(claim.steps)
        if is_matrix(claim) and isinstance(step.expr, sp.Derivative):
            wrong = sp.Derivative(-step.expr.expr, *step.expr.variables, evaluate=False)
        else:
            wrong = -step.expr
        steps[k - 1] = Step(wrong, step.because)
        gaps = prove(replace(claim, steps=tuple(steps), wrong_twins=())).gaps
        assert sum(f"step {k} is not shown" in gap for gap in gaps) == 2


@each_claim
def test_every_condition_is_needed(claim):
    for condition in claim.given:
        rest = tuple(other for other in claim.given if other != condition)
        assert not prove(replace(claim, given=rest)).ok


def test_an_error_of_one_part_in_ten_to_the_25_is_seen_by_both_checks():
    tiny = 1 + sp.Rational(1, 10**25)
    claim = sigmoid.dZ
    assert not scalar.symbolically_equal(claim, claim.start, tiny * claim.result)
    assert not scalar.equal_to_50_digits(claim, claim.start, tiny * claim.result)


def test_a_true_statement_planted_as_a_wrong_twin_is_noticed():
    gaps = prove(replace(affine.dW, wrong_twins=(WrongTwin(dZ * A.T, "none at all"),))).gaps
    assert gaps
    assert all("none at all" in gap for gap in gaps)


def test_a_missing_transpose_is_a_misfit_though_the_sizes_are_only_symbols():
    assert misfits(dZ * A) == ["dZ has N columns and A has n rows"]
    assert misfits(dZ * A.T + A.T)
    assert not misfits(dZ * A.T)
    steps = (*affine.dW.steps[:-1], Step(dZ * A, "a slip"))
    assert any("step 2: dZ has N columns" in gap for gap in prove(replace(affine.dW, steps=steps)).gaps)


def test_each_of_the_two_checks_sees_an_error_alone():
    assert not symbolically_equal(affine.dW.start, 2 * affine.dW.result)
    assert not exactly_equal(affine.dW.start, 2 * affine.dW.result)


def test_the_articles_table_of_shapes():
    n0, n1, n2, n3 = mlp.WIDTHS
    assert {"W1": (n1, n0), "b1": (n1, 1), "W2": (n2, n1), "b2": (n2, 1), "W3": (n3, n2), "b3": (n3, 1)} == mlp.SHAPES


def test_the_command_lists_every_claim_and_prints_latex_of_what_was_checked(capsys):
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in claims())
    assert f"{len(claims())} of {len(claims())} claims hold" in listed
    assert main(["affine.dW", "--json"]) == 0
    (claim,) = json.loads(capsys.readouterr().out)["claims"]
    assert claim["ok"]
    assert claim["holds_for"] == "all sizes"
    assert claim["wrong_twins_rejected"] == len(affine.dW.wrong_twins)
    assert claim["steps"][-1]["latex"] == sp.latex(affine.dW.result)
    assert main(["affine.dW"]) == 0
    assert "W is weights" in capsys.readouterr().out
    assert main(["silu"]) == 2


def test_the_command_says_which_claim_fails(capsys, monkeypatch):
    monkeypatch.setattr(affine, "dW", replace(affine.dW, steps=(Step(-dZ * A.T, "a slip"),), wrong_twins=()))
    assert main([]) == 1
    assert "affine.dW: step 1 is not shown symbolically" in capsys.readouterr().out
