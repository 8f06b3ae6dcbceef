"""Inverted dropout with its mask given: what is kept is divided by the share that is kept."""

from nnref.shapes import Array, formula, same_shape


def forward(X: Array, mask: Array, rate: float) -> Array:
    """X where the mask is 1, over 1 − rate, and 0 where it is 0. The mask is given, so that nothing is random here.

    Shapes: X (n, N), mask (n, N), rate () -> (n, N)
    Errors: ShapeError if X and the mask differ in shape; ValueError if rate is not in [0, 1).
    Proof: derivations/dropout.py, claim dropout.forward.  See Srivastava et al. 2014, §10.
    """
    same_shape(X=X, mask=mask)
    return X * mask / _kept(rate)


def dX(mask: Array, dY: Array, rate: float) -> Array:
    """Gradient of the loss with respect to the input: dY under the same mask, over the same 1 − rate.

    Shapes: mask (n, N), dY (n, N), rate () -> (n, N)
    Units: loss per unit of input.
    Errors: ShapeError if the mask and dY differ in shape; ValueError if rate is not in [0, 1).
    Proof: derivations/dropout.py, claim dropout.dX.
    """
    same_shape(mask=mask, dY=dY)
    return dY * mask / _kept(rate)


def _kept(rate: float) -> float:
    """The share that is kept."""
    if not 0 <= rate < 1:
        raise ValueError(f"{formula()}rate, the share that is dropped, should lie in [0, 1); {rate} came. Try 0.5.")
    return 1 - rate
