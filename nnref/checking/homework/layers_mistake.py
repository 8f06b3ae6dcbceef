"""Which layer's backward pass explains the gradients that are wrong, and by which of the mistakes made with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnref.checking.operations import softmax_cross_entropy
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running import Running
from nnref.checking.recognition.layers import Recognised, recognised, running
from nnref.checking.results.diagnosis import Diagnosis
from nnref.checking.results.findings import SURE
from nnref.layer import Layer, activations, gradients_from
from nnref.parameters import named
from nnref.shapes import Array, trusted

INPUT = "X"
"""The name of a layer's input beside its parameters."""

ROUNDED = 2.0**-20
"""Part of its largest entry by which a predicted gradient may be off: 16 roundings of float32."""


@dataclass(frozen=True)
class Passes:
    """A network's forward pass, the gradients that were given, and what rounding may do to each entry of them.

    names are those of each layer's parameters, numbered through the network.
    """

    layers: Sequence[Layer]
    theta: Any
    A: Sequence[Array]
    names: Sequence[Sequence[str]]
    yours: Mapping[str, Array | None]
    rooms: Mapping[str, Array]

    def own(self, l: int, dZ: Array) -> dict[str, Array]:
        """The right gradients of one layer's parameters, from that of its output."""
        return self.under(l, self.layers[l].dtheta(self.theta[l], self.A[l], self.A[l + 1], dZ))

    def before(self, l: int, dA: Array) -> dict[str, Array]:
        """The gradients of all parameters before a layer, from that of its input, the nearest first."""
        if not l:
            return {}
        found = gradients_from(self.layers[:l], self.theta[:l], self.A[: l + 1], dA)
        return {name: G for k in reversed(range(l)) for name, G in self.under(k, found[k]).items()}

    def under(self, l: int, own: Any) -> dict[str, Array]:
        """A layer's arrays under their names in the network."""
        return dict(zip(self.names[l], named((own,)).values(), strict=True)) if self.names[l] else {}

    def near(self, name: str, made: Array, wide: bool = False) -> bool:
        """Is a gradient these numbers, within what rounding may do? It may do more to numbers larger than the truth."""
        g, room = self.yours.get(name), self.rooms[name]
        if g is None or np.shape(g) != made.shape:
            return False
        if wide:
            room = SURE * room + ROUNDED * float(abs(made).max(initial=0)) * (room > 0)
        return bool((abs(np.asarray(g, "float64") - made) <= room).all())


def diagnosis_of_layers(
    layers: Sequence[Layer],
    theta: Any,
    X: Array,
    Y: Array,
    yours: Mapping[str, Array | None],
    rooms: Mapping[str, Array],
) -> Diagnosis | None:
    """The mistake that makes the very gradients that are wrong, or the layer it is in; None where all are right.

    yours are the gradients by name, and rooms what rounding may do to each entry. A mistake in what a layer sends back
    is the cause if all gradients before it come out as yours are.
    Shapes: X (n0, N), Y (n_L, N)
    """
    with trusted(), np.errstate(all="ignore"):
        A = activations(layers, theta, X.astype("float64"))
        p = Passes(layers, theta, A, names_by_layer(theta), yours, rooms)
        dZ = softmax_cross_entropy.RECORD.error(A[-1], 0 * A[-1], Y.astype("float64"), Precision.of("float64"))[0]
        for l in reversed(range(len(layers))):
            wrong = [name for name, t in p.own(l, dZ).items() if not p.near(name, t)]
            dA = layers[l].dA(theta[l], A[l], A[l + 1], dZ) if l else dZ
            before = p.before(l, dA)
            lost = bool(before) and not any(p.near(name, t) for name, t in before.items())
            if wrong or lost:
                found = named_mistake(p, l, dZ, wrong)
                if found or wrong:
                    return found or unnamed_mistake(p, l, wrong)
            dZ = dA
    return None


def names_by_layer(theta: Any) -> list[list[str]]:
    """The names of each layer's arrays, numbered through as `named` does."""
    names = iter(named(theta))
    return [[next(names) for _ in named((part,))] for part in theta]


def named_mistake(p: Passes, l: int, dZ: Array, wrong: list[str]) -> Diagnosis | None:
    """The mistake of the layer's own catalogue that explains its parameters' gradients, or all that lie before it."""
    known = catalogue(p.layers[l], p.theta[l], p.A[l])
    fields = {name.rstrip("0123456789"): name for name in p.names[l]}
    for says, made in predicted(known, p.theta[l], p.A[l], dZ) if known else ():
        for field, name in fields.items():
            if name in wrong and field in made and p.near(name, made[field], wide=True):
                return Diagnosis(None, f"d{name}", f"{called(p, l)}: {says}.")
        told = p.before(l, made[INPUT]) if INPUT in made and not wrong else {}
        if told and all(p.near(name, G, wide=True) for name, G in told.items()):
            return Diagnosis(None, f"d{next(iter(told))}", f"{called(p, l)}, going back: {says}.")
    return None


def catalogue(layer: Layer, theta: Any, A: Array) -> Recognised | None:
    """What is known of a layer as people write it, found by its numbers."""
    arguments = arguments_of(theta, A)

    def call(at: Mapping[str, Any]) -> Array:
        parameters = type(theta)(*(at[field] for field in theta._fields)) if hasattr(theta, "_fields") else theta
        return np.asarray(layer.forward(parameters, at[INPUT]))

    return recognised(call, arguments, call(arguments))


def arguments_of(theta: Any, A: Array) -> dict[str, Any]:
    """A layer's parameters by their fields, and its input."""
    own = {field: np.asarray(getattr(theta, field), "float64") for field in getattr(theta, "_fields", ())}
    return own | {INPUT: A}


def predicted(known: Recognised, theta: Any, A: Array, dZ: Array) -> Iterator[tuple[str, dict[str, Array]]]:
    """Every mistake in words, with what each way to make it gives by the names of parameters and input."""
    at = running(arguments_of(theta, A))
    for slip in known.known.slips:
        try:
            for made in known.known.mistaken(slip, known.reading, at, Running(dZ), {}):
                yield slip.says, {name: np.asarray(getattr(G, "value", G)) for name, G in made.items()}
        except (ValueError, IndexError, KeyError):  # a way that these shapes do not have, or that asks for yours
            continue


def called(p: Passes, l: int) -> str:
    """A layer in words: "layer 3, max_pool"."""
    layer = p.layers[l]
    return f"layer {l + 1}, {layer.within[0].name if layer.name == 'per_position' else layer.name}"


def unnamed_mistake(p: Passes, l: int, wrong: list[str]) -> Diagnosis:
    """Where the first gradient is wrong, if nothing says why; and what may have sent it, where all of a layer's are."""
    says = f"d{wrong[0]} of {called(p, l)}, is the first to differ going back."
    after = next((k for k in range(l + 1, len(p.layers)) if p.names[k]), len(p.layers) - 1)
    if len(wrong) == len(p.names[l]) and after > l:
        between = " or ".join(called(p, k) for k in range(l + 1, after + 1))
        says += f" All of its gradients do, so it may be what {between} sends back to it."
    return Diagnosis(None, f"d{wrong[0]}", says)
