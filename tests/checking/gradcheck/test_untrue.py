"""Is nobody fooled by a loss that is no function, that is rounded, or that jumps; and nobody right accused by one?"""

import numpy as np
import pytest

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.gradcheck import gradcheck
from tests import kinds


@pytest.mark.parametrize("when", [3, 10, 100])
@pytest.mark.parametrize("factor", [0, -3, 1, 2.02, 4])
def test_a_loss_that_changes_after_some_calls_is_refused(rng, when, factor):
    x, calls = rng.standard_normal(4), []

    def loss(t):
        calls.append(1)
        return (t**2).sum() * (1.0 if len(calls) <= when else 2.0)

    with pytest.raises(GradcheckError, match="at the same parameters"):
        gradcheck(loss, x, factor * 2 * x)


@pytest.mark.parametrize("digits", [2, 4, 6])
def test_a_rounded_loss_is_said_to_be_and_0_is_not_its_gradient(rng, digits):
    x = rng.standard_normal(4)
    right, zero = (gradcheck(lambda t: round(float((t**2).sum()), digits), x, g) for g in (2 * x, 0 * x))
    assert not right.wrong
    assert not zero.ok
    if digits == 2:
        assert "the loss is rounded to steps of 0.01: its slopes are known to within" in right.entries[0].reason


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_coarse_dtype_inside_the_loss_is_told_from_a_wrong_gradient(rng, dtype):
    W, x = rng.standard_normal((5, 4)), rng.standard_normal(4)

    def loss(t):
        return float(np.tanh(W.astype(dtype) @ t.astype(dtype)).sum())

    right = W.T @ (1 - np.tanh(W @ x) ** 2)
    assert not gradcheck(loss, x, right).wrong
    assert gradcheck(loss, x, 1.5 * right).wrong


@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("slope", [0.0, 1.0, 1e6])
def test_a_jump_is_no_kink(at, slope):
    report = gradcheck(lambda t: np.heaviside(t, at).sum(), np.zeros(1), np.array([slope]))
    assert not report.ok
    assert slope != 0 or "jumps" in str(report)


def test_an_infinite_slope_is_no_kink():
    report = gradcheck(lambda t: np.sqrt(np.abs(t)).sum(), np.zeros(1), np.zeros(1))
    assert report.cannot_tell
    assert "or its slope is infinite" in report.entries[0].reason


def test_a_kink_with_curvature_stays_one():
    for slope in (-1.0, 0.0, 1.0):
        loss = gradcheck(lambda t: (np.abs(t) + 3 * t**2 + np.abs(t) ** 1.5).sum(), np.zeros(2), np.full(2, slope))
        assert loss.ok, loss


@pytest.mark.parametrize("size", [1e-30, 1e-24, 1e-18, 1e-9, 1e9, 1e30])
@pytest.mark.parametrize("method", ["auto", "central"])
def test_the_step_follows_parameters_of_every_size(size, method):
    for seed in range(4):
        z = size * np.random.default_rng(seed).standard_normal(5)
        right = -np.sin(z / size) / size
        assert gradcheck(lambda t: np.cos(t / size).sum(), z, right, method=method).ok
        assert gradcheck(lambda t: np.cos(t / size).sum(), z, 1.01 * right, method=method).wrong


def test_a_loss_that_knows_its_argument_by_identity_is_given_copies(rng):
    x, last = rng.standard_normal(5), [None, 0.0]

    def loss(t):
        if last[0] is not t:
            last[:] = [t, (t**2).sum()]
        return last[1]

    assert gradcheck(loss, x, 2 * x).ok
    assert gradcheck(loss, x, 0 * x).wrong


def test_a_loss_that_keeps_its_last_argument_by_reference_is_given_copies(rng):
    x, last = rng.standard_normal(5), [None, 0.0]

    def loss(t):
        if last[0] is None or not np.array_equal(last[0], t):
            last[:] = [t, (t**3).sum()]
        return last[1]

    assert gradcheck(loss, x, 3 * x**2).ok
    assert gradcheck(loss, x, 0 * x).wrong


@pytest.mark.parametrize("rounded", [lambda t: (t.astype("float32") ** 2).sum(), lambda t: np.round((t**2).sum(), 4)])
def test_a_loss_that_is_rounded_in_part_accuses_nobody(rounded):
    for seed in range(4):
        x = np.random.default_rng(seed).standard_normal(5)
        right = 2 * x + np.cos(x)
        assert not gradcheck(lambda t: float(rounded(t)) + np.sin(t).sum(), x, right).wrong
        assert not gradcheck(lambda t: float(rounded(t)) + np.sin(t).sum(), x, np.cos(x)).ok


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_a_loss_in_units_of_its_own_is_judged_likewise(unit, rng):
    x = rng.standard_normal(5)
    assert gradcheck(lambda t: unit * (t**2).sum(), x, 2 * unit * x).ok
    assert gradcheck(lambda t: unit * (t**2).sum(), x, 2.02 * unit * x).wrong


def test_of_a_small_loss_every_slope_is_0_only_where_it_never_changes():
    unused = gradcheck(
        lambda t: (t["x"] ** 2).sum(), {"x": np.ones(2), "y": np.ones(3)}, {"x": 2.0 + np.zeros(2), "y": np.zeros(3)}
    )
    assert unused.ok
    flat = gradcheck(lambda t: float(np.round((t**2).sum(), 1)), 0.01 * np.ones(3), np.zeros(3))
    assert not flat.ok


def test_every_kind_of_function_is_judged_rightly_and_no_untrue_loss_passes(record_property, draws):
    said = kinds.summary(1, losses=draws(4, 1000, ci=200), every=draws(4, 1, ci=1))
    record_property("figure", said["figure"])
    assert said["ok"], said["figure"]
    for name, counts in said["table"].items():
        assert counts["right ok"], name
        assert counts["0.1 WRONG"], name
