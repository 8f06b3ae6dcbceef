"""Which forward pass, and which loss, gives these numbers? A mistake is named only if it reproduces them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np

from nnref import sigmoid, softmax
from nnref.checking.diagnosis.catalogue.forward import (
    EPSILON_ADDED,
    LAYERS_WRONG,
    LOSSES_WRONG,
    OUTPUTS_WRONG,
    LayerMistake,
    LossMistake,
    OutputMistake,
    activated,
    weighted,
)
from nnref.checking.operations import record
from nnref.layer import Affine, Layer, activation, affine_layer
from nnref.network import Parameters
from nnref.precision import unit
from nnref.shapes import Array

ROUNDING = 2.0**12
"""Allowed difference of two ways to one output, in unit roundoffs of its largest number: sums of up to a thousand terms
in each of a few layers, whose errors the exponential of logits up to 10 multiplies by as much."""


def same_up_to_rounding(a: Array, b: Array, dtype: Any = "float64") -> bool:
    """Do two arrays agree, up to the rounding of different ways to compute them?"""
    if np.shape(a) != np.shape(b) or not np.isfinite(a).all():
        return False
    return bool(np.abs(a - b).max(initial=0) <= ROUNDING * unit(dtype) * max(1.0, float(np.abs(b).max(initial=0))))


@dataclass(frozen=True)
class OutputFunction:
    """A right output function of the logits: of(Z). Shapes: Z (K, N) -> (K, N)"""

    name: str
    of: Callable[[Array], Array]


SOFTMAX = OutputFunction("softmax", softmax.forward)
LOGITS = OutputFunction("logits", lambda Z: Z)
LOG_SOFTMAX = OutputFunction("log softmax", lambda Z: Z - softmax.log_sum_exp(Z))
SIGMOID = OutputFunction("sigmoid", sigmoid.forward)

OUTPUTS: tuple[OutputFunction | OutputMistake, ...] = (SOFTMAX, LOGITS, LOG_SOFTMAX, *OUTPUTS_WRONG, SIGMOID)
"""Every output that is known, the likeliest first."""


@dataclass(frozen=True)
class Forward:
    """A way forward: an activation for each hidden layer, what is done to the last layer, and a mistake in a layer."""

    activations: tuple[str, ...]
    output: OutputFunction | OutputMistake = SOFTMAX
    fault: tuple[LayerMistake, int] | None = None

    @property
    def says(self) -> str | None:
        """Its mistakes in words; None for the reference's own forward pass."""
        said = [f"{mistake.says} in layer {l}" for mistake, l in ([self.fault] if self.fault else [])]
        if isinstance(self.output, OutputMistake):
            said.append(self.output.says)
        return " and ".join(said) or None

    @property
    def design(self) -> str | None:
        """How this network differs from the reference without a mistake; None where it does not."""
        return f"the output is {self.output.name}" if self.output is SIGMOID else None


def layers_of(activations: tuple[str, ...], sizes: list[int]) -> tuple[Layer, ...]:
    """The reference's layers with these activations."""
    found: list[Layer] = []
    for l, (n, m) in enumerate(pairwise(sizes)):
        if l:
            found.append(activation(activations[l - 1]))
        found.append(affine_layer(n, m))
    return tuple(found)


def passes(theta: Parameters, X: Array, forward: Forward) -> dict[str, Array]:
    """Z1, A1, …, ZL and the output of a way forward, right or wrong."""
    affines = [theta_l for theta_l in theta if isinstance(theta_l, Affine)]
    found: dict[str, Array] = {}
    A = X
    mistake, at = forward.fault or (None, 0)
    for l, p in enumerate(affines, 1):
        wrong = mistake if l == at else None
        Z = (wrong.Z if wrong else weighted)(p, A)
        A = Z
        if l < len(affines):
            A = (wrong.A if wrong else activated)(activation(forward.activations[l - 1]), Z)
        found |= {f"Z{l}": Z, f"A{l}": A}
    found["output"] = forward.output.of(Z)
    return found


def ways_of_hidden_layers(depth: int) -> Iterator[tuple[tuple[str, ...], tuple[LayerMistake, int] | None]]:
    """Activations of the hidden layers, without a mistake and then with one: right ones come first."""
    known = record.activations()
    uniform = [(name,) * (depth - 1) for name in known]
    plain = [name for name in known if not record.record(name).choices]
    mixed = [a for a in product(plain, repeat=depth - 1) if len(set(a)) > 1] if depth < 5 else []
    every = [*(uniform if depth > 1 else [()]), *mixed]
    # The last layer has no activation that could be missing.
    faults = [(m, l) for m in LAYERS_WRONG for l in range(1, depth + (m.line == "Z"))]
    yield from ((a, None) for a in every)
    yield from ((a, fault) for fault in faults for a in every)


def recognised_forward(theta: Parameters, X: Array, output: Array, dtype: Any) -> Forward | None:
    """The first way forward that gives this output; None where none does.

    Shapes: X (n0, N), output (nL, N)
    """
    depth = sum(isinstance(theta_l, Affine) for theta_l in theta)
    for activations, fault in ways_of_hidden_layers(depth):
        Z = passes(theta, X, Forward(activations, LOGITS, fault))["output"]
        for last in OUTPUTS:
            if same_up_to_rounding(output, last.of(Z), dtype):
                return Forward(activations, last, fault)
    return None


@dataclass(frozen=True)
class LossKind:
    """What a loss is of the outputs P and the labels Y: the mistake in it, said in words, or the name of another loss.

    None of them for the mean cross-entropy.
    """

    mistake: LossMistake | None = None
    says: str = ""
    design: str | None = None


def known_losses(P: Array, Y: Array) -> Iterator[tuple[LossKind, float]]:
    """Every loss that is known, and its value.

    Shapes: P (K, N), Y (K, N)
    """
    K, N = Y.shape
    with np.errstate(all="ignore"):
        each = -(Y * np.log(P))[Y > 0]
        mean = float(each.sum()) / N
        both = float(-(Y * np.log(P) + (1 - Y) * np.log(1 - P)).sum()) / N
    yield LossKind(), mean
    yield from mistaken(LOSSES_WRONG, mean, P, Y)
    for name, value in (("squared error", float(((P - Y) ** 2).sum())), ("binary cross-entropy", both * N)):
        for scale in (1.0, 0.5, 1 / N, 0.5 / N, 1 / (N * K), 0.5 / (N * K)):
            yield LossKind(design=f"the loss is the {name}"), value * scale
    yield from mistaken((EPSILON_ADDED,), mean, P, Y)


def mistaken(mistakes: tuple[LossMistake, ...], mean: float, P: Array, Y: Array) -> Iterator[tuple[LossKind, float]]:
    """The values that these mistakes give in place of the mean cross-entropy."""
    for mistake in mistakes:
        for number, value in mistake.values(mean, P, Y):
            yield LossKind(mistake, mistake.says.format(number=number)), value


def recognised_loss(P: Array, Y: Array, value: float, dtype: Any) -> LossKind | None:
    """The first loss that gives this value; None where none does."""
    for found, expected in known_losses(P, Y):
        if np.isfinite(expected) and same_up_to_rounding(np.asarray(value), np.asarray(expected), dtype):
            return found
    return None
