"""Fill in your network and run:  nnref check template.py

Rename nothing here; the numbers are drawn by nnref, only the shapes of yours count. This one is right as it stands.
"""

import numpy as np


def nnref_init():
    """The parameters, in any layout. Their names say which is which."""
    return {"W1": np.zeros((7, 6)), "b1": np.zeros((7, 1)), "W2": np.zeros((4, 7)), "b2": np.zeros((4, 1))}


def nnref_forward(params, X):
    """The network's output for the examples X, one a column (or one a row, if your W1 is (inputs, hidden))."""
    A1 = np.maximum(0, params["W1"] @ X + params["b1"])
    Z2 = params["W2"] @ A1 + params["b2"]
    E = np.exp(Z2 - Z2.max(axis=0, keepdims=True))
    return E / E.sum(axis=0, keepdims=True)


def nnref_loss(output, Y):
    """Your loss. Leave it out for the mean cross-entropy of the output."""
    return -np.sum(Y * np.log(output)) / Y.shape[1]


def nnref_backward(params, X, Y):
    """The gradient of the loss with respect to every parameter."""
    Z1 = params["W1"] @ X + params["b1"]
    A1 = np.maximum(0, Z1)
    dZ2 = (nnref_forward(params, X) - Y) / Y.shape[1]
    dZ1 = params["W2"].T @ dZ2 * (Z1 > 0)
    return {
        "dW1": dZ1 @ X.T,
        "db1": dZ1.sum(axis=1, keepdims=True),
        "dW2": dZ2 @ A1.T,
        "db2": dZ2.sum(axis=1, keepdims=True),
    }
