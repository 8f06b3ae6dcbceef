"""Shapes: what every argument must look like, and what is said when it does not."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""A numpy array of real or complex floating-point numbers; capitals are matrices, one column an example."""


class ShapeError(ValueError):
    """An array has another shape than the formula gives it. The message opens with the formula's name."""

    def __init__(self, message: str) -> None:
        super().__init__(f"{formula()}{message}")


def formula() -> str:
    """The dotted name of the function whose arguments are being judged, such as "affine.dW: "."""
    frame: FrameType | None = sys._getframe(1)
    while frame and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    module = str(frame.f_globals.get("__name__", "")) if frame else ""
    return f"{module.removeprefix('nnref.')}.{frame.f_code.co_name}: " if frame and module.startswith("nnref.") else ""


def dims(A: Array) -> str:
    """The shape of A as one reads it: "10 × 64", or "(10,)" where it is no matrix.

    >>> dims(np.zeros((10, 64))), dims(np.zeros(10))
    ('10 × 64', '(10,)')
    """
    return " × ".join(map(str, A.shape)) if A.ndim == 2 else str(A.shape)


def plain(**arrays: Any) -> None:
    """Refuse, by name, arrays whose operators mean something else: np.matrix and masked arrays.

    For np.matrix, A * B is the product of matrices; a masked array leaves entries out of every sum. Both look like an
    array and give other numbers without a word.
    """
    for name, A in arrays.items():
        if isinstance(A, np.matrix):
            raise TypeError(
                f"{name} should be a plain numpy array; np.matrix came, whose * is the matrix product. "
                f"Try np.asarray({name})."
            )
        if isinstance(A, np.ma.MaskedArray):
            raise TypeError(
                f"{name} should be a plain numpy array; a masked array came, whose sums leave entries out. "
                f"Try {name}.filled(0), or leave the masked examples out."
            )


def floats(**arrays: Any) -> None:
    """Refuse, by name, whatever is not a plain array of floating-point numbers.

    Errors: TypeError for np.matrix, masked arrays, integers, booleans and objects.
    """
    plain(**arrays)
    for name, A in arrays.items():
        if not isinstance(A, np.ndarray) or A.dtype.kind not in "fc":
            kind = A.dtype if isinstance(A, np.ndarray) else type(A).__name__
            raise TypeError(
                f"{name} should be a numpy array of floating-point numbers; {kind} came. "
                f"Try np.asarray({name}, dtype=float): integers would round every gradient."
            )


def matrix(**arrays: Array) -> None:
    """Refuse, by name, whatever is not a matrix of floating-point numbers with at least one column.

    Errors: ShapeError for another number of axes or an empty batch; TypeError as `floats`.
    """
    floats(**arrays)
    for name, A in arrays.items():
        if A.ndim != 2:
            raise ShapeError(
                f"{name} should be a matrix with one column per example; shape {A.shape} came. "
                f"For a single example try {name}.reshape(-1, 1)."
            )
        if A.shape[1] == 0 or A.shape[0] == 0:
            raise ShapeError(f"{name} is {dims(A)}: an empty batch has no mean loss. Give at least one example.")


def column(m: int, **vectors: Array) -> None:
    """Refuse, by name, whatever is not an m × 1 column.

    A bias of shape (m,) is refused too: numpy would add it along the wrong axis, without a word, whenever N = m.
    """
    floats(**vectors)
    for name, b in vectors.items():
        if b.shape != (m, 1):
            raise ShapeError(f"{name} should be a column, {m} × 1; {dims(b)} came. Try {name}.reshape(-1, 1).")


def per_example(N: int, **rows: Array) -> None:
    """Refuse, by name, whatever is not a 1 × N row of floating-point numbers, one for each example."""
    floats(**rows)
    for name, l in rows.items():
        if l.shape != (1, N):
            raise ShapeError(
                f"{name} should be a row with one number per example, 1 × {N}; {dims(l)} came. "
                f"Try {name}.reshape(1, -1)."
            )


def same_batch(**arrays: Array) -> None:
    """Refuse matrices that do not have the same number of columns, one per example."""
    matrix(**arrays)
    (first, A), *others = arrays.items()
    for name, B in others:
        if A.shape[1] != B.shape[1]:
            raise ShapeError(
                f"{first} has {A.shape[1]} columns and {name} has {B.shape[1]}; both should have one column "
                f"per example. If your data has one row per example, pass {first}.T or {name}.T."
            )


def same_shape(**arrays: Array) -> None:
    """Refuse matrices whose shapes differ."""
    matrix(**arrays)
    (first, A), *others = arrays.items()
    for name, B in others:
        if A.shape != B.shape:
            raise ShapeError(f"{first} is {dims(A)} and {name} is {dims(B)}; they should have the same shape.")


def composable(**arrays: Array) -> None:
    """Refuse a pair of matrices W (m, n) and A (n, N) whose product W A does not exist."""
    matrix(**arrays)
    (left, W), (right, A) = arrays.items()
    if W.shape[1] != A.shape[0]:
        hint = f" {right} looks like one row per example: pass {right}.T." if W.shape[1] == A.shape[1] else ""
        raise ShapeError(f"{left} is {dims(W)}, so {right} should have {W.shape[1]} rows; it is {dims(A)}.{hint}")


def one_hot_columns(Z: Array, Y: Array) -> None:
    """Refuse labels Y that are not shaped like the outputs Z with columns that sum to one: the claims assume both.

    Soft labels are welcome, as long as each column sums to one.
    """
    classes, N = Z.shape
    plain(Y=Y)
    if not isinstance(Y, np.ndarray) or Y.shape != (classes, N):
        came = dims(Y) if isinstance(Y, np.ndarray) else type(Y).__name__
        hint = (
            f" Labels as a vector of classes: use nnref.one_hot(Y, classes={classes})."
            if isinstance(Y, np.ndarray) and Y.size == N
            else " One row per example: pass Y.T."
            if isinstance(Y, np.ndarray) and Y.shape == (N, classes)
            else ""
        )
        raise ShapeError(f"Y should be one-hot, one column per example, {classes} × {N}; {came} came.{hint}")
    floats(Y=Y)
    unit = np.finfo(Y.dtype).eps
    gap = np.abs(Y.sum(axis=0) - 1)
    if not (gap <= classes * unit).all():
        worst = int(np.argmax(np.where(np.isnan(gap), np.inf, gap)))
        raise ValueError(
            f"column {worst} of Y sums to {Y[:, worst].sum():.9g}; the labels of one example should sum to 1 "
            f"(p − y is the gradient only then). Use nnref.one_hot(labels, classes={classes})."
        )
