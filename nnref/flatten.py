"""Flattening: the pixels of each image as one column, channel by channel and row by row."""

from nnref.arrays import namespace
from nnref.layer import Layer
from nnref.shapes import Array, of_shape, tensor
from nnref.windows import AXES


def forward(X: Array) -> Array:
    """The pixels of every image one after the other: all of a channel, row by row, then the next channel.

    Shapes: X (C, H, B, N) -> (B*C*H, N)
    Errors: ShapeError if X has not the axes of images.
    Proof: derivations/flatten.py, claim flatten.forward.  See Goodfellow et al. 2016, §9.1.
    """
    tensor(AXES, X=X)
    return namespace(X).reshape(X, (-1, X.shape[3]))


def dX(X: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the images: each pixel gets that of its place in the column.

    X is asked for its shape alone.

    Shapes: X (C, H, B, N), dY (B*C*H, N) -> (C, H, B, N)
    Units: loss per unit of pixel.
    Errors: ShapeError if X has not the axes of images, or dY not the shape of the output.
    Proof: derivations/flatten.py, claim flatten.dX.
    """
    tensor(AXES, X=X)
    C, H, B, N = X.shape
    of_shape((C * H * B, N), dY=dY)
    return namespace(dY).reshape(dY, (C, H, B, N))


def layer() -> Layer:
    """The layer, which learns nothing: from images (C, H, B, N) to columns (C H B, N).

    Shapes: A (C, H, B, N) -> (C*H*B, N)
    """
    return Layer(
        "flatten",
        init=lambda rng: (),
        forward=lambda theta, A: forward(A),
        dtheta=lambda theta, A, Z, dZ: (),
        dA=lambda theta, A, Z, dZ: dX(A, dZ),
    )
