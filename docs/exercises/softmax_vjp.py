"""Given dP, the gradient with respect to the probabilities, what is that with respect to the logits?
Every probability depends on every logit of its column.

Fill in each None, then: nnref check softmax_vjp.py
"""

import numpy as np

rng = np.random.default_rng(0)
dP = rng.standard_normal((4, 3))
parameters = {"Z": rng.standard_normal((4, 3))}


def softmax(Z):
    E = np.exp(Z - Z.real.max(axis=0))
    return E / E.sum(axis=0)


def loss(parameters):
    return (dP * softmax(parameters["Z"])).sum()


def gradients(parameters):
    P = softmax(parameters["Z"])
    return {"Z": None}
