"""The logistic sigmoid: A = 1 / (1 + exp(−Z)), and its gradient A (1 − A) dA."""

from nnref.arrays import namespace, real
from nnref.shapes import Array, matrix, same_shape


def forward(Z: Array) -> Array:
    """The logistic function of every entry, A = 1 / (1 + exp(−Z)).

    Shapes: Z (n, N) -> (n, N)
    Proof: derivations/sigmoid.py, claim sigmoid.forward.  See Goodfellow et al. 2016, §3.10.
    """
    matrix(Z=Z)
    xp = namespace(Z)
    # exp of a number that is never positive cannot overflow: exp(−|z|) serves both signs of z.
    positive = real(Z) >= 0
    E = xp.exp(xp.where(positive, -Z, Z))
    return xp.where(positive, 1, E) / (1 + E)


def dZ(A: Array, dA: Array) -> Array:
    """Gradient of the loss with respect to the input, from the output A: A (1 − A) dA.

    Shapes: A (n, N), dA (n, N) -> (n, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if A and dA differ in shape.
    Proof: derivations/sigmoid.py, claim sigmoid.dZ.  See Goodfellow et al. 2016, §3.10.
    """
    same_shape(A=A, dA=dA)
    return A * (1 - A) * dA
