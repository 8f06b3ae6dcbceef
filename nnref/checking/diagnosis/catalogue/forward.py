"""The mistakes people make going forward, in the order its lines run: in a layer, at the output, in the loss.

A sentence says a mistake within another: "the bias is missing" in layer 2, your loss "uses log2". Lines are in columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from nnref import softmax
from nnref.checking.results.diagnosis import Mistake
from nnref.layer import Affine, Layer
from nnref.shapes import Array


def weighted(p: Affine, A: Array) -> Array:
    """Z = W A + b, as it should be."""
    return p.W @ A + p.b


def activated(f: Layer, Z: Array) -> Array:
    """A = f(Z), as it should be."""
    return f.forward((), Z)


@dataclass(frozen=True)
class LayerMistake(Mistake):
    """A mistake in one layer, on the line of Z or of A, with what it makes of them.

    Shapes: Z(p, A) of p.W (m, n), A (n, N) -> (m, N); A(f, Z) of Z (m, N) -> (m, N)
    """

    Z: Callable[[Affine, Array], Array] = weighted
    A: Callable[[Layer, Array], Array] = activated


BIAS_MISSING = LayerMistake(
    "forward.bias",
    "Z",
    "the bias is missing",
    "Z{l} = W{l} @ A{j}",
    "W{l} @ A{j} + b{l}",
    "affine.forward",
    Z=lambda p, A: p.W @ A,
)
ACTIVATION_MISSING = LayerMistake(
    "forward.activation",
    "A",
    "the activation is missing",
    "A{l} = Z{l}",
    "{forward}",
    "{activation}.forward",
    A=lambda f, Z: Z,
)
LAYERS_WRONG = (BIAS_MISSING, ACTIVATION_MISSING)
"""The mistakes in one layer; that of an activation is made in hidden layers alone."""


@dataclass(frozen=True)
class OutputMistake(Mistake):
    """A mistake on the way from the logits to the output, and what it makes of them: of(Z).

    Shapes: Z (K, N) -> (K, N)
    """

    of: Callable[[Array], Array]
    harmless: bool = False

    @property
    def name(self) -> str:
        """What a sentence calls such an output."""
        return self.says


def output_mistake(key: str, says: str, wrong: str, of: Callable[[Array], Array]) -> OutputMistake:
    """A wrong output, in whose place a softmax belongs."""
    right = "np.exp({Z}) / np.exp({Z}).sum(axis={axis}, keepdims=True)"
    return OutputMistake(key, "P", says, wrong, right, "softmax.forward", of)


def over(E: Array, axis: int | None) -> Array:
    """E over its sums along an axis, or over the sum of everything."""
    return E / E.sum(axis=axis, keepdims=True)


RECTIFIED = output_mistake("forward.rectified", "rectified logits", "P = np.maximum(0, Z)", lambda Z: np.maximum(Z, 0))
OUTPUTS_WRONG = (
    output_mistake(
        "forward.axis",
        "softmax over the wrong axis",
        "E = np.exp(Z - Z.max()); P = E / E.sum(axis=1, keepdims=True)",
        lambda Z: over(np.exp(Z - Z.max()), 1),
    ),
    output_mistake(
        "forward.axis_of_sum",
        "softmax over the wrong axis, though shifted along the right one",
        "E = np.exp(Z - Z.max(axis=0)); P = E / E.sum(axis=1, keepdims=True)",
        lambda Z: over(np.exp(Z - Z.max(axis=0)), 1),
    ),
    output_mistake(
        "forward.whole",
        "softmax over the whole array",
        "E = np.exp(Z - Z.max()); P = E / E.sum()",
        lambda Z: over(np.exp(Z - Z.max()), None),
    ),
    output_mistake(
        "forward.whole_sum",
        "softmax over the whole array, though shifted example by example",
        "E = np.exp(Z - Z.max(axis=0)); P = E / E.sum()",
        lambda Z: over(np.exp(Z - Z.max(axis=0)), None),
    ),
    output_mistake(
        "forward.axis_of_shift",
        "softmax shifted along the wrong axis, which does not cancel",
        "P = softmax(Z - Z.max(axis=1, keepdims=True))",
        lambda Z: softmax.forward(Z - Z.max(axis=1, keepdims=True)),
    ),
    RECTIFIED,
)
"""The outputs that are a mistake, the commoner of two that look alike first."""

UNSHIFTED = OutputMistake(
    "forward.overflow",
    "P",
    "Overflows: at logits of {large:.0f} it gives nan. Subtract the largest logit of each example first.",
    "E = np.exp(Z); P = E / E.sum(axis=0)",
    "np.exp({Z} - {Z}.max(axis={axis}, keepdims=True))",
    "softmax.shift",
    lambda Z: over(np.exp(Z), 0),
    harmless=True,
)
"""A softmax that is right but where exp overflows: a sentence of its own, as no numbers of small examples show it."""


@dataclass(frozen=True)
class LossMistake(Mistake):
    """A mistake in the loss: values(mean, P, Y) are what it may give, each with the number that its sentence names.

    mean is the mean cross-entropy. Harmless is one that changes the loss by rounding, or nearly.
    Shapes: P (K, N), Y (K, N)
    """

    values: Callable[[float, Array, Array], Iterator[tuple[str, float]]]
    harmless: bool = False


RIGHT_LOSS = "-np.sum(Y * np.log(P)) / N"


def multiple(key: str, says: str, wrong: str, of: Callable[[float, int, int], float]) -> LossMistake:
    """A loss that is of(mean, K, N), for K classes and N examples."""

    def values(mean: float, P: Array, Y: Array) -> Iterator[tuple[str, float]]:
        yield "", of(mean, *Y.shape)

    return LossMistake(key, "L", says, wrong, RIGHT_LOSS, "cross_entropy.forward", values)


LOSSES_WRONG = (
    multiple(
        "forward.sum",
        "sums over the examples instead of taking their mean",
        "-np.sum(Y * np.log(P))",
        lambda mean, K, N: mean * N,
    ),
    multiple(
        "forward.classes",
        "takes the mean over the classes too: 1/(N K) for 1/N",
        "-np.mean(Y * np.log(P))",
        lambda mean, K, N: mean / K,
    ),
    multiple(
        "forward.log2",
        "uses log2, not the natural logarithm",
        "-np.sum(Y * np.log2(P)) / N",
        lambda mean, K, N: float(mean / np.log(2)),
    ),
    multiple(
        "forward.log10",
        "uses log10, not the natural logarithm",
        "-np.sum(Y * np.log10(P)) / N",
        lambda mean, K, N: float(mean / np.log(10)),
    ),
    multiple("forward.sign", "has the wrong sign", "np.sum(Y * np.log(P)) / N", lambda mean, K, N: -mean),
    multiple("forward.half", "is divided by 2", "-np.sum(Y * np.log(P)) / N / 2", lambda mean, K, N: mean / 2),
    multiple("forward.N", "divides by N twice", "-np.sum(Y * np.log(P)) / N / N", lambda mean, K, N: mean / N),
)
"""The losses that are the mean cross-entropy but for a factor."""

EPSILONS = tuple(float(f"1e-{k}") for k in range(15, 1, -1))
"""What is added within logarithms, smallest first."""


def with_epsilon(mean: float, P: Array, Y: Array) -> Iterator[tuple[str, float]]:
    """The cross-entropy of P + ε, for every ε that people add."""
    for epsilon in EPSILONS:
        with np.errstate(all="ignore"):
            value = float(-(Y * np.log(P + epsilon)).sum()) / Y.shape[1]
        yield f"{epsilon:g}", value


EPSILON_ADDED = LossMistake(
    "forward.epsilon",
    "L",
    "adds {number} within the logarithm",
    "-np.sum(Y * np.log(P + eps)) / N",
    RIGHT_LOSS,
    "cross_entropy.forward",
    with_epsilon,
    harmless=True,
)

FORWARD: tuple[Mistake, ...] = (*LAYERS_WRONG, *OUTPUTS_WRONG, UNSHIFTED, *LOSSES_WRONG, EPSILON_ADDED)
"""Every mistake going forward that can be named."""
