"""Modules, keywords, several outputs, masks, whole numbers, what draws random numbers: all by the same call."""

import numpy as np
import pytest

import nnref
from nnref import GradcheckError
from nnref.checking.kernels.asking import taken_apart
from tests.checking.kernels.test_check import drawn
from tests.conftest import require
from tests.kernels import said


@pytest.fixture
def norm(torch):
    """A layer norm that returns (y, mean, 1/root) as a torch.autograd.Function; mark says that two have no gradient."""

    def made(mark):
        class Norm(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, w, eps):
                m = x.mean(-1)
                r = (x.var(-1, unbiased=False) + eps).rsqrt()
                ctx.save_for_backward(x, w, m, r)
                if mark:
                    ctx.mark_non_differentiable(m, r)
                return (x - m[:, None]) * r[:, None] * w, m, r

            @staticmethod
            def backward(ctx, g, dm, dr):
                x, w, m, r = ctx.saved_tensors
                h, gw = (x - m[:, None]) * r[:, None], g * w
                dx = r[:, None] * (gw - gw.mean(-1, keepdim=True) - h * (gw * h).mean(-1, keepdim=True))
                return dx, (g * h).sum(0), None

        return Norm

    return made


def test_outputs_that_are_marked_as_without_a_gradient_are_left_out(torch, norm, rng):
    report = nnref.check_vjp(norm(True), (*drawn(torch, rng, "float32", (6, 20), (20,)), 1e-5))
    assert report.ok
    assert "closed form of layer norm" in report.method
    assert [entry.name for entry in report.entries] == ["x", "w"]


def test_an_output_through_which_nothing_comes_back_is_named(torch, norm, rng):
    given = (*drawn(torch, rng, "float32", (6, 20), (20,)), 1e-5)
    report = nnref.check_vjp(norm(False), given)
    assert [entry.name for entry in report.wrong] == ["x of 1", "x of 2"]
    assert "nothing comes back through output 1" in said(report)
    assert nnref.check_vjp(norm(False), given, outputs=0).ok


def test_two_outputs_that_are_right_alone_and_not_together_are_wrong(torch, rng):
    class Both(torch.autograd.Function):
        overwrites = False

        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            ctx.save_for_backward(x)
            return x.sin(), x.cos()

        @staticmethod
        def backward(ctx, ds, dc):
            (x,) = ctx.saved_tensors
            of_sine = None if ds is None else ds * x.cos()
            of_cosine = None if dc is None else -dc * x.sin()
            if of_sine is None or of_cosine is None:
                return of_cosine if of_sine is None else of_sine
            return of_cosine if Both.overwrites else of_sine + of_cosine

    given = drawn(torch, rng, "float64", (3, 4))
    report = nnref.check_vjp(Both, given)
    assert report.ok
    assert [entry.name for entry in report.entries] == ["x of 0", "x of 1"]
    Both.overwrites = True
    assert "right for each output alone, not for all at once" in said(nnref.check_vjp(Both, given))


def test_a_module_is_checked_with_its_parameters_and_stays_as_it_is(torch, rng):
    (x,) = drawn(torch, rng, "float32", (6, 20))
    module = torch.nn.LayerNorm(20, eps=3e-4)
    before = {name: A.clone() for name, A in module.state_dict().items()}
    report = nnref.check_vjp(module, (x,))
    assert report.ok
    assert [entry.name for entry in report.entries] == ["input", "weight", "bias"]
    assert "closed form of layer norm (eps=0.0003)" in report.method  # ε is the module's own
    module.bias.requires_grad_(False)
    assert "bias is held fixed: requires_grad is not set" in nnref.check_vjp(module, (x,)).method
    batch = torch.nn.BatchNorm1d(20)
    assert nnref.check_vjp(batch, (x,), entries=8).ok
    assert int(batch.num_batches_tracked) == 0
    assert all(torch.equal(A, before[name]) for name, A in module.state_dict().items())


def test_a_module_of_ones_own_with_a_wrong_gradient_of_its_weight_is_wrong(torch, rng):
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return x @ w.T

        @staticmethod
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            return g @ w, 2 * g.T @ x

    class Linear(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.nn.Linear(5, 4, bias=False)

        def forward(self, x):
            return Twice.apply(x, self.inner.weight)

    report = nnref.check_vjp(Linear(), drawn(torch, rng, "float32", (7, 5)))
    assert [entry.name for entry in report.wrong] == ["inner.weight"]
    assert "2 times the truth everywhere" in said(report)


def test_a_nesting_of_tensors_is_given_as_it_is(torch, rng):
    x, h, c = drawn(torch, rng, "float64", (3, 5), (3, 4), (3, 4))
    report = nnref.check_vjp(torch.nn.LSTMCell(5, 4).double(), (x, (h, c)), wrt="hx", entries=6)
    assert report.ok
    assert [entry.name for entry in report.entries] == ["hx[0] of 0", "hx[1] of 0", "hx[0] of 1", "hx[1] of 1"]


def test_arguments_by_name_reach_the_function_by_name(torch, rng):
    x, w = drawn(torch, rng, "float32", (6, 20), (20,))
    given = {"input": x, "normalized_shape": (20,), "weight": w, "eps": 1e-5}  # bias is left out
    assert nnref.check_vjp(torch.nn.functional.layer_norm, given).ok

    def scaled(x, *, by):
        return torch.softmax(x * by, -1)

    assert nnref.check_vjp(scaled, {"x": x, "by": 2.0}, entries=8).ok
    with pytest.raises(GradcheckError, match="the function takes x, by; w came"):
        nnref.check_vjp(scaled, {"x": x, "by": 2.0, "w": w})
    with pytest.raises(GradcheckError, match="wrt should name arguments among x, by; z came"):
        nnref.check_vjp(scaled, {"x": x, "by": 2.0}, wrt="z")


@pytest.mark.parametrize("dtype", ["float32", pytest.param("bfloat16", marks=pytest.mark.long)])
def test_attention_under_masks_and_biases_is_one_closed_form(torch, rng, dtype):
    attend = lambda q, k, v, m: torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=m)  # noqa: E731
    q, k, v, bias = drawn(torch, rng, dtype, (2, 3, 8, 4), (2, 3, 8, 4), (2, 3, 8, 4), (3, 1, 8))
    seen = torch.as_tensor(rng.random((2, 1, 8, 8)) < 0.6) | torch.eye(8, dtype=torch.bool)
    added = torch.zeros(8, 8, dtype=q.dtype).masked_fill(~seen[0, 0], float("-inf"))
    for mask, kind, names in ((seen, "given", "qkv"), (added, "added", "qkv"), (bias, "added", "qkvm")):
        report = nnref.check_vjp(attend, (q, k, v, mask))
        assert report.ok, report
        assert f"attention (mask={kind}, scale=0.5)" in report.method
        assert [entry.name for entry in report.entries] == list(names)
    assert "m is held fixed, with infinities" in nnref.check_vjp(attend, (q, k, v, added)).method


def test_a_mask_and_a_bias_that_are_forgotten_going_back_are_named(torch, rng):
    class Attention(torch.autograd.Function):
        @staticmethod
        def forward(ctx, q, k, v, m):
            ctx.save_for_backward(q, k, v)
            return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=m)

        @staticmethod
        def backward(ctx, g):
            q, k, v = ctx.saved_tensors
            P, dP = torch.softmax(q @ k.mT / 2, -1), g @ v.mT
            dS = P * (dP - (P * dP).sum(-1, keepdim=True))
            return dS @ k / 2, dS.mT @ q / 2, P.mT @ g, None

    q, k, v, m = drawn(torch, rng, "float32", (2, 8, 4), (2, 8, 4), (2, 8, 4), (8, 8))
    report = nnref.check_vjp(Attention, (q, k, v, m > -1))
    assert {entry.where[0].says for entry in report.entries} == {"the mask is forgotten going back"}
    bias = nnref.check_vjp(Attention, (q, k, v, m))
    assert [entry.verdict for entry in bias.entries] == ["WRONG", "WRONG", "WRONG", "not written yet"]


def test_no_gradient_is_right_for_a_mask_and_for_what_is_not_used_and_else_asked_about(torch, rng):
    class Kept(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, m, unused):
            ctx.save_for_backward(m)
            return x * m

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0], None, None

    x, m, unused = drawn(torch, rng, "float32", (6, 20), (6, 20), (3,))
    report = nnref.check_vjp(Kept, (x, (m > 0).float(), unused), entries=8)
    assert report.ok
    assert "no gradient came for m, a mask: held fixed" in report.method
    assert [entry.name for entry in report.entries] == ["x", "unused"]
    report = nnref.check_vjp(Kept, (x, m, unused), entries=8)
    assert not report.ok
    assert "the output depends on it: leave it out of wrt=" in said(report)


def test_tensors_that_require_a_gradient_are_the_ones_that_are_checked(torch, rng):
    x, w = drawn(torch, rng, "float32", (6, 20), (20,))
    report = nnref.check_vjp(lambda x, w: x * w, (x, w.requires_grad_()), entries=8)
    assert [entry.name for entry in report.entries] == ["w"]
    assert "x is held fixed: requires_grad is set for others" in report.method


def test_dropout_is_drawn_alike_in_every_call_and_what_cannot_be_is_refused(torch, rng):
    (x,) = drawn(torch, rng, "float32", (6, 20))
    report = nnref.check_vjp(lambda x: torch.nn.functional.dropout(x, 0.3), (x,), entries=16)
    assert report.ok
    assert "drawn with one seed" in report.method
    with pytest.raises(GradcheckError, match="another output in each call"):
        nnref.check_vjp(lambda x: x * float(rng.random()), (x,))


def test_what_writes_into_its_input_is_judged_by_what_it_was_given(torch, rng):
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

    (x,) = drawn(torch, rng, "float32", (6, 20))
    before = x.clone()
    report = nnref.check_vjp(Writes, (x,))
    assert report.ok, report
    assert "writes into x" in report.method
    assert torch.equal(x, before)


def test_a_truth_takes_what_the_function_takes(torch, rng):
    (x,) = drawn(torch, rng, "float32", (6, 20))
    module, reference = torch.nn.Linear(20, 3), torch.nn.Linear(20, 3)
    assert nnref.check_vjp(module, (x,), truth=reference, entries=8).ok
    assert nnref.check_vjp(module, (x,), truth=lambda x, w, b: x @ w.T + b, entries=8).ok
    assert nnref.check_vjp(module, (x,), truth=lambda x, w, b: x @ w.T + b * b, entries=8).wrong
    with pytest.raises(GradcheckError, match="truth should have the parameters weight, bias"):
        nnref.check_vjp(module, (x,), truth=torch.nn.Linear(20, 3, bias=False))


def test_a_nesting_is_taken_apart_and_put_together_again():
    a, b, c = np.ones(2), np.zeros(3), np.ones(())
    value = {"layers": [(a, b), ()], "scale": c, "stride": (2, 2)}
    leaves, rebuild = taken_apart(value, "p")
    assert [name for name, _ in leaves] == ["p.layers[0][0]", "p.layers[0][1]", "p.layers[1]", "p.scale", "p.stride"]
    again = rebuild(iter([leaf for _, leaf in leaves]))
    assert again["layers"][0][1] is b
    assert (again["layers"][1], again["stride"]) == ((), (2, 2))


@pytest.mark.long  # JAX compiles each operation of each shape
def test_a_tree_of_parameters_of_jax_and_two_outputs(rng):
    jax = require("jax")
    tree = {"w": jax.numpy.asarray(rng.standard_normal((4, 3))), "b": jax.numpy.asarray(rng.standard_normal(3))}

    def f(params, x):
        y = jax.numpy.tanh(x @ params["w"] + params["b"])
        return y, {"energy": (y * y).sum()}

    x = jax.numpy.asarray(rng.standard_normal((2, 4)))
    report = nnref.check_vjp(f, (tree, x), entries=4)
    assert report.ok, report
    names = [entry.name for entry in report.entries]
    assert names[:3] == ["params.w of 0", "params.b of 0", "x of 0"]
    assert names[3:] == ["params.w of 1.energy", "params.b of 1.energy", "x of 1.energy"]


@pytest.mark.long  # for the sake of TensorFlow's import
def test_a_keras_layer_is_checked_with_its_weights(rng):
    keras = require("keras")
    layer, x = keras.layers.Dense(3), keras.ops.convert_to_tensor(rng.standard_normal((4, 5)).astype("float32"))
    with pytest.raises(GradcheckError, match="the layer has no weights yet"):
        nnref.check_vjp(layer, (x,))
    layer(x)
    report = nnref.check_vjp(layer, (x,))
    assert report.ok, report
    assert [entry.name for entry in report.entries] == ["inputs", "kernel", "bias"]


def test_an_embedding_that_pads_with_a_word_has_no_gradient_there_and_a_function_is_told_so(torch):
    words = torch.as_tensor([[0, 1, 1, 3], [3, 0, 2, 2]])
    module = torch.nn.Embedding(6, 4, padding_idx=0)
    report = nnref.check_vjp(module, (words,))
    assert report.ok, report
    assert "closed form of embedding (padding=0)" in report.method
    padded = nnref.check_vjp(
        lambda E, words: torch.nn.functional.embedding(words, E, padding_idx=3), (torch.randn(6, 4), words)
    )
    assert "one word gets nothing, as one that pads" in padded.entries[0].where[0].says
