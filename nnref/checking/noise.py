"""The unit of error: what rounding alone may do to each entry of the reference network's gradient.

A difference is judged as |a − truth| / (u S), with u the unit roundoff of the precision in use and S the running-error
scale: the sum of the sizes of everything that was rounded on the way, each carried to the gradient by the derivative of
what follows (Higham 2002, §3.1 and §3.3). A relative error would cry wolf on entries that are small because large terms
cancelled, and an absolute one would pass wrong entries that are small. docs/noise.md derives every line of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from nnref import softmax
from nnref.layer import Affine, LayerParameters
from nnref.network import Layers, Parameters, activations, rounded
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

    E_x is the error of x in units of u. Nothing of the backward code is used, so that a wrong backward pass cannot
    excuse itself.

    Shapes: X (n0, N), Y (n_L, N) -> a scale shaped like theta, float64; 0 where every term is exactly 0
    See docs/noise.md for the derivation.
    """
    theta = tuple(rounded(theta_l, "float64") for theta_l in theta)
    A = activations(layers, theta, X.astype("float64"))
    arithmetic = Arithmetic(allowed(layers, theta, X.shape[1]) * unit(dtype), float(np.finfo(dtype).tiny))
    E_A = [np.zeros_like(A[0])]
    for l, theta_l in enumerate(theta):
        if isinstance(theta_l, Affine):
            E_A.append(arithmetic.product(theta_l.W, np.zeros_like(theta_l.W), A[l], E_A[l]) + abs(theta_l.b))
        else:
            E_A.append(arithmetic.activation(layers[l].name, A[l], E_A[l], A[l + 1]))
    dA, E_dA = arithmetic.loss(A[-1], E_A[-1], Y)
    S: list[LayerParameters] = []
    for l, theta_l in reversed(list(enumerate(theta))):
        if isinstance(theta_l, Affine):
            dZ, E_dZ = dA, E_dA
            S.append(
                Affine(
                    W=arithmetic.product(dZ, E_dZ, A[l].T, E_A[l].T),
                    b=(arithmetic.size(dZ, E_dZ) + E_dZ).sum(axis=1, keepdims=True),
                )
            )
            dA = theta_l.W.T @ dZ
            E_dA = arithmetic.product(theta_l.W.T, np.zeros_like(theta_l.W.T), dZ, E_dZ)
        else:
            S.append(())
            dA, E_dA = arithmetic.slope(layers[l].name, A[l], A[l + 1], E_A[l + 1], dA, E_dA)
    return tuple(reversed(S))


@dataclass(frozen=True)
class Arithmetic:
    """What one operation adds to the error, in units of u.

    reach: the multiple of an error E that rounding may really cause, as a distance: x and its computed value lie
    within reach · E of each other. tiny: the smallest normal number, below which a product loses up to u · tiny.
    """

    reach: float
    tiny: float

    def size(self, x: Array, E_x: Array) -> Array:
        """The largest that x may have been computed as."""
        return abs(x) + self.reach * E_x

    def product(self, x: Array, E_x: Array, y: Array, E_y: Array) -> Array:
        """The error of the matrix product x y: of multiplying and adding, and of each factor times the other."""
        terms = ((abs(x) + E_x) > 0).astype("float64") @ ((abs(y) + E_y) > 0)
        return self.size(x, E_x) @ (self.size(y, E_y) + E_y) + E_x @ abs(y) + self.tiny * terms

    def activation(self, name: str, Z: Array, E: Array, A: Array) -> Array:
        """The error of A = f(Z): that of Z times the steepest slope within reach of Z, and what f itself rounds."""
        if name == "relu":
            return np.where(Z > 0, E, 0.0)
        # 2 |A|: numpy's exp and tanh err by 3 units in the last place, 6 u, and a sigmoid adds and divides: 8 u.
        return steepest(name, abs(Z) - self.reach * E) * E + 2 * (abs(A) + self.tiny * (abs(A) + E > 0))

    def slope(self, name: str, Z: Array, A: Array, E_A: Array, dA: Array, E_dA: Array) -> tuple[Array, Array]:
        """DZ = f'(Z) dA and its error, for the slope as it is computed: from the output A, whose error is E_A.

        1 − A² and A (1 − A) cancel where A is near ±1 or 1: their error is that of A, however small they are.
        """
        if name == "relu":
            return np.where(Z > 0, dA, 0.0), np.where(Z > 0, E_dA, 0.0)
        if name == "tanh":
            slope = 1 - A * A
            E_slope = 1 + (abs(A) + self.size(A, E_A)) * E_A
        else:
            slope = A * (1 - A)
            E_slope = slope + (abs(1 - 2 * A) + self.reach * E_A) * E_A
        E_dZ = slope * E_dA + (E_slope + self.size(slope, E_slope)) * self.size(dA, E_dA)
        return slope * dA, E_dZ + self.tiny * (abs(dA) + E_dA > 0)

    def loss(self, Z: Array, E: Array, Y: Array) -> tuple[Array, Array]:
        """DZ = (P − Y) / N and its error: exp turns the absolute error of z − max z into a relative one."""
        N = Z.shape[1]
        shifted = Z - Z.max(axis=0, keepdims=True)
        log_P = shifted - softmax.log_sum_exp(shifted)
        P = np.exp(log_P)
        r = self.reach * (2 + abs(shifted) + E)
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
        E_dZ = (moved / self.reach + P + moved + 3 * self.tiny) / N
        return dZ, E_dZ + self.size(dZ, E_dZ)


def steepest(name: str, z: Array) -> Array:
    """The largest slope of a smooth activation at z or farther from 0; its slope at 0 where z is negative."""
    z = np.maximum(z, 0)
    if name == "tanh":
        return 4 * np.exp(-2 * z) / (1 + np.exp(-2 * z)) ** 2
    if name == "sigmoid":
        return np.exp(-z) / (1 + np.exp(-z)) ** 2
    raise ValueError(f"the running-error scale knows relu, tanh and sigmoid; {name!r} came.")


def log_expm1(x: Array) -> Array:
    """log(exp x − 1) for x > 0, where exp x itself may overflow."""
    return x + np.log(-np.expm1(-x))
