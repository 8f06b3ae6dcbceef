"""What is said of parameters whose update was forgotten."""

import pytest

from nnref.checking.watching.telling.forgetting import forgotten, has_its_name, never_seen_to_learn
from nnref.checking.watching.telling.report import settled
from tests.support.programs import seen

LAYERS = """\
import numpy as np
class Dense:
    def __init__(self, n, m):
        self.weights, self.biases = 0.5 * np.random.randn(n, m), np.zeros((1, m))
    def forward(self, x):
        self.x = x
        return x @ self.weights + self.biases
    def backward(self, d):
        self.dweights = self.x.T @ d
        self.dbiases = d.sum(axis=0, keepdims=True)
        return d @ self.weights.T
class Descent:
    def update(self, layer):
        layer.weights -= 0.1 * layer.dweights
        layer.biases -= 0.1 * layer.dbiases
X = np.random.randn(30, 4)
Y = np.sin(X[:, :2])
first, second, descent = Dense(4, 5), Dense(5, 2), Descent()
for step in range(20):
    h = np.tanh(first.forward(X))
    D = second.forward(h) - Y
    loss = (D ** 2).sum() / 2
    first.backward(second.backward(D) * (1 - h ** 2))
    descent.update(first)
    descent.update(second)
"""


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (("    descent.update(first)\n", ""), {9, 10}),
        (("descent.update(second)", "descent.update(first)"), {9, 10}),
        (("        layer.biases -= 0.1 * layer.dbiases\n", ""), {10}),
    ],
    ids=["a layer is not updated", "one twice and one never", "no biases"],
)
def test_each_gradient_that_nothing_uses_is_told_with_its_line(tmp_path, change, lines):
    found = seen(tmp_path, LAYERS, change)
    assert settled(found) is False
    assert {int(said.place.split()[1].rstrip(":")) for said in forgotten(found)} == lines


def test_of_a_right_program_nothing_is_told(tmp_path):
    found = seen(tmp_path, LAYERS)
    assert settled(found) is True
    assert not [*forgotten(found), *never_seen_to_learn(found)]


def test_a_slope_of_another_name_may_be_no_gradient_that_is_meant(tmp_path):
    """As that of a layer's input, which a layer hands down though nobody asked."""
    change = ("        layer.weights -= 0.1 * layer.dweights\n", ""), ("self.dweights =", "self.slope =")
    found = seen(tmp_path, LAYERS, *change)
    assert settled(found) is None
    assert not list(forgotten(found))
    assert all("nothing uses self.slope" in said or "nothing uses slope" in said for said in never_seen_to_learn(found))


@pytest.mark.parametrize(
    ("gradient", "array", "same"),
    [
        ("dW1", "W1", True),
        ("grads['db2']", "params['b2']", True),
        ("d_loss_d_b_out", "model.bias_out", True),
        ("d_bias", "biases[0]", True),
        ("dC", "C[x]", True),
        ("dh", "W1", False),
        ("gw", "w", True),
        ("error", "embedding", False),
        ("error", "E", False),
        ("window_error", "W1", False),
        ("dinputs", "weights", False),
        ("d_loss_d_w_out", "model.bias_out", False),
    ],
)
def test_a_gradient_has_the_name_of_an_array_whole_or_word_by_word(gradient, array, same):
    assert has_its_name(gradient, array) is same


def test_an_update_that_an_if_skips_for_a_layer_was_not_forgotten(tmp_path):
    """As one does for layers that are frozen."""
    frozen = (
        ("        layer.weights -=", "        if layer.frozen: return\n        if True: layer.weights -="),
        ("        layer.biases -=", "        if True: layer.biases -="),
        ("for step in range(20):\n", "first.frozen, second.frozen = True, False\nfor step in range(20):\n"),
    )
    found = seen(tmp_path, LAYERS, *frozen)
    assert settled(found) is None
    assert not list(forgotten(found))
    assert len(list(never_seen_to_learn(found))) == 2
