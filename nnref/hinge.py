"""The hinge loss max(0, 1 − U) of a margin U = y z, entry by entry, with the derivative 0 at the kink."""

from nnref.arrays import namespace, real
from nnref.shapes import Array, matrix, same_shape


def forward(U: Array) -> Array:
    """What every margin falls short of 1.

    Shapes: U (n, N) -> (n, N)
    Proof: derivations/hinge.py, claim hinge.forward.  See Cortes & Vapnik 1995.
    """
    matrix(U=U)
    xp = namespace(U)
    return xp.where(real(U) >= 1, 0 * U, 1 - U)


def dU(U: Array, dH: Array) -> Array:
    """Gradient of the loss with respect to the margin: −dH where U < 1, else 0. With U = y z, dz is y times this.

    Shapes: U (n, N), dH (n, N) -> (n, N)
    Units: loss per unit of margin.
    Errors: ShapeError if U and dH differ in shape.
    Proof: derivations/hinge.py, claim hinge.dU.  See Cortes & Vapnik 1995.
    """
    same_shape(U=U, dH=dH)
    xp = namespace(U)
    return xp.where(real(U) < 1, -dH, 0 * dH)
