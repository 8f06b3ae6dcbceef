"""im2col_cython, a compiled module in the course: images to windows as columns, and columns summed to images.

Column y · w · N + x · N + n of cols is the window at (y, x) of image n; row c · h · w + i · w + j its pixel (c, i, j).
"""

from __future__ import annotations

import numpy as np

from nnref.shapes import Array


def im2col_cython(x: Array, field_height: int, field_width: int, padding: int, stride: int) -> Array:
    """Images (N, C, H, W) -> windows as columns (C · field_height · field_width, out_height · out_width · N)."""
    N, C, H, W = x.shape
    rows, columns = (H + 2 * padding - field_height) // stride + 1, (W + 2 * padding - field_width) // stride + 1
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    cols = np.zeros((C, field_height, field_width, rows, columns, N), x.dtype)
    for i in range(field_height):
        for j in range(field_width):
            window = padded[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride]
            cols[:, i, j] = window.transpose(1, 2, 3, 0)
    return cols.reshape(C * field_height * field_width, rows * columns * N)


def col2im_cython(
    cols: Array, N: int, C: int, H: int, W: int, field_height: int, field_width: int, padding: int, stride: int
) -> Array:
    """Windows as columns -> images (N, C, H, W), each pixel the sum over the windows that it lies in."""
    rows, columns = (H + 2 * padding - field_height) // stride + 1, (W + 2 * padding - field_width) // stride + 1
    parts = cols.reshape(C, field_height, field_width, rows, columns, N).transpose(0, 1, 2, 5, 3, 4)
    return col2im_6d_cython(parts, N, C, H, W, field_height, field_width, padding, stride)


def col2im_6d_cython(cols: Array, N: int, C: int, H: int, W: int, HH: int, WW: int, pad: int, stride: int) -> Array:
    """Windows (C, HH, WW, N, out_height, out_width) -> images (N, C, H, W), as above."""
    rows, columns = (H + 2 * pad - HH) // stride + 1, (W + 2 * pad - WW) // stride + 1
    padded = np.zeros((N, C, H + 2 * pad, W + 2 * pad), cols.dtype)
    for i in range(HH):
        for j in range(WW):
            window = cols[:, i, j].transpose(1, 0, 2, 3)
            padded[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride] += window
    return padded[:, :, pad : pad + H, pad : pad + W]
