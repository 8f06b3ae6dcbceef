"""Batch normalisation at inference: mean and variance are fixed numbers, and the layer is affine in X."""

from typing import Any

import numpy as np

from nnref.arrays import device_of, namespace, real
from nnref.batch_norm import BatchNorm, dbeta
from nnref.layer import Layer
from nnref.shapes import Array, alike, column, matrix, not_negative, positive


def forward(X: Array, gamma: Array, beta: Array, mean: Array, variance: Array, eps: float = 1e-5) -> Array:
    """Every feature less its running mean, over its running deviation: γ (X − mean) / √(variance + ε) + β.

    Shapes: X (n, N), gamma (n, 1), beta (n, 1), mean (n, 1), variance (n, 1), eps () -> (n, N)
    Errors: ShapeError if a parameter or statistic is not an n × 1 column; ValueError if eps is not positive or a
    variance is negative.
    Proof: derivations/batch_norm_inference.py, claim batch_norm_inference.forward.  See Ioffe & Szegedy 2015, §3.1.
    """
    matrix(X=X)
    column(X.shape[0], gamma=gamma, beta=beta, mean=mean, variance=variance)
    return gamma * (X - mean) * _inverse_deviation(variance, eps) + beta


def dX(gamma: Array, variance: Array, dY: Array, eps: float = 1e-5) -> Array:
    """Gradient of the loss with respect to the input: γ dY / √(variance + ε), as the statistics do not depend on X.

    Shapes: gamma (n, 1), variance (n, 1), dY (n, N), eps () -> (n, N)
    Units: loss per unit of input.
    Errors: ShapeError if gamma or variance is not an n × 1 column; ValueError as `forward`.
    Proof: derivations/batch_norm_inference.py, claim batch_norm_inference.dX.
    """
    matrix(dY=dY)
    column(dY.shape[0], gamma=gamma, variance=variance)
    return dY * gamma * _inverse_deviation(variance, eps)


def dgamma(X: Array, mean: Array, variance: Array, dY: Array, eps: float = 1e-5) -> Array:
    """Gradient of the loss with respect to the gains: the sum over examples of dY (X − mean) / √(variance + ε).

    Shapes: X (n, N), mean (n, 1), variance (n, 1), dY (n, N), eps () -> (n, 1)
    Units: loss per unit of gain.
    Errors: ShapeError if dY has not the shape of X or a statistic is no column; ValueError as `forward`.
    Proof: derivations/batch_norm_inference.py, claim batch_norm_inference.dgamma.
    """
    matrix(X=X)
    alike(X=X, dY=dY)
    column(X.shape[0], mean=mean, variance=variance)
    return namespace(X).sum(dY * (X - mean), axis=1, keepdims=True) * _inverse_deviation(variance, eps)


def running(mean: Array, batch: Array, momentum: float = 0.1) -> Array:
    """A running statistic after one more batch: (1 − momentum) times the old and momentum times the batch's.

    Frameworks differ: PyTorch's momentum is the weight of the new, as here; Keras's is that of the old.

    Shapes: mean (n, 1), batch (n, 1), momentum () -> (n, 1)
    Errors: ShapeError if the shapes differ; ValueError if momentum is not between 0 and 1.
    Proof: derivations/batch_norm_inference.py, claim batch_norm_inference.running.  See Ioffe & Szegedy 2015, §3.1.
    """
    matrix(mean=mean)
    alike(mean=mean, batch=batch)
    if not 0 <= momentum <= 1:
        raise ValueError(f"momentum, the weight of the new batch, should lie between 0 and 1; {momentum} came.")
    return (1 - momentum) * mean + momentum * batch


def layer(mean: Array, variance: Array, eps: float = 1e-5) -> Layer:
    """The layer with these statistics, (n, 1) each, which do not learn: gains one, shifts zero.

    Shapes: A (n, N) -> (n, N)
    """
    _inverse_deviation(variance, eps)  # refuses a negative variance

    def statistics(A: Array) -> tuple[Array, Array]:
        xp = namespace(A)
        there = [xp.astype(xp.asarray(s, **device_of(A)), real(A).dtype) for s in (mean, variance)]
        return there[0], there[1]

    return Layer(
        "batch_norm_inference",
        init=lambda rng: BatchNorm(gamma=np.ones(mean.shape), beta=np.zeros(mean.shape)),
        forward=lambda theta, A: forward(A, theta[0], theta[1], *statistics(A), eps),
        dtheta=lambda theta, A, Z, dZ: BatchNorm(gamma=dgamma(A, *statistics(A), dZ, eps), beta=dbeta(dZ)),
        dA=lambda theta, A, Z, dZ: dX(theta[0], statistics(A)[1], dZ, eps),
        settings={"mean": mean, "variance": variance, "eps": eps},
    )


def _inverse_deviation(variance: Array, eps: float) -> Any:
    """One over √(variance + ε)."""
    positive(eps=eps)
    xp = namespace(variance)
    not_negative(variance=variance)
    return 1 / xp.sqrt(variance + eps)
