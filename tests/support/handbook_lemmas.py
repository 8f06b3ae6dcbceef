"""Both sides of every lemma of the handbook, in numpy: what is proved of a layer, beside the functions of the layer."""

import numpy as np

from nnref import attention, layer_norm, masked_softmax, max_pool
from nnref.windows import largest

IH = 1e-100j
"""The step of a complex step."""


def slope(f, x):
    """The derivative of f, a number or an array, with respect to every entry of x, by the complex step: x, then f."""
    steps = (IH * e.reshape(x.shape) for e in np.eye(x.size))
    columns = np.array([np.imag(f(x + step)) / IH.imag for step in steps])
    return columns.reshape((*x.shape, *columns.shape[1:]))


def normalised(x, eps):
    """A column normalised, with no gain and no shift."""
    return layer_norm.forward(x, np.ones(x.shape), np.zeros(x.shape), eps)


def weights(at, mask=None):
    """Of attention between the rows of Z, seen as queries, keys and values: the weights, dP and dS."""
    mask = np.ones((4, 4)) if mask is None else mask
    P = masked_softmax.forward((at.Z @ at.Z.T / np.sqrt(at.Z.shape[1])).T, mask.T).T
    dP = at.dZ @ at.Z.T
    return P, dP, P * (dP - (P * dP).sum(axis=1, keepdims=True))


def unseen(at):
    """dS where the mask is 0, which attention.dQ and dK are made of; and 0."""
    mask = np.tri(4)
    return weights(at, mask)[2][mask == 0], np.zeros(6)


def larger(at, z):
    """The gradient of the larger of Z and dZ with respect to Z, by max pooling entry by entry."""
    pairs = np.stack([z.ravel(), at.dZ.ravel()])[None, :, None, :]
    dX = max_pool.dX(pairs, largest(pairs, 2, 1), at.positive.reshape(1, 1, 1, -1))
    return dX[0, 0, 0].reshape(z.shape)


def subgradient(at):
    """What the maximum of a moved window gains beyond what the chosen pixel gains, and the form that shows the sign."""
    chosen = largest(at.Z[None, :, None, :], 4, 1)[0, 0, 0, :, :, 0].T
    moved = at.Z + at.V[:, :1] * at.dZ
    gains = moved.max(axis=0) - (chosen * at.Z).sum(axis=0) - (chosen * (moved - at.Z)).sum(axis=0)
    return gains, (chosen * (moved.max(axis=0) - moved)).sum(axis=0)


BOUNDS = {"max_pool.subgradient": subgradient}
"""What is never negative, and the form that shows it."""

EQUAL = {
    "attention.row_sum": lambda at: (
        (weights(at)[0] * weights(at)[1]).sum(axis=1),
        (at.dZ * attention.forward(at.Z, at.Z, at.Z, np.ones((4, 4)))).sum(axis=1),
    ),
    "attention.unseen": unseen,
    "label_smoothing.sums_to_one": lambda at: (((1 - at.g[0, 0]) * at.soft + at.g[0, 0] / 4).sum(axis=0), np.ones(5)),
    "layer_norm.length": lambda at: (
        (normalised(at.z, at.c) ** 2).sum(),
        len(at.z) * (1 - at.c / (at.z.var() + at.c)),
    ),
    "max_pool.larger": lambda at: (larger(at, at.Z), np.where(at.dZ < at.Z, at.positive, 0)),
    "layer_norm.ones": lambda at: (slope(lambda z: normalised(z, at.c).sum(), at.z), 0 * at.z),
}
