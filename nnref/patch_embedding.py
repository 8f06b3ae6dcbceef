"""Patches as positions: each patch of an image times one matrix, and what is learnt for its position."""

from typing import Any, NamedTuple

from nnref import xavier
from nnref.arrays import namespace
from nnref.layer import Layer
from nnref.shapes import Array, ShapeError, of_shape, tensor
from nnref.windows import AXES


class PatchEmbedding(NamedTuple):
    """The parameters of the layer, and, in the same places, their gradients: W (D, C, I, J) and E (D, P, Q)."""

    W: Array
    E: Array


def forward(X: Array, W: Array, E: Array) -> Array:
    """The features of every patch of I × J pixels, W times its pixels, and what its position (p, q) has of its own.

    Shapes: X (C, I*P, J*Q, N), W (D, C, I, J), E (D, P, Q) -> (D, P, Q, N)
    Errors: ShapeError if patches do not tile the image, or channels or positions differ.
    Proof: derivations/patch_embedding.py, claim patch_embedding.forward.  See Dosovitskiy et al. 2021, §3.1.
    """
    patches, (P, Q) = _patches(X, W)
    of_shape((W.shape[0], P, Q), E=E)
    xp = namespace(X)
    return xp.reshape(_flat(W) @ patches, (W.shape[0], P, Q, X.shape[3])) + xp.expand_dims(E, axis=3)


def dW(X: Array, W: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the weights: dY times the pixels, added up over patches and examples.

    W is asked for its shape alone.

    Shapes: X (C, I*P, J*Q, N), W (D, C, I, J), dY (D, P, Q, N) -> (D, C, I, J)
    Units: loss per unit of weight.
    Errors: ShapeError as `forward`, or if dY has not the shape of the output.
    Proof: derivations/patch_embedding.py, claim patch_embedding.dW.
    """
    patches, places = _patches(X, W)
    of_shape((W.shape[0], *places, X.shape[3]), dY=dY)
    xp = namespace(X)
    return xp.reshape(xp.reshape(dY, (W.shape[0], -1)) @ patches.T, W.shape)


def dE(dY: Array) -> Array:
    """Gradient of the loss with respect to what each position has of its own: the sum of dY over the examples.

    Shapes: dY (D, P, Q, N) -> (D, P, Q)
    Units: loss per unit of feature.
    Proof: derivations/patch_embedding.py, claim patch_embedding.dE.
    """
    tensor("features, rows of patches, columns of patches, examples", dY=dY)
    return namespace(dY).sum(dY, axis=3)


def dX(X: Array, W: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the images: each pixel gets its own patch's dY, by the weights it has.

    X is asked for its shape alone.

    Shapes: X (C, I*P, J*Q, N), W (D, C, I, J), dY (D, P, Q, N) -> (C, I*P, J*Q, N)
    Units: loss per unit of pixel.
    Errors: ShapeError as `forward`, or if dY has not the shape of the output.
    Proof: derivations/patch_embedding.py, claim patch_embedding.dX.
    """
    _, (P, Q) = _patches(X, W)
    (D, C, I, J), N, xp = W.shape, X.shape[3], namespace(X)
    of_shape((D, P, Q, N), dY=dY)
    back = xp.reshape(_flat(W).T @ xp.reshape(dY, (D, -1)), (C, I, J, P, Q, N))
    return xp.reshape(xp.permute_dims(back, (0, 3, 1, 4, 2, 5)), X.shape)


def layer(C: int, D: int, I: int, J: int, P: int, Q: int) -> Layer:
    """The layer from images (C, I P, J Q, N) to D features of P Q positions (D, P Q, N): Xavier-normal weights.

    Shapes: A (C, I*P, J*Q, N) -> (D, P*Q, N)
    """

    def sequence(Y: Array) -> Array:
        return namespace(Y).reshape(Y, (D, P * Q, Y.shape[-1]))

    def image(dZ: Array) -> Array:
        of_shape((D, P * Q, dZ.shape[-1]), dZ=dZ)
        return namespace(dZ).reshape(dZ, (D, P, Q, dZ.shape[-1]))

    def init(rng: Any) -> PatchEmbedding:
        W = xavier.scale(C * I * J, D) * rng.standard_normal((D, C, I, J))
        return PatchEmbedding(W=W, E=0.02 * rng.standard_normal((D, P, Q)))

    return Layer(
        "patch_embedding",
        init=init,
        forward=lambda theta, A: sequence(forward(A, theta[0], theta[1])),
        dtheta=lambda theta, A, Z, dZ: PatchEmbedding(W=dW(A, theta[0], image(dZ)), E=dE(image(dZ))),
        dA=lambda theta, A, Z, dZ: dX(A, theta[0], image(dZ)),
        settings={"P": P, "Q": Q},
    )


def _patches(X: Array, W: Array) -> tuple[Any, tuple[int, int]]:
    """Every patch as a column of C I J pixels, and how many patches there are down and across."""
    tensor(AXES, X=X)
    tensor("features, channels, rows, columns", W=W)
    (C, rows, columns, N), (_, channels, I, J) = X.shape, W.shape
    if channels != C:
        raise ShapeError(f"W has weights for {channels} channels, and X has {C}, its first axis.")
    if rows % I or columns % J:
        raise ShapeError(
            f"X has images of {rows} × {columns}, which patches of {I} × {J} do not tile; crop or pad them, "
            f"or choose a patch whose sides divide theirs."
        )
    P, Q, xp = rows // I, columns // J, namespace(X)
    apart = xp.permute_dims(xp.reshape(X, (C, P, I, Q, J, N)), (0, 2, 4, 1, 3, 5))
    return xp.reshape(apart, (C * I * J, P * Q * N)), (P, Q)


def _flat(W: Array) -> Any:
    """W as a matrix, a row a feature."""
    return namespace(W).reshape(W, (W.shape[0], -1))
