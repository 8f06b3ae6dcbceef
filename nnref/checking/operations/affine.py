"""What the checks know of the affine layer Z = W A + b 1ᵀ: sums over its inputs, its outputs and the batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnref.checking.operations.record import Ball, Enclosures, Errors, Matrix, Record, Rows, Writing
from nnref.checking.operations.rounding import Precision
from nnref.layer import Affine
from nnref.shapes import Array


def forward_error(theta: Any, A: Array, E_A: Array, Z: Array, p: Precision) -> Array:
    """The error of W A + b: W and b are given, and so exact."""
    return p.product(theta.W, np.zeros_like(theta.W), A, E_A) + abs(theta.b)


def backward_error(
    theta: Any, A: Array, E_A: Array, Z: Array, E_Z: Array, dZ: Array, E_dZ: Array, p: Precision
) -> tuple[Any, Array, Array]:
    """The scales of dW = dZ Aᵀ and db = dZ 1, then dA = Wᵀ dZ and its error."""
    S = Affine(
        W=p.product(dZ, E_dZ, A.T, E_A.T),
        b=(p.size(dZ, E_dZ) + E_dZ).sum(axis=1, keepdims=True),
    )
    return S, theta.W.T @ dZ, p.product(theta.W.T, np.zeros_like(theta.W.T), dZ, E_dZ)


def ones(rows: int, columns: int) -> Matrix:
    """A matrix of ones in balls."""
    import flint

    return flint.arb_mat(rows, columns, [1] * (rows * columns))


def forward_ball(theta: Any, A: Matrix, where: str) -> Matrix:
    """W A + b 1ᵀ in balls."""
    return theta.W * A + theta.b * ones(1, A.ncols())


def gradients_ball(A: Matrix, dZ: Matrix) -> dict[str, Matrix]:
    """DW and db in balls."""
    return {"W": dZ * A.transpose(), "b": dZ * ones(dZ.ncols(), 1)}


def series(W: Matrix | None, z: Any, rows: Rows) -> Rows:
    """W T, with T the rows that depend on t; the others do not contribute."""
    import flint

    assert W is not None
    units = sorted(rows)
    part = flint.arb_mat(W.nrows(), len(units), [W[r, c] for r in range(W.nrows()) for c in units])
    moved: list[list[Ball]] = (part * flint.arb_mat([rows[c] for c in units])).tolist()
    return dict(enumerate(moved))


RECORD = Record(
    "affine",
    Errors(forward_error, backward_error),
    Enclosures(forward_ball, gradients_ball, lambda theta, A, Z, dZ: theta.W.transpose() * dZ),
    series,
    kinks=(),
    writing=Writing(
        "affine",
        "W{l} @ A{j} + b{l}",
        {
            "dW": "dW{l} = dZ{l} @ A{j}.T",
            "db": "db{l} = np.sum(dZ{l}, axis=1, keepdims=True)",
            "dA": "dA{l} = W{k}.T @ dZ{k}",
        },
    ),
)
