"""dnn_utils: activations that return Z too, and their backward steps: dZ from dA and Z."""

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
    """dZ: dA where Z is positive, else 0."""
    dZ = np.array(dA, copy=True)
    dZ[cache <= 0] = 0
    return dZ


def sigmoid_backward(dA: Array, cache: Array) -> Array:
    """dZ: dA times σ(Z)(1 − σ(Z)), entry by entry."""
    s = 1 / (1 + np.exp(-cache))
    return dA * s * (1 - s)
