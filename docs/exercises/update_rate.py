"""How does the loss after a step depend on the learning rate? Differentiate it with respect to α.

Fill in each None, then: nnref check update_rate.py
"""

import numpy as np

rng = np.random.default_rng(0)
theta, g = rng.standard_normal(5), rng.standard_normal(5)
parameters = {"alpha": np.array(0.1)}


def loss(parameters):
    after = theta - parameters["alpha"] * g
    return (after**4).sum()


def gradients(parameters):
    after = theta - parameters["alpha"] * g
    return {"alpha": None}
