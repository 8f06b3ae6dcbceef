"""dnn_utils: activations that keep Z beside what they give, and their slopes times what comes back."""

from __future__ import annotations

import numpy as np

from nnref.shapes import Array


def sigmoid(Z: Array) -> tuple[Array, Array]:
    """σ(Z), and Z."""
    A = 1 / (1 + np.exp(-Z))
    return A, Z


def relu(Z: Array) -> tuple[Array, Array]:
    """max(0, Z), and Z."""
    A = np.maximum(0, Z)
    return A, Z


def relu_backward(dA: Array, cache: Array) -> Array:
    """That of A where Z is positive, else 0."""
    dZ = np.array(dA, copy=True)
    dZ[cache <= 0] = 0
    return dZ


def sigmoid_backward(dA: Array, cache: Array) -> Array:
    """That of A, times σ(Z)(1 − σ(Z))."""
    s = 1 / (1 + np.exp(-cache))
    return dA * s * (1 - s)
