"""The examples of a network: what one looks like before and behind each layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnref.layer import Layer
from nnref.network import Layers, Parameters, named


def after(layer: Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of an example behind a layer, from that before it."""
    return tuple(layer.forward(layer.init(np.random.default_rng(0)), np.zeros((*shape, 2))).shape[:-1])


def dtype_of(theta: Parameters) -> np.dtype[Any]:
    """The dtype of the parameters, in which the network computes; float32 where there are none."""
    return np.dtype(next((p.dtype for p in named(theta).values()), "float32"))


def takes_words(layer: Layer) -> bool:
    """Does a layer take words, at one place or at every one?"""
    return layer.name == "embedding" or (bool(layer.within) and takes_words(layer.within[0]))


def shape_of(layers: Layers, theta: Parameters, shape: tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape of an example: the one that was given, or that of the first layer.

    Errors: ValueError where neither says it.
    """
    found = shape or first_shape(layers, theta)
    if found is None:
        raise ValueError(
            f"a network that begins with {layers[0].name} takes examples of many shapes; pass that of one, without "
            f"the examples, such as shape=(3, 32, 32) for images of 3 channels."
        )
    return tuple(found)


def first_shape(layers: Layers, theta: Parameters) -> tuple[int, ...] | None:
    """The shape of an example, where the first layer says it; None for one that takes examples of many shapes."""
    layer, theta_l = layers[0], theta[0]
    while layer.within and layer.name != "per_position":
        layer, theta_l = layer.within[0], theta_l[0] if layer.name == "chain" else theta_l
    if layer.name == "images":
        return (layer.settings["C"] * layer.settings["H"] * layer.settings["B"],)
    return (theta_l[0].shape[1],) if layer.name == "affine" else None
