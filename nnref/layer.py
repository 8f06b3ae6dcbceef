"""A layer: a forward pass and its vector-Jacobian product, as a record of pure functions."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nnref import affine, he
from nnref.shapes import Array


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


def affine_layer(n: int, m: int) -> Layer:
    """The layer Z = W A + b 1ᵀ from n neurons to m: He-normal weights (he.scale), zero biases."""

    def init(rng: np.random.Generator) -> Affine:
        return Affine(W=he.scale(n) * rng.standard_normal((m, n)), b=np.zeros((m, 1)))

    def forward(theta: LayerParameters, A: Array) -> Array:
        W, b = theta  # type: ignore[misc]  # an affine layer's parameters are an Affine
        return affine.forward(W, b, A)

    def vjp(theta: LayerParameters, A: Array, Z: Array, dZ: Array) -> tuple[LayerParameters, Array]:
        W, _ = theta  # type: ignore[misc]
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


def activation(name: str) -> Layer:
    """The layer of the activation that the concept module of that name defines.

    Numbers after the name choose its parameters, as in "leaky_relu 0.1". Its functions are looked up in the module at
    each call, so that a test may break one. dZ takes the input Z or the output A, whichever its formula is written in.
    Errors: ValueError for a name that no module bears.
    """
    stem, *values = name.split() or [""]
    if stem not in ACTIVATIONS_BY_ARGUMENT:
        raise ValueError(f"activation should be one of {', '.join(ACTIVATIONS_BY_ARGUMENT)}; {name!r} came.")
    module, chosen = import_module(f"nnref.{stem}"), tuple(map(float, values))
    if ACTIVATIONS_BY_ARGUMENT[stem] == "Z":
        return activation_layer(name, lambda Z: module.forward(Z, *chosen), lambda Z, A, dA: module.dZ(Z, dA, *chosen))
    return activation_layer(name, lambda Z: module.forward(Z, *chosen), lambda Z, A, dA: module.dZ(A, dA, *chosen))


def activation_argument(source: str) -> str | None:
    """The argument of dZ, Z or A, of a module that defines an activation: forward(Z) and dZ(Z or A, dA); else None.

    Arguments with defaults, such as the slope of a leaky rectifier, may follow.
    """
    if "def dZ(" not in source:  # what is no concept need not be parsed
        return None
    functions = {node.name: node.args for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    needed = {
        name: [a.arg for a in args.args[: len(args.args) - len(args.defaults)]] for name, args in functions.items()
    }
    for argument in ("Z", "A"):
        if needed.get("forward") == ["Z"] and needed.get("dZ") == [argument, "dA"]:
            return argument
    return None


ACTIVATIONS_BY_ARGUMENT = {
    path.stem: argument
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if (argument := activation_argument(path.read_text(encoding="utf-8")))
}
"""The concept modules that define an activation, and what their dZ is a function of: {"relu": "Z", "tanh": "A", …}."""

ACTIVATIONS = {name: activation(name) for name in ACTIVATIONS_BY_ARGUMENT}
"""The activations by name. There is no list to keep: a module that defines one is one."""
