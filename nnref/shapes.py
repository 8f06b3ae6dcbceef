"""Shapes: what every argument must look like, and what is said when it does not."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnref.arrays import namespace, real

Array = NDArray[Any]
"""An array of real or complex floating-point numbers, of numpy or of any library that follows the array API standard;
capitals are matrices, one column an example. The type is numpy's: there is none that all libraries share."""


class ShapeError(ValueError):
    """An array has another shape than the formula gives it. The message opens with the formula's name."""

    def __init__(self, message: str) -> None:
        super().__init__(f"{formula()}{message}")


def formula() -> str:
    """The dotted name of the function whose arguments are being judged, such as "affine.dW: "."""
    frame: FrameType | None = sys._getframe(1)
    while frame and (frame.f_globals.get("__name__") == __name__ or frame.f_code.co_name.startswith("_")):
        frame = frame.f_back  # what only helps a formula is not named
    module = str(frame.f_globals.get("__name__", "")) if frame else ""
    return f"{module.removeprefix('nnref.')}.{frame.f_code.co_name}: " if frame and module.startswith("nnref.") else ""


def dims(A: Array) -> str:
    """The shape of A as one reads it: "10 × 64", or "(10,)" where it is no matrix.

    >>> dims(np.zeros((10, 64))), dims(np.zeros(10))
    ('10 × 64', '(10,)')
    """
    return " × ".join(map(str, A.shape)) if A.ndim == 2 else str(tuple(A.shape))


class Trust(threading.local):
    """Whether this thread knows the arguments of every formula to fit: a step with such arguments was checked."""

    on = False


TRUST = Trust()


@contextmanager
def trusted() -> Iterator[None]:
    """Let formulas run unchecked in this thread: a loop checks its first step, and the others have the same shapes."""
    before, TRUST.on = TRUST.on, True
    try:
        yield
    finally:
        TRUST.on = before


FLOATING: dict[type, set[Any]] = {np.ndarray: {np.dtype(kind) for kind in ("f2", "f4", "f8", "c8", "c16")}}
"""The dtypes of floating-point numbers met so far in each type of plain array, of whatever library."""


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
    """Refuse, by name, whatever is not a plain array of floating-point numbers, of any library of the array API.

    Errors: TypeError for np.matrix, masked arrays, integers, booleans and objects.
    """
    for name, A in arrays.items():
        if type(A) in FLOATING and A.dtype in FLOATING[type(A)]:
            continue
        plain(**{name: A})
        try:
            floating = namespace(A).isdtype(A.dtype, ("real floating", "complex floating"))
        except (TypeError, AttributeError):
            floating = False
        if not floating:
            kind = getattr(A, "dtype", type(A).__name__)
            raise TypeError(
                f"{name} should be an array of floating-point numbers; {kind} came. "
                f"Try np.asarray({name}, dtype=float): integers would round every gradient."
            )
        FLOATING.setdefault(type(A), set()).add(A.dtype)


def matrix(**arrays: Array) -> None:
    """Refuse, by name, whatever is not a matrix of floating-point numbers with at least one column.

    Errors: ShapeError for another number of axes or an empty batch; TypeError as `floats`.
    """
    if TRUST.on:
        return
    floats(**arrays)
    for name, A in arrays.items():
        if A.ndim != 2:
            raise ShapeError(
                f"{name} should be a matrix with one column per example; shape {tuple(A.shape)} came. "
                f"For a single example try {name}.reshape(-1, 1)."
            )
        if 0 in A.shape:
            raise ShapeError(f"{name} is {dims(A)}: an empty batch has no mean loss. Give at least one example.")


def tensor(axes: str, **arrays: Array) -> None:
    """Refuse, by name, whatever has not the axes, such as "channels, rows, columns, examples", or has an empty one.

    Errors: ShapeError for another number of axes or an empty one; TypeError as `floats`.
    """
    if TRUST.on:
        return
    floats(**arrays)
    for name, A in arrays.items():
        if A.ndim != len(axes.split(", ")):
            raise ShapeError(f"{name} should have the axes ({axes}); shape {tuple(A.shape)} came.")
        if 0 in A.shape:
            raise ShapeError(f"{name} has shape {tuple(A.shape)}: an empty axis leaves nothing to compute.")


def alike(**arrays: Array) -> None:
    """Refuse a pair of arrays, with any number of axes, whose shapes differ."""
    if TRUST.on:
        return
    floats(**arrays)
    A, B = arrays.values()
    if A.shape != B.shape:
        first, second = arrays
        raise ShapeError(f"{first} is {dims(A)} and {second} is {dims(B)}; they should have the same shape.")


def of_shape(shape: tuple[int, ...], **arrays: Array) -> None:
    """Refuse, by name, arrays of another shape than this one."""
    if TRUST.on:
        return
    floats(**arrays)
    for name, A in arrays.items():
        if tuple(A.shape) != shape:
            size = " × ".join(map(str, shape))
            turned = A.ndim == 2 and tuple(A.shape) == shape[::-1]
            fits = f" Try {name}.reshape({', '.join(map(str, shape))})." if A.size == math.prod(shape) else ""
            raise ShapeError(f"{name} should be {size}; {dims(A)} came.{f' Try {name}.T.' if turned else fits}")


def seen(axis: int, **masks: Array) -> None:
    """Refuse, by name, masks with a negative entry or NaN, or with nothing but 0 along the axis. Traced ones pass."""
    if TRUST.on:
        return
    floats(**masks)
    for name, M in masks.items():
        xp = namespace(M)
        try:
            negative, empty = bool(xp.any(~(M >= 0))), bool(xp.any(xp.sum(M, axis=axis) == 0))
        except TypeError:  # a traced array has no values yet, and complex numbers have no order
            continue
        if negative:
            raise ValueError(
                f"{formula()}{name} should be 0 where nothing is seen, else positive; a negative or NaN came."
            )

        if empty:
            kind = ("column", "row")[axis]
            raise ValueError(
                f"{formula()}{name} has a {kind} of zeros: there is no softmax of nothing. Unmask one entry."
            )


def not_negative(**arrays: Array) -> None:
    """Refuse, by name, arrays with a negative number, such as a variance. Traced ones pass."""
    for name, A in arrays.items():
        xp = namespace(A)
        try:
            least = float(xp.min(real(A)))
        except TypeError:  # a traced array has no values yet
            continue
        if least < 0:
            raise ValueError(f"{formula()}{name} should not be negative; the smallest is {least:.3g}.")


def positive(**numbers: float) -> None:
    """Refuse, by name, numbers that are not positive and finite, such as an ε of 0."""
    for name, number in numbers.items():
        if no_number(number) or not 0 < number < math.inf:
            usual = "1e-5" if name == "eps" else "1.0"
            raise ValueError(f"{formula()}{name} should be positive and finite; {number} came. Try {name}={usual}.")


def no_number(value: Any) -> bool:
    """Is it None or text, which cannot be compared with a number?"""
    return value is None or isinstance(value, str)


def column(m: int, **vectors: Array) -> None:
    """Refuse, by name, whatever is not an m × 1 column.

    A bias of shape (m,) is refused too: numpy would add it along the wrong axis, without a word, whenever N = m.
    """
    if TRUST.on:
        return
    floats(**vectors)
    for name, b in vectors.items():
        if b.shape != (m, 1):
            hint = f"Try {name}.reshape(-1, 1)." if b.size == m else f"It holds one number for each of {m} rows."
            raise ShapeError(f"{name} should be a column, {m} × 1; {dims(b)} came. {hint}")


def per_example(N: int, **rows: Array) -> None:
    """Refuse, by name, whatever is not a 1 × N row of floating-point numbers, one for each example."""
    if TRUST.on:
        return
    floats(**rows)
    for name, l in rows.items():
        if l.shape != (1, N):
            raise ShapeError(
                f"{name} should be a row with one number per example, 1 × {N}; {dims(l)} came. "
                f"Try {name}.reshape(1, -1)."
            )


def same_batch(**arrays: Array) -> None:
    """Refuse a pair of matrices that do not have the same number of columns, one per example."""
    if TRUST.on:
        return
    matrix(**arrays)
    A, B = arrays.values()
    if A.shape[1] != B.shape[1]:
        first, second = arrays
        raise ShapeError(
            f"{first} has {A.shape[1]} columns and {second} has {B.shape[1]}; both should have one column "
            f"per example. If your data has one row per example, pass {first}.T or {second}.T."
        )


def same_shape(**arrays: Array) -> None:
    """Refuse a pair of matrices whose shapes differ."""
    if TRUST.on:
        return
    matrix(**arrays)
    A, B = arrays.values()
    if A.shape != B.shape:
        first, second = arrays
        raise ShapeError(f"{first} is {dims(A)} and {second} is {dims(B)}; they should have the same shape.")


def composable(**arrays: Array) -> None:
    """Refuse a pair of matrices W (m, n) and A (n, N) whose product W A does not exist."""
    if TRUST.on:
        return
    matrix(**arrays)
    W, A = arrays.values()
    if W.shape[1] != A.shape[0]:
        left, right = arrays
        hint = f" {right} looks like one row per example: pass {right}.T." if W.shape[1] == A.shape[1] else ""
        raise ShapeError(f"{left} is {dims(W)}, so {right} should have {W.shape[1]} rows; it is {dims(A)}.{hint}")


def one_hot_columns(Z: Array, Y: Array) -> None:
    """Refuse labels Y that are not shaped like the outputs Z with columns that sum to one: the claims assume both.

    Soft labels are welcome, as long as each column sums to one. Of labels that are traced only the shape can be seen.
    """
    if TRUST.on:
        return
    classes, N = Z.shape
    plain(Y=Y)
    shape = tuple(getattr(Y, "shape", (None,)))
    if shape != (classes, N):
        came = dims(Y) if hasattr(Y, "shape") else type(Y).__name__
        hint = (
            f" Labels as a vector of classes: use nnref.one_hot(Y, classes={classes})."
            if N in shape and set(shape) <= {1, N} and shape != (N, classes)
            else " One row per example: pass Y.T."
            if shape == (N, classes)
            else ""
        )
        raise ShapeError(f"Y should be one-hot, one column per example, {classes} × {N}; {came} came.{hint}")
    floats(Y=Y)
    xp = namespace(Y)
    gap = abs(xp.sum(Y, axis=0) - 1)
    try:
        fits = bool(xp.all(gap <= classes * xp.finfo(Y.dtype).eps))
    except TypeError:  # a traced array has no values yet
        return
    if not fits:
        worst = int(xp.argmax(xp.where(xp.isnan(gap), xp.inf, gap)))
        raise ValueError(
            f"column {worst} of Y sums to {float(xp.sum(Y[:, worst])):.9g}; the labels of one example should sum to 1 "
            f"(p − y is the gradient only then). Use nnref.one_hot(labels, classes={classes})."
        )
