"""One call for the tensors that one has: PyTorch's, JAX's, TensorFlow's, CuPy's; right is ok, wrong is named."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nnref
from nnref import GradcheckError, GradientMismatch
from tests.conftest import require
from tests.kernels import said

ROOT = Path(nnref.__file__).parent.parent


@pytest.fixture
def rms(torch):
    """An RMS norm as a torch.autograd.Function; twice puts the weight into its sum twice."""

    def made(twice=False):
        class RMS(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, w):
                r = (x.float().square().mean(-1, keepdim=True) + 1e-6).rsqrt()
                ctx.save_for_backward(x, w, r)
                return (x * r * w).to(x.dtype)

            @staticmethod
            def backward(ctx, g):
                x, w, r = ctx.saved_tensors
                h, gw = x * r, (g * w).float()
                dx = r * (gw - h * (gw * h * (w if twice else 1)).mean(-1, keepdim=True))
                return dx.to(x.dtype), (g * h).sum(0).to(w.dtype)

        return RMS

    return made


def drawn(torch, rng, dtype, *shapes):
    """Tensors without pattern."""
    return tuple(torch.as_tensor(rng.standard_normal(shape)).to(getattr(torch, dtype)) for shape in shapes)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_right_function_of_torch_passes_as_a_class_and_as_its_apply(torch, rms, rng, dtype):
    given = drawn(torch, rng, dtype, (6, 20), (20,))
    for f in (rms(), rms().apply):
        report = nnref.check_vjp(f, given)
        assert report.ok, report
        assert "closed form of RMS norm (eps=1e-06)" in report.method
        assert [entry.name for entry in report.entries] == ["x", "w"]
        assert 0 < max(report.shares.values()) <= 1


def test_the_two_gelus_are_told_apart(torch, rng):
    given = drawn(torch, rng, "float32", (6, 20))
    gelu = torch.nn.functional.gelu
    for approximate, name in (("none", "gelu,"), ("tanh", "gelu tanh,")):
        report = nnref.check_vjp(lambda x, how=approximate: gelu(x, approximate=how), given)
        assert report.ok
        assert f"closed form of {name}" in report.method


def test_a_kernel_that_no_output_in_bfloat16_tells_from_another_is_right_as_either(torch):
    """Of small inputs the two GELUs are one in bfloat16; a far one tells them apart."""
    rng = np.random.default_rng(112)
    for approximate in ("none", "tanh"):
        given = drawn(torch, rng, "bfloat16", (6, 70))
        report = nnref.check_vjp(lambda x, how=approximate: torch.nn.functional.gelu(x, approximate=how), given)
        assert report.ok, report
        assert f"closed form of {'gelu,' if approximate == 'none' else 'gelu tanh,'}" in report.method


def test_a_weight_that_stands_twice_is_named_and_raises(torch, rms, rng):
    given = drawn(torch, rng, "float32", (6, 20), (20,))
    with pytest.raises(GradientMismatch, match="the weight stands twice in the mean"):
        nnref.assert_vjp(rms(twice=True), given)
    nnref.assert_vjp(rms(), given)


def test_nothing_is_moved_to_another_device_or_dtype_before_the_kernel_sees_it(torch, rng):
    seen = set()

    def f(x):
        seen.add((x.dtype, x.stride()))
        return torch.softmax(x, -1)

    x = torch.as_tensor(rng.standard_normal((20, 6))).to(torch.bfloat16).T
    assert nnref.check_vjp(f, (x,)).ok
    assert {dtype for dtype, _ in seen} == {torch.bfloat16}
    assert (1, 6) in {stride for _, stride in seen}


def test_a_reference_that_is_named_is_the_truth_and_the_forward_pass_is_compared_with_it(torch, rng):
    given = drawn(torch, rng, "float32", (6, 20))
    report = nnref.check_vjp(
        lambda x: x * torch.rsqrt(x.square().mean(-1, keepdim=True)), given, reference="layer_norm"
    )
    assert report.entries[0].name == "output"
    assert "not the output of layer norm" in said(report)


def test_a_function_without_a_closed_form_is_judged_by_its_own_float64_copies(torch, rng):
    class Wave(torch.autograd.Function):
        sign = 1.0

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.sin(x) * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * (Wave.sign * torch.sin(x) + x * torch.cos(x))

    given = drawn(torch, rng, "float32", (3, 4))
    assert nnref.check_vjp(Wave, given).ok
    Wave.sign = -1.0
    assert nnref.check_vjp(Wave, given).wrong
    wave = lambda x: torch.sin(x) * x  # noqa: E731
    assert nnref.check_vjp(Wave, given, truth=wave).wrong


def test_a_truth_that_is_given_is_believed_before_the_function_itself(torch, rng):
    given = drawn(torch, rng, "float32", (3, 4))
    assert nnref.check_vjp(lambda x: torch.sin(x), given, truth=lambda x: torch.cos(x)).wrong


def test_a_kernel_that_adds_up_in_bfloat16_is_told_so_and_passes_where_that_is_said(torch, rng):
    class Coarse(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return torch.nn.functional.linear(x, w)

        @staticmethod
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            dw = torch.zeros_like(w)
            for k in range(len(x)):
                dw += torch.outer(g[k], x[k])
            return torch.nn.functional.linear(g, w.T.contiguous()), dw

    given = drawn(torch, rng, "bfloat16", (600, 8), (5, 8))
    report = nnref.check_vjp(Coarse, given)
    assert not report.ok
    assert "a sum is added up in bfloat16: the sum over rows." in said(report)
    assert 'say accumulate="bfloat16" if that is meant' in said(report)
    assert nnref.check_vjp(Coarse, given, accumulate="bfloat16").ok


def test_a_kernel_that_gives_another_answer_each_time_is_said_to(torch, rng):
    class Racing(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return torch.relu(x)

        @staticmethod
        def backward(ctx, g):
            return g * torch.rand_like(g)

    report = nnref.check_vjp(Racing, drawn(torch, rng, "float32", (6, 20)))
    assert report.wrong
    assert "a race, or memory that was never written" in report.method


def test_what_a_kernel_writes_into_is_said(torch, rng):
    class Writes(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.x = x
            return torch.nn.functional.silu(x)

        @staticmethod
        def backward(ctx, g):
            s = torch.sigmoid(ctx.x)
            found = g * s * (1 + ctx.x * (1 - s))
            ctx.x.data.mul_(2)
            return found

    assert "writes into x" in nnref.check_vjp(Writes, drawn(torch, rng, "float32", (6, 20))).method


def test_a_graph_that_is_cut_is_said_in_a_sentence(torch, rng):
    with pytest.raises(GradcheckError, match="the output does not depend on the arguments for PyTorch"):
        nnref.check_vjp(lambda x: torch.softmax(x.detach(), -1), drawn(torch, rng, "float32", (3, 4)))


def test_what_cannot_be_asked_is_refused_in_a_sentence(torch, rng):
    given = drawn(torch, rng, "float32", (3, 4))
    with pytest.raises(GradcheckError, match="should return an array of floating-point numbers; None came"):
        nnref.check_vjp(lambda x: None, given)
    with pytest.raises(GradcheckError, match="outputs should be among 0, 1; 2 came"):
        nnref.check_vjp(lambda x: (x, x), given, outputs=2)
    with pytest.raises(GradcheckError, match="dY should be one for each of the outputs 0, 1; 1 came"):
        nnref.check_vjp(lambda x: (x, x), given, dY=given[0])
    with pytest.raises(GradcheckError, match="the arguments are missing"):
        nnref.check_vjp(lambda x: x)
    with pytest.raises(GradcheckError, match="one of nnref's affine"):
        nnref.check_vjp(torch.relu, given, reference="swish9")
    with pytest.raises(GradcheckError, match="accumulate should be one of"):
        nnref.check_vjp(torch.relu, given, accumulate="int8")


def test_a_custom_vjp_of_jax_is_taken_by_jax(rng):
    jax = require("jax")

    def made(sign):
        @jax.custom_vjp
        def softplus(z):
            return jax.numpy.logaddexp(z, 0)

        softplus.defvjp(lambda z: (softplus(z), z), lambda z, d: (d * jax.nn.sigmoid(sign * z),))
        return softplus

    z = jax.numpy.asarray(rng.standard_normal((4, 5)), "float32")
    assert nnref.check_vjp(made(1), (z.astype("bfloat16"),)).ok
    assert "the slope is σ(-Z); it should be σ(Z)" in said(nnref.check_vjp(jax.jit(made(-1)), (z,)))


@pytest.mark.long  # for the sake of TensorFlow's import
def test_a_custom_gradient_of_tensorflow_is_taken_by_tensorflow(rng):
    tf = require("tensorflow")

    def made(share):
        @tf.custom_gradient
        def softmax(x):
            P = tf.nn.softmax(x)
            return P, lambda g: P * (g - share * tf.reduce_sum(P * g, -1, keepdims=True))

        return softmax

    x = tf.constant(rng.standard_normal((4, 7)), "float32")
    assert nnref.check_vjp(made(1.0), (x,)).ok
    assert "Σ P dY is not subtracted" in said(nnref.check_vjp(made(0.0), (x,)))


def test_an_array_of_another_library_brings_its_own_vjp_and_stays_what_it_is(rng):
    """array-api-strict stands for CuPy: numpy is not to read it."""
    xp = require("array_api_strict")
    z = xp.asarray(rng.standard_normal((4, 7)))

    def forward(x):
        E = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
        return E / xp.sum(E, axis=-1, keepdims=True)

    def vjp(dY, y):
        assert type(dY) is type(y) is type(z)
        return y * (dY - xp.sum(y * dY, axis=-1, keepdims=True))

    assert nnref.check_vjp(forward, vjp, (z,), reference="softmax").ok
    wrong = nnref.check_vjp(forward, lambda dY, y: y * dY, (z,), reference="softmax")
    assert "Σ P dY is not subtracted" in said(wrong)


def test_numpy_arrays_are_judged_against_a_named_closed_form_at_every_entry(rng):
    x = rng.standard_normal((5, 9)).astype("float32")
    forward = lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)  # noqa: E731
    vjp = lambda x, dY: (p := forward(x)) * (dY - (p * dY).sum(-1, keepdims=True))  # noqa: E731
    report = nnref.check_vjp(forward, vjp, (x,), reference="softmax")
    assert report.ok
    assert report.entries[0].checked == 45
    with pytest.raises(GradcheckError, match="numpy takes no gradients itself"):
        nnref.check_vjp(forward, (x,), reference="softmax")


def test_no_library_is_imported_that_the_caller_has_not_imported():
    code = """
import sys, numpy as np, nnref
forward = lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)
vjp = lambda x, dY: (p := forward(x)) * (dY - (p * dY).sum(-1, keepdims=True))
assert nnref.check_vjp(forward, vjp, (np.eye(3, 4),), reference="softmax").ok
print(sorted({"torch", "jax", "tensorflow", "cupy"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_histogram_counts_every_entry_and_can_be_drawn(torch, rng):
    report = nnref.check_vjp(lambda x: torch.softmax(x, -1), drawn(torch, rng, "float32", (6, 20)))
    assert sum(report.histograms["x"]) == 120
    assert report.to_dict()["shares"]["x"] == report.shares["x"]
    require("matplotlib")
    assert report.plot().axes[0].get_xlabel().startswith("error")
    with pytest.raises(ValueError, match="the report has x"):
        report.plot("y")
