"""The unit of error: what rounding alone may do to each entry of the reference network's gradient.

A difference is judged as |a − truth| / (u S), with u the unit roundoff of the precision in use and S the running-error
scale: the sum of the sizes of everything that was rounded on the way, each carried to the gradient by the derivative of
what follows (Higham 2002, §3.1 and §3.3). A relative error would cry wolf on entries that are small because large terms
cancelled, and an absolute one would pass wrong entries that are small.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import DTypeLike

from nnref import softmax
from nnref.layer import Affine, LayerParameters
from nnref.network import Layers, Parameters, activations, rounded
from nnref.shapes import Array

SAFE = 4.0
"""The least multiple of u S that is allowed: each term of S stands for at most four roundings."""


def unit(dtype: DTypeLike) -> float:
    """The unit roundoff u: the largest relative error of one rounding, half the gap between 1 and the next number.

    >>> unit("float32") == 2.0**-24
    True
    """
    return float(np.finfo(dtype).eps) / 2


def allowed(layers: Layers, theta: Parameters, N: int) -> float:
    """The multiple of u S that rounding may reach: max(4, 2 √k), with k the length of the longest sum.

    S counts each term of a sum once, but a sum of k terms is rounded k times. Were the k roundings independent, each
    uniform within u of a partial sum of like-signed terms, their total would have a standard deviation of
    (√k / 3) u Σ|terms|, and 2 √k is six of those. Sums run over a layer's inputs, over its outputs going back, over the
    classes and over the batch.
    """
    longest = max([N, *(n for theta_l in theta if isinstance(theta_l, Affine) for n in theta_l.W.shape)])
    return max(SAFE, 2 * sqrt(longest))


def multiples(yours: Array, truth: Array, S: Array, dtype: DTypeLike, floor: float = 0.0) -> Array:
    """|yours − truth| / (u S), for a truth that was itself rounded in float64 and may have lost what is below floor.

    Where S = 0 nothing was rounded: any difference at all is infinitely many units.
    """
    difference = abs(yours.astype("float64") - truth)
    rounding = np.where(S > 0, (unit(dtype) + unit("float64")) * S + floor, 1.0)
    return np.where(S > 0, difference / rounding, np.where(difference == 0, 0.0, np.inf))


def scale(layers: Layers, theta: Parameters, X: Array, Y: Array, dtype: DTypeLike) -> Parameters:
    """The running-error scale S of every entry of the gradient, for a pass carried out in dtype.

    Errors are in units of u. E[l] is the error of A[l], to first order; D is |dA| and E_D its error. Nothing of the
    backward code is used, so that a wrong backward pass cannot excuse itself.

    Shapes: X (n0, N), Y (n_L, N) -> a scale shaped like theta, float64; 0 where every term is exactly 0
    """
    theta = tuple(rounded(theta_l, "float64") for theta_l in theta)
    A = activations(layers, theta, X.astype("float64"))
    E = [np.zeros_like(A[0])]
    for layer, theta_l, A_in, A_out in zip(layers, theta, A, A[1:], strict=False):
        E.append(error_forward(layer.name, theta_l, A_in, E[-1], A_out, dtype))
    dA, E_dA = error_of_loss(A[-1], E[-1], Y, dtype)
    S: list[LayerParameters] = []
    for l in reversed(range(len(layers))):
        theta_l = theta[l]
        if isinstance(theta_l, Affine):
            D = abs(dA)
            S.append(
                Affine(
                    W=underflow(D @ (abs(A[l]) + E[l]).T + E_dA @ abs(A[l]).T, dtype, len(dA[0])),
                    b=(D + E_dA).sum(axis=1, keepdims=True),
                )
            )
            dA, E_dA = theta_l.W.T @ dA, underflow(abs(theta_l.W.T) @ (D + E_dA), dtype, len(dA))
        else:
            S.append(())
            slope, E_slope = error_of_slope(layers[l].name, A[l], A[l + 1], E[l + 1])
            # Where a saturated slope cancels to 0, its own error is all there is: u E_slope E_dA is kept for it.
            E_dA = (abs(slope) + unit(dtype) * E_slope) * E_dA + abs(dA) * E_slope + abs(slope * dA)
            E_dA = underflow(E_dA, dtype, 2)
            dA = slope * dA
    return tuple(reversed(S))


def underflow(S: Array, dtype: DTypeLike, terms: int) -> Array:
    """S with room for so many terms below the smallest normal number, which keep fewer digits than u promises."""
    return np.where(S > 0, S + terms * float(np.finfo(dtype).tiny), S)


def error_forward(name: str, theta: LayerParameters, A: Array, E: Array, Z: Array, dtype: DTypeLike) -> Array:
    """The error of a layer's output Z from that of its input A, plus what the layer itself rounds."""
    if isinstance(theta, Affine):
        return abs(theta.W) @ (abs(A) + E) + abs(theta.b)
    slope, _ = error_of_slope(name, A, Z, np.zeros_like(Z))
    # A rectifier rounds nothing; exp, the sum and the quotient of a sigmoid, and tanh, round their result.
    return abs(slope) * E if name == "relu" else underflow(abs(slope) * E + 2 * abs(Z), dtype, 2)


def error_of_slope(name: str, Z: Array, A: Array, E: Array) -> tuple[Array, Array]:
    """The activation's derivative at Z, and its error where it is computed from the output A, whose error is E.

    1 − A² and A (1 − A) cancel where A is near ±1 or 1: their error is that of A, however small they are.
    """
    if name == "relu":
        return (Z > 0).astype("float64"), np.zeros_like(A)
    if name == "tanh":
        return 1 - A * A, 1 + A * A + 2 * abs(A) * E
    if name == "sigmoid":
        return A * (1 - A), abs(1 - 2 * A) * E + A
    if name.startswith("leaky"):
        return np.where(Z > 0, 1.0, float(name.split()[1])), np.zeros_like(A)
    raise ValueError(f"the running-error scale knows relu, leaky, tanh and sigmoid; {name!r} came.")


def error_of_loss(Z: Array, E: Array, Y: Array, dtype: DTypeLike) -> tuple[Array, Array]:
    """(P − Y) / N and its error: exp turns the absolute error of z − max z into a relative one."""
    N = Z.shape[1]
    P = softmax.forward(Z)
    shifted = Z - Z.max(axis=0, keepdims=True)
    E_P = P * (1 + abs(shifted) + E + (P * E).sum(axis=0)) + float(np.finfo(dtype).tiny)  # exp may underflow to 0
    dZ = (P - Y) / N
    return dZ, E_P / N + abs(dZ)
