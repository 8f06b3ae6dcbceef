"""The rectifier: A = max(0, Z), with the derivative 0 at the kink."""

from nnref.arrays import is_complex, namespace, real
from nnref.shapes import Array, matrix, same_shape


def forward(Z: Array) -> Array:
    """The positive part of every entry, A = max(0, Z).

    Complex numbers are decided on their real part, so that a complex step never leaves its side of the kink.

    Shapes: Z (n, N) -> (n, N)
    Proof: derivations/relu.py, claim relu.forward.  See Goodfellow et al. 2016, §6.3.1.
    """
    matrix(Z=Z)
    xp = namespace(Z)
    # The maximum of complex numbers would be decided by their imaginary part at Z = 0; nan stays nan in both.
    return xp.where(real(Z) <= 0, 0, Z) if is_complex(Z) else xp.maximum(Z, 0)


def dZ(Z: Array, dA: Array) -> Array:
    """Gradient of the loss with respect to the input: dA where Z > 0, else 0.

    At Z = 0 there is no derivative; 0 is the subgradient chosen, here and wherever nnref says ReLU'(0).

    Shapes: Z (n, N), dA (n, N) -> (n, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if Z and dA differ in shape.
    Proof: derivations/relu.py, claim relu.dZ.  See Goodfellow et al. 2016, §6.3.
    """
    same_shape(Z=Z, dA=dA)
    xp = namespace(Z)
    # Beside the positive part forward(Z) is 0, and so is its slope, or nan, which must not turn into a 0.
    return xp.where(real(Z) > 0, dA, forward(Z))
