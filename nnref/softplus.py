"""Softplus: A = log(1 + exp Z), and its gradient σ(Z) dA."""

from nnref import sigmoid
from nnref.arrays import namespace, real
from nnref.shapes import Array, matrix, same_shape


def forward(Z: Array) -> Array:
    """The logarithm of 1 + exp Z, entry by entry: max(0, Z) + log(1 + exp(−|Z|)).

    Shapes: Z (n, N) -> (n, N)
    Proof: derivations/softplus.py, claim softplus.forward.  See Dugas et al. 2001, §3.
    """
    matrix(Z=Z)
    # exp of a number that is never positive cannot overflow. log(1 + E) is 2 artanh(E / (2 + E)), which keeps all
    # digits of a small E for complex numbers too; numpy's log1p of a complex number loses them.
    xp, positive = namespace(Z), real(Z) > 0
    E = xp.exp(xp.where(positive, -Z, Z))
    return xp.where(positive, Z, 0) + 2 * xp.atanh(E / (2 + E))


def dZ(Z: Array, dA: Array) -> Array:
    """Gradient of the loss with respect to the input: σ(Z) dA.

    Shapes: Z (n, N), dA (n, N) -> (n, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if Z and dA differ in shape.
    Proof: derivations/softplus.py, claim softplus.dZ.  See Dugas et al. 2001, §3.
    """
    same_shape(Z=Z, dA=dA)
    return sigmoid.forward(Z) * dA
