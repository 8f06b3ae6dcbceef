"""Weight decay adds half of λ times the sum of squared weights to the loss; λ is decay in the code. What does it
add to the gradient? Write the whole of it: the squared error has a gradient too.

Fill in each None, then: nnref check loss_decay.py
"""

import numpy as np

rng = np.random.default_rng(0)
X, T, decay = rng.standard_normal((4, 6)), rng.standard_normal((2, 6)), 0.3
parameters = {"W": rng.standard_normal((2, 4))}


def loss(parameters):
    W = parameters["W"]
    return ((W @ X - T) ** 2).sum() / 6 + decay / 2 * (W**2).sum()


def gradients(parameters):
    W = parameters["W"]
    return {"W": None}
