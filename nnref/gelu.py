"""GELU: A = Z Φ(Z), with Φ the normal distribution function, and its gradient (Φ(Z) + Z φ(Z)) dA."""

from math import pi, sqrt

from nnref.arrays import erf, namespace
from nnref.shapes import Array, matrix, same_shape

ROOT_2 = sqrt(2)
"""√2, as a Python number, so that it leaves the dtype of the array as it is."""

ROOT_2_PI = sqrt(2 * pi)
"""√(2π), by which exp(−z²/2) is divided to be a density."""


def forward(Z: Array) -> Array:
    """Every entry times the normal distribution function at it, A = Z (1 + erf(Z / √2)) / 2: the exact form.

    Shapes: Z (n, N) -> (n, N)
    Proof: derivations/gelu.py, claim gelu.forward.  See Hendrycks & Gimpel 2016, §2.
    """
    matrix(Z=Z)
    return Z * (1 + erf(Z / ROOT_2)) / 2


def dZ(Z: Array, dA: Array) -> Array:
    """Gradient of the loss with respect to the input: (Φ(Z) + Z φ(Z)) dA, with φ the normal density.

    Shapes: Z (n, N), dA (n, N) -> (n, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if Z and dA differ in shape.
    Proof: derivations/gelu.py, claim gelu.dZ.  See Hendrycks & Gimpel 2016, §2.
    """
    same_shape(Z=Z, dA=dA)
    Phi = (1 + erf(Z / ROOT_2)) / 2
    density = namespace(Z).exp(-Z * Z / 2) / ROOT_2_PI
    return (Phi + Z * density) * dA
