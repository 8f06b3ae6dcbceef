"""Two steps of gradient descent are taken on the loss θ² / 2, whose gradient is θ. What is the gradient of the
loss after them with respect to the θ before them?

Fill in each None, then: nnref check update_twice.py
"""

import numpy as np

rng = np.random.default_rng(0)
alpha = 0.3
parameters = {"theta": rng.standard_normal(4)}


def loss(parameters):
    theta = parameters["theta"]
    for _ in range(2):
        theta = theta - alpha * theta
    return (theta**2).sum() / 2


def gradients(parameters):
    theta = parameters["theta"]
    return {"theta": None}
