"""Layer normalisation: every example less the mean of its features, over their deviation; then a gain and a shift."""

from typing import Any, NamedTuple

import numpy as np

from nnref.arrays import namespace
from nnref.layer import Layer
from nnref.shapes import Array, alike, column, matrix, positive


class LayerNorm(NamedTuple):
    """The parameters of the layer, and, in the same places, their gradients: gamma and beta, both (n, 1)."""

    gamma: Array
    beta: Array


def forward(X: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
    """Every example normalised over its features: γ (X − mean) / √(variance + ε) + β.

    The variance is the mean square of the deviations, over n and not n − 1.

    Shapes: X (n, N), gamma (n, 1), beta (n, 1), eps () -> (n, N)
    Errors: ShapeError if gamma or beta is not an n × 1 column; ValueError if eps is not positive.
    Proof: derivations/layer_norm.py, claim layer_norm.forward.  See Ba, Kiros & Hinton 2016, arXiv:1607.06450.
    """
    matrix(X=X)
    column(X.shape[0], gamma=gamma, beta=beta)
    Xhat, _ = _normalised(X, eps)
    return gamma * Xhat + beta


def dX(X: Array, gamma: Array, dY: Array, eps: float = 1e-5) -> Array:
    """Gradient of the loss with respect to the input: r (dX̂ − mean dX̂ − X̂ mean(dX̂ X̂)), where dX̂ = γ dY.

    Means are over the features of an example; the two that are subtracted are what mean and variance pass on.

    Shapes: X (n, N), gamma (n, 1), dY (n, N), eps () -> (n, N)
    Units: loss per unit of input.
    Errors: ShapeError if dY has not the shape of X or gamma is no column; ValueError if eps is not positive.
    Proof: derivations/layer_norm.py, claim layer_norm.dX.  See Ba, Kiros & Hinton 2016, arXiv:1607.06450.
    """
    matrix(X=X)
    alike(X=X, dY=dY)
    column(X.shape[0], gamma=gamma)
    xp = namespace(X)
    Xhat, r = _normalised(X, eps)
    dXhat = gamma * dY
    # The parts along 1 and along X̂ are taken out of dX̂: neither a shift nor a stretch of an example changes its output.
    of_mean = xp.mean(dXhat, axis=0, keepdims=True)
    of_variance = xp.mean(dXhat * Xhat, axis=0, keepdims=True)
    return r * (dXhat - of_mean - Xhat * of_variance)


def dgamma(X: Array, dY: Array, eps: float = 1e-5) -> Array:
    """Gradient of the loss with respect to the gains: the sum over examples of dY X̂.

    Shapes: X (n, N), dY (n, N), eps () -> (n, 1)
    Units: loss per unit of gain.
    Errors: ShapeError if dY has not the shape of X; ValueError if eps is not positive.
    Proof: derivations/layer_norm.py, claim layer_norm.dgamma.
    """
    matrix(X=X)
    alike(X=X, dY=dY)
    Xhat, _ = _normalised(X, eps)
    return namespace(X).sum(dY * Xhat, axis=1, keepdims=True)


def dbeta(dY: Array) -> Array:
    """Gradient of the loss with respect to the shifts: the sum of dY over examples.

    Shapes: dY (n, N) -> (n, 1)
    Units: loss per unit of shift.
    Proof: derivations/layer_norm.py, claim layer_norm.dbeta.
    """
    matrix(dY=dY)
    return namespace(dY).sum(dY, axis=1, keepdims=True)


def layer(n: int, eps: float = 1e-5) -> Layer:
    """The layer, as part of a network of n features: gains one, shifts zero.

    Shapes: A (n, N) -> (n, N)
    """
    positive(eps=eps)
    return Layer(
        "layer_norm",
        init=lambda rng: LayerNorm(gamma=np.ones((n, 1)), beta=np.zeros((n, 1))),
        forward=lambda theta, A: forward(A, theta[0], theta[1], eps),
        dtheta=lambda theta, A, Z, dZ: LayerNorm(gamma=dgamma(A, dZ, eps), beta=dbeta(dZ)),
        dA=lambda theta, A, Z, dZ: dX(A, theta[0], dZ, eps),
        settings={"eps": eps},
    )


def _normalised(X: Array, eps: float) -> tuple[Array, Any]:
    """X̂, and one over the deviation of each example."""
    positive(eps=eps)
    xp = namespace(X)
    deviations = X - xp.mean(X, axis=0, keepdims=True)
    r = 1 / xp.sqrt(xp.mean(deviations * deviations, axis=0, keepdims=True) + eps)
    return deviations * r, r
