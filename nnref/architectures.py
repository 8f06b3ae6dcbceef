"""Networks of general layers: a small convolutional network, and a small transformer over the patches of an image."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from nnref import conv2d, flatten, layer_norm, max_pool, multi_head, patch_embedding
from nnref.layer import ACTIVATIONS, Layer, affine_layer, all_names, chain, residual
from nnref.network import Layers, initialise, named
from nnref.positions import images, mean_over_positions, per_position


def cnn(side: int = 28, classes: int = 10, channels: tuple[int, ...] = (8, 16), kernel: int = 5) -> tuple[Layer, ...]:
    """Images of side × side pixels as columns; per stage a convolution, a rectifier, and the largest of each 2 × 2.

    Errors: ValueError where nothing is left to pool.

    >>> [layer.name for layer in cnn(channels=(8,))]
    ['images', 'conv2d', 'per_position', 'max_pool', 'flatten', 'affine']
    """
    layers = [images(1, side, side)]
    left = side
    for C, D in pairwise((1, *channels)):
        left = (left - kernel + 1) // 2
        if left < 1:
            raise ValueError(
                f"images of {side} × {side} are too small for {len(channels)} stages of kernel={kernel}; "
                "try a smaller kernel, or fewer channels."
            )
        pool = max_pool.layer(2, 2, stride=2)
        layers += [conv2d.layer(C, D, kernel, kernel), per_position(ACTIVATIONS["relu"]), pool]
    return (*layers, flatten.layer(), affine_layer(channels[-1] * left * left, classes))


def transformer(
    side: int = 28, classes: int = 10, patch: int = 7, width: int = 48, heads: int = 4, blocks: int = 2
) -> tuple[Layer, ...]:
    """A small transformer over the patches of an image: attention, then a layer twice as wide, each beside a residual.

    A norm stands before each of the two, and before the mean over the patches that the classes are told from.
    Errors: ValueError where patches do not tile the image.

    >>> [layer.name for layer in transformer(blocks=1)]
    ['images', 'patch_embedding', 'residual', 'residual', 'per_position', 'mean_over_positions', 'affine']
    """
    if side % patch:
        raise ValueError(f"images of {side} × {side} are not tiled by patches of {patch} × {patch}; try patch=1.")
    layers = [images(1, side, side), patch_embedding.layer(1, width, patch, patch, side // patch, side // patch)]
    for _ in range(blocks):
        wider, narrower = affine_layer(width, 2 * width), affine_layer(2 * width, width)
        apart = chain(layer_norm.layer(width), wider, ACTIVATIONS["silu"], narrower)
        together = chain(per_position(layer_norm.layer(width)), multi_head.layer(width, heads))
        layers += [residual(together), residual(per_position(apart))]
    return (*layers, per_position(layer_norm.layer(width)), mean_over_positions(), affine_layer(width, classes))


RATES: dict[str, dict[str, Any]] = {"transformer": {"learning_rate": 0.2, "decay": True}}
"""Learning rates at which a network learns the digits better than at the default ones of training."""

NETWORKS: dict[str, Callable[[int, int], tuple[Layer, ...]]] = {"cnn": cnn, "transformer": transformer}
"""The networks of general layers by name, as functions of the side of the images and the number of classes."""


def described(layers: Layers, side: int, classes: int) -> dict[str, Any] | None:
    """The name of one of these networks for such images and classes, if the layers are its layers; else None."""
    for name, made in NETWORKS.items():
        again = made(side, classes)
        if list(all_names(again)) == list(all_names(layers)) and sized(again) == sized(layers):
            return {"network": name, "side": side, "classes": classes}
    return None


def sized(layers: Layers) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter by its name."""
    return {name: p.shape for name, p in named(initialise(layers)).items()}
