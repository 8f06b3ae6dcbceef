"""Softmax and cross-entropy together are simpler than either. What is the gradient of the mean loss
with respect to the logits?

Fill in each None, then: nnref check loss_logits.py
"""

import numpy as np

rng = np.random.default_rng(0)
N = 5
Y = np.eye(4)[:, rng.integers(0, 4, N)]
parameters = {"Z": rng.standard_normal((4, N))}


def loss(parameters):
    Z = parameters["Z"]
    return (np.log(np.exp(Z).sum(axis=0)) - (Y * Z).sum(axis=0)).sum() / N


def gradients(parameters):
    Z = parameters["Z"]
    P = np.exp(Z) / np.exp(Z).sum(axis=0)
    return {"Z": None}
