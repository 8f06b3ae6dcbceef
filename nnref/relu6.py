"""ReLU6: A = min(6, max(0, Z)), with 0 as the derivative at both kinks."""

from nnref.arrays import namespace, real
from nnref.shapes import Array, matrix, same_shape

CUT = 6.0
"""Where it is cut off: that of Krizhevsky 2010."""


def forward(Z: Array) -> Array:
    """Every entry between 0 and 6 as it is, 0 below and 6 above.

    Complex numbers are decided on their real part, so that a complex step never leaves its side of a kink.

    Shapes: Z (n, N) -> (n, N)
    Proof: derivations/relu6.py, claim relu6.forward.  See Krizhevsky 2010, §2.2.
    """
    matrix(Z=Z)
    xp = namespace(Z)
    return xp.where(real(Z) <= 0, xp.zeros_like(Z), xp.where(real(Z) >= CUT, xp.zeros_like(Z) + CUT, Z))


def dZ(Z: Array, dA: Array) -> Array:
    """Gradient of the loss with respect to the input: dA where 0 < Z < 6, else 0.

    Shapes: Z (n, N), dA (n, N) -> (n, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if Z and dA differ in shape.
    Proof: derivations/relu6.py, claim relu6.dZ.  See Krizhevsky 2010, §2.2.
    """
    same_shape(Z=Z, dA=dA)
    xp = namespace(Z)
    # Beside 0 < Z < 6 the slope is 0, or nan, which must not turn into a 0.
    return xp.where((real(Z) > 0) & (real(Z) < CUT), dA, xp.where(real(Z) > 0, xp.zeros_like(Z), forward(Z)))
