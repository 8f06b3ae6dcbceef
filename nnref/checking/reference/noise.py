"""The unit of error: what rounding alone may do to each entry of the reference network's gradient.

A difference is judged as |a − truth| / (u S), with u the unit roundoff of the precision in use and S the running-error
scale: the sum of the sizes of everything that was rounded on the way, each carried to the gradient by the derivative of
what follows (Higham 2002, §3.1 and §3.3). A relative error would call right entries wrong that are small because large
terms cancelled; an absolute one would pass small entries that are wrong. docs/lies/scale.md derives every line of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from nnref.checking.operations import softmax_cross_entropy
from nnref.checking.operations.record import errors
from nnref.checking.operations.rounding import SAFE, Precision
from nnref.layer import Affine
from nnref.network import Layers, Parameters, activations, rounded
from nnref.parameters import LayerParameters
from nnref.precision import unit
from nnref.shapes import Array

__all__ = ["SAFE", "allowed", "multiples", "scale", "unit"]


def allowed(layers: Layers, theta: Parameters, N: int) -> float:
    """The multiple of u S that rounding may reach: max(4, k + 2), with k the length of the longest sum.

    S counts each term of a sum once, but a product and k additions, one of them of a bias, round it: (1 + u)^(k + 1).
    √k would do if roundings were independent (Higham & Mary 2019); they are not where equal terms are added, or tiny
    ones to a large one, and correct code is not to be called wrong for that. Sums run over a layer's inputs, over its
    outputs going back, over the classes and over the batch.
    """
    longest = max([N, *(n for theta_l in theta if isinstance(theta_l, Affine) for n in theta_l.W.shape)])
    return max(SAFE, longest + 2.0)


def multiples(yours: Array, truth: Array, S: Array, dtype: DTypeLike, floor: float = 0.0) -> Array:
    """|yours − truth| / (u S), for a truth that was itself rounded in float64 and may have lost what is below floor.

    Where S = 0 nothing was rounded: any difference at all is infinitely many units.
    """
    difference = abs(yours.astype("float64") - truth)
    rounding = np.where(S > 0, (unit(dtype) + unit("float64")) * S + floor, 1.0)
    return np.where(S > 0, difference / rounding, np.where(difference == 0, 0.0, np.inf))


def scale(layers: Layers, theta: Parameters, X: Array, Y: Array, dtype: DTypeLike) -> Parameters:
    """The running-error scale S of every entry of the gradient, for a pass carried out in dtype.

    Each operation's record says how it rounds. No backward code is used, so that a wrong backward pass cannot enlarge
    its own tolerance.

    Shapes: X (n0, N), Y (n_L, N) -> a scale shaped like theta, float64; 0 where every term is exactly 0
    Errors: Unknown for an operation that has no record, or whose record does not say how it rounds.
    See docs/lies/scale.md for the derivation.
    """
    theta = tuple(rounded(theta_l, "float64") for theta_l in theta)
    A = activations(layers, theta, X.astype("float64"))
    precision = Precision.of(dtype, allowed(layers, theta, X.shape[1]))
    E_A = [np.zeros_like(A[0])]
    for l, theta_l in enumerate(theta):
        E_A.append(errors(layers[l].name).forward(theta_l, A[l], E_A[l], A[l + 1], precision))
    dA, E_dA = softmax_cross_entropy.RECORD.error(A[-1], E_A[-1], Y, precision)
    S: list[LayerParameters] = []
    for l, theta_l in reversed(list(enumerate(theta))):
        backward = errors(layers[l].name).backward
        S_l, dA, E_dA = backward(theta_l, A[l], E_A[l], A[l + 1], E_A[l + 1], dA, E_dA, precision)
        S.append(S_l)
    return tuple(reversed(S))
