"""Three layers, as on this page. Write all six.

Fill in each None and run this file: it is marked by differences and a complex step, not by an answer key.
"""

import numpy as np

import nnref

rng = np.random.default_rng(0)
sizes = [6, 5, 4, 3]
X, Y = rng.standard_normal((6, 7)), np.eye(3)[:, rng.integers(0, 3, 7)]
N = X.shape[1]
parameters = {}
for l, (n, m) in enumerate(zip(sizes, sizes[1:]), 1):
    parameters |= {f"W{l}": rng.standard_normal((m, n)), f"b{l}": rng.standard_normal((m, 1))}


def forward(p):
    Z1 = p["W1"] @ X + p["b1"]
    A1 = np.where(Z1.real > 0, Z1, 0)
    Z2 = p["W2"] @ A1 + p["b2"]
    A2 = np.where(Z2.real > 0, Z2, 0)
    return Z1, A1, Z2, A2, p["W3"] @ A2 + p["b3"]


def loss(parameters):
    Z3 = forward(parameters)[-1]
    return (np.log(np.exp(Z3).sum(axis=0)) - (Y * Z3).sum(axis=0)).sum() / N


def gradients(parameters):
    Z1, A1, Z2, A2, Z3 = forward(parameters)
    return {"W1": None, "b1": None, "W2": None, "b2": None, "W3": None, "b3": None}


if __name__ == "__main__":
    print(nnref.gradcheck(loss, parameters, gradients))
