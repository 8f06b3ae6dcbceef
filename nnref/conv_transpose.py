"""Transposed convolution: what conv2d does backward, as a forward pass. It makes small images large."""

from nnref import conv2d
from nnref.arrays import namespace
from nnref.shapes import Array, ShapeError, column, of_shape, tensor
from nnref.windows import AXES, Windows, added, mixed


def forward(
    X: Array, W: Array, b: Array, H: int, B: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> Array:
    """Each pixel is spread over its window, by the kernel of its channel, and all are added up; and a bias.

    The output has H rows and B columns. Several fit where the stride is not 1; the smallest has
    stride (P − 1) + dilation (I − 1) + 1 − 2 padding rows.

    Shapes: X (C, P, Q, N), W (C, D, I, J), b (D, 1), H (), B (), stride (), padding (), dilation () -> (D, H, B, N)
    Errors: ShapeError if channels differ or an output of H × B does not belong to such an X; ValueError as conv2d.
    Proof: derivations/conv_transpose.py, claim conv_transpose.forward.  See Dumoulin & Visin 2016, §4.
    """
    _kernels(X, W)
    column(W.shape[1], b=b)
    at = Windows((W.shape[1], H, B, X.shape[3]), tuple(W.shape[2:]), stride, padding, dilation)
    of_shape((W.shape[0], *at.places, X.shape[3]), X=X)
    Y = at.cropped(added(at.sent_back(mixed(W[:, :, u, v].T, X), (u, v)) for u, v in at.taps))
    return Y + namespace(b).reshape(b, (-1, 1, 1, 1))


def dX(X: Array, W: Array, dY: Array, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """Gradient of the loss with respect to the images: a convolution of dY with the same kernels.

    X is asked for its shape alone.

    Shapes: X (C, P, Q, N), W (C, D, I, J), dY (D, H, B, N), stride (), padding (), dilation () -> (C, P, Q, N)
    Units: loss per unit of pixel.
    Errors: ShapeError and ValueError as `forward`.
    Proof: derivations/conv_transpose.py, claim conv_transpose.dX.
    """
    _kernels(X, W)
    tensor(AXES, dY=dY)
    at = Windows(tuple(dY.shape), tuple(W.shape[2:]), stride, padding, dilation)
    of_shape((W.shape[0], *at.places, dY.shape[3]), X=X)
    padded = at.padded(dY)
    return added(mixed(W[:, :, u, v], at.seen(padded, (u, v))) for u, v in at.taps)


def dW(X: Array, W: Array, dY: Array, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """Gradient of the loss with respect to the kernels: conv2d's, with X and dY in each other's place.

    W is asked for its shape alone.

    Shapes: X (C, P, Q, N), W (C, D, I, J), dY (D, H, B, N), stride (), padding (), dilation () -> (C, D, I, J)
    Units: loss per unit of weight.
    Errors: ShapeError and ValueError as `forward`.
    Proof: derivations/conv_transpose.py, claim conv_transpose.dW.
    """
    _kernels(X, W)
    return conv2d.dW(dY, W, X, stride, padding, dilation)


def db(dY: Array) -> Array:
    """Gradient of the loss with respect to the biases: the sum of dY over all places and examples.

    Shapes: dY (D, H, B, N) -> (D, 1)
    Units: loss per unit of bias.
    Proof: derivations/conv_transpose.py, claim conv_transpose.db.
    """
    return conv2d.db(dY)


def _kernels(X: Array, W: Array) -> None:
    """Refuse kernels for other channels than those of X."""
    tensor(AXES, X=X)
    tensor("channels, output channels, rows, columns", W=W)
    if W.shape[0] != X.shape[0]:
        raise ShapeError(f"W has kernels for {W.shape[0]} channels, its first axis, and X has {X.shape[0]}.")
