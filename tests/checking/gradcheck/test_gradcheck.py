"""Does the gradient check catch what is wrong, and pass what is right?"""

import warnings
from typing import NamedTuple

import numpy as np
import pytest

import nnref
from nnref.checking.gradcheck.gradcheck import gradcheck
from nnref.checking.results.findings import SURE
from tests import wolves


def cube(theta):
    return (theta["x"] ** 3).sum()


@pytest.fixture
def at(rng):
    return {"x": rng.standard_normal((4, 5))}


NETWORKS = 2_000
"""Correct networks that are drawn with --long, enough to say how often the check cannot tell."""


def test_correct_networks_raise_no_false_alarm_and_few_are_undecided(record_property, draws):
    said = wolves.summary(draws(20, NETWORKS, ci=50))
    record_property("figure", said["figure"])
    assert said["ok"]
    assert said["worst"] < SURE
    if said["networks"] == NETWORKS:  # a network's entries are undecided together: a few networks give no share
        assert said["counts"]["cannot_tell"] < 0.005 * said["counts"]["checked"]


def test_the_correct_networks_are_of_every_size_depth_precision_and_scale():
    networks = [wolves.network(k) for k in range(120)]
    sizes = [[len(X), *(len(t.b) for t in theta if t)] for _, theta, X, _ in networks]
    assert {1, 512, 2000} <= {n for widths in sizes for n in widths}
    assert max(len(widths) for widths in sizes) == 9
    assert {layers[1].name for layers, *_ in networks if len(layers) > 1} == {"relu", "tanh", "sigmoid"}
    assert {str(X.dtype) for _, _, X, _ in networks} == {"float32", "float64"}
    assert any((X == 0).any() for _, _, X, _ in networks)
    largest = [abs(X).max() for _, _, X, _ in networks]
    assert min(largest) < 1e-2
    assert max(largest) > 1e2


@pytest.mark.further
def test_relu_networks_at_batch_64_pass(draws):
    for k in range(draws(5, 60, ci=15)):
        rng = np.random.default_rng(k)
        layers = nnref.mlp([5, 8, 6, 3])
        theta, X = nnref.initialise(layers, seed=k), rng.standard_normal((5, 64))
        Y = nnref.one_hot(rng.integers(0, 3, 64), 3)
        loss, gradients = (lambda t, f=f, a=layers, X=X, Y=Y: f(a, t, X, Y) for f in (nnref.loss, nnref.gradients))
        for method in ("auto", "central"):
            report = gradcheck(loss, theta, gradients, method=method)
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


@pytest.mark.parametrize("name", ["float(L)", "astype(float)", "real buffer"])
def test_the_losses_that_drop_the_imaginary_part_really_do(name):
    loss, _ = wolves.LOSSES[name]
    with pytest.warns(np.exceptions.ComplexWarning):
        assert np.isrealobj(np.asarray(loss(np.ones(3) + 1j))) or name == "real buffer"


def test_an_analytic_loss_is_judged_by_the_complex_step(at):
    assert gradcheck(cube, at, {"x": 3 * at["x"] ** 2}).method.startswith("complex")


@pytest.mark.parametrize(("slope", "ok"), [(0.0, True), (1.0, True), (0.5, True), (1.1, False), (-0.1, False)])
def test_at_a_kink_any_slope_between_the_sides_is_right_and_no_other(slope, ok):
    report = gradcheck(lambda x: np.maximum(0, x).sum(), np.zeros(1), np.array([slope]))
    assert report.ok is ok
    assert report.entries[0].subgradients == ok


def test_subgradients_are_counted_and_shown_among_others(at):
    x = at["x"].copy()
    x[1] = 0
    report = gradcheck(lambda t: np.maximum(0, t["x"]).sum(), {"x": x}, {"x": (x > 0) * 1.0})
    assert report.ok
    assert "5 at a kink, accepted between the slopes to either side" in str(report)


@pytest.mark.parametrize("distance", [1e-3, 1e-5, 3e-6, 1e-7, 1e-8])
def test_a_kink_close_by_does_not_hide_a_small_mistake(distance):
    for x in (np.array([distance, 1.0]), np.array([-distance, 1.0])):
        right, mistake = (x > 0) * 1.0, np.array([0.001, 0])
        assert gradcheck(lambda x: np.maximum(0, x).sum(), x, right).ok
        assert gradcheck(lambda x: np.maximum(0, x).sum(), x, right + mistake).wrong


@pytest.mark.parametrize("method", ["central", "complex"])
def test_no_more_than_twice_the_evaluations_there_must_be(method, rng):
    """Two an entry for differences, one complex one for the complex step; kinks and setting up may double it."""
    layers = nnref.mlp([20, 40, 10])
    theta, least = nnref.initialise(layers), 1250 * (2 if method == "central" else 1)
    X, Y = rng.standard_normal((20, 64)), nnref.one_hot(rng.integers(0, 10, 64))
    for factor in (1, 2):

        def gradients(at, factor=factor):
            found = nnref.named(nnref.gradients(layers, at, X, Y))
            return nnref.network.unnamed({p: factor * g for p, g in found.items()}, layers)

        report = gradcheck(lambda at: nnref.loss(layers, at, X, Y), theta, gradients, method=method)
        assert report.ok is (factor == 1)
        assert all(entry.wrong == (factor - 1) * entry.size for entry in report.entries)
        assert report.settings["least evaluations"] == least
        assert report.settings["evaluations"] <= 2 * least


@pytest.mark.further
def test_a_step_fits_most_of_a_tensor_where_many_units_are_off(rng):
    """The weights of a unit share its curvature: a step found at a few of quiet units would not fit the others."""
    layers = nnref.mnist_mlp()
    theta, X, Y = nnref.initialise(layers), rng.random((784, 8)), nnref.one_hot(rng.integers(0, 10, 8))
    gradients = nnref.gradients(layers, theta, X, Y)
    report = gradcheck(lambda at: nnref.loss(layers, at, X, Y), theta, gradients, method="central", entries=1000)
    assert report.ok
    assert report.settings["evaluations"] <= 1.3 * report.settings["least evaluations"]


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


def test_tensors_without_entries_are_no_obstacle(at):
    theta = at | {"none": np.zeros((0, 3))}
    report = gradcheck(cube, theta, {"x": 3 * at["x"] ** 2, "none": np.zeros((0, 3))})
    assert report.ok
    assert report.entries[1].checked == 0


def test_a_sample_says_what_it_may_have_missed_and_prefers_what_is_not_zero(at):
    report = gradcheck(cube, at, {"x": 3 * at["x"] ** 2}, entries=5)
    assert report.ok
    assert "5 of 20 checked, half of them where" in str(report)
    sparse = np.where(np.arange(20).reshape(4, 5) % 7 == 0, 1.0, 0.0)
    assert gradcheck(lambda t: (sparse * t["x"]).sum(), at, {"x": 2 * sparse}, entries=6).entries[0].wrong == 3


def saturated(dtype):
    """A tanh network whose units are saturated: 1 − A² keeps the rounding of the 1, and little else."""
    rng = np.random.default_rng(3)
    layers = nnref.mlp([6, 5, 4, 3], "tanh")
    theta = tuple(type(t)((3 * t.W).astype(dtype), t.b.astype(dtype)) if t else () for t in nnref.initialise(layers))
    X = (2 * rng.standard_normal((6, 4))).astype(dtype)
    return layers, theta, X, nnref.one_hot(rng.integers(0, 3, 4), 3, dtype)


@pytest.mark.parametrize("given", ["as arrays", "as a function"])
def test_float32_gradients_of_a_saturated_network_are_not_called_wrong(given):
    layers, theta, X, Y = saturated("float32")

    def gradients(at):
        return nnref.gradients(layers, at, X, Y)

    at_theta = gradients(theta) if given == "as arrays" else gradients
    report = gradcheck(lambda at: nnref.loss(layers, at, X, Y), theta, at_theta)
    assert not report.wrong, report


def test_a_mistake_in_a_saturated_float32_network_is_still_called_wrong():
    layers, theta, X, Y = saturated("float32")
    right = nnref.named(nnref.gradients(layers, theta, X, Y))
    wrong = nnref.network.unnamed(right | {"W3": 1.01 * right["W3"]}, layers)
    report = gradcheck(lambda at: nnref.loss(layers, at, X, Y), theta, wrong)
    assert [entry.name for entry in report.wrong] == ["[4].W"]


def test_a_mistake_of_the_float32_path_alone_is_never_called_right(rng):
    """From float64 parameters it is gone, as rounding would be; only a verdict of right would be a lie."""
    theta = {"x": rng.standard_normal((4, 5)).astype("float32")}

    def gradients(at):
        right = 3 * at["x"] ** 2
        return {"x": right * np.float32(1.001) if at["x"].dtype == np.float32 else right}

    report = gradcheck(cube, theta, gradients)
    assert not report.ok
    assert report.cannot_tell or report.wrong


@pytest.mark.parametrize("method", ["central", "complex"])
def test_a_stray_float32_cast_in_a_float64_network_is_found(at, method):
    assert gradcheck(cube, at, {"x": (3 * at["x"] ** 2).astype("float32")}, method=method).wrong


def test_a_loss_that_drowns_in_its_own_rounding_tells_nothing_and_says_why(at):
    report = gradcheck(lambda t: 1e16 + cube(t), at, {"x": 3 * at["x"] ** 2}, method="central")
    assert not report.ok
    assert not report.wrong
    assert "the loss rounds too much" in str(report)
