"""Cautions: what is no mistake, and may keep a program from training."""

import pytest

from nnref.checking.watching.telling.cautions import cautions
from nnref.checking.watching.telling.report import certificate
from tests.support.programs import seen

TWO_LAYERS = """\
import numpy as np
X, Y = np.random.randn(20, 4), np.eye(3)[np.arange(20) % 3]
W1, W2 = np.{first}, np.{second}
for t in range(5):
    H = np.tanh(X @ W1)
    E = np.exp(H @ W2)
    P = E / E.sum(1, keepdims=True)
    loss = -np.mean(np.sum(Y * np.log(P), 1))
    dZ = (P - Y) / 20
    dW2, dW1 = H.T @ dZ, X.T @ (dZ @ W2.T * (1 - H ** 2))
    W1, W2 = W1 - 0.1 * dW1, W2 - 0.1 * dW2
"""

ONE_LAYER = """\
import numpy as np
X, Y = np.random.randn(20, 4), np.eye(3)[np.arange(20) % 3]
W = np.zeros((4, 3))
for t in range(5):
    E = np.exp(X @ W)
    P = E / E.sum(1, keepdims=True)
    loss = -np.mean(np.sum(Y * np.log(P), 1))
    W = W - 0.1 * X.T @ (P - Y) / 20
"""


def alike(tmp_path, text):
    """The cautions on units that stay alike."""
    return [says for says in cautions(seen(tmp_path, text)) if "stay alike" in says]


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        ("full((4, 5), 0.1)", "full((5, 3), 0.2)", "W1, W2 are"),
        ("full((4, 5), 0.1)", "random.randn(5, 3)", None),
        ("random.randn(4, 5)", "zeros((5, 3))", None),
        ("zeros((4, 5))", "zeros((5, 3))", "W1, W2 are"),
    ],
)
def test_units_stay_alike_if_their_weights_and_their_gradients_are_alike(tmp_path, first, second, names):
    said = alike(tmp_path, TWO_LAYERS.format(first=first, second=second))
    assert [says.startswith(names) for says in said] == ([True] if names else [])


def test_the_weights_of_a_single_layer_may_begin_with_0(tmp_path):
    assert alike(tmp_path, ONE_LAYER) == []


BYTES = """\
import numpy as np
X, y = np.random.randn(20, 3), (np.arange(20) % {classes}).astype({kind})
w, b = np.zeros(3), 0.0
for t in range(5):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    dz = (-(y / p - (1 - y) / (1 - p)) * p * (1 - p)) / 20
    w, b = w - 0.1 * X.T @ dz, b - 0.1 * dz.sum()
"""


@pytest.mark.parametrize(
    ("classes", "kind", "told"), [(10, "np.uint8", True), (10, "float", False), (2, "np.uint8", False)]
)
def test_whole_numbers_without_a_sign_that_wrap_around_are_told(tmp_path, classes, kind, told):
    found = seen(tmp_path, BYTES.format(classes=classes, kind=kind))
    said = [says for says in certificate(found).notes if "has no sign" in says]
    assert [says.startswith("line 6: uint8") for says in said] == [True] * told
