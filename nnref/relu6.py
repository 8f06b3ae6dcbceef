"""ReLU6: Y = min(6, max(0, X)), with 0 as the derivative at both kinks."""

from nnref.arrays import namespace, real
from nnref.layer import Layer, activation_layer
from nnref.shapes import Array, matrix, same_shape

CUT = 6.0
"""Where it is cut off: that of Krizhevsky 2010."""


def forward(X: Array) -> Array:
    """Every entry between 0 and 6 as it is, 0 below and 6 above.

    Complex numbers are decided on their real part, so that a complex step never leaves its side of a kink.

    Shapes: X (n, N) -> (n, N)
    Proof: derivations/relu6.py, claim relu6.forward.  See Krizhevsky 2010, §2.2.
    """
    matrix(X=X)
    xp = namespace(X)
    return xp.where(real(X) <= 0, xp.zeros_like(X), xp.where(real(X) >= CUT, xp.zeros_like(X) + CUT, X))


def dX(X: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the input: dY where 0 < X < 6, else 0.

    Shapes: X (n, N), dY (n, N) -> (n, N)
    Units: loss per unit of input.
    Errors: ShapeError if X and dY differ in shape.
    Proof: derivations/relu6.py, claim relu6.dX.  See Krizhevsky 2010, §2.2.
    """
    same_shape(X=X, dY=dY)
    xp = namespace(X)
    # Beside 0 < X < 6 the slope is 0, or nan, which must not turn into a 0.
    return xp.where((real(X) > 0) & (real(X) < CUT), dY, xp.where(real(X) > 0, xp.zeros_like(X), forward(X)))


def layer() -> Layer:
    """The layer, which learns nothing."""
    return activation_layer("relu6", forward, lambda A, Z, dZ: dX(A, dZ))
