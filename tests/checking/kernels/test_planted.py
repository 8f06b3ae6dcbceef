"""Mistakes that kernels have, planted in PyTorch's operations: each is caught, and named with its place."""

import pytest

from tests import kernels
from tests.support import torch_kernels

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
    outcome, text = kernels.outcome(torch, torch_kernels.planted(torch)[name], "float32")
    assert outcome == "named", text


@pytest.mark.parametrize("name", FINE)
def test_what_bfloat16_can_hardly_show_is_never_ok(torch, name):
    outcome, text = kernels.outcome(torch, torch_kernels.planted(torch)[name], "bfloat16")
    assert outcome != "passed", text


@pytest.mark.long
@pytest.mark.parametrize("dtype", kernels.DTYPES)
def test_every_planted_mistake_is_caught_and_nine_in_ten_are_named(torch, dtype):
    planted = torch_kernels.planted(torch)
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
