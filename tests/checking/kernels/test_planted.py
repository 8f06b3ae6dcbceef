"""Mistakes that kernels have, planted in PyTorch's operations: each is caught, and named with its place."""

import numpy as np
import pytest

import nnref
from tests import kernels
from tests.support import planted_kernels, torch_kernels

QUICK = (
    "softmax, a tail of 4 left out",
    "softmax, last rows not written",
    "softmax, one tile wrong",
    "layer norm, weight forgotten",
    "layer norm, ε forgotten",
    "layer norm, one row left out of dw",
    "RMS norm, weight twice in the sum",
    "cross-entropy, divided by all rows",
    "attention, scale forgotten",
    "conv2d, filter flipped",
)
"""One of each kind; --long plants them all, in every dtype."""


FINE = ("softmax, 1.01 times", "GELU, the tanh approximation", "layer norm, one row left out of dw")
"""Mistakes near the grain of bfloat16."""


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_mistake_is_named(torch, name):
    outcome, text = kernels.outcome(torch, planted_kernels.planted(torch)[name], "float32")
    assert outcome == "named", text


@pytest.mark.parametrize("name", FINE)
def test_what_bfloat16_can_hardly_show_is_never_ok(torch, name):
    outcome, text = kernels.outcome(torch, planted_kernels.planted(torch)[name], "bfloat16")
    assert outcome != "passed", text


@pytest.mark.long
@pytest.mark.parametrize("dtype", kernels.DTYPES)
def test_every_planted_mistake_is_caught_and_nine_in_ten_are_named(torch, dtype):
    planted = planted_kernels.planted(torch)
    outcomes = {name: kernels.outcome(torch, mistake, dtype)[0] for name, mistake in planted.items()}
    assert len(planted) >= 30
    assert [name for name, outcome in outcomes.items() if outcome == "passed"] == []
    assert sum("named" in outcome for outcome in outcomes.values()) >= 0.9 * len(planted)


def test_pytorchs_own_kernels_are_right(torch, draws):
    complaints = []
    rows = kernels.right(draws(8, 1000), 1, complaints.append)
    assert len(rows) == draws(8, 24)
    assert sum(row["checked"] for row in rows.values()) == draws(8, 1000)
    assert complaints == []


def test_mistakes_that_people_make_with_the_layer_are_named_in_its_kernel(torch, rng):
    """They stand in the catalogue of the layer as people write it, not in the closed form's."""
    x, w, b = (torch.as_tensor(rng.standard_normal(shape)).float() for shape in ((12, 20), (20,), (20,)))
    softmax = lambda x: torch.softmax(x, -1)  # noqa: E731

    def added(g, x):
        P = softmax(x)
        return (P * (g + (P * g).sum(-1, keepdim=True)),)

    def halved(g, x, w, b):
        m = x.mean(-1, keepdim=True)
        r = (x.var(-1, unbiased=False, keepdim=True) + 1e-5).rsqrt()
        h, gw = (x - m) * r, g * w
        dx = r * (gw - gw.mean(-1, keepdim=True) - 0.5 * h * (gw * h).mean(-1, keepdim=True))
        return dx, (g * h).sum(0), g.sum(0)

    norm = lambda x, w, b: torch.nn.functional.layer_norm(x, (20,), w, b)  # noqa: E731
    alone = lambda g, x: (torch.special.ndtr(x) + x * torch.exp(-x * x / 2) / (2 * np.pi) ** 0.5,)  # noqa: E731
    for f, back, given, says in (
        (softmax, added, (x,), "the sum Σ P dY is added where it should be subtracted"),
        (norm, halved, (x, w, b), "the variance's part is halved"),
        (torch.nn.functional.gelu, alone, (x,), "dY is not multiplied by it"),
    ):
        assert says in kernels.said(nnref.check_vjp(torch_kernels.wrapped(torch, f, back), given))
