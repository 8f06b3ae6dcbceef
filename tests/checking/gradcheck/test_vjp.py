"""Does the check of layers and kernels tell right from wrong, in their own precision, and say where?"""

import re
from fractions import Fraction

import numpy as np
import pytest

from nnref import affine, relu
from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.gradcheck import gradcheck
from nnref.checking.gradcheck.vjp import check_numpy_vjp
from tests.conftest import require


def test_a_kernel_with_a_wrong_tail_is_told_where(rng):
    W, A = rng.standard_normal((3, 4)), rng.standard_normal((4, 100))

    def dA(W, dZ):
        g = W.T @ dZ
        g[:, 96:] = 0
        return g

    report = check_numpy_vjp(lambda W, A: W @ A, dA, {"W": W, "A": A}, wrt="A")
    assert "columns 96..99, the remainder after a multiple of 32: all zero" in str(report)


def test_a_bias_gradient_averaged_over_the_batch_is_off_by_the_batch(rng):
    arguments = {"W": rng.standard_normal((4, 3)), "b": rng.standard_normal((4, 1)), "A": rng.standard_normal((3, 7))}
    assert check_numpy_vjp(affine.forward, affine.db, arguments, wrt="b").ok
    report = check_numpy_vjp(affine.forward, lambda dZ: dZ.mean(axis=1, keepdims=True), arguments, wrt="b")
    assert report.worst.truth == pytest.approx(7 * report.worst.yours)
    assert "1/7 times the truth everywhere" in str(report)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_vjp_of_a_rectifier_passes_at_its_kinks(rng, dtype):
    Z = rng.standard_normal((5, 6)).astype(dtype)
    Z[0] = 0
    assert check_numpy_vjp(relu.forward, relu.dZ, {"Z": Z}).ok


def test_a_float32_kernel_is_judged_in_its_own_unit(rng):
    A = rng.standard_normal((5, 6)).astype("float32")
    assert check_numpy_vjp(lambda x: np.tanh(x), lambda dA, x: dA * (1 - np.tanh(x) ** 2), {"x": A}).ok


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

    right, wrong = (check_numpy_vjp(product, kernel(np.float32(factor)), arguments) for factor in (1, 1.5))
    assert right.ok, right
    assert right.method.startswith("complex")
    assert coarse in seen
    assert [entry.name for entry in wrong.wrong] == ["X"]
    # In bfloat16 the factor is known to three digits, which may or may not be those of 3/2.
    assert float(Fraction(re.search(r"(\S+) times the truth", str(wrong))[1])) == pytest.approx(1.5, rel=2e-3)


def test_what_half_precision_hides_is_said(rng):
    x = rng.standard_normal((4, 5)).astype("float16")
    report = check_numpy_vjp(lambda x: x * x, lambda x, dY: 2 * x * dY, {"x": x}, wrt="x")
    assert report.ok
    bfloat16 = require("ml_dtypes").bfloat16
    report = check_numpy_vjp(lambda x: x * x, lambda x, dY: 2 * x * dY, {"x": x.astype(bfloat16)})
    assert "bfloat16: what is below" in str(report)


def test_the_output_and_constants_are_passed_by_name(rng):
    x, labels = rng.standard_normal((3, 4)), np.array([0, 1, 2, 0])
    report = check_numpy_vjp(
        lambda x, labels: np.exp(x) * (labels + 1), lambda dY, out: out * dY, {"x": x, "labels": labels}
    )
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
        assert check_numpy_vjp(lambda a, b: a * b, vjp, at).ok


def test_the_given_dY_is_used_and_options_are_those_of_gradcheck(rng):
    x, dY = rng.standard_normal(8), np.zeros(8)
    dY[3] = 1
    report = check_numpy_vjp(
        lambda x: x**2, lambda x, dY: np.where(dY == 0, 0, 3 * x), {"x": x}, dY=dY, method="central"
    )
    assert report.entries[0].wrong == 1
    assert report.method.startswith("central")
    assert "3/2 times the truth" in str(report)


@pytest.mark.parametrize(
    ("vjp", "options", "says"),
    [
        (lambda x: x, {}, "should take dY"),
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
        check_numpy_vjp(lambda x: x**2, vjp, {"x": np.ones(3)}, **options)


def test_a_forward_without_anything_to_move_is_refused():
    with pytest.raises(GradcheckError, match="floating-point array to move"):
        check_numpy_vjp(lambda x: x, lambda dY: dY, {"x": np.ones(3, int)})


def test_arguments_come_by_name_by_place_or_alone(rng):
    W, X = rng.standard_normal((3, 4)), rng.standard_normal((4, 5))

    def vjp(W, X, dY):
        return dY @ X.T, W.T @ dY

    assert [entry.name for entry in check_numpy_vjp(product, vjp, (W, X)).entries] == ["W", "X"]
    assert check_numpy_vjp(product, vjp, {"X": X, "W": W}, wrt=("W", "X")).ok
    assert check_numpy_vjp(lambda x: x**2, lambda x, dY: 2 * x * dY, X).ok
    assert not check_numpy_vjp(lambda x: x**2, lambda x, dY: x * dY, X).ok
    assert check_numpy_vjp(np.tanh, lambda x, dY: (1 - np.tanh(x) ** 2) * dY, {"x": X}).ok


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
        check_numpy_vjp(forward, lambda x, dY: dY, arguments)


def test_a_wrong_verdict_says_what_a_parameter_of_another_name_was_given():
    x = np.array([0.5, -1.5])
    report = check_numpy_vjp(lambda x: x**2, lambda inp, dY: 3 * inp * dY, {"x": x})
    assert "vjp was given x as inp" in str(report)
    assert "given" not in str(check_numpy_vjp(np.exp, lambda Y, dY: Y * dY, {"x": x}))


def test_a_parameter_that_is_the_output_under_no_name_of_one_is_said_to_be():
    """σ (1 − σ) of what is called z is right if it was meant for the output, and wrong if for the input."""
    forward = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    report = check_numpy_vjp(forward, lambda z, dY: z * (1 - z) * dY, {"x": np.array([0.5, -1.5])})
    assert report.ok
    assert "vjp was given the output of forward as z" in str(report).replace("\n  ", " ")


@pytest.mark.parametrize(
    "vjp",
    [
        lambda z, dY: 2 * z * dY,
        lambda upstream, a: 2 * a * upstream,
        lambda g, inp: 2 * inp * g,
        lambda delta, cache: 2 * cache * delta,
        lambda data, y: 2 * data * y,
        lambda y, x: 2 * x * y,
        lambda d, e: 2 * d * e,
    ],
)
def test_what_a_parameter_is_is_found_by_trying(vjp, rng):
    assert check_numpy_vjp(lambda x: x**2, vjp, {"x": rng.standard_normal(5)}).ok


def test_no_way_of_calling_it_makes_a_wrong_vjp_right(rng):
    at = {"x": rng.standard_normal(5), "w": rng.standard_normal(5)}
    for wrong in (lambda a, b, c: (a * b, a * c + b), lambda a, b, c: (a * b, b * c * a), lambda d, o, x: (x, x)):
        assert not check_numpy_vjp(lambda x, w: x * w, wrong, at).ok
    assert check_numpy_vjp(lambda x, w: x * w, lambda a, b, c: (b * a, c * a), at).ok


def in_place(factor):
    def vjp(x, dY):
        dY *= factor
        return dY

    return vjp


def test_a_vjp_that_writes_into_what_it_is_given_is_judged_rightly_and_told_so(rng):
    x = rng.standard_normal(4)
    right = check_numpy_vjp(lambda x: 3 * x, in_place(3), x)
    assert right.ok
    assert "vjp writes into dY, of which it was given a copy" in right.method
    for factor in (0, -1, 1):
        assert check_numpy_vjp(lambda x: 3 * x, in_place(factor), x).wrong
    assert check_numpy_vjp(lambda x: 1 * x, lambda x, dY: dY, x).ok  # a view of what it was given

    def spoils(x, dY):
        x *= 2 * dY
        return x

    assert check_numpy_vjp(lambda x: x**2, spoils, x).ok
    assert "writes into x" in check_numpy_vjp(lambda x: x**2, spoils, x).method


def test_a_vjp_that_returns_one_buffer_again_and_again_is_judged_rightly(rng):
    x, buffer = rng.standard_normal(4), np.empty(4)
    assert check_numpy_vjp(lambda x: x**2, lambda x, dY: np.multiply(2 * x, dY, out=buffer), x).ok
    assert check_numpy_vjp(lambda x: x**2, lambda x, dY: np.multiply(3 * x, dY, out=buffer), x).wrong


def test_a_vjp_that_is_not_linear_in_dY_is_wrong_somewhere(rng):
    x, given = rng.standard_normal(6), 0.5 * rng.standard_normal(6)
    clipped = check_numpy_vjp(lambda x: x**2, lambda x, dY: 2 * x * np.clip(dY, -1, 1), x, dY=np.clip(given, -1, 1))
    assert clipped.wrong
    assert "not linear in dY" in str(clipped)


def test_that_dY_is_not_used_is_said(rng):
    report = check_numpy_vjp(np.tanh, lambda x, dY: 1 - np.tanh(x) ** 2, {"x": rng.standard_normal(4)})
    assert "the same for another dY: vjp does not use it" in str(report)


def test_a_dY_of_ones_hides_nothing(rng):
    x = rng.standard_normal(5)

    def soft(x):
        return np.exp(x) / np.exp(x).sum()

    assert check_numpy_vjp(soft, lambda x, dY: 0 * x, {"x": x}, dY=np.ones(5)).wrong
    right = check_numpy_vjp(soft, lambda x, dY: soft(x) * (dY - soft(x) @ dY), {"x": x}, dY=np.ones(5))
    assert right.ok
    assert "judged at a drawn dY" in right.method
    once = check_numpy_vjp(lambda x: x**2, lambda x, dY: 2 * x * dY**2, {"x": x}, dY=np.ones(5))
    assert once.wrong
    assert "right only for a dY that is all one number" in str(once)


def scaled(x, gamma, beta):
    return gamma * np.tanh(x) + beta


def test_a_normalisation_at_a_dY_of_ones_and_a_gamma_of_ones_is_judged_elsewhere(rng):
    def norm(x, gamma):
        return gamma * (x - x.mean(0)) / x.std(0)

    def vjp(x, gamma, dY, used=True):
        h, d = (x - x.mean(0)) / x.std(0), dY * (gamma if used else 1)
        return (d - d.mean(0) - h * (d * h).mean(0)) / x.std(0), (dY * h).sum(0)

    at, ones = {"x": rng.standard_normal((6, 3)), "gamma": np.ones(3)}, np.ones((6, 3))
    assert check_numpy_vjp(norm, vjp, at, dY=ones).ok
    assert check_numpy_vjp(norm, lambda x, gamma, dY: vjp(x, gamma, dY, used=False), at, dY=ones).wrong


@pytest.mark.parametrize("times", [np.ones, lambda n: np.full(n, 2.0)])
def test_constant_arguments_hide_nothing(rng, times):
    at = {"x": rng.standard_normal((4, 3)), "gamma": times(3), "beta": np.zeros(3)}
    factor = at["gamma"][0]

    def vjp(x, gamma, beta, dY, used=True):
        slope = (1 - np.tanh(x) ** 2) * dY * (gamma if used else factor)
        return slope, (dY * np.tanh(x)).sum(axis=0), dY.sum(axis=0)

    right = check_numpy_vjp(scaled, vjp, at)
    wrong = check_numpy_vjp(scaled, lambda x, gamma, beta, dY: vjp(x, gamma, beta, dY, used=False), at)
    assert right.ok
    assert [entry.name for entry in wrong.wrong] == ["x"]
    assert "hides a forgotten gamma" in str(wrong)


def test_what_a_vjp_remembers_of_its_forward_pass_is_not_held_against_it(rng):
    """gamma is not given to vjp, which keeps γ from the last forward pass: nothing may be drawn in its place."""
    kept = {}

    def forward(x, gamma):
        kept.update(x=x, gamma=gamma)
        return gamma * x**2

    assert check_numpy_vjp(
        forward, lambda dY: 2 * kept["gamma"] * kept["x"] * dY, (rng.standard_normal(3), np.ones(3)), wrt="x"
    ).ok


def test_complex_functions_are_checked_with_their_convention_named(rng):
    z = rng.standard_normal(6) + 1j * rng.standard_normal(6)
    right = check_numpy_vjp(lambda z: np.fft.fft(z), lambda z, dY: 6 * np.fft.ifft(dY), {"z": z})
    assert right.ok, right
    assert "of a complex x + iy, yours is taken as" in right.method
    assert check_numpy_vjp(lambda z: np.fft.fft(z), lambda z, dY: np.fft.ifft(dY), {"z": z}).wrong
    x = rng.standard_normal(6)
    assert check_numpy_vjp(
        lambda x: np.fft.rfft(x), lambda x, dY: (6 * np.fft.ifft(np.pad(dY, (0, 2)))).real, {"x": x}
    ).ok
    assert check_numpy_vjp(
        lambda x: np.fft.rfft(x), lambda x, dY: (5 * np.fft.ifft(np.pad(dY, (0, 2)))).real, {"x": x}
    ).wrong


def test_the_other_convention_of_complex_gradients_cannot_be_told(rng):
    z = rng.standard_normal(4) + 1j * rng.standard_normal(4)
    right = gradcheck(lambda z: (abs(z) ** 2).sum(), z, 2 * z)
    other = gradcheck(lambda z: (abs(z) ** 2).sum(), z, 2 * z.conj())
    assert right.ok
    assert not other.ok
    assert not other.wrong
    assert "JAX's convention" in str(other)
    assert [entry.name for entry in gradcheck(lambda z: (abs(z) ** 2).sum(), z, 3 * z).wrong] == [
        "parameters.real",
        "parameters.imag",
    ]
