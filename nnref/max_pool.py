"""Max pooling: of each window of an image the largest pixel. Which one that is, windows.largest chooses."""

from nnref.layer import Layer
from nnref.shapes import Array, of_shape, tensor
from nnref.windows import AXES, Windows, added, largest


def forward(X: Array, S: Array, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """Each output is the pixel that the chosen tap of its window sees.

    S is 1 at one tap of each window and 0 at the others: windows.largest(X, I, J, …) chooses the largest pixel, and the
    first of several that are alike.

    Shapes: X (C, H, B, N), S (C, P, Q, N, I, J), stride (), padding (), dilation () -> (C, P, Q, N)
    Errors: ShapeError if S is not a choice for these images or a window is larger than the padded image; ValueError
    for a stride of 0.
    Proof: derivations/max_pool.py, claim max_pool.forward.  See Boureau, Ponce & LeCun 2010.
    """
    at = _windows(X, S, stride, padding, dilation)
    padded = at.padded(X)
    return added(S[..., u, v] * at.seen(padded, (u, v)) for u, v in at.taps)


def dX(X: Array, S: Array, dY: Array, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """Gradient of the loss with respect to the images: dY at the chosen pixel of each window, and added up.

    Where several pixels are the largest, one of them gets all of dY: sending it to each would be no subgradient. X is
    asked for its shape alone.

    Shapes: X (C, H, B, N), S (C, P, Q, N, I, J), dY (C, P, Q, N), stride (), padding (), dilation () -> (C, H, B, N)
    Units: loss per unit of pixel.
    Errors: ShapeError and ValueError as `forward`, or if dY has not the shape of the output.
    Proof: derivations/max_pool.py, claim max_pool.dX.
    """
    at = _windows(X, S, stride, padding, dilation)
    at.of_output(X.shape[0], dY)
    return at.sent(S[..., u, v] * dY for u, v in at.taps)


def layer(I: int, J: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Layer:
    """The layer, which learns nothing: windows of I × J pixels, of each the largest.

    Shapes: A (C, H, B, N) -> (C, P, Q, N)
    """
    moved = (stride, padding, dilation)
    return Layer(
        "max_pool",
        init=lambda rng: (),
        forward=lambda theta, A: forward(A, largest(A, I, J, *moved), *moved),
        dtheta=lambda theta, A, Z, dZ: (),
        dA=lambda theta, A, Z, dZ: dX(A, largest(A, I, J, *moved), dZ, *moved),
        settings={"I": I, "J": J, "stride": stride, "padding": padding, "dilation": dilation},
    )


def _windows(X: Array, S: Array, stride: int, padding: int, dilation: int) -> Windows:
    """How the windows move over the images."""
    tensor(AXES, X=X)
    tensor(f"{AXES}, rows of a window, its columns", S=S)
    at = Windows(tuple(X.shape), tuple(S.shape[4:]), stride, padding, dilation)
    of_shape((X.shape[0], *at.places, X.shape[3], *at.kernel), S=S)
    return at
