"""The spots of a network at which a backward pass can go wrong: its layers, nested ones included."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nnref.layer import Layer, chain, gradients_from, residual
from nnref.parameters import named
from nnref.positions import per_position
from nnref.shapes import Array

Path = tuple[int, ...]
"""How a layer is reached: its number in the network, then that of each layer within."""

Changed = Callable[[Path, Layer], Layer]
"""Gives the layer that replaces the one at a path."""


@dataclass(frozen=True)
class Spot:
    """A layer that is made of no others, or the sum of a residual: its arrays' names and what passed through it.

    A and Z are its input and output, dZ what came back to it; number is that of the layer, and of those within: "4.2".
    """

    path: Path
    number: str
    layer: Layer
    names: tuple[str, ...]
    theta: Any
    A: Array
    Z: Array
    dZ: Array

    @property
    def called(self) -> str:
        """In words: "layer 3, max_pool"."""
        return f"layer {self.number}, {self.layer.name}"


@dataclass(frozen=True)
class Place:
    """A spot of a network as it is defined, without the arrays of a pass."""

    path: Path
    number: str
    names: tuple[str, ...]


def rebuilt(layer: Layer, path: Path, changed: Changed) -> Layer:
    """The layer, with each of its inner layers replaced."""
    within = [rebuilt(part, (*path, k), changed) for k, part in enumerate(layer.within)]
    if layer.name == "chain":
        return chain(*within)
    if layer.name == "per_position":
        return per_position(*within)
    return changed(path, residual(*within) if layer.name == "residual" else layer)


def places(layer: Layer, theta: Any, path: Path, number: str, names: Iterator[str]) -> Iterator[Place]:
    """The spots of a layer, forward; the sum of a residual, which is the last of it going back, before its branch."""
    if layer.name == "chain":
        for k, (part, own) in enumerate(zip(layer.within, theta, strict=True)):
            yield from places(part, own, (*path, k), f"{number}.{k + 1}", names)
    elif layer.name == "per_position":
        yield from places(layer.within[0], theta, (*path, 0), number, names)
    elif layer.name == "residual":
        yield Place(path, number, ())
        yield from places(layer.within[0], theta, (*path, 0), number, names)
    else:
        yield Place(path, number, tuple(next(names) for _ in named((theta,))))


def spots(layers: Sequence[Layer], theta: Any, A: Sequence[Array], dZ: Array) -> list[Spot]:
    """The spots that a backward pass comes through, forward; dZ is the gradient of the network's output."""
    passed: dict[Path, tuple[Layer, Any, Array, Array, Array]] = {}

    def watched(path: Path, layer: Layer) -> Layer:
        def vjp(theta: Any, A: Array, Z: Array, dZ: Array) -> tuple[Any, Array]:
            passed[path] = layer, theta, A, Z, dZ
            return layer.vjp(theta, A, Z, dZ)

        return replace(layer, both=vjp, dtheta=lambda *at: vjp(*at)[0], dA=lambda *at: vjp(*at)[1])

    gradients_from([rebuilt(layer, (k,), watched) for k, layer in enumerate(layers)], theta, A, dZ)
    names = iter(named(theta))
    every = [
        place
        for k, (layer, own) in enumerate(zip(layers, theta, strict=True))
        for place in places(layer, own, (k,), str(k + 1), names)
    ]
    return [
        Spot(place.path, place.number, passed[place.path][0], place.names, *passed[place.path][1:])
        for place in every
        if place.path in passed
    ]


def gradients_with(
    layers: Sequence[Layer], theta: Any, A: Sequence[Array], dZ: Array, spot: Spot, dtheta: Any, dA: Array
) -> dict[str, Array]:
    """The gradients of the network by name if one spot returned dtheta and dA, and all others were right."""

    def changed(path: Path, layer: Layer) -> Layer:
        if path != spot.path:
            return layer
        return replace(layer, both=lambda *at: (dtheta, dA), dtheta=lambda *at: dtheta, dA=lambda *at: dA)

    return dict(named(gradients_from([rebuilt(layer, (k,), changed) for k, layer in enumerate(layers)], theta, A, dZ)))
