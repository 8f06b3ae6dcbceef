"""The exponential linear unit: Y = X above 0 and α (exp X − 1) below, and its gradient."""

from nnref.arrays import namespace, real
from nnref.layer import Layer, activation_layer
from nnref.shapes import Array, matrix, same_shape


def forward(X: Array, alpha: float = 1.0) -> Array:
    """Every entry where it is positive, and alpha (exp X − 1) elsewhere.

    Complex numbers are decided on their real part, so that a complex step never leaves its side of the kink.

    Shapes: X (n, N), alpha () -> (n, N)
    Proof: derivations/elu.py, claim elu.forward.  See Clevert, Unterthiner & Hochreiter 2016.
    """
    matrix(X=X)
    xp = namespace(X)
    # exp of a number that is never positive cannot overflow; expm1 keeps the digits that exp X − 1 loses near 0.
    return xp.where(real(X) > 0, X, alpha * xp.expm1(xp.where(real(X) > 0, xp.zeros_like(X), X)))


def dX(X: Array, dY: Array, alpha: float = 1.0) -> Array:
    """Gradient of the loss with respect to the input: dY where X > 0, else alpha exp X times dY.

    At X = 0 there is no derivative unless alpha is 1; alpha is the one-sided one chosen, as ReLU'(0) = 0 is.

    Shapes: X (n, N), dY (n, N), alpha () -> (n, N)
    Units: loss per unit of input.
    Errors: ShapeError if X and dY differ in shape.
    Proof: derivations/elu.py, claim elu.dX.  See Clevert, Unterthiner & Hochreiter 2016.
    """
    same_shape(X=X, dY=dY)
    xp = namespace(X)
    return xp.where(real(X) > 0, dY, alpha * xp.exp(xp.where(real(X) > 0, xp.zeros_like(X), X)) * dY)


def layer(alpha: float = 1.0) -> Layer:
    """The layer, which learns nothing."""
    return activation_layer("elu", lambda A: forward(A, alpha), lambda A, Z, dZ: dX(A, dZ, alpha), alpha=alpha)
