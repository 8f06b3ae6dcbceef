"""Both sides of every lemma of the handbook, in numpy: what is proved of a layer, beside the functions of the layer."""

import numpy as np

from nnref import attention, layer_norm, masked_softmax

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
    "layer_norm.ones": lambda at: (slope(lambda z: normalised(z, at.c).sum(), at.z), 0 * at.z),
}
