"""The leaky rectifier: A = Z above 0 and a small part of Z below, with that part as the derivative at the kink."""

from nnref.arrays import namespace, real
from nnref.shapes import Array, matrix, same_shape

SLOPE = 0.01
"""The slope below 0 where none is chosen: that of Maas, Hannun & Ng 2013."""


def forward(Z: Array, kappa: float = SLOPE) -> Array:
    """Every entry where it is positive, and kappa times it elsewhere.

    Complex numbers are decided on their real part, so that a complex step never leaves its side of the kink.

    Shapes: Z (n, N), kappa () -> (n, N)
    Proof: derivations/leaky_relu.py, claim leaky_relu.forward.  See Maas, Hannun & Ng 2013.
    """
    matrix(Z=Z)
    return namespace(Z).where(real(Z) > 0, Z, kappa * Z)


def dZ(Z: Array, dA: Array, kappa: float = SLOPE) -> Array:
    """Gradient of the loss with respect to the input: dA where Z > 0, else kappa times dA.

    At Z = 0 there is no derivative; kappa is the one-sided one chosen, as ReLU'(0) = 0 is.

    Shapes: Z (n, N), dA (n, N), kappa () -> (n, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if Z and dA differ in shape.
    Proof: derivations/leaky_relu.py, claim leaky_relu.dZ.  See Maas, Hannun & Ng 2013.
    """
    same_shape(Z=Z, dA=dA)
    xp = namespace(Z)
    # What is on neither side of 0 is nan, which must not turn into a number.
    return xp.where(real(Z) > 0, dA, xp.where(real(Z) <= 0, kappa * dA, Z))
