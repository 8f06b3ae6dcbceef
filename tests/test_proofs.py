"""Is every claim proved, and does the prover see what is not true?"""

from dataclasses import replace

import pytest
import sympy as sp

from derivations import affine, mlp
from derivations.claim import Step, WrongTwin
from derivations.notation import A, dZ
from derivations.proof import claims, exactly_equal, misfits, prove, symbolically_equal

each_claim = pytest.mark.parametrize("claim", claims().values(), ids=lambda claim: claim.name)


@each_claim
def test_every_step_is_true_and_every_wrong_twin_is_rejected(claim):
    proof = prove(claim)
    assert proof.ok, "\n".join(proof.gaps)
    assert proof.holds_for == "all sizes"


@each_claim
def test_a_gradient_has_a_wrong_twin(claim):
    assert claim.kind != "gradient" or claim.wrong_twins


@each_claim
def test_a_flipped_sign_is_rejected_at_the_step_where_it_stands(claim):
    for k, step in enumerate(claim.steps, 1):
        steps = list(claim.steps)
        if isinstance(step.expr, sp.Derivative):
            wrong = sp.Derivative(-step.expr.expr, *step.expr.variables, evaluate=False)
        else:
            wrong = -step.expr
        steps[k - 1] = Step(wrong, step.because)
        gaps = prove(replace(claim, steps=tuple(steps), wrong_twins=())).gaps
        assert any(f"step {k} is not shown symbolically" in gap for gap in gaps)
        assert any(f"step {k} is not shown exactly" in gap for gap in gaps)


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
