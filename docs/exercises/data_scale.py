"""Pixels come as numbers from 0 to 255 and are divided by 255. What is the gradient of the loss
with respect to the raw pixels?

Fill in each None, then: nnref check data_scale.py
"""

import numpy as np

rng = np.random.default_rng(0)
target = rng.random((6, 3))
parameters = {"pixels": 255 * rng.random((6, 3))}


def loss(parameters):
    X = parameters["pixels"] / 255
    return ((X - target) ** 2).sum()


def gradients(parameters):
    X = parameters["pixels"] / 255
    return {"pixels": None}
