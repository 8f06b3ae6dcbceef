"""Does the gradient check catch what is wrong, and pass what is right?"""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import nnref
from nnref import affine, relu
from nnref.checking.border import GradcheckError
from nnref.checking.gradcheck import assert_gradients, gradcheck
from nnref.checking.report import GradientMismatch
from nnref.checking.vjp import check_vjp
from tests import planted, wolves


def cube(theta):
    return (theta["x"] ** 3).sum()


@pytest.fixture
def at(rng):
    return {"x": rng.standard_normal((4, 5))}


def test_every_planted_mistake_is_caught_and_no_other_parameter_is_blamed():
    missed = [
        (regime, what, name)
        for regime, what, name, report in planted.planted()
        if not report.wrong or (name and {entry.name for entry in report.wrong} != {name})
    ]
    assert not missed


@pytest.mark.parametrize("regime", planted.REGIMES)
@pytest.mark.parametrize("method", ["central", "complex"])
def test_the_network_without_mistakes_passes(regime, method):
    theta, X, Y = planted.draw(regime)
    report = gradcheck(lambda t: planted.loss(t, X, Y), theta, planted.gradients(theta, X, Y), method=method)
    assert report.ok, report


def test_correct_networks_raise_no_false_alarm_and_few_are_undecided():
    counts, alarms = wolves.judged(1000)
    assert not alarms
    assert counts["cannot_tell"] < 0.005 * counts["checked"]


def test_relu_networks_at_batch_64_pass():
    for k in range(60):
        rng = np.random.default_rng(k)
        layers = nnref.mlp([5, 8, 6, 3])
        theta, X = nnref.initialise(layers, seed=k), rng.standard_normal((5, 64))
        Y = nnref.one_hot(rng.integers(0, 3, 64), 3)
        loss, gradients = (lambda t, f=f, a=layers, X=X, Y=Y: f(a, t, X, Y) for f in (nnref.loss, nnref.gradients))
        report = gradcheck(loss, theta, gradients)
        assert report.ok, report


@pytest.mark.parametrize("name", wolves.LOSSES)
def test_a_loss_that_misleads_the_complex_step_is_judged_by_differences(name, rng):
    loss, gradient = wolves.LOSSES[name]
    x = rng.standard_normal(6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        right, wrong = gradcheck(loss, x, gradient(x)), gradcheck(loss, x, 1.001 * gradient(x))
    assert right.ok, right
    assert right.method.startswith("central")
    assert wrong.wrong


def test_an_analytic_loss_is_judged_by_the_complex_step(at):
    assert gradcheck(cube, at, {"x": 3 * at["x"] ** 2}).method.startswith("complex")


@pytest.mark.parametrize(("slope", "ok"), [(0.0, True), (1.0, True), (0.5, True), (1.1, False), (-0.1, False)])
def test_at_a_kink_any_slope_between_the_sides_is_right_and_no_other(slope, ok):
    report = gradcheck(lambda x: np.maximum(0, x).sum(), np.zeros(1), np.array([slope]))
    assert report.ok is ok
    assert report.entries[0].subgradients == ok


def test_a_kink_close_by_does_not_hide_a_small_mistake():
    x = np.array([3e-6, 1.0])
    assert gradcheck(lambda x: np.maximum(0, x).sum(), x, np.ones(2)).ok
    assert gradcheck(lambda x: np.maximum(0, x).sum(), x, np.array([0.999, 1])).wrong


def test_a_kernel_with_a_wrong_tail_is_told_where(rng):
    W, A = rng.standard_normal((3, 4)), rng.standard_normal((4, 100))

    def dA(W, dZ):
        g = W.T @ dZ
        g[:, 96:] = 0
        return g

    report = check_vjp(lambda W, A: W @ A, dA, {"W": W, "A": A}, wrt="A")
    assert "columns 96..99, the remainder after a multiple of 32" in str(report)


def test_a_bias_gradient_averaged_over_the_batch_is_off_by_the_batch(rng):
    arguments = {"W": rng.standard_normal((4, 3)), "b": rng.standard_normal((4, 1)), "A": rng.standard_normal((3, 7))}
    assert check_vjp(affine.forward, affine.db, arguments, wrt="b").ok
    report = check_vjp(affine.forward, lambda dZ: dZ.mean(axis=1, keepdims=True), arguments, wrt="b")
    assert report.worst.truth == pytest.approx(7 * report.worst.yours)
    assert "1/7 times the truth" in str(report)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_vjp_of_a_rectifier_passes_at_its_kinks(rng, dtype):
    Z = rng.standard_normal((5, 6)).astype(dtype)
    Z[0] = 0
    assert check_vjp(relu.forward, relu.dZ, {"Z": Z}).ok


def test_a_float32_kernel_is_judged_in_its_own_unit(rng):
    A = rng.standard_normal((5, 6)).astype("float32")
    assert check_vjp(lambda x: np.tanh(x), lambda dA, x: dA * (1 - np.tanh(x) ** 2), {"x": A}).ok


class Pair(NamedTuple):
    W: object
    b: object


def test_any_nesting_is_walked_and_named():
    theta = {"first": [Pair(np.ones(2), np.ones(1)), ()], "c": np.float64(2)}
    two = {"first": [Pair(2 * np.ones(2), np.array([2.0])), ()], "c": np.float64(5)}
    report = gradcheck(lambda t: (t["first"][0].W ** 2).sum() + (t["first"][0].b ** 2).sum() + t["c"] ** 2, theta, two)
    assert [entry.name for entry in report.entries] == ["first[0].W", "first[0].b", "c"]
    assert [entry.verdict for entry in report.entries] == ["ok", "ok", "WRONG"]


def test_none_is_not_written_yet_and_the_rest_is_checked(at):
    theta = at | {"y": np.ones(2)}
    report = gradcheck(lambda t: cube(t) + t["y"].sum(), theta, {"x": None, "y": np.ones(2)})
    assert [entry.verdict for entry in report.entries] == ["not written yet", "ok"]
    assert not report.ok


def test_a_sample_says_what_it_may_have_missed(at):
    report = gradcheck(cube, at, {"x": 3 * at["x"] ** 2}, entries=5)
    assert report.ok
    assert "5 of 20 checked; a single wrong entry is missed with chance 75%" in str(report)


masks = np.random.default_rng(0)


def dropout(theta):
    return (theta["x"] * masks.random(theta["x"].shape)).sum()


def spoils(theta):
    theta["x"] += 1
    return theta["x"].sum()


@pytest.mark.parametrize(
    ("loss", "gradient", "says"),
    [
        (lambda t: t["x"] ** 2, 1.0, "use check_vjp"),
        (dropout, 1.0, "dropout"),
        (spoils, 1.0, "changed x"),
        (cube, 1, "integers would round"),
    ],
)
def test_what_cannot_be_checked_is_said_in_a_sentence(at, loss, gradient, says):
    with pytest.raises(GradcheckError, match=says):
        gradcheck(loss, at, {"x": np.full((4, 5), gradient)})


def test_structures_that_differ_are_refused(at):
    with pytest.raises(GradcheckError, match="should have the parts"):
        gradcheck(cube, at, {"y": at["x"]})


def test_a_parameter_that_is_not_finite_is_refused():
    with pytest.raises(GradcheckError, match="NaN"):
        gradcheck(cube, {"x": np.array([np.nan])}, {"x": np.ones(1)})


def test_the_table_fits_eighty_columns_and_the_exception_carries_it(at):
    with pytest.raises(GradientMismatch) as caught:
        assert_gradients(cube, at, {"x": -3 * at["x"] ** 2})
    table = str(caught.value.report)
    assert "-1 times the truth everywhere" in table
    assert table in str(caught.value)
    assert max(map(len, table.splitlines())) <= 80


def test_a_mistake_of_the_float32_path_alone_is_never_called_right(rng):
    """From float64 parameters it is gone, as rounding would be; only a verdict of right would be a lie."""
    theta = {"x": rng.standard_normal((4, 5)).astype("float32")}

    def gradients(at):
        right = 3 * at["x"] ** 2
        return {"x": right * np.float32(1.001) if at["x"].dtype == np.float32 else right}

    report = gradcheck(cube, theta, gradients)
    assert not report.ok
    assert report.cannot_tell or report.wrong


def test_the_readme_shows_what_the_check_says():
    """The README's example: a bias gradient that is a sum where the loss is a mean."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((3, 5)), rng.standard_normal((1, 5))
    theta = {"W": rng.standard_normal((1, 3)), "b": np.ones((1, 1))}

    def loss(at):
        return ((at["W"] @ X + at["b"] - y) ** 2).mean()

    def gradients(at):
        dZ = 2 * (at["W"] @ X + at["b"] - y)
        return {"W": dZ @ X.T / 5, "b": dZ.sum(keepdims=True)}

    readme = (Path(nnref.__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    assert f"```text\n{gradcheck(loss, theta, gradients)}\n```" in readme
