"""Batch normalisation in training: every feature less its mean over the batch, over its deviation; a gain, a shift.

At inference the statistics are fixed: batch_norm_inference.
"""

from typing import Any, NamedTuple

import numpy as np

from nnref.arrays import namespace
from nnref.layer import Layer
from nnref.shapes import Array, alike, column, matrix, positive


class BatchNorm(NamedTuple):
    """The parameters of the layer, and, in the same places, their gradients: gamma and beta, both (n, 1)."""

    gamma: Array
    beta: Array


def forward(X: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
    """Every feature normalised over the batch: γ (X − mean) / √(variance + ε) + β.

    The variance is the mean square of the deviations, over N and not N − 1, and belongs to the batch: every output
    depends on every example.

    Shapes: X (n, N), gamma (n, 1), beta (n, 1), eps () -> (n, N)
    Errors: ShapeError if gamma or beta is not an n × 1 column; ValueError if eps is not positive.
    Proof: derivations/batch_norm.py, claim batch_norm.forward.  See Ioffe & Szegedy 2015, arXiv:1502.03167, §3.
    """
    matrix(X=X)
    column(X.shape[0], gamma=gamma, beta=beta)
    Xhat, _ = _normalised(X, eps)
    return gamma * Xhat + beta


def dX(X: Array, gamma: Array, dY: Array, eps: float = 1e-5) -> Array:
    """Gradient of the loss with respect to the input: r (dX̂ − mean dX̂ − X̂ mean(dX̂ X̂)), where dX̂ = γ dY.

    Means are over the examples of a feature; the two that are subtracted are what mean and variance pass on.

    Shapes: X (n, N), gamma (n, 1), dY (n, N), eps () -> (n, N)
    Units: loss per unit of input.
    Errors: ShapeError if dY has not the shape of X or gamma is no column; ValueError if eps is not positive.
    Proof: derivations/batch_norm.py, claim batch_norm.dX.  See Ioffe & Szegedy 2015, arXiv:1502.03167, §3.
    """
    matrix(X=X)
    alike(X=X, dY=dY)
    column(X.shape[0], gamma=gamma)
    xp = namespace(X)
    Xhat, r = _normalised(X, eps)
    dXhat = gamma * dY
    # The parts along 1 and along X̂ are taken out of dX̂: neither a shift nor a stretch of a feature changes its output.
    of_mean = xp.mean(dXhat, axis=1, keepdims=True)
    of_variance = xp.mean(dXhat * Xhat, axis=1, keepdims=True)
    return r * (dXhat - of_mean - Xhat * of_variance)


def dgamma(X: Array, dY: Array, eps: float = 1e-5) -> Array:
    """Gradient of the loss with respect to the gains: the sum over examples of dY X̂.

    Shapes: X (n, N), dY (n, N), eps () -> (n, 1)
    Units: loss per unit of gain.
    Errors: ShapeError if dY has not the shape of X; ValueError if eps is not positive.
    Proof: derivations/batch_norm.py, claim batch_norm.dgamma.
    """
    matrix(X=X)
    alike(X=X, dY=dY)
    Xhat, _ = _normalised(X, eps)
    return namespace(X).sum(dY * Xhat, axis=1, keepdims=True)


def dbeta(dY: Array) -> Array:
    """Gradient of the loss with respect to the shifts: the sum of dY over examples.

    Shapes: dY (n, N) -> (n, 1)
    Units: loss per unit of shift.
    Proof: derivations/batch_norm.py, claim batch_norm.dbeta.
    """
    matrix(dY=dY)
    return namespace(dY).sum(dY, axis=1, keepdims=True)


def layer(n: int, eps: float = 1e-5) -> Layer:
    """The layer in training, as part of a network of n features: gains one, shifts zero.

    Shapes: A (n, N) -> (n, N)
    """
    positive(eps=eps)
    return Layer(
        "batch_norm",
        init=lambda rng: BatchNorm(gamma=np.ones((n, 1)), beta=np.zeros((n, 1))),
        forward=lambda theta, A: forward(A, theta[0], theta[1], eps),
        dtheta=lambda theta, A, Z, dZ: BatchNorm(gamma=dgamma(A, dZ, eps), beta=dbeta(dZ)),
        dA=lambda theta, A, Z, dZ: dX(A, theta[0], dZ, eps),
        settings={"eps": eps},
    )


def _normalised(X: Array, eps: float) -> tuple[Array, Any]:
    """X̂, and one over the deviation of each feature."""
    positive(eps=eps)
    xp = namespace(X)
    deviations = X - xp.mean(X, axis=1, keepdims=True)
    r = 1 / xp.sqrt(xp.mean(deviations * deviations, axis=1, keepdims=True) + eps)
    return deviations * r, r
