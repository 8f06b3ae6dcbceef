"""He initialisation: weights of variance 2/n keep the size of the signal through a rectified layer."""

from math import sqrt
from numbers import Real


def scale(n: int) -> float:
    """The standard deviation √(2/n) for the weights of a layer whose input has n neurons.

    A rectifier halves the mean square of what passes through it; the 2 gives it back.

    Shapes: n () -> ()
    Units: weight.
    Errors: ValueError if n is not a positive number.
    Proof: derivations/he.py, claim he.scale.  See He et al. 2015, arXiv:1502.01852, §2.2.

    >>> scale(50)
    0.2
    """
    if not isinstance(n, Real) or not n >= 1:
        raise ValueError(f"n should be the number of input neurons of the layer, at least one; {n!r} came.")
    return sqrt(2 / n)
