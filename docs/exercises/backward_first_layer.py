"""Now the whole of it: through the weights of the second layer, through the rectifier, to the first.

Fill in each None, then: nnref check backward_first_layer.py
"""

import numpy as np

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((5, 6)), np.eye(3)[:, rng.integers(0, 3, 6)]
N = X.shape[1]
parameters = {
    "W1": rng.standard_normal((4, 5)),
    "b1": rng.standard_normal((4, 1)),
    "W2": rng.standard_normal((3, 4)),
    "b2": rng.standard_normal((3, 1)),
}


def forward(p):
    Z1 = p["W1"] @ X + p["b1"]
    A1 = np.where(Z1.real > 0, Z1, 0)
    return Z1, A1, p["W2"] @ A1 + p["b2"]


def loss(parameters):
    Z2 = forward(parameters)[-1]
    return (np.log(np.exp(Z2).sum(axis=0)) - (Y * Z2).sum(axis=0)).sum() / N


def gradients(parameters):
    Z1, A1, Z2 = forward(parameters)
    P = np.exp(Z2) / np.exp(Z2).sum(axis=0)
    dZ2 = (P - Y) / N
    dA1 = None
    dZ1 = None
    return {"W1": None, "b1": None, "W2": dZ2 @ A1.T, "b2": dZ2.sum(axis=1, keepdims=True)}
