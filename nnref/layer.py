"""A layer: a forward pass and the two gradients of its backward pass, as a record of pure functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nnref import affine, he
from nnref.parameters import LayerParameters, Parameters
from nnref.shapes import Array, ShapeError


class Affine(NamedTuple):
    """The parameters of an affine layer, and, in the same places, their gradients: W (m, n) and b (m, 1)."""

    W: Array
    b: Array


@dataclass(frozen=True)
class Layer:
    """One step of the network, from A (n, N) to Z (m, N).

    init(rng) -> θ draws the parameters in float64; forward(θ, A) -> Z. dtheta(θ, A, Z, dZ) -> dθ and
    dA(θ, A, Z, dZ) -> dA are given the input and the output of the forward pass, so that nothing need be remembered
    between calls; dA is not asked of the first layer. θ is a named tuple of arrays, () or a tuple of θs. both, where
    there is one, gives (dθ, dA) for the work of one of them. within are the layers that a layer is made of, settings
    what else it was made with, such as {"stride": 2}.
    """

    name: str
    init: Callable[[np.random.Generator], LayerParameters]
    forward: Callable[[LayerParameters, Array], Array]
    dtheta: Callable[[LayerParameters, Array, Array, Array], LayerParameters]
    dA: Callable[[LayerParameters, Array, Array, Array], Array]
    both: Callable[[LayerParameters, Array, Array, Array], tuple[LayerParameters, Array]] | None = None
    within: tuple[Layer, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __iter__(self) -> Iterator[Layer]:
        """Refused: layers are a tuple, and one layer is a tuple of one."""
        raise TypeError(f"layers should be a tuple of layers; the layer {self.name!r} alone came. Try (layer,).")

    def vjp(self, theta: LayerParameters, A: Array, Z: Array, dZ: Array) -> tuple[LayerParameters, Array]:
        """The gradient with respect to the parameters, and that with respect to the input."""
        if self.both:
            return self.both(theta, A, Z, dZ)
        return self.dtheta(theta, A, Z, dZ), self.dA(theta, A, Z, dZ)


def all_names(layers: Sequence[Layer]) -> Iterator[str]:
    """The names of the layers and of those within them, a layer before its own."""
    for layer in layers:
        yield layer.name
        yield from all_names(layer.within)


def activations(layers: Sequence[Layer], theta: Parameters, X: Array) -> list[Array]:
    """X, then the output of every layer in turn: all that the backward pass needs. The last are the logits."""
    if not isinstance(theta, tuple | list) or len(theta) != len(layers):
        came = len(theta) if isinstance(theta, tuple | list) else type(theta).__name__
        raise ShapeError(
            f"theta should have one entry a layer, {len(layers)} (activations have ()); {came} came. "
            f"nnref.initialise(layers) makes one."
        )
    A = [X]
    for layer, theta_l in zip(layers, theta, strict=True):
        A.append(layer.forward(theta_l, A[-1]))
    return A


def backward(
    layers: Sequence[Layer], theta: Parameters, A: Sequence[Array], dZ: Array
) -> tuple[list[LayerParameters], Array]:
    """The gradient of every layer's parameters but the first's, in reverse, and that of the first layer's output.

    A holds the activations, and dZ is the gradient with respect to the last of them.
    """
    dtheta = []
    for l in range(len(layers) - 1, 0, -1):
        dtheta_l, dZ = layers[l].vjp(theta[l], A[l], A[l + 1], dZ)
        dtheta.append(dtheta_l)
    return dtheta, dZ


def gradients_from(layers: Sequence[Layer], theta: Parameters, A: Sequence[Array], dZ: Array) -> Parameters:
    """The gradient of every layer's parameters. What comes before the first that learns is not gone back through."""
    first = next((l for l, theta_l in enumerate(theta) if not isinstance(theta_l, tuple | list) or len(theta_l)), 0)
    learning, theta_learning, A_learning = layers[first:], theta[first:], A[first:]
    dtheta, dZ = backward(learning, theta_learning, A_learning, dZ)
    if not layers:
        return ()
    return (*theta[:first], learning[0].dtheta(theta_learning[0], A_learning[0], A_learning[1], dZ), *reversed(dtheta))


def affine_parameters(theta: LayerParameters) -> Affine:
    """W and b of an affine layer.

    Errors: ShapeError for anything but a pair.
    """
    if type(theta) is Affine:
        return theta
    if not isinstance(theta, tuple | list) or len(theta) != 2:
        came = f"{type(theta).__name__} of {len(theta)}" if isinstance(theta, tuple | list) else type(theta).__name__
        raise ShapeError(f"theta of an affine layer should be Affine(W, b); {came} came. nnref.initialise makes one.")
    return Affine(*theta)


def affine_layer(n: int, m: int) -> Layer:
    """The layer Z = W A + b 1ᵀ from n neurons to m: He-normal weights (he.scale), zero biases."""
    return Layer(
        "affine",
        init=lambda rng: Affine(W=he.scale(n) * rng.standard_normal((m, n)), b=np.zeros((m, 1))),
        forward=lambda theta, A: affine.forward(*affine_parameters(theta), A),
        dtheta=lambda theta, A, Z, dZ: Affine(W=affine.dW(A, dZ), b=affine.db(dZ)),
        dA=lambda theta, A, Z, dZ: affine.dA(affine_parameters(theta).W, dZ),
    )


def activation_layer(
    name: str, forward: Callable[[Array], Array], dZ: Callable[[Array, Array, Array], Array], **settings: float
) -> Layer:
    """A layer that learns nothing: forward(Z) -> A entry by entry, dZ(Z, A, dA) -> dZ."""
    return Layer(
        name,
        init=lambda rng: (),
        forward=lambda theta, Z: forward(Z),
        dtheta=lambda theta, Z, A, dA: (),
        dA=lambda theta, Z, A, dA: dZ(Z, A, dA),
        settings=settings,
    )


def chain(*layers: Layer) -> Layer:
    """Layers one after the other, as one layer: a network is a layer. Its parameters are the tuple of theirs.

    >>> chain(affine_layer(3, 4), ACTIVATIONS["tanh"], residual(affine_layer(4, 4))).name
    'chain'
    """
    if not layers:
        raise ValueError("chain needs at least one layer; none came.")

    def both(theta: LayerParameters, A: Array, Z: Array, dZ: Array) -> tuple[LayerParameters, Array]:
        passed = activations(layers, theta, A)
        dtheta, dZ = backward(layers, theta, passed, dZ)
        first, dA = layers[0].vjp(theta[0], A, passed[1], dZ)
        return (first, *reversed(dtheta)), dA

    return Layer(
        "chain",
        init=lambda rng: tuple(layer.init(rng) for layer in layers),
        forward=lambda theta, A: activations(layers, theta, A)[-1],
        dtheta=lambda theta, A, Z, dZ: gradients_from(layers, theta, activations(layers, theta, A), dZ),
        dA=lambda theta, A, Z, dZ: both(theta, A, Z, dZ)[1],
        both=both,
        within=layers,
    )


def goes_again(layer: Layer) -> bool:
    """Does a layer go forward again in its backward pass, so that it asks for no output? A chain does."""
    return layer.name == "chain" or (layer.name == "per_position" and goes_again(layer.within[0]))


def residual(branch: Layer) -> Layer:
    """The layer Z = A + branch(A), which needs a branch that keeps the shape of A: dA = dZ + the branch's.

    Errors: ShapeError if the branch gives another shape; numpy would stretch a single row without a word.
    """

    def forward(theta: LayerParameters, A: Array) -> Array:
        B = branch.forward(theta, A)
        if B.shape != A.shape:
            raise ShapeError(f"residual: the branch gives {B.shape} for an input {A.shape}; both should be the same.")
        return A + B

    def both(theta: LayerParameters, A: Array, Z: Array, dZ: Array) -> tuple[LayerParameters, Array]:
        # Z − A is the branch's output only up to rounding, and its slope may hang on the last digit. A chain goes
        # forward again by itself, and asks for no output.
        dtheta, dA = branch.vjp(theta, A, Z if goes_again(branch) else branch.forward(theta, A), dZ)
        return dtheta, dZ + dA

    return Layer(
        "residual",
        init=branch.init,
        forward=forward,
        dtheta=lambda theta, A, Z, dZ: branch.dtheta(theta, A, branch.forward(theta, A), dZ),
        dA=lambda theta, A, Z, dZ: dZ + branch.dA(theta, A, branch.forward(theta, A), dZ),
        both=both,
        within=(branch,),
    )


def activation(name: str) -> Layer:
    """The layer of the activation that the concept module of that name defines.

    Numbers after the name choose its parameters, as in "leaky_relu 0.1". Its functions are looked up in the module at
    each call, so that a test may break one. dZ takes the input Z or the output A, whichever its formula is written in.
    Errors: ValueError for a name that no module bears, and for numbers after it that it does not take.
    """
    stem, *values = name.split() or [""]
    if stem not in ACTIVATIONS_BY_ARGUMENT:
        raise ValueError(f"activation should be one of {', '.join(ACTIVATIONS_BY_ARGUMENT)}; {name!r} came.")
    module = import_module(f"nnref.{stem}")
    chosen = numbers_after(name, values, list(signature(module.forward).parameters)[1:])
    if ACTIVATIONS_BY_ARGUMENT[stem] == "Z":
        return activation_layer(name, lambda Z: module.forward(Z, *chosen), lambda Z, A, dA: module.dZ(Z, dA, *chosen))
    return activation_layer(name, lambda Z: module.forward(Z, *chosen), lambda Z, A, dA: module.dZ(A, dA, *chosen))


def numbers_after(name: str, values: list[str], parameters: list[str]) -> tuple[float, ...]:
    """The numbers that choose an activation's parameters.

    Errors: ValueError for what is no number, and for more numbers than there are parameters.
    """
    try:
        chosen = tuple(map(float, values))
    except ValueError:
        chosen = None
    if chosen is None or len(chosen) > len(parameters):
        stem = name.split(maxsplit=1)[0]
        takes = f"{' and '.join(parameters)}, as in '{stem} 0.1'" if parameters else "no number"
        raise ValueError(f"the activation {stem} takes {takes}; {name!r} came.")
    return chosen


def activation_argument(source: str) -> str | None:
    """The argument of dZ, Z or A, of a module that defines an activation: forward(Z) and dZ(Z or A, dA); else None.

    Arguments with defaults, such as the slope of a leaky rectifier, may follow.
    """
    # Only the heads are parsed: to parse whole files took longer than to import everything else.
    heads = re.findall(r"^def (?:forward|dZ)\(.*?\)(?= ->|:)", source, flags=re.MULTILINE | re.DOTALL)
    functions = [ast.parse(f"{head}: ...").body[0] for head in heads]
    needed = {
        f.name: [a.arg for a in f.args.args[: len(f.args.args) - len(f.args.defaults)]]
        for f in functions
        if isinstance(f, ast.FunctionDef)
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
