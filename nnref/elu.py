"""The exponential linear unit: A = Z above 0 and α (exp Z − 1) below, and its gradient."""

from nnref.arrays import namespace, real
from nnref.shapes import Array, matrix, positive, same_shape


def forward(Z: Array, alpha: float = 1.0) -> Array:
    """Every entry where it is positive, and alpha (exp Z − 1) elsewhere.

    Complex numbers are decided on their real part, so that a complex step never leaves its side of 0.

    Shapes: Z (n, N), alpha () -> (n, N)
    Errors: ValueError if alpha is not positive.
    Proof: derivations/elu.py, claim elu.forward.  See Clevert, Unterthiner & Hochreiter 2016.
    """
    matrix(Z=Z)
    positive(alpha=alpha)
    xp = namespace(Z)
    # exp of a number that is never positive cannot overflow; expm1 keeps the digits that exp Z − 1 loses near 0.
    return xp.where(real(Z) > 0, Z, alpha * xp.expm1(xp.where(real(Z) > 0, xp.zeros_like(Z), Z)))


def dZ(Z: Array, dA: Array, alpha: float = 1.0) -> Array:
    """Gradient of the loss with respect to the input: dA where Z > 0, else alpha exp Z times dA.

    At Z = 0 there is no derivative unless alpha is 1; alpha is the one-sided one chosen, as ReLU'(0) = 0 is.

    Shapes: Z (n, N), dA (n, N), alpha () -> (n, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if Z and dA differ in shape; ValueError if alpha is not positive.
    Proof: derivations/elu.py, claim elu.dZ.  See Clevert, Unterthiner & Hochreiter 2016.
    """
    same_shape(Z=Z, dA=dA)
    positive(alpha=alpha)
    xp = namespace(Z)
    return xp.where(real(Z) > 0, dA, alpha * xp.exp(xp.where(real(Z) > 0, xp.zeros_like(Z), Z)) * dA)
