"""Two steps of descent on the loss θ² / 2. What is the derivative of the last loss with respect to
where one began?

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
