"""Mean pooling: the mean over each window of an image, at any stride, padding and dilation."""

from nnref.layer import Layer
from nnref.shapes import Array, tensor
from nnref.windows import AXES, Windows, added


def forward(X: Array, I: int, J: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """Each output is the mean over a window of I × J pixels; zeros around the image count as pixels.

    Shapes: X (C, H, B, N), I (), J (), stride (), padding (), dilation () -> (C, P, Q, N)
    Errors: ShapeError if a window is larger than the padded image; ValueError for a stride of 0.
    Proof: derivations/avg_pool.py, claim avg_pool.forward.  See Dumoulin & Visin 2016, arXiv:1603.07285, §3.
    """
    at = _windows(X, I, J, stride, padding, dilation)
    padded = at.padded(X)
    return added(at.seen(padded, tap) for tap in at.taps) / (I * J)


def dX(X: Array, dY: Array, I: int, J: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """Gradient of the loss with respect to the images: dY spread evenly over each window, added up where they overlap.

    X is asked for its shape alone.

    Shapes: X (C, H, B, N), dY (C, P, Q, N), I (), J (), stride (), padding (), dilation () -> (C, H, B, N)
    Units: loss per unit of pixel.
    Errors: ShapeError and ValueError as `forward`, or if dY has not the shape of the output.
    Proof: derivations/avg_pool.py, claim avg_pool.dX.
    """
    at = _windows(X, I, J, stride, padding, dilation)
    at.of_output(X.shape[0], dY)
    return at.sent(dY for _ in at.taps) / (I * J)


def layer(I: int, J: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Layer:
    """The layer, which learns nothing: windows of I × J pixels.

    Shapes: A (C, H, B, N) -> (C, P, Q, N)
    """
    window = (I, J, stride, padding, dilation)
    return Layer(
        "avg_pool",
        init=lambda rng: (),
        forward=lambda theta, A: forward(A, *window),
        dtheta=lambda theta, A, Z, dZ: (),
        dA=lambda theta, A, Z, dZ: dX(A, dZ, *window),
        settings={"I": I, "J": J, "stride": stride, "padding": padding, "dilation": dilation},
    )


def _windows(X: Array, I: int, J: int, stride: int, padding: int, dilation: int) -> Windows:
    """How the windows move over the images."""
    tensor(AXES, X=X)
    return Windows(tuple(X.shape), (I, J), stride, padding, dilation)
