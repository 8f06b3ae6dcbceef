"""SiLU, or swish: A = Z σ(Z), and its gradient σ(Z) (1 + Z (1 − σ(Z))) dA."""

from nnref import sigmoid
from nnref.shapes import Array, matrix, same_shape


def forward(Z: Array) -> Array:
    """Every entry times its own sigmoid, A = Z σ(Z).

    Shapes: Z (n, N) -> (n, N)
    Proof: derivations/silu.py, claim silu.forward.  See Elfwing, Uchibe & Doya 2018, §2.1.
    """
    matrix(Z=Z)
    # The stable sigmoid, so that a large negative Z gives 0 and not nan.
    return Z * sigmoid.forward(Z)


def dZ(Z: Array, dA: Array) -> Array:
    """Gradient of the loss with respect to the input: σ(Z) (1 + Z (1 − σ(Z))) dA.

    It needs the input: two inputs may have one output, with slopes of opposite signs.

    Shapes: Z (n, N), dA (n, N) -> (n, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if Z and dA differ in shape.
    Proof: derivations/silu.py, claim silu.dZ.  See Elfwing, Uchibe & Doya 2018, §2.1.
    """
    same_shape(Z=Z, dA=dA)
    S = sigmoid.forward(Z)
    return S * (1 + Z * (1 - S)) * dA
