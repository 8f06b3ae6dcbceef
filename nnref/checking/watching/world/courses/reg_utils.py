"""reg_utils: a network of three layers, rectified twice, with one probability; its loss, its gradient and its step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnref.checking.watching.world.course_data import points
from nnref.shapes import Array

Arrays = dict[str, Array]


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def relu(x: Array) -> Array:
    """max(0, x)."""
    return np.maximum(0, x)


def initialize_parameters(layer_dims: Sequence[int]) -> Arrays:
    """W1, b1, W2, …: normal numbers over the root of how many come in, and zeros."""
    np.random.seed(3)  # noqa: NPY002
    made: Arrays = {}
    for k in range(1, len(layer_dims)):
        rows, columns = layer_dims[k], layer_dims[k - 1]
        made[f"W{k}"] = np.random.randn(rows, columns) / np.sqrt(columns)  # noqa: NPY002
        made[f"b{k}"] = np.zeros((rows, 1))
    return made


def forward_propagation(X: Array, parameters: Arrays) -> tuple[Array, tuple[Array, ...]]:
    """A3 (1, N), and what was made on the way."""
    W1, b1, W2, b2, W3, b3 = (parameters[name] for name in ("W1", "b1", "W2", "b2", "W3", "b3"))
    Z1 = W1 @ X + b1
    A1 = relu(Z1)
    Z2 = W2 @ A1 + b2
    A2 = relu(Z2)
    Z3 = W3 @ A2 + b3
    A3 = sigmoid(Z3)
    return A3, (Z1, A1, W1, b1, Z2, A2, W2, b2, Z3, A3, W3, b3)


def backward_propagation(X: Array, Y: Array, cache: tuple[Array, ...]) -> Arrays:
    """The gradients of the mean cross-entropy, those of Z and A among them."""
    _, A1, _, _, _, A2, W2, _, _, A3, W3, _ = cache
    m = X.shape[1]
    dZ3 = A3 - Y
    dA2 = W3.T @ dZ3
    dZ2 = dA2 * (A2 > 0)
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * (A1 > 0)
    made = {"dZ3": dZ3, "dA2": dA2, "dZ2": dZ2, "dA1": dA1, "dZ1": dZ1}
    for k, dZ, A in ((3, dZ3, A2), (2, dZ2, A1), (1, dZ1, X)):
        made[f"dW{k}"] = dZ @ A.T / m
        made[f"db{k}"] = dZ.sum(axis=1, keepdims=True) / m
    return made


def compute_cost(a3: Array, Y: Array) -> Array:
    """The mean cross-entropy of one probability."""
    return np.nansum(-np.log(a3) * Y - np.log(1 - a3) * (1 - Y)) / Y.shape[1]


def update_parameters(parameters: Arrays, grads: Arrays, learning_rate: float) -> Arrays:
    """Each parameter less the rate times its gradient."""
    for k in range(1, len(parameters) // 2 + 1):
        parameters[f"W{k}"] = parameters[f"W{k}"] - learning_rate * grads[f"dW{k}"]
        parameters[f"b{k}"] = parameters[f"b{k}"] - learning_rate * grads[f"db{k}"]
    return parameters


def predict(X: Array, y: Array, parameters: Arrays) -> Array:
    """1 where the probability is above a half, else 0."""
    return (forward_propagation(X, parameters)[0] > 0.5).astype(int)


def predict_dec(parameters: Arrays, X: Array) -> Array:
    """Whether the probability is above a half."""
    return forward_propagation(X, parameters)[0] > 0.5


def load_planar_dataset(*args: Any) -> tuple[Array, Array]:
    """X (2, 50) and Y (1, 50)."""
    return points(50)


def load_2D_dataset() -> tuple[Array, Array, Array, Array]:
    """Points to learn from, (2, 211) and (1, 211), and to test."""
    X, Y = points(211)
    X_test, Y_test = points(200)
    return X, Y, X_test, Y_test


def plot_decision_boundary(*args: Any) -> None:
    """Nothing is drawn."""
