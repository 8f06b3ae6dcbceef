"""The slope of tanh can be had from its output alone. Write the gradient with A, and without calling
tanh again.

Fill in each None, then: nnref check activations_tanh.py
"""

import numpy as np

rng = np.random.default_rng(0)
dA = rng.standard_normal((3, 4))
parameters = {"Z": rng.standard_normal((3, 4))}


def loss(parameters):
    return (dA * np.tanh(parameters["Z"])).sum()


def gradients(parameters):
    A = np.tanh(parameters["Z"])
    return {"Z": None}
