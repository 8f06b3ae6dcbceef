"""Is every claim proved, and does the prover see what is not true?"""

import importlib.metadata
import json
import os
import random
import re
import subprocess
import sys
from dataclasses import replace

import pytest
import sympy as sp

from derivations import affine, mlp, softmax
from derivations.__main__ import main
from derivations.algebra.logits import k, logit
from derivations.algebra.normal_form import equal
from derivations.algebra.notation import A, W, b, dZ, i, r, s
from derivations.algebra.sums import Entry, ShapeError, total
from derivations.output import verdict
from derivations.output.kept import Kept
from derivations.prover.claim import WrongTwin
from derivations.prover.proof import check, everything, prove, to_50_digits
from derivations.prover.rules import (
    algebra,
    condition,
    contract,
    definition,
    differentiate,
    linear,
    logarithm,
    matrix_product,
)
from derivations.prover.sizes import free
from derivations.prover.wellposed import names_in
from tests.support.proofs import CLAIMS, each_claim, lines_of, proof_of, some_claims, stands

PLAIN_RULES = (algebra, condition, contract, definition, differentiate, linear, logarithm, matrix_product)


@each_claim
def test_every_step_is_true_and_every_wrong_twin_is_rejected(claim):
    proof = proof_of(claim.name)
    assert proof.ok, "\n".join(proof.gaps)
    assert proof.rejected == len(claim.wrong_twins)


def never(claim):
    pytest.fail(f"{claim.name} was proved again")


def test_a_proof_that_was_kept_is_the_proof_and_another_state_of_the_sources_has_none(tmp_path, monkeypatch):
    made = Kept(tmp_path).proof(affine.dW)
    assert Kept(tmp_path).proof(affine.dW, never) == made
    monkeypatch.setattr(verdict, "key", lambda: "0" * 64)
    with pytest.raises(pytest.fail.Exception, match="proved again"):
        Kept(tmp_path).proof(affine.dW, never)


def test_a_proof_with_a_gap_is_not_kept_and_one_that_cannot_be_read_is_made_again(tmp_path):
    no_twin = WrongTwin(affine.dW.result, "none at all")
    assert not Kept(tmp_path).proof(replace(affine.dW, wrong_twins=(no_twin,)))[0].ok
    assert list(tmp_path.rglob("*.json")) == []
    made, _ = Kept(tmp_path).proof(affine.dW)
    file = next(tmp_path.rglob("*.json"))
    file.write_text(file.read_text(encoding="utf-8")[:99], encoding="utf-8")
    assert Kept(tmp_path).proof(affine.dW)[0] == made


@each_claim
def test_a_statement_with_sizes_holds_for_all_of_them_and_says_so(claim):
    speaks_of_sizes = any(
        s.is_integer and s.is_symbol for expr in (claim.start, claim.result) for s in expr.free_symbols
    )
    entries = claim.start.atoms(sp.Indexed) | claim.result.atoms(sp.Indexed)
    assert proof_of(claim.name).holds_for == ("all sizes" if speaks_of_sizes or entries else "scalar")


def test_what_is_not_a_bare_definition_has_a_wrong_twin():
    bare = [claim.name for claim in CLAIMS.values() if claim.kind == "definition" and not claim.steps]
    assert [name for name, claim in CLAIMS.items() if not claim.wrong_twins and name not in bare] == []


@each_claim
def test_a_wrong_twin_is_refused_for_its_mathematics(claim):
    """One at least by numbers that differ; and none because it speaks of what the claim does not, as a typo would."""
    said = [claim.start, *(step.expr for step in claim.steps), *claim.where, *claim.where.values()]
    reasons = [reason for reason in proof_of(claim.name).twins if "shapes do not fit" not in reason]
    assert bool(reasons) == bool(claim.wrong_twins)
    assert not [reason for reason in reasons if "not both real" in reason]
    for twin in claim.wrong_twins:
        if isinstance(twin.expr, sp.Basic):
            assert names_in(twin.expr) <= set().union(*map(names_in, said))
            assert free_sizes_and_letters(twin.expr) <= set().union(*map(free_sizes_and_letters, said))


def free_sizes_and_letters(expr):
    return {s for s in free(expr) if s.is_integer}


def test_the_question_of_a_gradient_is_a_derivative():
    gradients = [claim for claim in CLAIMS.values() if claim.kind == "gradient"]
    assert gradients
    assert [claim.name for claim in gradients if not claim.start.has(sp.Derivative)] == []


@some_claims
def test_every_condition_is_needed(claim):
    for given in claim.given:
        rest = tuple(other for other in claim.given if other != given)
        assert not stands(replace(claim, given=rest)), given


def test_the_uses_of_a_claim_exist_and_make_no_circle():
    for claim in CLAIMS.values():
        above = set(claim.uses)
        while above:
            assert claim.name not in above
            above = {name for used in above for name in CLAIMS[used].uses}


@some_claims
def test_a_true_step_under_another_rules_name_is_refused(claim, draws):
    """Of the plain rules, one alone gives each step: the name says what was done. In the quick run, it and two more."""
    if claim.relation in ("limit", "order"):
        return
    for before, step in lines_of(claim):
        if step.rule not in PLAIN_RULES:
            continue
        others = [rule for rule in PLAIN_RULES if rule is not step.rule]
        asked = random.Random(f"{claim.name} {step.because}").sample(others, draws(2, len(others)))
        names = {rule.name for rule in (step.rule, *asked) if rule.fault(before, step.expr, claim) is None}
        assert names == {step.rule.name}


@pytest.mark.parametrize("name", ["affine.dW", "softmax.jacobian", "sigmoid.dZ", "mlp.dZ3"])
def test_an_error_of_one_part_in_ten_to_the_25_is_seen_by_both_checks(name):
    claim = CLAIMS[name]
    tiny = claim.result * (1 + sp.Rational(1, 10**25))
    last = claim.steps[-1]
    before = claim.steps[-2].expr
    checked = check(claim, before, replace(last, expr=tiny))
    assert not checked.symbolic
    assert not checked.digits


def test_a_true_statement_planted_as_a_wrong_twin_is_noticed():
    gaps = prove(replace(affine.dW, wrong_twins=(WrongTwin(affine.dW.result, "none at all"),))).gaps
    assert gaps
    assert all("none at all" in gap for gap in gaps)


@pytest.mark.parametrize(
    "misfit",
    [
        lambda: Entry(dZ.matrix * A.matrix, r, i),
        lambda: Entry(dZ.matrix * A.matrix.T + A.matrix.T, r, i),
        lambda: Entry(dZ.matrix * A.matrix.T, i, r),
        lambda: W[i, r],
        lambda: b[s],
        lambda: logit[r],
    ],
)
def test_what_does_not_fit_cannot_be_written_though_the_sizes_are_only_symbols(misfit):
    with pytest.raises(ShapeError):
        misfit()


def test_each_check_sees_a_wrong_factor_alone():
    claim, twice = affine.dW, 2 * affine.dW.result
    assert not equal(claim.start, twice, everything(claim))
    assert not to_50_digits(claim, claim.start, twice)[0]
    assert claim.steps[-1].rule.fault(claim.steps[-2].expr, twice, claim)


def test_a_name_bound_twice_is_not_captured():
    """Σ_k p_k with p_k = exp z_k / Σ_k exp z_k: the k of the denominator is its own."""
    p = sp.exp(logit[k]) / total(sp.exp(logit[k]), k)
    assert equal(total(p, k), sp.S.One, everything(softmax.sums_to_one))
    assert not equal(total(p**2, k), sp.S.One, everything(softmax.sums_to_one))


def test_the_articles_table_of_shapes():
    n0, n1, n2, n3 = mlp.WIDTHS
    assert {"W1": (n1, n0), "b1": (n1, 1), "W2": (n2, n1), "b2": (n2, 1), "W3": (n3, n2), "b3": (n3, 1)} == mlp.SHAPES


def test_the_command_lists_a_concept_and_prints_latex_of_what_was_checked(capsys):
    assert main(["affine", "--jobs", "1"]) == 0
    listed = capsys.readouterr().out
    assert "4 of 4 claims hold" in listed
    assert main(["affine.dW", "--json"]) == 0
    (claim,) = json.loads(capsys.readouterr().out)["claims"]
    assert claim["ok"]
    assert claim["holds_for"] == "all sizes"
    assert claim["wrong_twins_rejected"] == len(affine.dW.wrong_twins)
    assert [step["rule"] for step in claim["steps"]] == [step.rule.name for step in affine.dW.steps]
    assert claim["steps"][-1]["latex"] == r"\left(dZ \, A^{\mathsf{T}}\right)_{r i}"
    assert all(step["checks"]["symbolic"] and step["checks"]["digits"] for step in claim["steps"])
    assert main(["softmax.jacobian"]) == 0
    assert "quotient rule" in capsys.readouterr().out
    assert main(["no_such_concept"]) == 2


def test_the_command_says_which_claim_fails(capsys, monkeypatch):
    wrong = replace(affine.dW.steps[-1], expr=-affine.dW.result)
    monkeypatch.setattr(affine, "dW", replace(affine.dW, steps=(*affine.dW.steps[:-1], wrong), wrong_twins=()))
    assert main(["affine", "--jobs", "1"]) == 1
    assert "affine.dW: step 4 is not shown symbolically" in capsys.readouterr().out


def test_a_name_is_a_claim_or_a_concept_and_never_the_beginning_of_another(capsys):
    assert main(["softmax_cross_entropy.dz", "sgd", "--jobs", "1"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines() if " holds " in line]
    assert listed == ["softmax_cross_entropy.dz", *(name for name in CLAIMS if name.startswith("sgd."))]
    assert main(["softmax_cross", "--jobs", "1"]) == 2
    assert "no claim is called softmax_cross;" in capsys.readouterr().err


def test_what_a_claim_rests_on_is_proved_with_it_and_kept_for_these_sources_only(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("NNREF_CACHE", str(tmp_path))
    first = verdict.of(["cross_entropy.of_softmax"])
    assert first.ok
    assert first.claims == ("cross_entropy.forward", "cross_entropy.of_softmax", "softmax.forward")
    assert re.fullmatch(r"3 of 3 claims that this run rests on proved, in \d+ s", str(first))
    monkeypatch.setattr(verdict, "proved", lambda names: pytest.fail("proved again"))
    again = verdict.of(["cross_entropy.of_softmax"])
    assert (again.claims, again.seconds) == (first.claims, None)
    assert "kept from an earlier run" in str(again)
    monkeypatch.setattr(verdict, "proved", lambda names: "proved again")
    assert verdict.of(["affine.dW"]) == "proved again"
    monkeypatch.setattr(verdict, "version", lambda package: "another")
    assert verdict.of(["cross_entropy.of_softmax"]) == "proved again"


@pytest.mark.parametrize("package", ["sympy", "mpmath", "numpy"])
def test_the_version_of_a_package_is_that_of_its_installation(package):
    assert verdict.version(package) == importlib.metadata.version(package)


def test_a_claim_that_does_not_hold_is_not_kept(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("NNREF_CACHE", str(tmp_path))
    wrong = replace(affine.dW.steps[-1], expr=-affine.dW.result)
    monkeypatch.setattr(affine, "dW", replace(affine.dW, steps=(*affine.dW.steps[:-1], wrong), wrong_twins=()))
    assert main(["affine.db", "affine.dW", "--jobs", "1"]) == 1
    assert verdict.recall("claims") == {"affine.db": list(affine.db.uses)}


def test_a_verdict_says_what_does_not_hold_and_what_kept_it_from_an_end():
    assert not verdict.Verdict(("a.b", "c.d"), ("c.d",), 1.2).ok
    assert str(verdict.Verdict(("a.b", "c.d"), ("c.d",), 1.2)).startswith("1 of 2 claims")
    assert "c.d does not hold" in str(verdict.Verdict(("a.b", "c.d"), ("c.d",), 1.2))
    nothing = verdict.proved(["no.claim"])
    assert not nothing.ok
    assert str(nothing) == "not proved: python -m derivations gave no answer. Try python -m derivations no.claim"


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param("0", marks=pytest.mark.long),
        pytest.param("1", marks=pytest.mark.long),
        pytest.param("7", marks=pytest.mark.further),
    ],
)
def test_proofs_do_not_depend_on_the_hash_seed(seed):
    names = ["softmax_cross_entropy.dz", "softmax_cross_entropy.dZ"]
    command = [sys.executable, "-m", "derivations", *names, "--json"]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=False
    )
    found = json.loads(done.stdout)["claims"]
    assert [claim["name"] for claim in found] == names
    assert all(claim["ok"] for claim in found)
