"""RMS normalisation: every example over the root of the mean of its squares; then a gain."""

from typing import Any, NamedTuple

import numpy as np

from nnref.arrays import namespace
from nnref.layer import Layer
from nnref.shapes import Array, alike, column, matrix, positive


class RMSNorm(NamedTuple):
    """The parameters of the layer, and, in the same place, their gradient: gamma (n, 1)."""

    gamma: Array


def forward(X: Array, gamma: Array, eps: float = 1e-6) -> Array:
    """Every example over its root mean square: γ X / √(mean X² + ε). No mean is subtracted.

    Shapes: X (n, N), gamma (n, 1), eps () -> (n, N)
    Errors: ShapeError if gamma is not an n × 1 column; ValueError if eps is not positive.
    Proof: derivations/rms_norm.py, claim rms_norm.forward.  See Zhang & Sennrich 2019, arXiv:1910.07467.
    """
    matrix(X=X)
    column(X.shape[0], gamma=gamma)
    return gamma * X * _inverse_root(X, eps)


def dX(X: Array, gamma: Array, dY: Array, eps: float = 1e-6) -> Array:
    """Gradient of the loss with respect to the input: r (γ dY − r² X mean(γ dY X)), the mean over features.

    Shapes: X (n, N), gamma (n, 1), dY (n, N), eps () -> (n, N)
    Units: loss per unit of input.
    Errors: ShapeError if dY has not the shape of X or gamma is no column; ValueError if eps is not positive.
    Proof: derivations/rms_norm.py, claim rms_norm.dX.  See Zhang & Sennrich 2019, arXiv:1910.07467.
    """
    matrix(X=X)
    alike(X=X, dY=dY)
    column(X.shape[0], gamma=gamma)
    r = _inverse_root(X, eps)
    scaled = X * r
    return r * (gamma * dY - scaled * namespace(X).mean(gamma * dY * scaled, axis=0, keepdims=True))


def dgamma(X: Array, dY: Array, eps: float = 1e-6) -> Array:
    """Gradient of the loss with respect to the gains: the sum over examples of dY X r.

    Shapes: X (n, N), dY (n, N), eps () -> (n, 1)
    Units: loss per unit of gain.
    Errors: ShapeError if dY has not the shape of X; ValueError if eps is not positive.
    Proof: derivations/rms_norm.py, claim rms_norm.dgamma.
    """
    matrix(X=X)
    alike(X=X, dY=dY)
    return namespace(X).sum(dY * X * _inverse_root(X, eps), axis=1, keepdims=True)


def layer(n: int, eps: float = 1e-6) -> Layer:
    """The layer, as part of a network of n features: gains one.

    Shapes: A (n, N) -> (n, N)
    """
    positive(eps=eps)
    return Layer(
        "rms_norm",
        init=lambda rng: RMSNorm(gamma=np.ones((n, 1))),
        forward=lambda theta, A: forward(A, theta[0], eps),
        dtheta=lambda theta, A, Z, dZ: RMSNorm(gamma=dgamma(A, dZ, eps)),
        dA=lambda theta, A, Z, dZ: dX(A, theta[0], dZ, eps),
        settings={"eps": eps},
    )


def _inverse_root(X: Array, eps: float) -> Any:
    """One over the root mean square of each example."""
    positive(eps=eps)
    xp = namespace(X)
    return 1 / xp.sqrt(xp.mean(X * X, axis=0, keepdims=True) + eps)
