"""Which layer's backward pass explains the gradients that are wrong, and by which of the mistakes made with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnref.checking.homework.spots import Spot, gradients_with, spots
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
"""The key under which a layer's input stands among its parameters."""

ROUNDED = 2.0**-20
"""Error allowed to a predicted gradient, relative to its largest entry: 16 roundings of float32."""


@dataclass(frozen=True)
class Passes:
    """A network's forward and backward pass, the gradients that were given, and what rounding may do to each entry.

    spots are the layers that the backward pass goes through, nested ones included; truth holds its gradients by name.
    """

    layers: Sequence[Layer]
    theta: Any
    A: Sequence[Array]
    dZ: Array
    spots: Sequence[Spot]
    truth: Mapping[str, Array]
    yours: Mapping[str, Array | None]
    rooms: Mapping[str, Array]

    def before(self, k: int, least: int = 0) -> list[str]:
        """The parameters before a spot, the nearest first; none of a spot before the one numbered least."""
        return [name for spot in reversed(self.spots[least:k]) for name in spot.names]

    def last_of_its_kind(self, k: int) -> int | None:
        """The nearest earlier spot whose layer is of the same kind: the same mistake may have been made there."""
        return next((j for j in reversed(range(k)) if self.spots[j].layer.name == self.spots[k].layer.name), None)

    def right(self, name: str) -> bool:
        """Is a gradient right, within what rounding may do?"""
        return self.near(name, self.truth[name])

    def near(self, name: str, made: Array, wide: bool = False) -> bool:
        """Does a gradient equal these numbers up to rounding? More is allowed to numbers larger than the truth."""
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
    """The mistake that reproduces the wrong gradients, or at least its layer; None where all are right.

    yours are the gradients by name, rooms how far rounding may move each entry. A mistake in the gradient that a layer
    passes back is the cause if it reproduces all gradients of the layers before.
    Shapes: X (n0, N), Y (n_L, N)
    """
    with trusted(), np.errstate(all="ignore"):
        A = activations(layers, theta, X.astype("float64"))
        dZ = softmax_cross_entropy.RECORD.error(A[-1], 0 * A[-1], Y.astype("float64"), Precision.of("float64"))[0]
        truth = dict(named(gradients_from(layers, theta, A, dZ)))
        p = Passes(layers, theta, A, dZ, spots(layers, theta, A, dZ), truth, yours, rooms)
        for k in reversed(range(len(p.spots))):
            wrong = [name for name in p.spots[k].names if not p.right(name)]
            before = p.before(k)
            lost = bool(before) and not any(map(p.right, before))
            if wrong or lost:
                found = named_mistake(p, k, wrong)
                if found or wrong:
                    return found or unnamed_mistake(p, k, wrong)
    return None


def named_mistake(p: Passes, k: int, wrong: list[str]) -> Diagnosis | None:
    """The mistake in the layer's catalogue that explains its parameters' gradients, or those of all layers before.

    "All before" ends at the next layer of the same kind, in which the same mistake may have been made.
    """
    spot, again = p.spots[k], p.last_of_its_kind(k)
    before = p.before(k, again or 0) or p.before(k)
    fields = {name.rstrip("0123456789"): name for name in spot.names}
    dtheta, dA = spot.layer.vjp(spot.theta, spot.A, spot.Z, spot.dZ)
    for says, made in predictions(spot):
        for field, name in fields.items():
            if name in wrong and field in made and p.near(name, made[field], wide=True):
                return Diagnosis(None, f"d{name}", f"{spot.called}: {says}.")
        if wrong or not before or INPUT not in made or np.array_equal(made[INPUT], dA):
            continue
        told = gradients_with(p.layers, p.theta, p.A, p.dZ, spot, dtheta, made[INPUT])
        if all(p.near(name, told[name], wide=True) for name in before):
            further = [name for name in p.before(k) if not p.near(name, told[name], wide=True)]
            other = p.spots[again or 0].called
            more = f" It may be made in {other}, too: d{further[0]} is off by more." if further else ""
            return Diagnosis(None, f"d{before[0]}", f"{spot.called}, going back: {says}.{more}")
    return None


def predictions(spot: Spot) -> Iterator[tuple[str, dict[str, Array]]]:
    """Every mistake in words, with the gradients of parameters and input that each way to make it would give."""
    if spot.layer.name == "residual":
        through = spot.layer.dA(spot.theta, spot.A, spot.Z, spot.dZ) - spot.dZ
        yield "what comes back past the branch is missing: dZ is to be added to it", {INPUT: through}
        yield "what comes back through the branch is missing: only dZ is passed on", {INPUT: spot.dZ}
        return
    known = recognised_layer(spot.layer, spot.theta, spot.A)
    at = running(arguments_of(spot.theta, spot.A))
    for slip in known.known.slips if known else ():
        try:
            for made in known.known.mistaken(slip, known.reading, at, Running(spot.dZ), {}):  # type: ignore[union-attr]
                yield slip.says, {name: np.asarray(getattr(G, "value", G)) for name, G in made.items()}
        except (ValueError, IndexError, KeyError):  # impossible with these shapes
            continue


def recognised_layer(layer: Layer, theta: Any, A: Array) -> Recognised | None:
    """The entry of the handbook for a layer, recognised by its outputs."""
    arguments = arguments_of(theta, A)

    def call(at: Mapping[str, Any]) -> Array:
        parameters = type(theta)(*(at[field] for field in theta._fields)) if hasattr(theta, "_fields") else theta
        return np.asarray(layer.forward(parameters, at[INPUT]))

    return recognised(call, arguments, call(arguments))


def arguments_of(theta: Any, A: Array) -> dict[str, Any]:
    """A layer's parameters by their fields, and its input."""
    own = {field: np.asarray(getattr(theta, field), "float64") for field in getattr(theta, "_fields", ())}
    return own | {INPUT: A}


def unnamed_mistake(p: Passes, k: int, wrong: list[str]) -> Diagnosis:
    """The first wrong gradient, explained by no mistake; if all of its layer's are wrong, what may have sent them."""
    spot = p.spots[k]
    says = f"d{wrong[0]} of {spot.called}, is the first to differ going back."
    after = next((j for j in range(k + 1, len(p.spots)) if p.spots[j].names), len(p.spots) - 1)
    if len(wrong) == len(spot.names) and after > k:
        between = " or ".join(other.called for other in p.spots[k + 1 : after + 1])
        says += f" All of its gradients do, so it may be what {between} sends back to it."
    return Diagnosis(None, f"d{wrong[0]}", says)
