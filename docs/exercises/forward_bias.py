"""The bias is one column, repeated for every example. What is the gradient with respect to it, and why
is it no mean?

Fill in each None, then: nnref check forward_bias.py
"""

import numpy as np

rng = np.random.default_rng(0)
W, A, dZ = rng.standard_normal((3, 4)), rng.standard_normal((4, 5)), rng.standard_normal((3, 5))
parameters = {"b": rng.standard_normal((3, 1))}


def loss(parameters):
    return (dZ * (W @ A + parameters["b"])).sum()


def gradients(parameters):
    return {"b": None}
