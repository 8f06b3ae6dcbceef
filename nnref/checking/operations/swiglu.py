"""How people write gated units, SwiGLU and its kin: two arrays, halves of one, or with their weights; the mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import permutations
from math import prod
from typing import Any, NamedTuple

from nnref import affine, gelu, gelu_tanh, relu, sigmoid, silu
from nnref.arrays import namespace
from nnref.checking.operations.known import KnownLayer, LayerReading, Layout, Slip, Symbols, Tried

Settings = Mapping[str, Any]


class Gate(NamedTuple):
    """The activation of a gate, its gradient, and what the unit is called."""

    name: str
    forward: Callable[[Any], Any]
    back: Callable[[Any, Any], Any]


GATES = {
    "silu": Gate("swiglu", silu.forward, silu.dZ),
    "sigmoid": Gate("glu", sigmoid.forward, lambda G, dA: sigmoid.dZ(sigmoid.forward(G), dA)),
    "gelu": Gate("geglu", gelu.forward, gelu.dZ),
    "gelu_tanh": Gate("geglu, GELU's tanh form", gelu_tanh.forward, gelu_tanh.dZ),
    "relu": Gate("reglu", relu.forward, relu.dZ),
}
"""The units by the activation of their gates: A = f(G) F."""


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Every gated unit of two arrays, of one that is split in halves, or of an input and weights."""
    floats = tried.floats
    if len(floats) == 2:
        yield from of_two(tried)
    if len(floats) == 1:
        yield from of_halves(tried)
    if len(floats) in (3, 4):
        yield from of_weights(tried)


def each(
    says: str, roles: dict[str, str], layouts: dict[str, Layout], output: Layout, **more: Any
) -> Iterator[LayerReading]:
    """A reading for the activation of each kind of gate."""
    for activation, gate in GATES.items():
        yield LayerReading(
            gate.name, f"{gate.name}{says}", roles, layouts, output, settings={"gate": activation, **more}
        )


def of_two(tried: Tried) -> Iterator[LayerReading]:
    """A gate and features of one shape."""
    for names in permutations(tried.floats):
        if all(tried.floats[name].shape == tried.Y.shape for name in names):
            flat = Layout.reshaped(tried.Y.shape, (1, tried.Y.size))
            yield from each(
                f", its gate is {names[0]}", dict(zip(names, "GF", strict=True)), {"G": flat, "F": flat}, flat
            )


def of_halves(tried: Tried) -> Iterator[LayerReading]:
    """An array whose halves along an axis are gate and features."""
    ((x, X),) = tried.floats.items()
    for axis in range(X.ndim):
        halved = tuple(n // 2 if k == axis else n for k, n in enumerate(X.shape))
        if X.shape[axis] % 2 or halved != tried.Y.shape:
            continue
        split = (*X.shape[:axis], 2, X.shape[axis] // 2, *X.shape[axis + 1 :])
        order = (axis, *(k for k in range(X.ndim + 1) if k != axis))
        for first in (True, False):
            picked = None if first else (0, (1, 0))
            both = Layout(X.shape, split, order, (2, tried.Y.size), picked=picked)
            which = "first" if first else "second"
            output = Layout.reshaped(tried.Y.shape, (1, tried.Y.size))
            yield from each(f", its gate the {which} half of axis {axis}", {x: "B"}, {"B": both}, output)


def of_weights(tried: Tried) -> Iterator[LayerReading]:
    """Rows of an input, weights of the gate and of the features, and maybe of what comes out."""
    floats, Y = tried.floats, tried.Y
    for names in permutations(floats):
        X = floats[names[0]]
        if X.ndim < 2 or X.shape[:-1] != Y.shape[:-1] or any(floats[name].ndim != 2 for name in names[1:]):
            continue
        rows, n, m = prod(X.shape[:-1]), X.shape[-1], Y.shape[-1]
        last = X.ndim - 1
        order = (last, *range(last))
        for turned in (False, True):
            sizes = [floats[name].shape[::-1] if turned else floats[name].shape for name in names[1:]]
            h = sizes[0][1]
            if (
                sizes[:2] != [(n, h), (n, h)]
                or sizes[2:] != [(h, m)] * (len(names) - 3)
                or (len(names) == 3 and h != m)
            ):
                continue
            roles = {names[0]: "X", **dict(zip(names[1:], "WVO", strict=False))}
            layouts = {"X": Layout.of(X.shape, order, (n, rows))}
            for name, s in zip(names[1:], "WVO", strict=False):
                size, axes = floats[name].shape, (0, 1) if turned else (1, 0)
                layouts[s] = Layout.of(size, axes, (size[axes[0]], size[axes[1]]))
            yield from each(f", its gate by {names[1]}", roles, layouts, Layout.of(Y.shape, order, (m, rows)))


def halves(at: Symbols) -> tuple[Any, Any]:
    """The gates and the features."""
    if "B" in at:
        return at["B"][0:1], at["B"][1:2]
    return (at["W"] @ at["X"], at["V"] @ at["X"]) if "W" in at else (at["G"], at["F"])


def forward(at: Symbols, settings: Settings) -> Any:
    """f(G) F, and the weights of what comes out."""
    G, F = halves(at)
    A = GATES[settings["gate"]].forward(G) * F
    return at["O"] @ A if "O" in at else A


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """The proved gradients of the unit, and of the affine maps around it."""
    G, F = halves(at)
    gate = GATES[settings["gate"]]
    dA = affine.dA(at["O"], dY) if "O" in at else dY
    return through(at, gate.back(G, F * dA), gate.forward(G) * dA, gate.forward(G) * F, dY)


def through(at: Symbols, dG: Any, dF: Any, A: Any, dY: Any) -> Symbols:
    """From the gradients of gates and features to those of what they came from."""
    if "B" in at:
        return {"B": namespace(dG).concat([dG, dF], axis=0)}
    if "W" not in at:
        return {"G": dG, "F": dF}
    of_input = affine.dA(at["W"], dG) + affine.dA(at["V"], dF)
    return {"X": of_input, "W": affine.dW(at["X"], dG), "V": affine.dW(at["X"], dF), "O": affine.dW(A, dY)}


def slip(key: str, says: str, *ways: Callable[[Any, Any, Any, Gate], tuple[Any, Any]]) -> Slip:
    """A mistake in the gradients of gates G and features F, from dA and the gate's activation."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        (G, F), gate = halves(at), GATES[settings["gate"]]
        dA = affine.dA(at["O"], dY) if "O" in at else dY
        for way in ways:
            dG, dF = way(G, F, dA, gate)
            yield through(at, dG, dF, gate.forward(G) * F, dY)

    return Slip(key, says, of)


def one_path(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """The gradient of the input through only one of its two paths."""
    if "W" in at:
        G, F = halves(at)
        gate = GATES[settings["gate"]]
        dA = affine.dA(at["O"], dY) if "O" in at else dY
        yield {"X": affine.dA(at["W"], gate.back(G, F * dA))}
        yield {"X": affine.dA(at["V"], gate.forward(G) * dA)}


SLIPS = (
    slip(
        "gated.slope_missing",
        "the slope of the gate's activation is missing",
        lambda G, F, dA, f: (F * dA, f.forward(G) * dA),
        lambda G, F, dA, f: (f.forward(G) * F * dA, f.forward(G) * dA),
    ),
    slip(
        "gated.slope_of_sigmoid",
        "the slope of the gate is σ (1 − σ), a sigmoid's; that of G σ(G) is σ + G σ (1 − σ)",
        lambda G, F, dA, f: (sigmoid.dZ(sigmoid.forward(G), F * dA), f.forward(G) * dA),
        lambda G, F, dA, f: (G * sigmoid.dZ(sigmoid.forward(G), F * dA), f.forward(G) * dA),
        lambda G, F, dA, f: (sigmoid.forward(G) * F * dA, f.forward(G) * dA),
    ),
    slip(
        "gated.features_forgotten",
        "the features are forgotten in the gradient of the gate",
        lambda G, F, dA, f: (f.back(G, dA), f.forward(G) * dA),
    ),
    slip(
        "gated.bare_gate",
        "the gradient of the features has the gate before its activation",
        lambda G, F, dA, f: (f.back(G, F * dA), G * dA),
    ),
    slip(
        "gated.gate_forgotten",
        "the gate is forgotten in the gradient of the features",
        lambda G, F, dA, f: (f.back(G, F * dA), dA * 1),
    ),
    slip(
        "gated.swapped",
        "the gradients of gate and features are swapped",
        lambda G, F, dA, f: (f.forward(G) * dA, f.back(G, F * dA)),
    ),
    Slip("gated.one_path", "the input feeds gate and features: one of the two ways back is missing", one_path),
)

KNOWN = KnownLayer("swiglu", readings, forward, gradients, SLIPS)
