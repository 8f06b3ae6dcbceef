"""The true gradient of the network's loss, in float64, by the complex step: forward passes only, no backward code."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from nnref import softmax
from nnref.layer import Affine
from nnref.network import Layers, Parameters, activations, rounded
from nnref.shapes import Array
from nnref.threads import one_blas_thread

H = 1e-40
"""The complex step. The error of Im L(θ + iH e) / H is of order H² = 1e-80, beside nothing in float64, and, since
nothing is subtracted, there is no cancellation (Squire & Trapp 1998). Much smaller, and small slopes underflow."""

FLOOR = float(np.finfo("float64").tiny) / H
"""Slopes below this lose digits: H times a slope has full precision only above the smallest normal number."""

CHUNK = 1 << 18
"""Most complex numbers held at a time in the widest layer: 4 MiB, measured fastest between 2¹⁵ and 2¹⁸."""


def gradient(layers: Layers, theta: Parameters, X: Array, Y: Array) -> Parameters:
    """∂L/∂θ for every entry of every W and b, each from its own perturbed forward pass.

    Raising W_ij by h raises row i of Z = W A + b by h A_j and nothing else, (W + h E_ij) A + b = Z + h e_i A_j, and
    raising b_i by h raises that row by h: the pass starts there, at the changed row.

    Shapes: X (n0, N), Y (n_L, N) -> a gradient shaped like theta, float64
    Errors: whatever the forward pass says of arguments that do not fit.
    """
    theta = tuple(rounded(theta_l, "float64") for theta_l in theta)
    A = activations(layers, theta, X.astype("float64"))
    Y = Y.astype("float64")
    with one_blas_thread(), ThreadPoolExecutor(os.cpu_count()) as pool:  # our threads, and not BLAS's within each
        return tuple(
            gradient_of_layer(layers, theta, A, Y, l, pool) if isinstance(theta_l, Affine) else ()
            for l, theta_l in enumerate(theta)
        )


def gradient_of_layer(
    layers: Layers, theta: Parameters, A: list[Array], Y: Array, l: int, pool: ThreadPoolExecutor
) -> Affine:
    """The gradient of layer l, whose input is A[l] and whose output is A[l + 1], a row of Z at a time."""
    m, N = A[l + 1].shape
    steps = H * np.vstack([A[l], np.ones((1, N))])  # the bias is a weight whose input is always 1
    size = max(1, CHUNK // (N * max(len(Z) for Z in A[l + 1 :])))

    def row(i: int) -> Array:
        Z = A[l + 1][i] + 1j * steps
        parts = [slopes_of_row(layers, theta, A, Y, l, i, Z[j : j + size]) for j in range(0, len(Z), size)]
        return np.concatenate(parts)

    S = np.array(list(pool.map(row, range(m))))
    return Affine(W=S[:, :-1], b=S[:, -1:])


def slopes_of_row(layers: Layers, theta: Parameters, A: list[Array], Y: Array, l: int, i: int, rows: Array) -> Array:
    """Im L / H of K networks, each with its own row i of the output of layer l: rows (K, N) -> (K,)."""
    K, N = rows.shape
    l += 1
    if l < len(layers) and not isinstance(theta[l], Affine):  # an activation works entry by entry, so on one row alone
        rows = layers[l].forward(theta[l], rows)
        l += 1
    # Where the row did not move, behind a closed rectifier or a black pixel, the example's loss does not move either.
    k, s = np.nonzero(rows.imag)
    if not k.size:
        return np.zeros(K)
    if l < len(layers):  # an affine layer turns one changed row into a rank-one change
        Z = A[l + 1][:, s] + theta[l].W[:, i : i + 1] * (rows[k, s] - A[l][i, s])
        l += 1
    else:
        Z = A[l][:, s].astype(complex)
        Z[i] = rows[k, s]
    for layer, theta_l in zip(layers[l:], theta[l:], strict=True):
        Z = affine_of_complex(theta_l, Z) if isinstance(theta_l, Affine) else layer.forward(theta_l, Z)
    return np.bincount(k, losses_of_examples(Z, Y[:, s]).imag / H, minlength=K) / N


def losses_of_examples(Z: Array, Y: Array) -> Array:
    """The cross-entropy of every example from its logits: (n, M) -> (M,)."""
    Z = Z - Z.real.max(axis=0, keepdims=True)  # which changes no loss; large logits would cancel
    return softmax.log_sum_exp(Z)[0] - (Y * Z).sum(axis=0)


def affine_of_complex(theta: Affine, A: Array) -> Array:
    """W A + b for real W and complex A, as one real product: the real and imaginary columns side by side."""
    return (theta.W @ np.ascontiguousarray(A).view("float64")).view("complex128") + theta.b
