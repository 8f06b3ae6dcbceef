"""Group normalisation: within each example, each group of channels less its mean, over its deviation; gain and shift.

An array of channels, rows and columns (C, H, W, N) is read as (G, C/G, H W, N): groups, channels of a group, places,
examples. One group is layer normalisation of an image; a group a channel is instance normalisation.
"""

from typing import Any

from nnref.arrays import namespace
from nnref.shapes import Array, alike, of_shape, positive, tensor

AXES = "groups, channels of a group, places, examples"


def forward(X: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
    """Every group of every example normalised over its channels and places: γ (X − mean) / √(variance + ε) + β.

    Shapes: X (G, F, P, N), gamma (G, F), beta (G, F), eps () -> (G, F, P, N)
    Errors: ShapeError if gamma or beta has not one number a channel; ValueError if eps is not positive.
    Proof: derivations/group_norm.py, claim group_norm.forward.  See Wu & He 2018, arXiv:1803.08494.
    """
    tensor(AXES, X=X)
    of_shape(X.shape[:2], gamma=gamma, beta=beta)
    Xhat, _ = _normalised(X, eps)
    return _spread(gamma) * Xhat + _spread(beta)


def dX(X: Array, gamma: Array, dY: Array, eps: float = 1e-5) -> Array:
    """Gradient of the loss with respect to the input: r (dX̂ − mean dX̂ − X̂ mean(dX̂ X̂)), where dX̂ = γ dY.

    Shapes: X (G, F, P, N), gamma (G, F), dY (G, F, P, N), eps () -> (G, F, P, N)
    Units: loss per unit of input.
    Errors: ShapeError if dY is not shaped as X, or gamma has not one number a channel; ValueError if eps ≤ 0.
    Proof: derivations/group_norm.py, claim group_norm.dX.  See Wu & He 2018, arXiv:1803.08494.
    """
    tensor(AXES, X=X)
    alike(X=X, dY=dY)
    of_shape(X.shape[:2], gamma=gamma)
    xp = namespace(X)
    Xhat, r = _normalised(X, eps)
    dXhat = _spread(gamma) * dY
    of_mean = xp.mean(dXhat, axis=(1, 2), keepdims=True)
    of_variance = xp.mean(dXhat * Xhat, axis=(1, 2), keepdims=True)
    return r * (dXhat - of_mean - Xhat * of_variance)


def dgamma(X: Array, dY: Array, eps: float = 1e-5) -> Array:
    """Gradient of the loss with respect to the gains: the sum over places and examples of dY X̂.

    Shapes: X (G, F, P, N), dY (G, F, P, N), eps () -> (G, F)
    Units: loss per unit of gain.
    Errors: ShapeError if dY has not the shape of X; ValueError if eps is not positive.
    Proof: derivations/group_norm.py, claim group_norm.dgamma.
    """
    tensor(AXES, X=X)
    alike(X=X, dY=dY)
    Xhat, _ = _normalised(X, eps)
    return namespace(X).sum(dY * Xhat, axis=(2, 3))


def dbeta(dY: Array) -> Array:
    """Gradient of the loss with respect to the shifts: the sum of dY over places and examples.

    Shapes: dY (G, F, P, N) -> (G, F)
    Units: loss per unit of shift.
    Proof: derivations/group_norm.py, claim group_norm.dbeta.
    """
    tensor(AXES, dY=dY)
    return namespace(dY).sum(dY, axis=(2, 3))


def _normalised(X: Array, eps: float) -> tuple[Array, Any]:
    """X̂, and one over the deviation of each group of each example."""
    positive(eps=eps)
    xp = namespace(X)
    deviations = X - xp.mean(X, axis=(1, 2), keepdims=True)
    r = 1 / xp.sqrt(xp.mean(deviations * deviations, axis=(1, 2), keepdims=True) + eps)
    return deviations * r, r


def _spread(parameter: Array) -> Array:
    """A number a channel, for every place and example."""
    return parameter[:, :, None, None]
