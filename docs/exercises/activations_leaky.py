"""A leaky rectifier keeps a tenth of what is negative. What is its gradient?

Fill in each None, then: nnref check activations_leaky.py
"""

import numpy as np

rng = np.random.default_rng(0)
dA = rng.standard_normal((3, 4))
parameters = {"Z": rng.standard_normal((3, 4))}


def loss(parameters):
    Z = parameters["Z"]
    return (dA * np.where(Z.real > 0, Z, Z / 10)).sum()


def gradients(parameters):
    Z = parameters["Z"]
    return {"Z": None}
