"""Does the check of layers and kernels tell right from wrong, in their own precision, and say where?"""

import re
from fractions import Fraction

import numpy as np
import pytest

from nnref import affine, relu
from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.vjp import check_vjp
from tests.conftest import require


def test_a_kernel_with_a_wrong_tail_is_told_where(rng):
    W, A = rng.standard_normal((3, 4)), rng.standard_normal((4, 100))

    def dA(W, dZ):
        g = W.T @ dZ
        g[:, 96:] = 0
        return g

    report = check_vjp(lambda W, A: W @ A, dA, {"W": W, "A": A}, wrt="A")
    assert "columns 96..99, the remainder after a multiple of 32: all zero" in str(report)


def test_a_bias_gradient_averaged_over_the_batch_is_off_by_the_batch(rng):
    arguments = {"W": rng.standard_normal((4, 3)), "b": rng.standard_normal((4, 1)), "A": rng.standard_normal((3, 7))}
    assert check_vjp(affine.forward, affine.db, arguments, wrt="b").ok
    report = check_vjp(affine.forward, lambda dZ: dZ.mean(axis=1, keepdims=True), arguments, wrt="b")
    assert report.worst.truth == pytest.approx(7 * report.worst.yours)
    assert "1/7 times the truth everywhere" in str(report)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_vjp_of_a_rectifier_passes_at_its_kinks(rng, dtype):
    Z = rng.standard_normal((5, 6)).astype(dtype)
    Z[0] = 0
    assert check_vjp(relu.forward, relu.dZ, {"Z": Z}).ok


def test_a_float32_kernel_is_judged_in_its_own_unit(rng):
    A = rng.standard_normal((5, 6)).astype("float32")
    assert check_vjp(lambda x: np.tanh(x), lambda dA, x: dA * (1 - np.tanh(x) ** 2), {"x": A}).ok


def product(W, X):
    """The truth in float64, or complex128, whatever comes."""
    kind = complex if np.iscomplexobj(W) or np.iscomplexobj(X) else float
    return W.astype(kind) @ X.astype(kind)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_float64_forward_is_the_truth_for_a_coarser_kernel(rng, dtype):
    coarse = np.dtype(require("ml_dtypes").bfloat16 if dtype == "bfloat16" else dtype)
    arguments = {"W": rng.standard_normal((5, 8)).astype(coarse), "X": rng.standard_normal((8, 6)).astype(coarse)}
    seen = set()

    def kernel(factor):
        def vjp(W, X, dY):
            seen.update((W.dtype, X.dtype, dY.dtype))
            W, X, dY = (A.astype("float32") for A in (W, X, dY))
            return (dY @ X.T).astype(coarse), (factor * W.T @ dY).astype(coarse)

        return vjp

    right, wrong = (check_vjp(product, kernel(np.float32(factor)), arguments) for factor in (1, 1.5))
    assert right.ok, right
    assert right.method.startswith("complex")
    assert coarse in seen
    assert [entry.name for entry in wrong.wrong] == ["X"]
    # In bfloat16 the factor is known to three digits, which may or may not be those of 3/2.
    assert float(Fraction(re.search(r"(\S+) times the truth", str(wrong))[1])) == pytest.approx(1.5, rel=2e-3)


def test_what_half_precision_hides_is_said(rng):
    x = rng.standard_normal((4, 5)).astype("float16")
    report = check_vjp(lambda x: x * x, lambda x, dY: 2 * x * dY, {"x": x}, wrt="x")
    assert report.ok
    bfloat16 = require("ml_dtypes").bfloat16
    report = check_vjp(lambda x: x * x, lambda x, dY: 2 * x * dY, {"x": x.astype(bfloat16)})
    assert "bfloat16: what is below" in str(report)


def test_the_output_and_constants_are_passed_by_name(rng):
    x, labels = rng.standard_normal((3, 4)), np.array([0, 1, 2, 0])
    report = check_vjp(lambda x, labels: np.exp(x) * (labels + 1), lambda dY, out: out * dY, {"x": x, "labels": labels})
    assert report.ok
    assert [entry.name for entry in report.entries] == ["x"]


def test_gradients_may_come_by_name_in_order_or_by_place(rng):
    at = {"a": rng.standard_normal(3), "b": rng.standard_normal(3)}
    for vjp in (
        lambda a, b, dY: {"b": a * dY, "a": b * dY},
        lambda a, b, dY: (b * dY, a * dY),
        lambda a, b, dY: [b * dY, a * dY],
        lambda a, b, dY, /: (b * dY, a * dY),
    ):
        assert check_vjp(lambda a, b: a * b, vjp, at).ok


def test_the_given_dY_is_used_and_options_are_those_of_gradcheck(rng):
    x, dY = rng.standard_normal(8), np.zeros(8)
    dY[3] = 1
    report = check_vjp(lambda x: x**2, lambda x, dY: np.where(dY == 0, 0, 3 * x), {"x": x}, dY=dY, method="central")
    assert report.entries[0].wrong == 1
    assert report.method.startswith("central")
    assert "3/2 times the truth" in str(report)


@pytest.mark.parametrize(
    ("vjp", "options", "says"),
    [
        (lambda x, out: x, {}, "should take dY"),
        (lambda *args: args, {}, r"\*args or \*\*kwargs came"),
        (lambda x, dY: x[9], {}, r"vjp raised IndexError.*test_vjp\.py, line \d+"),
        (lambda x, dY: (x, x), {}, r"one gradient for each of \['x'\]; 2 came"),
        (lambda x, dY: {"y": x}, {}, r"a gradient for \['x'\]"),
        (lambda x, dY: x, {"wrt": "z"}, r"wrt should name arguments among \['x'\]"),
        (lambda x, dY: x, {"dY": np.ones(2)}, r"shape of the output, \(3,\); \(2,\) came"),
        (max, {}, r"\*args or \*\*kwargs came"),
    ],
)
def test_what_cannot_be_checked_is_said_in_a_sentence(vjp, options, says):
    with pytest.raises(GradcheckError, match=says):
        check_vjp(lambda x: x**2, vjp, {"x": np.ones(3)}, **options)


def test_a_forward_without_anything_to_move_is_refused():
    with pytest.raises(GradcheckError, match="floating-point array to move"):
        check_vjp(lambda x: x, lambda dY: dY, {"x": np.ones(3, int)})


def test_arguments_come_by_name_by_place_or_alone(rng):
    W, X = rng.standard_normal((3, 4)), rng.standard_normal((4, 5))

    def vjp(W, X, dY):
        return dY @ X.T, W.T @ dY

    assert [entry.name for entry in check_vjp(product, vjp, (W, X)).entries] == ["W", "X"]
    assert check_vjp(product, vjp, {"X": X, "W": W}, wrt=("W", "X")).ok
    assert check_vjp(lambda x: x**2, lambda x, dY: 2 * x * dY, X).ok
    assert not check_vjp(lambda x: x**2, lambda x, dY: x * dY, X).ok
    assert check_vjp(np.tanh, lambda x, dY: (1 - np.tanh(x) ** 2) * dY, {"x": X}).ok


@pytest.mark.parametrize(
    ("forward", "arguments", "says"),
    [
        (product, (np.ones((2, 2)),), "1 came: missing a required argument: 'X'"),
        (product, (np.ones((2, 2)),) * 3, "3 came: too many positional arguments"),
        (lambda *both: both[0], (np.ones(3),), r'does not name its arguments.*try \{"x": x\}'),
    ],
)
def test_arguments_that_forward_does_not_take_are_said(forward, arguments, says):
    with pytest.raises(GradcheckError, match=says):
        check_vjp(forward, lambda x, dY: dY, arguments)


def test_a_wrong_verdict_says_which_parameter_was_given_the_output():
    x = np.array([0.5, -1.5])
    report = check_vjp(lambda x: x**2, lambda inp, dY: 2 * inp * dY, {"x": x})
    assert not report.ok
    assert "given the output of" in str(report)
    assert "as inp" in str(report)
    assert "given" not in str(check_vjp(np.exp, lambda Y, dY: Y * dY, {"x": x}))
