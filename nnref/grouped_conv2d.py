"""Convolution in groups: the channels of each group see only their own kernels; with one channel a group, depthwise.

An array (G C, H, B, N) is read as (G, C, H, B, N), which is X.reshape(G, -1, H, B, N).
"""

from nnref import conv2d
from nnref.arrays import namespace
from nnref.shapes import Array, ShapeError, of_shape, tensor

AXES = "groups, channels of a group, rows, columns, examples"


def forward(X: Array, W: Array, b: Array, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """Within each group, each output is the sum over a window, weighted by the kernel of its channel; and a bias.

    Shapes: X (G, C, H, B, N), W (G, D, C, I, J), b (G, D), stride (), padding (), dilation () -> (G, D, P, Q, N)
    Errors: ShapeError if groups or channels differ or a window is too large; ValueError for a stride of 0.
    Proof: derivations/grouped_conv2d.py, claim grouped_conv2d.forward.  See Chollet 2017, arXiv:1610.02357.
    """
    _groups(X, W)
    of_shape(tuple(W.shape[:2]), b=b)
    xp, moved = namespace(X), (stride, padding, dilation)
    columns = xp.expand_dims(b, axis=2)
    groups = range(X.shape[0])
    return xp.stack([conv2d.forward(X[g, ...], W[g, ...], columns[g, ...], *moved) for g in groups])


def dW(X: Array, W: Array, dY: Array, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """Gradient of the loss with respect to the kernels: conv2d.dW of each group.

    Shapes: X (G, C, H, B, N), W (G, D, C, I, J), dY (G, D, P, Q, N), stride (), padding (), dilation () -> (G, D, C, I, J)
    Units: loss per unit of weight.
    Errors: ShapeError and ValueError as `forward`, or if dY has not the shape of the output.
    Proof: derivations/grouped_conv2d.py, claim grouped_conv2d.dW.
    """  # noqa: E501
    _groups(X, W, dY)
    moved, groups = (stride, padding, dilation), range(X.shape[0])
    return namespace(X).stack([conv2d.dW(X[g, ...], W[g, ...], dY[g, ...], *moved) for g in groups])


def db(dY: Array) -> Array:
    """Gradient of the loss with respect to the biases: the sum of dY over all places and examples.

    Shapes: dY (G, D, P, Q, N) -> (G, D)
    Units: loss per unit of bias.
    Proof: derivations/grouped_conv2d.py, claim grouped_conv2d.db.
    """
    tensor(AXES, dY=dY)
    return namespace(dY).sum(dY, axis=(2, 3, 4))


def dX(X: Array, W: Array, dY: Array, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """Gradient of the loss with respect to the images: conv2d.dX of each group.

    X is asked for its shape alone.

    Shapes: X (G, C, H, B, N), W (G, D, C, I, J), dY (G, D, P, Q, N), stride (), padding (), dilation () -> (G, C, H, B, N)
    Units: loss per unit of pixel.
    Errors: ShapeError and ValueError as `forward`, or if dY has not the shape of the output.
    Proof: derivations/grouped_conv2d.py, claim grouped_conv2d.dX.
    """  # noqa: E501
    _groups(X, W, dY)
    moved, groups = (stride, padding, dilation), range(X.shape[0])
    return namespace(X).stack([conv2d.dX(X[g, ...], W[g, ...], dY[g, ...], *moved) for g in groups])


def _groups(X: Array, W: Array, dY: Array | None = None) -> None:
    """Refuse arrays that do not have the same groups."""
    tensor(AXES, X=X)
    tensor("groups, output channels of a group, channels of a group, rows, columns", W=W)
    arrays = {"W": W} if dY is None else {"W": W, "dY": dY}
    for name, A in arrays.items():
        if A.shape[0] != X.shape[0]:
            raise ShapeError(f"X has {X.shape[0]} groups, its first axis, and {name} has {A.shape[0]}.")
