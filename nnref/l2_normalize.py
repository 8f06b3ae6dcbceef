"""L2 normalisation: every column over its length."""

from typing import Any

from nnref.arrays import namespace
from nnref.shapes import Array, alike, matrix, positive


def forward(X: Array, eps: float = 1e-12) -> Array:
    """Every column over the root of the sum of its squares and ε: X / √(Σ X² + ε).

    Shapes: X (n, N), eps () -> (n, N)
    Errors: ValueError if eps is not positive.
    Proof: derivations/l2_normalize.py, claim l2_normalize.forward.  See Ranjan, Castillo & Chellappa 2017, §4.
    """
    matrix(X=X)
    return X * _inverse_length(X, eps)


def dX(X: Array, dY: Array, eps: float = 1e-12) -> Array:
    """Gradient of the loss with respect to the input: r (dY − Y ⟨Y, dY⟩), column by column.

    Shapes: X (n, N), dY (n, N), eps () -> (n, N)
    Units: loss per unit of input.
    Errors: ShapeError if dY has not the shape of X; ValueError if eps is not positive.
    Proof: derivations/l2_normalize.py, claim l2_normalize.dX.
    """
    matrix(X=X)
    alike(X=X, dY=dY)
    r = _inverse_length(X, eps)
    Y = X * r
    return r * (dY - Y * namespace(X).sum(Y * dY, axis=0, keepdims=True))


def _inverse_length(X: Array, eps: float) -> Any:
    """One over the length of each column."""
    positive(eps=eps)
    xp = namespace(X)
    return 1 / xp.sqrt(xp.sum(X * X, axis=0, keepdims=True) + eps)
