"""Both sides of every lemma of the handbook, in numpy: what is proved of a layer, beside the functions of the layer."""

import numpy as np

from nnref import layer_norm

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


EQUAL = {
    "label_smoothing.sums_to_one": lambda at: (((1 - at.g[0, 0]) * at.soft + at.g[0, 0] / 4).sum(axis=0), np.ones(5)),
    "layer_norm.length": lambda at: (
        (normalised(at.z, at.c) ** 2).sum(),
        len(at.z) * (1 - at.c / (at.z.var() + at.c)),
    ),
    "layer_norm.ones": lambda at: (slope(lambda z: normalised(z, at.c).sum(), at.z), 0 * at.z),
}
