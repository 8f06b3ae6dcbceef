"""GELU's tanh form: A = Z (1 + tanh(√(2/π) (Z + 0.044715 Z³))) / 2, another function than Z Φ(Z), and its gradient."""

from math import pi, sqrt

from nnref.arrays import namespace
from nnref.shapes import Array, matrix, same_shape

ROOT = sqrt(2 / pi)
"""√(2/π), as a Python number, so that it leaves the dtype of the array as it is."""

CUBIC = 0.044715
"""The factor of the cubic term: that of Hendrycks & Gimpel 2016."""


def forward(Z: Array) -> Array:
    """Half of every entry times 1 and the tanh of a cubic in it: within 5e-4 of the exact form.

    Shapes: Z (n, N) -> (n, N)
    Proof: derivations/gelu_tanh.py, claim gelu_tanh.forward.  See Hendrycks & Gimpel 2016, §2.
    """
    matrix(Z=Z)
    return Z * (1 + _tanh(Z)) / 2


def dZ(Z: Array, dA: Array) -> Array:
    """Gradient of the loss with respect to the input: ((1 + T)/2 + Z/2 (1 − T²) √(2/π) (1 + 3 · 0.044715 Z²)) dA.

    Shapes: Z (n, N), dA (n, N) -> (n, N)
    Units: loss per unit of weighted sum.
    Errors: ShapeError if Z and dA differ in shape.
    Proof: derivations/gelu_tanh.py, claim gelu_tanh.dZ.  See Hendrycks & Gimpel 2016, §2.
    """
    same_shape(Z=Z, dA=dA)
    T = _tanh(Z)
    return ((1 + T) / 2 + Z / 2 * (1 - T * T) * ROOT * (1 + 3 * CUBIC * Z * Z)) * dA


def _tanh(Z: Array) -> Array:
    """The tanh of the cubic."""
    T: Array = namespace(Z).tanh(ROOT * (Z + CUBIC * Z * Z * Z))
    return T
