"""The losses of several forward passes whose gradients are added up before one update are one loss."""

import pytest

from nnref.checking.watching.meaning.micro_batches import forward_values, of_one_step
from tests.support.recordings import roles_of

TWO_PASSES = """\
import numpy as np
X, Y = np.random.randn(2, 6, 3), np.random.randn(2, 6, 2)
W = np.random.randn(3, 2)
for step in range(2):
    dW = 0
    for x, y in zip(X, Y):
        d = x @ W - y
        loss = (d ** 2).sum()
        dW = dW + 2 * x.T @ d
    W = W - 0.1 * dW
"""


def losses(run):
    """Everything that the program calls its loss."""
    return [n for n in run.tape if "loss" in n.names]


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        (("2 * x.T @ d", "2 * x.T @ d"), 2),
        (("dW = dW + 2 * x", "dW = 2 * x"), 0),
        (("    W = W - 0.1 * dW", "        W = W - 0.1 * dW"), 0),
        (("loss = (d ** 2).sum()", "loss = (y ** 2).sum()"), 0),
    ],
    ids=["added up", "the last alone", "an update each", "made of no parameter"],
)
def test_losses_whose_forward_passes_went_into_one_update_are_one(tmp_path, change, passes):
    role, run = roles_of(tmp_path, TWO_PASSES, change)
    assert len(of_one_step(role, losses(run)[:2])) == passes


def test_a_forward_pass_is_what_is_made_of_parameters_and_data_and_of_no_label(tmp_path):
    role, run = roles_of(tmp_path, TWO_PASSES)
    forward = forward_values(role)
    assert {run.tape[k].op for k in range(role.last) if forward >> k & 1} == {"matmul"}
