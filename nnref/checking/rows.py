"""The rows of the report: every gradient against the reference's, or against slopes of the person's own loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnref.checking import noise
from nnref.checking.gradcheck import gradcheck
from nnref.checking.network import RATE, output_of
from nnref.checking.report import Entry, Worst
from nnref.checking.trees import GradcheckError
from nnref.checking.verdicts import Reading, mean_cross_entropy, scalar
from nnref.checking.where import Finding, shapes
from nnref.shapes import Array

STRANGER = 16.0
"""A person may compute the same with other operations than the reference: an unshifted exponential, a division in every
line, −y/p passed through the softmax's Jacobian. Each costs a few roundings more, so this many times the reference's
own noise is allowed; a mistake is ten thousand million times as large."""

SAMPLE = 24
"""Entries of a tensor that differences of a stranger's loss are taken for; a wrong formula is wrong in nearly all."""


def of_reference(reading: Reading, slack: dict[str, Array]) -> list[Entry]:
    """Every entry of every gradient against the reference's, in units of its rounding, the last layer first."""
    case = reading.case
    assert case is not None
    S = noise.scale(case.layers, case.theta, case.X, case.Y, reading.dtype)
    scales = dict(zip(names_of(reading), [A for layer in S for A in layer], strict=True))
    limit = STRANGER * noise.allowed(case.layers, case.theta, case.X.shape[1])
    found = []
    for name in sorted(reading.gradients, key=lambda n: (-int(n[1:]), n[0])):
        g, truth = reading.gradients[name], case.gradients[name]
        floor = slack.get(name, np.zeros(1)) / limit
        found.append(compared(name, g, truth, scales[name], floor, limit, reading))
    return found


def compared(name: str, g: Array | None, truth: Array, S: Array, floor: Array, limit: float, reading: Reading) -> Entry:
    """One row: a gradient beside the truth. A wrong shape is wrong throughout, and compared as it would broadcast."""
    shape = reading.network.shapes()[name]
    if g is None:
        return Entry(name, shape, truth.size, 0, 0, 0, 0, None, "not found")
    where: tuple[Finding, ...] = ()
    a = g
    if g.shape != truth.shape:
        where = (shapes(tuple(np.shape(reading.went.gradients[name])), shape),)
        try:
            a = np.broadcast_to(g, truth.shape)
        except ValueError:
            return Entry(name, shape, truth.size, truth.size, truth.size, 0, 0, None, "WRONG", where)
    with np.errstate(all="ignore"):
        u, u64 = noise.unit(reading.dtype), noise.unit("float64")
        gap = np.abs(a.astype("float64") - truth)
        noises = np.where(gap == 0, 0.0, gap / ((u + u64) * S + floor + np.finfo("float64").tiny))
    wrong = ~(noises <= limit)
    if where:
        wrong[...] = True
    size = gap if wrong.any() else noises  # of wrong entries the largest gap is the most telling
    k = np.unravel_index(int(np.argmax(np.where(np.isnan(size), np.inf, size))), truth.shape)
    at = tuple(int(i) for i in k)
    worst = Worst(index_in(shape, at, reading), float(a[k]), float(truth[k]), float(noises[k]))
    return Entry(
        name, shape, truth.size, truth.size, int(wrong.sum()), 0, 0, worst, "WRONG" if wrong.any() else "ok", where
    )


def index_in(shape: tuple[int, ...], at: tuple[int, ...], reading: Reading) -> tuple[int, ...]:
    """An index as columns in the person's layout."""
    if len(shape) == 1:
        return at[:1]
    turned = reading.convention.weights == "rows" if 1 not in shape else shape[0] == 1
    return at[::-1] if turned else at


def of_own_loss(reading: Reading) -> tuple[list[Entry], str]:
    """The gradients against slopes of the person's own loss."""
    network, N = reading.network, reading.X.shape[1]
    x, y = reading.convention.theirs(reading.X, reading.Y)

    def loss(theta: dict[str, Array]) -> Any:
        if reading.loss is not None:
            return np.float64(scalar(network.loss_at(theta, x, y), N))
        passed = network.forward(theta, x, y)
        out = output_of(passed.named, passed.raw, reading.sizes[-1], N, network.depth)
        return np.float64(
            mean_cross_entropy(reading.convention.output(out, reading.sizes[-1]), reading.Y, reading.forward)
        )

    own = reading.own()
    yours = {n: as_float(reading.went.gradients.get(n), own[n].shape) for n in own}
    try:
        report = gradcheck(loss, own, yours, method="central", entries=SAMPLE)
    except GradcheckError as error:  # such as a loss that is nan: nothing can be said of its gradient
        untold = [Entry(n, A.shape, A.size, 0, 0, 0, 0, None, "cannot tell") for n, A in own.items()]
        return untold[::-1], f"none: {error}"
    found = sorted(report.entries, key=lambda e: (-int(e.name[1:]), e.name[0]))
    return (
        found,
        f"differences of {'your loss' if reading.loss is not None else 'the mean cross-entropy of your output'}",
    )


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


def slack_of(reading: Reading) -> dict[str, Array]:
    """What a gradient read from (before − after) / rate may be off: the parameter itself was rounded, twice."""
    if not reading.went.updated or reading.case is None:
        return {}
    u = noise.unit(reading.dtype)
    theta = dict(zip(names_of(reading), parameters(reading), strict=True))
    return {n: 2 * u * (2 * np.abs(p) / RATE + np.abs(reading.case.gradients[n])) for n, p in theta.items()}


def names_of(reading: Reading) -> list[str]:
    """W1, b1, W2, … of the network's layers."""
    return [f"{p}{l}" for l in range(1, len(reading.sizes)) for p in "Wb"]


def parameters(reading: Reading) -> list[Array]:
    """The parameters as columns, in that order."""
    return [A for layer in reading.theta for A in layer]
