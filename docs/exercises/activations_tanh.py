"""The slope of tanh can be had from its output alone. Write the gradient with A, and without calling
tanh again.

Fill in each None and run this file: it is marked by differences and a complex step, not by an answer key.
"""

import numpy as np

import nnref

rng = np.random.default_rng(0)
dA = rng.standard_normal((3, 4))
parameters = {"Z": rng.standard_normal((3, 4))}


def loss(parameters):
    return (dA * np.tanh(parameters["Z"])).sum()


def gradients(parameters):
    A = np.tanh(parameters["Z"])
    return {"Z": None}


if __name__ == "__main__":
    print(nnref.gradcheck(loss, parameters, gradients))
