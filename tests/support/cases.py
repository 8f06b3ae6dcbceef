"""A claim's function at a point: the loss whose gradient it says it is, by the convention of names alone.

affine.dW is the gradient of ⟨dY, affine.forward(W, b, A)⟩ with respect to W; a function without a dY, such as
softmax_cross_entropy.dZ, that of forward itself. Nothing here reads a derivation.
"""

import inspect
import math
import re
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

import nnref
from nnref import bridge, softmax

SIZES = {"m": 4, "n": 3, "N": 5, "G": 2, "F": 3, "K": 3, "P": 4, "T": 3, "U": 4, "d": 2, "e": 5} | {
    **dict(zip("CHBDIJQ", (3, 7, 6, 2, 2, 3, 2), strict=True))
}
"""All different in one array, more than one example, and no size 1: a missing sum, transpose or 1/N shows."""

WIDTHS = [5, 4, 6, 3]
"""The network's, likewise; three affine layers, as in mlp.dW1 … mlp.db3."""


@dataclass(frozen=True)
class Case:
    """A loss of a dictionary with one array, the array, and its gradient as nnref computes it."""

    name: str
    loss: Any
    parameters: dict[str, Any]
    gradient: Any
    arguments: dict[str, Any]
    dY: Any = None
    slot: str | None = None
    """What the gradient calls its dY, where it has one: it may stand among what the gradient is asked at."""


@dataclass(frozen=True)
class Network:
    """The network at which the entries of its gradient are judged."""

    layers: Any
    theta: Any
    X: Any
    Y: Any


def case(name, **settings):
    """The case of a gradient, or None for a name that is no gradient of anything: a definition or a lemma.

    settings are arguments, or functions of all arguments, in place of what is drawn for them, and sizes by name.
    """
    if found := re.fullmatch(r"mlp\.d([Wb]\d+)", name):
        return of_network(name, found[1])
    module, _, attribute = name.rpartition(".")
    if not is_gradient(name):
        return None
    forward, gradient, wrt = bridge.function(f"{module}.forward"), bridge.function(name), attribute[1:]
    at = arguments(forward, name, **settings)
    Y = np.asarray(forward(**at))
    names = list(inspect.signature(gradient).parameters)
    others = [p for p in names if p not in at]
    slot = next((p for p in others if p.startswith("d")), None)
    dY = generator(name, "dY").standard_normal(Y.shape) if slot else np.ones(())

    def loss(moved):
        return (dY * forward(**{**at, **moved})).sum()

    def yours(moved):
        now = {**at, **{p: A for p, A in moved.items() if p != slot}}
        output = {p: forward(**now) for p in others if p != slot}
        back = {slot: moved.get(slot, dY)} if slot else {}
        return {wrt: gradient(**{p: now[p] for p in names if p in now} | output | back)}

    return Case(name, loss, {wrt: at[wrt]}, yours, at, dY, slot)


def is_gradient(name):
    """Whether a name is d and an argument of its concept's forward function: that function's gradient."""
    module, _, attribute = name.rpartition(".")
    try:
        forward = bridge.function(f"{module}.forward")
    except LookupError:
        return False
    return attribute.startswith("d") and attribute[1:] in inspect.signature(forward).parameters


def of_network(name, parameter):
    """The case of one parameter of the network."""
    it = network()
    at = nnref.named(it.theta)

    def theta(moved):
        return nnref.network.unnamed({**at, **moved}, it.layers)

    def yours(moved):
        return {parameter: nnref.named(nnref.gradients(it.layers, theta(moved), it.X, it.Y))[parameter]}

    return Case(
        name, lambda moved: nnref.loss(it.layers, theta(moved), it.X, it.Y), {parameter: at[parameter]}, yours, at
    )


def network():
    """The article's network, small: rectifiers, biases that are not zero, dense signed examples."""
    rng = generator("mlp", "")
    layers = nnref.mlp(WIDTHS)
    theta = tuple(t._replace(b=rng.standard_normal(t.b.shape)) if t else () for t in nnref.initialise(layers, seed=1))
    N, classes = SIZES["N"], WIDTHS[-1]
    labels = rng.permutation(np.arange(N) % classes)
    return Network(layers, theta, rng.standard_normal((WIDTHS[0], N)), nnref.one_hot(labels, classes, "float64"))


def generator(*names):
    """The same numbers in every run."""
    return np.random.default_rng(zlib.crc32(" ".join(names).encode()))


def arguments(function, name, **settings):
    """An array for every parameter of a function, shaped as its Shapes: line says: probabilities, labels, or dense."""
    sizes = SIZES | {size: n for size, n in settings.items() if size in SIZES}
    line = re.search(r"Shapes: (.*?)->", inspect.getdoc(function))[1]
    shapes = {p: shape.split(", ") if shape else [] for p, shape in re.findall(r"(\w+) \((.*?)\)", line)}
    at = {p: drawn(p, [extent(d, sizes) for d in shape], generator(name, p)) for p, shape in shapes.items()}
    at |= {p: value for p, value in settings.items() if p in at and not callable(value)}
    return at | {p: value(at) for p, value in settings.items() if callable(value)}


def extent(size, sizes):
    """The number that a size of a Shapes: line stands for: a name, a number, or a product such as I*P."""
    return math.prod(sizes.get(factor) or int(factor) for factor in size.split("*"))


def drawn(symbol, shape, rng):
    """Columns of probabilities for P, one-hot labels for Y, and numbers of both signs for all else but SPECIAL."""
    if not shape or symbol in SPECIAL:
        return SPECIAL.get(symbol, positive)(shape, rng)
    if symbol == "P":
        return softmax.forward(rng.standard_normal(shape))
    if symbol == "Y":
        return nnref.one_hot(rng.permutation(np.arange(shape[1]) % shape[0]), shape[0], "float64")
    return rng.standard_normal(shape)


def positive(shape, rng):
    """Numbers between 1/8 and 1, such as an ε, a rate or a variance; one that is no array is a float."""
    found = rng.integers(1, 9, shape) / 8
    return found if shape else float(found)


def seen(shape, rng):
    """A mask of ones and zeros in which no row and no column is empty."""
    found = rng.integers(0, 2, shape) * 1.0
    found[0], found[:, 0] = 1, 1
    return found


def one_hot(shape, rng):
    """A column for every place, with a single one; where there are more places than words, some come twice."""
    return nnref.one_hot(rng.integers(0, shape[0], shape[1]), shape[0], "float64")


def choice(shape, rng):
    """One tap of each window, any of them."""
    *windows, I, J = shape
    return np.eye(I * J)[rng.integers(0, I * J, windows)].reshape(shape)


SPECIAL = {
    "I": lambda shape, rng: SIZES["I"],
    "J": lambda shape, rng: SIZES["J"],
    "H": lambda shape, rng: SIZES["H"],
    "B": lambda shape, rng: SIZES["B"],
    "M": seen,
    "S": choice,
    "stride": lambda shape, rng: 2,
    "padding": lambda shape, rng: 1,
    "dilation": lambda shape, rng: 2,
    "O": one_hot,
    "mask": lambda shape, rng: rng.integers(0, 2, shape) * 1.0,
    **{name: lambda shape, rng: float(rng.integers(1, 7)) / 8 for name in ("rate", "beta1", "beta2")},
    "step": lambda shape, rng: 3,
    "v": positive,
    "variance": positive,
}
"""Arguments that may not be any number."""
