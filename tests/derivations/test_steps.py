"""Can every step fail? Each sign, index, sum, transpose and constant is changed, and the proof must fail there."""

# ruff: noqa: E501  a mutant is named on one line, as the command prints it
from collections import Counter

import pytest
import sympy as sp

from derivations import affine, mlp, softmax
from derivations.algebra import symbolic
from derivations.algebra.normal_form import Powers, equal
from derivations.algebra.notation import A, N, dZ, i, k, r, s, t, z
from derivations.algebra.sums import Entry, Index, total
from derivations.prover import digits
from derivations.prover.proof import to_50_digits
from derivations.prover.sizes import free_symbols
from tests.mutations import SAMPLE, judged, mutants, summary
from tests.support.proofs import CLAIMS
from tests.support.quick import some

EQUAL = """
kl_divergence.dZ step 1, index: Derivative(Sum(log(Sum(exp(Z[l, t]/temperature), (l, 1, K)))*Sum(Y[k, s], (k, 1, K)) - Sum(Y[k, t]*Z[k, t], (k, 1, K))/temperature, (t, 1, N))/N + Sum(log(Y[k, t])*Y[k, t], (k, 1, K), (t, 1, N))/N, Z[i, s])
label_smoothing.dZ step 1, index: Derivative(Sum((smoothing + (1 - smoothing)*Sum(Y[k, s], (k, 1, K)))*log(Sum(exp(Z[l, t]), (l, 1, K))) - Sum(((1 - smoothing)*Y[k, t] + smoothing/K)*Z[k, t], (k, 1, K)), (t, 1, N))/N, Z[i, s])
sgd.slope_along step 1, sign: Sum(Derivative(-alpha*dtheta[r, i] - theta[r, i], alpha)*dtheta[r, i], (i, 1, n), (r, 1, m))
softmax_cross_entropy.dZ step 1, index: Derivative(Sum(log(Sum(exp(Z[k, t]), (k, 1, K)))*Sum(Y[j, s], (j, 1, K)) - Sum(Y[j, t]*Z[j, t], (j, 1, K)), (t, 1, N))/N, Z[i, s])
""".strip().splitlines()
"""The mutants that no check refuses, for they are true, and not only because δ_ik lets k be written for i."""


HEAVY = {"batch_norm", "gru_cell", "instance_norm", "kl_divergence", "layer_norm", "lstm_cell", "rms_norm"}
"""Concepts of few sizes whose lines are long."""

SIZES = 3
"""Claims of more sizes than these have mutants that take minutes, as those of HEAVY do: they are asked with --long."""


def sizes_of(claim):
    """The sizes that the statement leaves open, by themselves or as what an index runs over."""
    free = free_symbols([claim.start, claim.result], claim.where)
    return {s for f in free for s in (f.dim.free_symbols if isinstance(f, Index) else {f}) if s.is_integer}


def costly(claim):
    """Whether it is asked with --long only; every step of every claim is proved in each run."""
    return claim.name.partition(".")[0] in HEAVY or len(sizes_of(claim)) > SIZES


def logarithms_are_real(expr):
    """Whether none is of a negative number: tanh(x + iπ) is tanh x, so that a sign within one may change nothing."""
    return not any(part.args[0].is_negative for part in expr.atoms(sp.log))


STEPS = [claim for claim in CLAIMS.values() if claim.steps]
EVERY = [
    *some([claim for claim in STEPS if not costly(claim)], 16, ids=lambda claim: claim.name),
    *(pytest.param(claim, id=claim.name, marks=pytest.mark.long) for claim in STEPS if costly(claim)),
]


@pytest.mark.parametrize("claim", EVERY)
def test_a_step_with_anything_in_it_changed_fails_unless_it_stays_true(claim, record_property, draws):
    at_most = draws(20, None)
    found = list(judged(claim, draws(1, SAMPLE), at_most))
    record_property("figure", summary(found)["figure"])
    assert not [str(j) for j in found if j.unsound]
    assert not [str(j) for j in found if j.outcome == "symbolic"], "digits see every wrong mutant too"
    by_step = {f"{claim.name} step {place}": step.expr for place, step in enumerate(claim.steps, 1)}
    true = [j for j in found if j.outcome == "equal"]
    real = [j for j in true if logarithms_are_real(j.mutant)]
    unexpected = {str(j) for j in real if not equal(by_step[j.step], j.mutant, Powers(contract=True))}
    known = {line for line in EQUAL if line.startswith(f"{claim.name} ")}
    assert unexpected <= known
    assert unexpected == known or at_most is not None
    assert all(to_50_digits(claim, by_step[j.step], j.mutant, digits.SEARCHED)[0] for j in true)
    counts = Counter(j.step for j in found)
    assert len(counts) == len(claim.steps)
    assert all(any(j.step == step and j.outcome != "equal" for j in found) for step in counts)


@pytest.mark.parametrize(
    ("expr", "kind", "expected"),
    [
        (z - 1, "sign", {1 - z, -z - 1, z + 1}),
        (A[i, t], "index", {A[k, t]}),
        (total(dZ[r, s], s), "sum", {total(dZ[r, s], s) / N, total(dZ[r, s], s) - dZ[r, t], dZ[r, t]}),
        (z**-2, "constant", {1 / z}),
        (3 * z, "constant", {4 * z}),
        (Entry(mlp.W1.matrix * mlp.X.matrix, *mlp.Z1[mlp.indices(1)[0], s].indices), "transpose", {None}),
    ],
)
def test_what_is_changed(expr, kind, expected):
    """The two free indices of each dimension are in scope."""
    assert {mutant for what, mutant in mutants(expr, (i, k, t)) if what == kind} == expected


def test_a_symbolic_check_that_believes_everything_is_called_unsound(monkeypatch):
    monkeypatch.setattr(symbolic, "equal", lambda *_: True)
    found = list(judged(affine.dW, None))
    assert sum(j.unsound for j in found) > len(found) / 2


@pytest.mark.further
def test_digits_that_believe_everything_leave_the_symbols_to_refuse(monkeypatch):
    monkeypatch.setattr(digits, "value", lambda expr, at: sp.S.Zero)
    found = Counter(j.outcome for j in judged(softmax.jacobian))
    assert found["digits"] == 0
    assert found["symbolic"] > found["equal"] + found["rule"]


@pytest.mark.parametrize("claim", some([affine.dA, softmax.jacobian], 99, ids=lambda claim: claim.name))
def test_symbols_call_nothing_equal_that_digits_refute(claim):
    """Of all mutants, and not of the sample that is taken of the other claims."""
    assert not [str(j) for j in judged(claim, None) if j.unsound]
