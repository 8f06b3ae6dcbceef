"""A layer whose input is added to its output: A = tanh(W X) + X. What is the gradient with respect to
X? It has two ways to A, and both count.

Fill in each None, then: nnref check backward_skip.py
"""

import numpy as np

rng = np.random.default_rng(0)
W, dA = rng.standard_normal((3, 3)), rng.standard_normal((3, 4))
parameters = {"X": rng.standard_normal((3, 4))}


def loss(parameters):
    X = parameters["X"]
    return (dA * (np.tanh(W @ X) + X)).sum()


def gradients(parameters):
    T = np.tanh(W @ parameters["X"])
    return {"X": None}
