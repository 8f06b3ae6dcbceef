"""The rows of the report where the loss is the person's own: gradients against difference quotients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnref.checking.diagnosis.forward_passes import SIGMOID
from nnref.checking.gradcheck.gradcheck import gradcheck
from nnref.checking.gradcheck.nesting import GradcheckError
from nnref.checking.homework.recognition import NetworkReading, loss_as_number, mean_cross_entropy
from nnref.checking.reading.network import output_of
from nnref.checking.results.entry import Entry
from nnref.shapes import Array

SAMPLE = 24
"""Sample size: entries of each tensor that are compared; a wrong formula is wrong in nearly all of them."""

ALONG = 1e-5
"""Step h of a central difference that tells losses apart: about the best in float64 for values near 1."""

SLOPE_AGREES = 1e-6
"""Largest relative gap to the slope of the loss that is meant; its own gap is about 1e-9, that of others far larger."""

Loss = Callable[[Array, Array], float]


def entries_against_own_loss(reading: NetworkReading) -> tuple[list[Entry], str]:
    """The gradients against slopes of the person's own loss, and how they were found."""
    network, N = reading.network, reading.X.shape[1]
    x, y = reading.convention.theirs(reading.X, reading.Y)
    name, assumed = ("", None) if reading.loss is not None else implied_loss(reading)

    def loss(theta: dict[str, Array]) -> Any:
        if assumed is None:
            return np.float64(loss_as_number(network.loss_at(theta, x, y), N))
        return np.float64(assumed(output_at(reading, theta), reading.Y))

    own = reading.own()
    yours = {n: as_float(reading.backward_pass.gradients.get(n), own[n].shape) for n in own}
    reading.assumed = name
    try:
        report = gradcheck(loss, own, yours, method="central", entries=SAMPLE)
    except GradcheckError as error:  # such as a loss that is nan: its gradient cannot be judged
        untold = [Entry(n, A.shape, A.size, 0, 0, 0, 0, None, "cannot tell") for n, A in own.items()]
        return untold[::-1], f"none: {error}"
    found = sorted(report.entries, key=lambda e: (-int(e.name[1:]), e.name[0]))
    return found, f"differences of {f'the {name} of your output' if name else 'your loss'}"


def output_at(reading: NetworkReading, theta: dict[str, Array]) -> Array:
    """What the forward pass gives at other parameters, as columns."""
    width, N = reading.sizes[-1], reading.X.shape[1]
    passed = reading.network.forward(theta, *reading.convention.theirs(reading.X, reading.Y))
    out = output_of(passed.named, passed.raw, width, N, reading.network.depth)
    return reading.convention.output(out, width)


def implied_loss(reading: NetworkReading) -> tuple[str, Loss]:
    """The loss that is assumed where the file has none: the mean cross-entropy of a softmax.

    With a sigmoid output several are possible: the first whose slope along a random direction agrees with the
    gradients.
    """

    def usual(output: Array, Y: Array) -> float:
        return mean_cross_entropy(output, Y, reading.forward)

    if reading.forward is None or reading.forward.output is not SIGMOID:
        return "mean cross-entropy", usual
    own, rng = reading.own(), np.random.default_rng(0)
    d = {n: rng.standard_normal(A.shape) for n, A in own.items()}
    ends = [output_at(reading, {n: A + s * ALONG * d[n] for n, A in own.items()}) for s in (-1, 1)]
    slope = 0.0
    for n, A in own.items():
        g = as_float(reading.backward_pass.gradients.get(n), A.shape)
        if g is None or g.shape != A.shape:
            return "mean cross-entropy", usual
        slope += float((g * d[n]).sum())
    for name, loss in losses_of_sigmoid(*reading.Y.shape):
        low, high = (loss(A, reading.Y) for A in ends)
        if abs((high - low) / (2 * ALONG) - slope) <= SLOPE_AGREES * max(abs(slope), 1):
            return name, loss
    return "mean cross-entropy", usual


def losses_of_sigmoid(K: int, N: int) -> Iterator[tuple[str, Loss]]:
    """Losses that people take of a sigmoid output, the commonest first."""

    def squared(A: Array, Y: Array) -> float:
        return float(((A - Y) ** 2).sum())

    def binary(A: Array, Y: Array) -> float:
        return float(-(Y * np.log(A) + (1 - Y) * np.log(1 - A)).sum())

    for name, total in (("binary cross-entropy", binary), ("squared error", squared)):
        for factor in (1 / N, 1 / (2 * N), 1.0, 0.5, 1 / (N * K), 1 / (2 * N * K), 2 / N):
            yield name, lambda A, Y, f=factor, total=total: f * total(A, Y)  # type: ignore[misc]


def as_float(g: Any, shape: tuple[int, ...]) -> Array | None:
    """A gradient as an array of floats, flat or not as the parameter is, if only that differs."""
    if g is None:
        return None
    A = np.asarray(g, dtype="float64")
    return (
        A.reshape(shape)
        if A.size == np.prod(shape) and [n for n in A.shape if n > 1] == [n for n in shape if n > 1]
        else A
    )
