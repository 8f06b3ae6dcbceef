"""Where Keras keeps what a layer learns. Examples are its first axis and features its last: here it is the other way.

Each way is a permutation, so that it serves gradients as well as parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from nnref.batch_norm import BatchNorm
from nnref.conv2d import Conv2d
from nnref.embedding import Embedding
from nnref.examples import after, shape_of
from nnref.layer import Affine, Layer
from nnref.layer_norm import LayerNorm
from nnref.multi_head import MultiHead
from nnref.network import Layers, Parameters, form
from nnref.parameters import mapped
from nnref.rms_norm import RMSNorm
from nnref.shapes import Array


@dataclass(frozen=True)
class Place:
    """A layer that learns, at its place in a network.

    order says which of our features is each of Keras's; None where they are the same.
    """

    layer: Layer
    order: Array | None


def swapped(A: Array) -> Array:
    """The examples of A, its last axis, as the first, and its features, the first, as the last."""
    return np.swapaxes(A, 0, -1) if A.ndim < 4 else np.transpose(A, (3, 1, 2, 0))


def vector(p: Array, place: Place) -> Array:
    """A column (n, 1) as a vector (n,), in Keras's order."""
    return p[:, 0] if place.order is None else p[place.order, 0]


def column(v: Array, place: Place) -> Array:
    """A vector (n,) in Keras's order as a column (n, 1)."""
    return put_back(v, place.order)[:, None]


def put_back(A: Array, order: Array | None) -> Array:
    """A, whose rows are in Keras's order, in ours."""
    if order is None:
        return A
    ours = np.empty_like(A)
    ours[order] = A
    return ours


def affine_outward(theta: Affine, place: Place) -> list[Array]:
    """The kernel (n, m) and the bias (m,)."""
    return [theta.W.T if place.order is None else theta.W.T[place.order], theta.b[:, 0]]


def affine_inward(arrays: Sequence[Array], place: Place) -> Affine:
    """W (m, n) and b (m, 1)."""
    return Affine(put_back(arrays[0], place.order).T, arrays[1][:, None])


def heads_outward(theta: MultiHead, place: Place) -> list[Array]:
    """Kernels (D, heads, d) of queries, keys and values, and (heads, d, D) of the output."""
    D, heads = len(theta.Wq), place.layer.settings["heads"]
    of_heads = [W.T.reshape(D, heads, D // heads) for W in theta[:3]]
    return [*of_heads, theta.Wo.T.reshape(heads, D // heads, D)]


def heads_inward(arrays: Sequence[Array], place: Place) -> MultiHead:
    """Four matrices (D, D)."""
    D = arrays[0].shape[0]
    return MultiHead(*(W.reshape(D, D).T for W in arrays))


def norm_outward(theta: Any, place: Place) -> list[Array]:
    """Gain and shift, or the gain alone, as vectors."""
    return [vector(p, place) for p in theta]


@dataclass(frozen=True)
class Ways:
    """What one kind of layer learns, to the list that Keras keeps and back."""

    outward: Callable[[Any, Place], list[Array]]
    inward: Callable[[Sequence[Array], Place], Any]


def norm(made: type) -> Ways:
    """The ways of a normalisation, whose parameters are of this type."""
    return Ways(norm_outward, lambda arrays, place: made(*(column(v, place) for v in arrays)))


WAYS = {
    "affine": Ways(affine_outward, affine_inward),
    "conv2d": Ways(
        lambda theta, place: [theta.W.transpose(2, 3, 1, 0), theta.b[:, 0]],
        lambda arrays, place: Conv2d(arrays[0].transpose(3, 2, 0, 1), arrays[1][:, None]),
    ),
    "layer_norm": norm(LayerNorm),
    "batch_norm": norm(BatchNorm),
    "batch_norm_inference": norm(BatchNorm),
    "rms_norm": norm(RMSNorm),
    "embedding": Ways(lambda theta, place: [theta.E.T], lambda arrays, place: Embedding(arrays[0].T)),
    "multi_head": Ways(heads_outward, heads_inward),
}
"""By the name of a layer that learns: its ways."""


def ordered(layer: Layer, shape: tuple[int, ...], order: Array | None) -> Array | None:
    """Which of our features is each of Keras's behind a layer.

    Keras flattens images row by row, and each pixel's channels side by side; here it is channel by channel.
    """
    if layer.name == "flatten":
        C, H, B = shape
        return None if C == 1 or H * B == 1 else np.arange(C * H * B).reshape(shape).transpose(1, 2, 0).reshape(-1)
    return None if layer.name in ("affine", "embedding") else order


def places(layers: Layers, shape: tuple[int, ...]) -> list[Place]:
    """The layers that learn at their places in a network whose examples have this shape, in the order of the tree.

    Errors: ValueError where a residual, or the last layer, would have its features in another order than Keras.
    """
    return kept_places(tuple(layers), tuple(shape))


@lru_cache(maxsize=16)
def kept_places(layers: tuple[Layer, ...], shape: tuple[int, ...]) -> list[Place]:
    """The same, found once: to learn the shapes every layer goes forward, and a step of training asks again."""
    found, order = walked(layers, shape, None)
    if order is not None:
        raise ValueError("flatten should be followed by an affine layer before the network ends.")
    return found


def walked(layers: Layers, shape: tuple[int, ...], order: Array | None) -> tuple[list[Place], Array | None]:
    """The places in these layers, and the order of features behind them."""
    found: list[Place] = []
    for layer in layers:
        if layer.within:
            inner = shape[:1] if layer.name == "per_position" else shape
            more, behind = walked(layer.within, inner, order)
            if layer.name == "residual" and behind is not order:
                raise ValueError("a residual right behind flatten adds features in two orders; put affine between.")
            found, order = [*found, *more], behind
        else:
            if layer.name in WAYS:
                found.append(Place(layer, order))
            order = ordered(layer, shape, order)
        shape = after(layer, shape)
    return found, order


def in_place(layers: Layers, theta: Parameters) -> Iterator[Any]:
    """The parameters of each layer that learns, in the order of the tree."""
    for layer, theta_l in zip(layers, theta, strict=True):
        if layer.within:
            yield from in_place(layer.within, theta_l if layer.name == "chain" else (theta_l,))
        elif layer.name in WAYS:
            yield theta_l


def weights_of(layers: Layers, theta: Parameters, shape: tuple[int, ...] | None = None) -> list[Array]:
    """Parameters, or gradients, as the list that model.trainable_variables is, in its shapes."""
    found = places(layers, shape_of(layers, theta, shape))
    pairs = zip(in_place(layers, theta), found, strict=True)
    return [np.ascontiguousarray(A) for theta_l, place in pairs for A in WAYS[place.layer.name].outward(theta_l, place)]


def tree(layers: Layers, arrays: Sequence[Array], shape: tuple[int, ...]) -> Parameters:
    """The tree of parameters, or gradients, from the list that model.trainable_variables is.

    Errors: ValueError for a list of another length.
    """
    like = tuple(form(layer) for layer in layers)
    counts = [len(theta_l) for theta_l in in_place(layers, like)]
    if len(arrays) != sum(counts):
        raise ValueError(f"these layers have {sum(counts)} arrays of parameters; {len(arrays)} came.")
    left = iter(arrays)
    flat: list[Array] = []
    for place, count in zip(places(layers, shape), counts, strict=True):
        made = WAYS[place.layer.name].inward([next(left) for _ in range(count)], place)
        flat += [np.ascontiguousarray(A) for A in made]
    numbers = iter(flat)
    made_tree: Parameters = mapped(lambda _: next(numbers), like)
    return made_tree
