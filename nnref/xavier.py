"""Xavier initialisation: weights of variance 2/(n + m), between what keeps the signal and what keeps the gradients."""

from math import sqrt
from numbers import Real


def scale(n: int, m: int) -> float:
    """The standard deviation √(2/(n + m)) for the weights of a layer from n neurons to m.

    Where uniform numbers between −a and a are drawn, a is √3 times it: √(6/(n + m)).

    Shapes: n (), m () -> ()
    Units: weight.
    Errors: ValueError if n or m is not a positive number.
    Proof: derivations/xavier.py, claim xavier.scale.  See Glorot & Bengio 2010, §4.2.1.

    >>> scale(30, 20)
    0.2
    """
    for name, count in (("n", n), ("m", m)):
        if not isinstance(count, Real) or not count >= 1:
            raise ValueError(f"{name} should be a number of neurons of the layer, at least one; {count!r} came.")
    return sqrt(2 / (n + m))
