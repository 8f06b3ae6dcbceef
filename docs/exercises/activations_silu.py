"""SiLU is Z times the sigmoid of Z. Use the product rule.

Fill in each None and run this file: it is marked by differences and a complex step, not by an answer key.
"""

import numpy as np

import nnref

rng = np.random.default_rng(0)
dA = rng.standard_normal((3, 4))
parameters = {"Z": rng.standard_normal((3, 4))}


def loss(parameters):
    Z = parameters["Z"]
    return (dA * Z / (1 + np.exp(-Z))).sum()


def gradients(parameters):
    Z = parameters["Z"]
    S = 1 / (1 + np.exp(-Z))
    return {"Z": None}


if __name__ == "__main__":
    print(nnref.gradcheck(loss, parameters, gradients))
