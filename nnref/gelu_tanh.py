"""GELU's tanh form: Y = X (1 + tanh(√(2/π) (X + 0.044715 X³))) / 2, another function than X Φ(X), and its gradient."""

from math import pi, sqrt

from nnref.arrays import namespace
from nnref.layer import Layer, activation_layer
from nnref.shapes import Array, matrix, same_shape

ROOT = sqrt(2 / pi)
"""√(2/π), as a Python number, so that it leaves the dtype of the array as it is."""

CUBIC = 0.044715
"""The factor of the cubic term: that of Hendrycks & Gimpel 2016."""


def forward(X: Array) -> Array:
    """Half of every entry times 1 and the tanh of a cubic in it: within 5e-4 of the exact form.

    Shapes: X (n, N) -> (n, N)
    Proof: derivations/gelu_tanh.py, claim gelu_tanh.forward.  See Hendrycks & Gimpel 2016, §2.
    """
    matrix(X=X)
    return X * (1 + _tanh(X)) / 2


def dX(X: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the input: ((1 + T)/2 + X/2 (1 − T²) √(2/π) (1 + 3 · 0.044715 X²)) dY.

    Shapes: X (n, N), dY (n, N) -> (n, N)
    Units: loss per unit of input.
    Errors: ShapeError if X and dY differ in shape.
    Proof: derivations/gelu_tanh.py, claim gelu_tanh.dX.  See Hendrycks & Gimpel 2016, §2.
    """
    same_shape(X=X, dY=dY)
    T = _tanh(X)
    return ((1 + T) / 2 + X / 2 * (1 - T * T) * ROOT * (1 + 3 * CUBIC * X * X)) * dY


def layer() -> Layer:
    """The layer, which learns nothing."""
    return activation_layer("gelu_tanh", forward, lambda A, Z, dZ: dX(A, dZ))


def _tanh(X: Array) -> Array:
    """The tanh of the cubic."""
    T: Array = namespace(X).tanh(ROOT * (X + CUBIC * X * X * X))
    return T
