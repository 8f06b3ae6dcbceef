"""Does whatever people pass come in, or is it refused with one sentence that says what to do?"""

import re
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.gradcheck import gradcheck
from nnref.precision import unit
from tests.conftest import require


def cube(theta):
    return (theta["x"] ** 3).sum()


@pytest.fixture
def at(rng):
    return {"x": rng.standard_normal((4, 5))}


masks = np.random.default_rng(0)


def dropout(theta):
    return (theta["x"] * masks.random(theta["x"].shape)).sum()


def spoils(theta):
    theta["x"] += 1
    return theta["x"].sum()


calls = []


def spoils_later(theta):
    """Changes its argument only once it was called more often than the check looks at first."""
    calls.append(1)
    if len(calls) > 40:
        theta["x"] *= 1.5
    return (theta["x"] ** 2).sum()


def index_error(theta):
    return theta["x"][7].sum()


class OnAnotherDevice:
    """Refuses to become an array, as a framework's tensor does."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("can't convert cuda:0 device type tensor to numpy")


ONES = np.ones((4, 5))


@pytest.mark.parametrize(
    ("loss", "gradients", "options", "says"),
    [
        (lambda t: t["x"] ** 2, ONES, {}, r"one floating-point number; float64 of shape \(4, 5\) came.*use check_vjp"),
        (lambda t: None, ONES, {}, "returned None.*Does it end in return"),
        (lambda t: 3, ONES, {}, "one floating-point number; int64 came"),
        (lambda t: "low", ONES, {}, "one floating-point number; <U3 came"),
        (lambda t: OnAnotherDevice(), ONES, {}, r"the loss cannot be read as an array.*cuda:0.*detach\(\)\.cpu\(\)"),
        (lambda t: np.inf, ONES, {}, "the loss is inf at these parameters"),
        (dropout, ONES, {}, "the loss is .* and then .* dropout"),
        (spoils, ONES, {}, "the loss changed x, its own argument"),
        (spoils_later, ONES, {}, "changed its own argument in a later call"),
        (
            index_error,
            ONES,
            {},
            r"the loss raised IndexError: index 7 .* \(test_border\.py, line \d+: return",
        ),
        (cube, spoils, {}, "gradients changed x"),
        (
            cube,
            index_error,
            {},
            r"gradients raised IndexError: index 7 .* \(test_border\.py, line \d+: return",
        ),
        (cube, ONES.astype(int), {}, "the gradient of x should hold floating-point numbers; int64 came.*would round"),
        (
            cube,
            ONES.astype(complex),
            {},
            "the gradient of x should hold.*complex128 came.*is real, and so is its gradient",
        ),
        (cube, [[1.0], [1.0, 2.0]], {}, "the gradient of x cannot be read as an array"),
        (cube, "high", {}, "the gradient of x should hold floating-point numbers; <U4 came"),
        (cube, ONES, {"method": "forward"}, 'method should be "auto", "central" or "complex"; \'forward\' came'),
        (cube, ONES, {"entries": 0}, 'entries should be "all" or a positive number for each tensor; 0 came'),
        (cube, ONES, {"entries": 2.5}, "entries should be .*; 2.5 came"),
        (cube, ONES, {"entries": True}, "entries should be .*; True came"),
        (lambda t: abs(t["x"]).sum(), ONES, {"method": "complex"}, 'cannot be trusted here.*Try method="auto"'),
    ],
)
def test_what_cannot_be_checked_is_said_in_a_sentence(at, loss, gradients, options, says):
    calls.clear()
    given = gradients if callable(gradients) else {"x": gradients}
    with pytest.raises(GradcheckError, match=says) as refused:
        gradcheck(loss, at, given, **options)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({}, "at least one number; none came"),
        ({"x": np.zeros((0, 3))}, "at least one number; none came"),
        ({"x": np.array([[0.0, np.nan]])}, r"x holds NaN or infinity, first at \(0, 1\)"),
        ({"x": np.ones(3, int)}, "x should hold floating-point numbers; int64 came"),
        ({"x": ONES[:2], "y": ONES[1:]}, r"x and y are one array in memory.*tied.*y\.copy\(\)"),
    ],
)
def test_parameters_at_which_there_is_no_slope_to_find_are_refused(parameters, says):
    with pytest.raises(GradcheckError, match=says):
        gradcheck(lambda t: t["x"].sum(), parameters, parameters)


@pytest.mark.parametrize("gradients", [{"y": ONES}, ONES, [ONES], {"x": {"y": ONES}}, {"x": ONES, "y": ONES}])
def test_structures_that_differ_are_refused(at, gradients):
    with pytest.raises(GradcheckError, match=r"should have the parts \['\.x'\]|should be an array"):
        gradcheck(cube, at, gradients)


def test_an_error_of_the_user_is_the_cause_of_ours(at):
    with pytest.raises(GradcheckError) as refused:
        gradcheck(index_error, at, {"x": ONES})
    assert isinstance(refused.value.__cause__, IndexError)
    assert re.search(r'return theta\["x"\]\[7\]\.sum\(\)', str(refused.value))


def test_a_loss_whose_threads_add_in_another_order_is_no_dropout(at):
    order = np.random.default_rng(1)

    def loss(theta):
        return float(np.sum(order.permutation((theta["x"].ravel() ** 3).repeat(50)))) / 50

    report = gradcheck(loss, at, {"x": 3 * at["x"] ** 2})
    assert report.ok, report


def test_interrupts_pass_through(at):
    def loss(theta):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gradcheck(loss, at, {"x": ONES})


def test_views_that_do_not_overlap_are_apart():
    flat = np.arange(1.0, 7.0)
    theta = {"a": flat[:3], "b": flat[3:], "even": np.arange(4.0)[::2]}
    assert gradcheck(
        lambda t: sum(A.sum() for A in t.values()), theta, {p: np.ones_like(A) for p, A in theta.items()}
    ).ok


class Tensor:
    """Another library's tensor, which speaks DLPack only."""

    def __init__(self, A):
        self.A = A

    def __dlpack__(self, **options):
        return self.A.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.A.__dlpack_device__()


def test_tensors_come_in_through_dlpack(at):
    report = gradcheck(cube, {"x": Tensor(at["x"])}, {"x": Tensor(3 * at["x"] ** 2)})
    assert report.ok


@pytest.mark.further
def test_tensors_of_tensorflow_come_in(at):
    tensorflow = require("tensorflow")
    x = tensorflow.Variable(at["x"])
    with tensorflow.GradientTape() as tape:
        L = tensorflow.reduce_sum(x**3)

    def loss(theta):
        return tensorflow.reduce_sum(tensorflow.constant(theta["x"]) ** 3)

    assert gradcheck(loss, {"x": x}, {"x": tape.gradient(L, x)}).ok


def test_a_tied_tensor_that_another_library_hands_over_twice_is_seen(at):
    with pytest.raises(GradcheckError, match="x and y are one array in memory"):
        gradcheck(cube, {"x": Tensor(at["x"]), "y": Tensor(at["x"])}, None)


def test_the_unit_roundoff_of_every_precision_is_known():
    bfloat16 = np.dtype(require("ml_dtypes").bfloat16)
    assert [unit(np.dtype(d)) for d in ("float64", "float32", "float16")] == [2.0**-53, 2.0**-24, 2.0**-11]
    assert unit(bfloat16) == 2.0**-8


@dataclass(frozen=True)
class Weights:
    """Parameters as a dataclass, one within the other."""

    W: Any
    rest: Any


def test_a_dataclass_is_a_nesting(rng):
    theta = Weights(rng.standard_normal((2, 3)), [Weights(rng.standard_normal(2), ())])
    right = Weights(2 * theta.W, [Weights(2 * theta.rest[0].W, ())])

    def loss(p):
        return (p.W**2).sum() + (p.rest[0].W ** 2).sum()

    report = gradcheck(loss, theta, right)
    assert report.ok
    assert [entry.name for entry in report.entries] == ["W", "rest[0].W"]
    assert not gradcheck(loss, theta, replace(right, W=theta.W)).ok


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        (SimpleNamespace(W=np.ones(2)), "by name, as vars"),
        (lambda p: p, "the order is loss, parameters, gradients"),
        ("W", "Text, objects and rows"),
    ],
)
def test_what_is_no_nesting_is_told_how_to_become_one(parameters, says):
    with pytest.raises(GradcheckError, match=says):
        gradcheck(lambda p: 0.0, parameters, parameters)
