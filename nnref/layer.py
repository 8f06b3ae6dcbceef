"""A layer: a forward pass and its vector-Jacobian product, as a record of pure functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nnref import affine, he, relu, sigmoid, tanh
from nnref.shapes import Array, ShapeError


class Affine(NamedTuple):
    """The parameters of an affine layer, and, in the same places, their gradients: W (m, n) and b (m, 1)."""

    W: Array
    b: Array


LayerParameters = Affine | tuple[()]
"""What one layer learns: an Affine, or () for an activation, which learns nothing."""


@dataclass(frozen=True)
class Layer:
    """One step of the network, from A (n, N) to Z (m, N).

    init(rng) -> θ draws the parameters in float64; forward(θ, A) -> Z; vjp(θ, A, Z, dZ) -> (dθ, dA) is given the input
    and the output of the forward pass, so that nothing need be remembered between calls.
    """

    name: str
    init: Callable[[np.random.Generator], LayerParameters]
    forward: Callable[[LayerParameters, Array], Array]
    vjp: Callable[[LayerParameters, Array, Array, Array], tuple[LayerParameters, Array]]


def affine_parameters(theta: LayerParameters) -> Affine:
    """W and b of an affine layer.

    Errors: ShapeError for anything but a pair.
    """
    if not isinstance(theta, tuple | list) or len(theta) != 2:
        came = f"{type(theta).__name__} of {len(theta)}" if isinstance(theta, tuple | list) else type(theta).__name__
        raise ShapeError(f"theta of an affine layer should be Affine(W, b); {came} came. nnref.initialise makes one.")
    return Affine(*theta)


def affine_layer(n: int, m: int) -> Layer:
    """The layer Z = W A + b 1ᵀ from n neurons to m: He-normal weights (he.scale), zero biases."""

    def init(rng: np.random.Generator) -> Affine:
        return Affine(W=he.scale(n) * rng.standard_normal((m, n)), b=np.zeros((m, 1)))

    def forward(theta: LayerParameters, A: Array) -> Array:
        W, b = affine_parameters(theta)
        return affine.forward(W, b, A)

    def vjp(theta: LayerParameters, A: Array, Z: Array, dZ: Array) -> tuple[LayerParameters, Array]:
        W, _ = affine_parameters(theta)
        return Affine(W=affine.dW(A, dZ), b=affine.db(dZ)), affine.dA(W, dZ)

    return Layer("affine", init, forward, vjp)


def activation_layer(
    name: str, forward: Callable[[Array], Array], vjp: Callable[[Array, Array, Array], Array]
) -> Layer:
    """A layer that learns nothing: forward(Z) -> A entry by entry, vjp(Z, A, dA) -> dZ."""
    return Layer(
        name,
        init=lambda rng: (),
        forward=lambda theta, Z: forward(Z),
        vjp=lambda theta, Z, A, dA: ((), vjp(Z, A, dA)),
    )


ACTIVATIONS = {
    "relu": activation_layer("relu", lambda Z: relu.forward(Z), lambda Z, A, dA: relu.dZ(Z, dA)),
    "sigmoid": activation_layer("sigmoid", lambda Z: sigmoid.forward(Z), lambda Z, A, dA: sigmoid.dZ(A, dA)),
    "tanh": activation_layer("tanh", lambda Z: tanh.forward(Z), lambda Z, A, dA: tanh.dZ(A, dA)),
}
"""The activations by name. Functions are looked up in their modules at each call, so that a test may break one."""
