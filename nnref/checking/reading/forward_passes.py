"""Which forward pass, and which loss, gives these numbers? Each mistake predicts them; none is named that does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np

from nnref import sigmoid, softmax
from nnref.checking.operations import record
from nnref.layer import Affine, Layer, activation, affine_layer
from nnref.network import Parameters
from nnref.precision import unit
from nnref.shapes import Array

ROUNDING = 2.0**12
"""Unit roundoffs, beside the largest number, by which two ways to the same output may differ: sums of up to a thousand
terms in each of a few layers, whose errors the exponential of logits up to 10 multiplies by as much."""

EPSILONS = tuple(float(f"1e-{k}") for k in range(15, 1, -1))
"""What is added within logarithms, smallest first."""


def alike(a: Array, b: Array, dtype: Any = "float64") -> bool:
    """Are these the same numbers, up to the rounding of two different ways to them?"""
    if np.shape(a) != np.shape(b) or not np.isfinite(a).all():
        return False
    return bool(np.abs(a - b).max(initial=0) <= ROUNDING * unit(dtype) * max(1.0, float(np.abs(b).max(initial=0))))


@dataclass(frozen=True)
class Forward:
    """A way forward: an activation for each hidden layer, what is done to the last layer, and the mistake, if any."""

    activations: tuple[str, ...]
    output: str = "softmax"
    fault: tuple[str, int] | None = None

    @property
    def mistake(self) -> str | None:
        """The mistake in words; None for the reference's own forward pass."""
        said = []
        if self.fault:
            said.append(f"{self.fault[0]} in layer {self.fault[1]}")
        if self.output in WRONG_OUTPUTS:
            said.append(self.output)
        return " and ".join(said) or None

    @property
    def design(self) -> str | None:
        """What makes this another network than the reference's, though no mistake; None where nothing does."""
        return f"the output is {self.output}" if self.output == "sigmoid" else None


WRONG_OUTPUTS = (
    "softmax over the wrong axis",
    "softmax over the wrong axis, though shifted along the right one",
    "softmax over the whole array",
    "softmax over the whole array, though shifted example by example",
    "softmax shifted along the wrong axis, which does not cancel",
    "rectified logits",
)


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
    fault, at = forward.fault or ("", 0)
    for l, p in enumerate(affines, 1):
        Z = p.W @ A + (0 if fault == "the bias is missing" and l == at else p.b)
        A = Z
        if l < len(affines) and not (fault == "the activation is missing" and l == at):
            A = activation(forward.activations[l - 1]).forward((), Z)
        found |= {f"Z{l}": Z, f"A{l}": A}
    found["output"] = finish(forward.output, Z)
    return found


def finish(output: str, Z: Array) -> Array:
    """The output from the logits."""
    if output.startswith("softmax shifted"):
        return softmax.forward(Z - Z.max(axis=1, keepdims=True))
    if output.startswith("softmax over"):
        E = np.exp(Z - (Z.max(axis=0) if "though" in output else Z.max()))
        return E / (E.sum(axis=1, keepdims=True) if "axis" in output else E.sum())
    if output == "log softmax":
        return Z - softmax.log_sum_exp(Z)
    if output == "rectified logits":
        return np.maximum(Z, 0)
    return Z if output == "logits" else sigmoid.forward(Z) if output == "sigmoid" else softmax.forward(Z)


OUTPUTS = ("softmax", "logits", "log softmax", *WRONG_OUTPUTS, "sigmoid")


def hidden(depth: int) -> Iterator[tuple[tuple[str, ...], tuple[str, int] | None]]:
    """Activations of the hidden layers, without a mistake and then with one: right ones come first."""
    known = record.activations()
    uniform = [(name,) * (depth - 1) for name in known]
    plain = [name for name in known if not record.record(name).choices]
    mixed = [a for a in product(plain, repeat=depth - 1) if len(set(a)) > 1] if depth < 5 else []
    every = [*(uniform if depth > 1 else [()]), *mixed]
    faults = [("the bias is missing", l) for l in range(1, depth + 1)]
    faults += [("the activation is missing", l) for l in range(1, depth)]
    yield from ((a, None) for a in every)
    yield from ((a, fault) for fault in faults for a in every)


def recognised(theta: Parameters, X: Array, output: Array, dtype: Any) -> Forward | None:
    """The first way forward that gives this output; None where none does.

    Shapes: X (n0, N), output (nL, N)
    """
    depth = sum(isinstance(theta_l, Affine) for theta_l in theta)
    for activations, fault in hidden(depth):
        Z = passes(theta, X, Forward(activations, "logits", fault))["output"]
        for last in OUTPUTS:
            if alike(output, finish(last, Z), dtype):
                return Forward(activations, last, fault)
    return None


@dataclass(frozen=True)
class LossKind:
    """What a loss is of the outputs P and the labels Y: `mistake` names what is wrong, `design` another loss."""

    mistake: str | None = None
    design: str | None = None
    factor: float = 1.0


def losses(P: Array, Y: Array) -> Iterator[tuple[LossKind, float]]:
    """Every loss that is known, and its value.

    Shapes: P (K, N), Y (K, N)
    """
    K, N = Y.shape
    with np.errstate(all="ignore"):
        each = -(Y * np.log(P))[Y > 0]
        mean = float(each.sum()) / N
        both = float(-(Y * np.log(P) + (1 - Y) * np.log(1 - P)).sum()) / N
    yield LossKind(), mean
    yield LossKind("sums over the examples instead of taking their mean", factor=N), mean * N
    yield LossKind("takes the mean over the classes too: 1/(N K) for 1/N", factor=1 / K), mean / K
    yield LossKind("uses log2, not the natural logarithm", factor=1 / np.log(2)), mean / np.log(2)
    yield LossKind("uses log10, not the natural logarithm", factor=1 / np.log(10)), mean / np.log(10)
    yield LossKind("has the wrong sign", factor=-1.0), -mean
    yield LossKind("is divided by 2", factor=0.5), mean / 2
    yield LossKind("divides by N twice", factor=1 / N), mean / N
    for name, value in (("squared error", float(((P - Y) ** 2).sum())), ("binary cross-entropy", both * N)):
        for scale in (1.0, 0.5, 1 / N, 0.5 / N, 1 / (N * K), 0.5 / (N * K)):
            yield LossKind(design=f"the loss is the {name}"), value * scale
    for epsilon in EPSILONS:
        with np.errstate(all="ignore"):
            value = float(-(Y * np.log(P + epsilon)).sum()) / N
        yield LossKind(f"adds {epsilon:g} within the logarithm"), value


def recognised_loss(P: Array, Y: Array, value: float, dtype: Any) -> LossKind | None:
    """The first loss that gives this value; None where none does."""
    for found, expected in losses(P, Y):
        if np.isfinite(expected) and alike(np.asarray(value), np.asarray(expected), dtype):
            return found
    return None
