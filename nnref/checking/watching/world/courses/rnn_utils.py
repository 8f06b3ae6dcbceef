"""rnn_utils: sigmoid, and softmax of each column."""

from __future__ import annotations

import numpy as np

from nnref.shapes import Array


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    """exp(x) divided by its sum, in each column."""
    e = np.exp(x - np.max(x))
    return e / e.sum(axis=0)
