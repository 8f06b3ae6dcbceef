"""The unit of error: what rounding alone may do to each entry of the reference network's gradient.

A difference is judged as |a − truth| / (u S), with u the unit roundoff of the precision in use and S the running-error
scale: the sum of the sizes of everything that was rounded on the way, each carried to the gradient by the derivative of
what follows (Higham 2002, §3.1 and §3.3). A relative error would cry wolf on entries that are small because large terms
cancelled, and an absolute one would pass wrong entries that are small. docs/lies/noise.md derives every line of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from nnref import softmax
from nnref.layer import Affine
from nnref.network import Layers, Parameters, activations, rounded
from nnref.parameters import LayerParameters
from nnref.shapes import Array

SAFE = 4.0
"""The least multiple of u S that is allowed: a term of S outside a sum stands for at most four roundings."""


def unit(dtype: DTypeLike) -> float:
    """The unit roundoff u: the largest relative error of one rounding, half the gap between 1 and the next number.

    >>> unit("float32") == 2.0**-24
    True
    """
    return float(np.finfo(dtype).eps) / 2


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

    E_x is the error of x in units of u; c is the multiple of it that rounding may really cause. Nothing of the backward
    code is used, so that a wrong backward pass cannot excuse itself.

    Shapes: X (n0, N), Y (n_L, N) -> a scale shaped like theta, float64; 0 where every term is exactly 0
    See docs/lies/noise.md for the derivation.
    """
    theta = tuple(rounded(theta_l, "float64") for theta_l in theta)
    A = activations(layers, theta, X.astype("float64"))
    c = allowed(layers, theta, X.shape[1])
    E_A = [np.zeros_like(A[0])]
    for l, theta_l in enumerate(theta):
        E_A.append(error_forward(layers[l].name, theta_l, A[l], E_A[l], A[l + 1], dtype, c))
    dA, E_dA = error_of_loss(A[-1], E_A[-1], Y, dtype, c)
    S: list[LayerParameters] = []
    for l, theta_l in reversed(list(enumerate(theta))):
        if isinstance(theta_l, Affine):
            dZ, E_dZ = dA, E_dA
            S.append(
                Affine(
                    W=error_of_product(dZ, E_dZ, A[l].T, E_A[l].T, dtype, c),
                    b=(size(dZ, E_dZ, dtype, c) + E_dZ).sum(axis=1, keepdims=True),
                )
            )
            dA = theta_l.W.T @ dZ
            E_dA = error_of_product(theta_l.W.T, np.zeros_like(theta_l.W.T), dZ, E_dZ, dtype, c)
        else:
            S.append(())
            dA, E_dA = error_backward(layers[l].name, A[l], A[l + 1], E_A[l + 1], dA, E_dA, dtype, c)
    return tuple(reversed(S))


def size(x: Array, E_x: Array, dtype: DTypeLike, c: float = SAFE) -> Array:
    """The largest that x may have been computed as: |x| and its reach, c u E_x."""
    return abs(x) + c * unit(dtype) * E_x


def underflow(dtype: DTypeLike) -> float:
    """What a product loses below the smallest normal number, in units of u."""
    return float(np.finfo(dtype).tiny)


def error_of_product(x: Array, E_x: Array, y: Array, E_y: Array, dtype: DTypeLike, c: float = SAFE) -> Array:
    """The error of the matrix product x y: of multiplying and adding, and of each factor times the other."""
    terms = ((abs(x) + E_x) > 0).astype("float64") @ ((abs(y) + E_y) > 0)
    return size(x, E_x, dtype, c) @ (size(y, E_y, dtype, c) + E_y) + E_x @ abs(y) + underflow(dtype) * terms


def piecewise_linear(name: str) -> bool:
    """Whether the activation is a rectifier, plain or leaky."""
    return name == "relu" or name.startswith("leaky")


def bend(name: str, Z: Array) -> Array:
    """The slope of a rectifier: 1 where Z > 0, else 0, or what the leaky one is named after, as in "leaky 0.01"."""
    return np.where(Z > 0, 1.0, 0.0 if name == "relu" else float(name.split()[1]))


def error_forward(
    name: str, theta: LayerParameters, A: Array, E: Array, Z: Array, dtype: DTypeLike, c: float = SAFE
) -> Array:
    """The error of a layer's output Z from that of its input A, plus what the layer itself rounds."""
    if isinstance(theta, Affine):
        return error_of_product(theta.W, np.zeros_like(theta.W), A, E, dtype, c) + abs(theta.b)
    if piecewise_linear(name):
        # The slope is exact; where it is neither 0 nor 1, the product with it is rounded.
        slope = bend(name, A)
        return slope * E + np.where((slope > 0) & (slope < 1), abs(Z), 0.0)
    # The slope is the steepest within reach. 2 |Z|: numpy's exp and tanh err by 3 units in the last place, 6 u, and a
    # sigmoid adds and divides: 8 u.
    return steepest(name, abs(A) - c * unit(dtype) * E) * E + 2 * (abs(Z) + underflow(dtype) * (abs(Z) + E > 0))


def error_of_slope(name: str, Z: Array, A: Array, E: Array, reach: float = 0.0) -> tuple[Array, Array]:
    """The activation's derivative at Z, and its error where it is computed from the output A, whose error is E.

    1 − A² and A (1 − A) cancel where A is near ±1 or 1: their error is that of A, however small they are. reach is c u,
    by which E is multiplied where it is squared.
    """
    if piecewise_linear(name):
        return bend(name, Z), np.zeros_like(A)
    if name == "tanh":
        return 1 - A * A, 1 + (2 * abs(A) + reach * E) * E
    return A * (1 - A), A * (1 - A) + (abs(1 - 2 * A) + reach * E) * E


def error_backward(
    name: str, Z: Array, A: Array, E_A: Array, dA: Array, E_dA: Array, dtype: DTypeLike, c: float = SAFE
) -> tuple[Array, Array]:
    """The gradient dZ = f'(Z) dA and its error."""
    slope, E_slope = error_of_slope(name, Z, A, E_A, c * unit(dtype))
    if piecewise_linear(name):
        return slope * dA, slope * E_dA + np.where((slope > 0) & (slope < 1), abs(slope * dA), 0.0)
    E_dZ = slope * E_dA + (E_slope + size(slope, E_slope, dtype, c)) * size(dA, E_dA, dtype, c)
    return slope * dA, E_dZ + underflow(dtype) * (abs(dA) + E_dA > 0)


def error_of_loss(Z: Array, E: Array, Y: Array, dtype: DTypeLike, c: float = SAFE) -> tuple[Array, Array]:
    """The gradient dZ = (P − Y) / N and its error: exp turns the absolute error of z − max z into a relative one."""
    N, reach = Z.shape[1], c * unit(dtype)
    shifted = Z - Z.max(axis=0, keepdims=True)
    log_P = shifted - softmax.log_sum_exp(shifted)
    P = np.exp(log_P)
    r = reach * (2 + abs(shifted) + E)
    # P_i becomes P_i exp δ_i / Σ P_k exp δ_k with |δ| ≤ r: its logarithm moves by r_i + log Σ P_k exp r_k at most.
    moves = r + np.logaddexp(0, softmax.log_sum_exp(log_P + log_expm1(r)))
    moved = np.exp(np.minimum(log_P + log_expm1(moves), 0))
    # Probabilities sum to 1: the largest moves by no more than all the others together.
    top = Z.argmax(axis=0), np.arange(N)
    others = moved.copy()
    others[top] = 0
    moved[top] = np.minimum(moved[top], others.sum(axis=0))
    dZ = (P - Y) / N
    # P + moved: the sum and the quotient. Where they underflow, exp loses 6 u · tiny, the two divisions one each.
    E_dZ = (moved / reach + P + moved + 3 * underflow(dtype)) / N
    return dZ, E_dZ + size(dZ, E_dZ, dtype, c)


def steepest(name: str, z: Array) -> Array:
    """The largest slope of a smooth activation at z or farther from 0; its slope at 0 where z is negative."""
    z = np.maximum(z, 0)
    if name == "tanh":
        return 4 * np.exp(-2 * z) / (1 + np.exp(-2 * z)) ** 2
    if name == "sigmoid":
        return np.exp(-z) / (1 + np.exp(-z)) ** 2
    raise ValueError(f"the running-error scale knows relu, leaky, tanh and sigmoid; {name!r} came.")


def log_expm1(x: Array) -> Array:
    """log(exp x − 1) for x > 0, where exp x itself may overflow."""
    return x + np.log(-np.expm1(-x))
