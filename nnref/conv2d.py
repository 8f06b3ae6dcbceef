"""Convolution of images as networks have it (cross-correlation): any stride, padding and dilation."""

from typing import NamedTuple

import numpy as np

from nnref import he
from nnref.arrays import namespace
from nnref.layer import Layer
from nnref.shapes import Array, ShapeError, column, tensor
from nnref.windows import AXES, Windows


class Conv2d(NamedTuple):
    """The parameters of the layer, and, in the same places, their gradients: W (D, C, I, J) and b (D, 1)."""

    W: Array
    b: Array


def forward(X: Array, W: Array, b: Array, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """Each output is the sum over a window of the image, weighted by the kernel of its channel; and a bias.

    The kernel is not flipped. Outputs have P = ⌊(H + 2 padding − dilation (I − 1) − 1) / stride⌋ + 1 rows.

    Shapes: X (C, H, B, N), W (D, C, I, J), b (D, 1), stride (), padding (), dilation () -> (D, P, Q, N)
    Errors: ShapeError if channels differ or a window is larger than the padded image; ValueError for a stride of 0.
    Proof: derivations/conv2d.py, claim conv2d.forward.  See Dumoulin & Visin 2016, arXiv:1603.07285, §2.
    """
    at = _windows(X, W, stride, padding, dilation)
    column(W.shape[0], b=b)
    xp = namespace(X)
    return xp.reshape(_flat(W) @ at.patches(X) + b, (W.shape[0], *at.places, X.shape[3]))


def dW(X: Array, W: Array, dY: Array, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """Gradient of the loss with respect to the kernels: for each tap, dY times the pixels that it saw, added up.

    W is asked for its shape alone.

    Shapes: X (C, H, B, N), W (D, C, I, J), dY (D, P, Q, N), stride (), padding (), dilation () -> (D, C, I, J)
    Units: loss per unit of weight.
    Errors: ShapeError and ValueError as `forward`, or if dY has not the shape of the output.
    Proof: derivations/conv2d.py, claim conv2d.dW.  See Dumoulin & Visin 2016, arXiv:1603.07285.
    """
    at = _windows(X, W, stride, padding, dilation)
    at.of_output(W.shape[0], dY)
    return namespace(X).reshape(_flat(dY) @ at.patches(X).T, W.shape)


def db(dY: Array) -> Array:
    """Gradient of the loss with respect to the biases: the sum of dY over all places and examples.

    Shapes: dY (D, P, Q, N) -> (D, 1)
    Units: loss per unit of bias.
    Proof: derivations/conv2d.py, claim conv2d.db.
    """
    tensor(AXES, dY=dY)
    xp = namespace(dY)
    return xp.reshape(xp.sum(dY, axis=(1, 2, 3)), (-1, 1))


def dX(X: Array, W: Array, dY: Array, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """Gradient of the loss with respect to the images: every output passes dY back to each pixel that it saw.

    X is asked for its shape alone: with a stride, outputs of one size belong to images of several.

    Shapes: X (C, H, B, N), W (D, C, I, J), dY (D, P, Q, N), stride (), padding (), dilation () -> (C, H, B, N)
    Units: loss per unit of pixel.
    Errors: ShapeError and ValueError as `forward`, or if dY has not the shape of the output.
    Proof: derivations/conv2d.py, claim conv2d.dX.  See Dumoulin & Visin 2016, arXiv:1603.07285, §4.
    """
    at = _windows(X, W, stride, padding, dilation)
    at.of_output(W.shape[0], dY)
    return at.spread(_flat(W).T @ _flat(dY))


def layer(C: int, D: int, I: int, J: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Layer:
    """The layer from C channels to D, with kernels of I × J: He-normal weights, zero biases.

    Shapes: A (C, H, B, N) -> (D, P, Q, N)
    """
    moved = (stride, padding, dilation)
    return Layer(
        "conv2d",
        init=lambda rng: Conv2d(W=he.scale(C * I * J) * rng.standard_normal((D, C, I, J)), b=np.zeros((D, 1))),
        forward=lambda theta, A: forward(A, theta[0], theta[1], *moved),
        dtheta=lambda theta, A, Z, dZ: Conv2d(W=dW(A, theta[0], dZ, *moved), b=db(dZ)),
        dA=lambda theta, A, Z, dZ: dX(A, theta[0], dZ, *moved),
        settings={"stride": stride, "padding": padding, "dilation": dilation},
    )


def _windows(X: Array, W: Array, stride: int, padding: int, dilation: int) -> Windows:
    """How the kernels move over the images."""
    tensor(AXES, X=X)
    tensor("output channels, channels, rows, columns", W=W)
    if W.shape[1] != X.shape[0]:
        raise ShapeError(f"W has kernels for {W.shape[1]} channels, and X has {X.shape[0]}, its first axis.")
    return Windows(tuple(X.shape), tuple(W.shape[2:]), stride, padding, dilation)


def _flat(A: Array) -> Array:
    """An array as a matrix, a row an output channel."""
    return namespace(A).reshape(A, (A.shape[0], -1))
