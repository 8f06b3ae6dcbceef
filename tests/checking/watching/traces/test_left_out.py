"""Is a number that is written out told from a parameter that a trace leaves out?"""

import pytest

from nnref.checking.watching.telling.report import settled
from tests.support.programs import fault_apart, seen

ARGUMENT = """\
import numpy as np
X, Y = np.random.randn(12, 3), np.random.randn(12, 2)
def train(W, decay, rate):
    for step in range(5):
        D = X @ W - Y
        loss = (D ** 2).sum() / 2 + (decay / 2 * W ** 2).sum()
        W = W - rate * (X.T @ D + decay * W)
train(np.random.randn(3, 2), DECAY, 0.01)
"""


@pytest.mark.parametrize("decay", ["0", "0.0", "0.5", "decay=0.5"])
def test_a_number_that_is_an_argument_is_written_out_and_no_parameter_that_was_left_out(decay, tmp_path):
    text = ARGUMENT.replace("DECAY, 0.01", f"{decay}, rate=0.01" if "=" in decay else f"{decay}, 0.01")
    found = seen(tmp_path, text)
    assert settled(found) is True
    assert fault_apart(found, tmp_path) == ""


KEPT = """\
import numpy as np
class Norm:
    def __init__(self, n, floor=1e-5):
        self.scale, self.floor = np.ones(n), floor
    def forward(self, x):
        self.off = np.sqrt(x.var(axis=0) + self.floor)
        self.flat = (x - x.mean(axis=0)) / self.off
        return self.scale * self.flat
    def backward(self, d):
        self.dscale = (d * self.flat).sum(axis=0)
        g = d * self.scale
        return (g - g.mean(axis=0) - self.flat * (g * self.flat).mean(axis=0)) / self.off
n = 4
X, Y = np.random.randn(12, 3), np.random.randn(12, 2)
W, V, norm = np.random.randn(3, n), np.random.randn(n, 2), Norm(n)
shrink = 1 / np.sqrt(n)
for step in range(4):
    H = np.tanh(norm.forward(X @ W))
    D = H @ V * shrink - Y
    loss = (D ** 2).sum() / 2
    dV = H.T @ D * shrink
    dW = X.T @ norm.backward(D @ V.T * shrink * (1 - H ** 2))
    W -= 0.1 * dW
    V -= 0.1 * dV
    norm.scale -= 0.1 * norm.dscale
"""


def test_a_number_that_an_object_keeps_as_it_was_given_and_the_root_of_a_size_are_no_parameters(tmp_path):
    """self.eps = eps, in a tuple or alone; 1 / np.sqrt(n) with n = 4."""
    for change in ((), ("self.scale, self.floor = np.ones(n), floor", "self.scale = np.ones(n); self.floor = floor")):
        found = seen(tmp_path, KEPT, *(change,) if change else ())
        assert settled(found) is True
        assert fault_apart(found, tmp_path) == ""


@pytest.mark.parametrize("line", ["norm.floor += 0.0", "norm.floor = norm.floor * 1.0"])
def test_a_number_that_is_computed_anew_somewhere_may_be_a_parameter(line, tmp_path):
    found = seen(tmp_path, KEPT, ("    V -= 0.1 * dV\n", f"    V -= 0.1 * dV\n    if step > 2: {line}\n"))
    assert "floor goes into the loss as a parameter does" in fault_apart(found, tmp_path)


SPREAD = """\
import numpy as np
X, Y = np.random.randn(12, 3), np.random.randn(12, 2)
W, V = np.random.randn(3, 6), np.random.randn(6, 2)
for step in range(4):
    mask = np.random.binomial(1, 0.8, (1, 6)) / 0.8
    H = np.tanh(X @ W)
    A = H * mask
    D = (A @ V - Y) / 12
    loss = (D ** 2).sum() * 6
    dV = A.T @ D
    dW = X.T @ (D @ V.T * mask * (1 - H * H))
    V -= 0.1 * dV
    W -= 0.1 * dW
"""


def test_a_mask_that_is_drawn_for_a_whole_batch_is_no_parameter_and_a_drawn_scale_is_one(tmp_path):
    found = seen(tmp_path, SPREAD)
    assert settled(found) is True
    assert fault_apart(found, tmp_path) == ""
    scale = seen(tmp_path, SPREAD, ("np.random.binomial(1, 0.8, (1, 6)) / 0.8", "np.random.rand(1, 6) / 0.8"))
    assert "mask goes into the loss" in fault_apart(scale, tmp_path)
