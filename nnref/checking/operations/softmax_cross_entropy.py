"""What the checks know of the loss, the mean cross-entropy of a softmax: its error, its enclosure, its power series."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnref import softmax
from nnref.checking.operations.record import Ball, LossRecord, Matrix, Writing
from nnref.checking.operations.rounding import Precision
from nnref.shapes import Array


def error(Z: Array, E: Array, Y: Array, p: Precision) -> tuple[Array, Array]:
    """The gradient dZ = (P − Y) / N and its error: exp turns the absolute error of z − max z into a relative one."""
    N, reach = Z.shape[1], p.reach
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
    # P + moved is for the sum and the quotient. In underflow, exp loses 6 u · tiny, the two divisions one each.
    E_dZ = (moved / reach + P + moved + 3 * p.underflow) / N
    return dZ, E_dZ + p.size(dZ, E_dZ)


def log_expm1(x: Array) -> Array:
    """log(exp x − 1) for x > 0, where exp x itself may overflow."""
    return x + np.log(-np.expm1(-x))


def enclosed(Z: Matrix, Y: list[list[float]]) -> tuple[Ball, Matrix]:
    """The mean of log Σ exp z − Σ y z over the batch, and its gradient (P − Y) / N with respect to the logits."""
    import flint

    n, N = Z.nrows(), Z.ncols()
    rows, loss = Z.tolist(), flint.arb(0)
    dZ = flint.arb_mat(n, N)
    for s in range(N):
        z = [row[s] for row in rows]
        M = max((float(x), x) for x in z)[1].mid() if n > 1 else z[0].mid()
        E = [(x - M).exp() for x in z]
        total = sum(E[1:], E[0])
        loss += M + total.log()
        for i in range(n):
            y = Y[i][s]
            # (e_i − y Σ e) / Σ e without the difference 1 − 1 of a label 1 whose probability is nearly 1
            part = E[i] if y == 0 else E[i] * (1 - flint.arb(y)) - y * sum((e for k, e in enumerate(E) if k != i), 0)
            dZ[i, s] = part / (total * N)
            loss -= y * z[i] if y else 0
    return loss / N, dZ


def series(z: list[Ball], t: list[Ball], y: list[float]) -> Any:
    """Log Σ exp z − Σ y z as a power series, for logits z + t."""
    from flint import arb_series

    Z = [arb_series([a, b]) for a, b in zip(z, t, strict=True)]
    E = [x.exp() for x in Z]
    L = sum(E[1:], E[0]).log()
    for x, y_x in zip(Z, y, strict=True):
        if y_x:
            L = L - y_x * x
    return L


RECORD = LossRecord(
    "softmax_cross_entropy",
    error,
    enclosed,
    series,
    Writing("softmax", "-np.sum(Y * np.log(P)) / N", {"dZ": "dZ{l} = (P - Y) / N"}, words=("softmax",)),
)
