"""The hyperbolic tangent: A = tanh Z, and its gradient (1 − A²) dA."""

from nnref.arrays import namespace
from nnref.shapes import Array, matrix, same_shape


def forward(Z: Array) -> Array:
    """The hyperbolic tangent of every entry, A = (exp Z − exp(−Z)) / (exp Z + exp(−Z)).

    Shapes: Z (n, N) -> (n, N)
    Proof: derivations/tanh.py, claim tanh.forward.  See Goodfellow et al. 2016, §6.3.2.
    """
    matrix(Z=Z)
    xp = namespace(Z)
    # tanh itself, not the quotient of exponentials, which is inf / inf beyond |Z| = 710.
    return xp.tanh(Z)


def dZ(A: Array, dA: Array) -> Array:
    """Gradient of the loss with respect to the input, from the output A: (1 − A²) dA.

    Shapes: A (n, N), dA (n, N) -> (n, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if A and dA differ in shape.
    Proof: derivations/tanh.py, claim tanh.dZ.  See Goodfellow et al. 2016, §6.3.2.
    """
    same_shape(A=A, dA=dA)
    return (1 - A * A) * dA
