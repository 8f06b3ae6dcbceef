"""One step of gradient descent: a batch, its loss and gradients, the update. Every engine runs these functions."""

from __future__ import annotations

from nnref import network, sgd
from nnref.arrays import namespace
from nnref.network import Layers, Parameters
from nnref.parameters import mapped
from nnref.running.data import Dataset
from nnref.shapes import Array


def batch(rows: Array, targets: Array, index: Array, dtype: str) -> tuple[Array, Array]:
    """The examples with these indices, as columns X (n0, B) and Y (classes, B).

    Shapes: rows (N, n0) pixels or floats, targets (N, classes) one-hot in dtype, index (B,)
    """
    xp = namespace(rows)
    return Dataset.columns(xp.take(rows, index, axis=0), dtype), xp.take(targets, index, axis=0).T


def step(layers: Layers, theta: Parameters, X: Array, Y: Array, alpha: float) -> tuple[Parameters, Array]:
    """The parameters after one step, and the loss before it.

    Shapes: X (n0, B), Y (n_L, B)
    """
    L, dtheta = network.loss_and_gradients(layers, theta, X, Y)
    return updated(theta, dtheta, alpha), L


def updated(theta: Parameters, dtheta: Parameters, alpha: float) -> Parameters:
    """Every parameter after one step of gradient descent."""
    updated_theta: Parameters = mapped(lambda p, dp: sgd.update(p, dp, alpha), theta, dtheta)
    return updated_theta
