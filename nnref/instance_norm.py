"""Instance normalisation: each channel of each example less its mean over the places, over its deviation."""

from nnref import group_norm
from nnref.shapes import Array, column, of_shape, tensor

AXES = "channels, places, examples"


def forward(X: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
    """Every channel of every example normalised over its places: γ (X − mean) / √(variance + ε) + β.

    It is group normalisation with one channel a group. Images (C, H, B, N) are X.reshape(C, -1, N).

    Shapes: X (C, P, N), gamma (C, 1), beta (C, 1), eps () -> (C, P, N)
    Errors: ShapeError if gamma or beta is not a C × 1 column; ValueError if eps is not positive.
    Proof: derivations/instance_norm.py, claim instance_norm.forward.  See Ulyanov et al. 2016, arXiv:1607.08022.
    """
    tensor(AXES, X=X)
    column(X.shape[0], gamma=gamma, beta=beta)
    return group_norm.forward(X[:, None, :, :], gamma, beta, eps)[:, 0, :, :]


def dX(X: Array, gamma: Array, dY: Array, eps: float = 1e-5) -> Array:
    """Gradient of the loss with respect to the input: r (dX̂ − mean dX̂ − X̂ mean(dX̂ X̂)), where dX̂ = γ dY.

    Shapes: X (C, P, N), gamma (C, 1), dY (C, P, N), eps () -> (C, P, N)
    Units: loss per unit of input.
    Errors: ShapeError if dY is not shaped as X or gamma is no column; ValueError if eps is not positive.
    Proof: derivations/instance_norm.py, claim instance_norm.dX.
    """
    tensor(AXES, X=X)
    column(X.shape[0], gamma=gamma)
    of_shape(tuple(X.shape), dY=dY)
    return group_norm.dX(X[:, None, :, :], gamma, dY[:, None, :, :], eps)[:, 0, :, :]


def dgamma(X: Array, dY: Array, eps: float = 1e-5) -> Array:
    """Gradient of the loss with respect to the gains: the sum over places and examples of dY X̂.

    Shapes: X (C, P, N), dY (C, P, N), eps () -> (C, 1)
    Units: loss per unit of gain.
    Errors: ShapeError if dY has not the shape of X; ValueError if eps is not positive.
    Proof: derivations/instance_norm.py, claim instance_norm.dgamma.
    """
    tensor(AXES, X=X)
    of_shape(tuple(X.shape), dY=dY)
    return group_norm.dgamma(X[:, None, :, :], dY[:, None, :, :], eps)


def dbeta(dY: Array) -> Array:
    """Gradient of the loss with respect to the shifts: the sum of dY over places and examples.

    Shapes: dY (C, P, N) -> (C, 1)
    Units: loss per unit of shift.
    Proof: derivations/instance_norm.py, claim instance_norm.dbeta.
    """
    tensor(AXES, dY=dY)
    return group_norm.dbeta(dY[:, None, :, :])
