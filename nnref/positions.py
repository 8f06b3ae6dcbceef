"""Layers over positions: columns read as images, a layer at every position of a sequence or an image, and the mean."""

from __future__ import annotations

from nnref.arrays import namespace
from nnref.layer import Layer
from nnref.parameters import LayerParameters
from nnref.shapes import Array, ShapeError, dims


def images(C: int, H: int, B: int) -> Layer:
    """The layer that reads columns (C H B, N) as images (C, H, B, N): row after row of each channel. It learns nothing.

    Errors: ShapeError for columns of another length.
    """

    def forward(theta: LayerParameters, A: Array) -> Array:
        if A.ndim != 2 or A.shape[0] != C * H * B:
            raise ShapeError(f"images: A is {dims(A)}; columns of {C} × {H} × {B} = {C * H * B} pixels are expected.")
        return namespace(A).reshape(A, (C, H, B, A.shape[1]))

    return Layer(
        "images",
        init=lambda rng: (),
        forward=forward,
        dtheta=lambda theta, A, Z, dZ: (),
        dA=lambda theta, A, Z, dZ: namespace(dZ).reshape(dZ, A.shape),
        settings={"C": C, "H": H, "B": B},
    )


def per_position(layer: Layer) -> Layer:
    """The layer at every position: from (n, …, N) to (m, …, N), every position of an example taken for an example.

    Its parameters are the layer's, and are shared by all positions: their gradients are added up.
    """

    def columns(A: Array) -> Array:
        return namespace(A).reshape(A, (A.shape[0], -1))

    def placed(Z: Array, like: Array) -> Array:
        return namespace(Z).reshape(Z, (Z.shape[0], *like.shape[1:]))

    def both(theta: LayerParameters, A: Array, Z: Array, dZ: Array) -> tuple[LayerParameters, Array]:
        dtheta, dA = layer.vjp(theta, columns(A), columns(Z), columns(dZ))
        return dtheta, placed(dA, A)

    return Layer(
        "per_position",
        init=layer.init,
        forward=lambda theta, A: placed(layer.forward(theta, columns(A)), A),
        dtheta=lambda theta, A, Z, dZ: layer.dtheta(theta, columns(A), columns(Z), columns(dZ)),
        dA=lambda theta, A, Z, dZ: placed(layer.dA(theta, columns(A), columns(Z), columns(dZ)), A),
        both=both,
        within=(layer,),
    )


def mean_over_positions() -> Layer:
    """The layer from (n, T, N) to (n, N), the mean over the T positions: each gets 1/T of what comes back."""

    def dA(theta: LayerParameters, A: Array, Z: Array, dZ: Array) -> Array:
        xp = namespace(dZ)
        return xp.broadcast_to(xp.expand_dims(dZ, axis=1), A.shape) / A.shape[1]

    return Layer(
        "mean_over_positions",
        init=lambda rng: (),
        forward=lambda theta, A: namespace(A).mean(A, axis=1),
        dtheta=lambda theta, A, Z, dZ: (),
        dA=dA,
    )
