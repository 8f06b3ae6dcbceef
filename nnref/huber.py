"""Huber's loss of an error, entry by entry: a square near 0, straight lines beyond ±δ."""

from nnref.arrays import namespace, real
from nnref.shapes import Array, matrix, positive, same_shape


def forward(E: Array, delta: float = 1.0) -> Array:
    """The loss of every error: E²/2 up to δ, and δ (|E| − δ/2) beyond.

    Shapes: E (n, N), delta () -> (n, N)
    Errors: ValueError if delta is not positive.
    Proof: derivations/huber.py, claim huber.forward.  See Huber 1964.
    """
    clipped = _clipped(E, delta)
    return clipped * (E - clipped / 2)


def dE(E: Array, dH: Array, delta: float = 1.0) -> Array:
    """Gradient of the loss with respect to the error: dH times the error clipped to ±δ.

    Shapes: E (n, N), dH (n, N), delta () -> (n, N)
    Units: loss per unit of error.
    Errors: ShapeError if E and dH differ in shape; ValueError if delta is not positive.
    Proof: derivations/huber.py, claim huber.dE.  See Huber 1964.
    """
    same_shape(E=E, dH=dH)
    return dH * _clipped(E, delta)


def _clipped(E: Array, delta: float) -> Array:
    """The error, or ±δ beyond δ; complex numbers are decided on their real part."""
    matrix(E=E)
    positive(delta=delta)
    xp = namespace(E)
    return xp.where(real(E) > delta, delta + 0 * E, xp.where(real(E) < -delta, -delta + 0 * E, E))
