"""How people write batch norm at inference, with given mean and variance along one axis; and its mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import permutations
from math import prod
from typing import Any

import numpy as np

from nnref import batch_norm, batch_norm_inference
from nnref.arrays import namespace
from nnref.checking.operations.known import KnownLayer, LayerReading, Layout, Slip, Symbols, Tried
from nnref.checking.operations.norms import TINY, simple
from nnref.shapes import Array

Settings = Mapping[str, Any]

GAIN = ("gamma", "beta")
STATISTICS = ("mean", "variance")


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Every normalisation of an input by a mean and a variance that are arguments, maybe with a gain and a shift."""
    floats = tried.floats
    if len(floats) not in (3, 5):
        return
    for x, X in floats.items():
        others = [name for name in floats if name != x]
        sizes = {np.squeeze(floats[name]).shape for name in others}
        if X.shape != tried.Y.shape or X.ndim < 2 or len(sizes) > 1 or len(min(sizes)) > 1:
            continue
        n = floats[others[0]].size
        for axis in (axis for axis in range(X.ndim) if X.shape[axis] == n > 1):
            for order in permutations((*STATISTICS, *GAIN)[: len(others)]):
                yield from along(tried, x, axis, dict(zip(others, order, strict=True)))


def along(tried: Tried, x: str, axis: int, roles: dict[str, str]) -> Iterator[LayerReading]:
    """The normalisation along one axis with these roles, if the numbers give one ε."""
    floats, X = tried.floats, tried.floats[x]
    n, rest = X.shape[axis], [k for k in range(X.ndim) if k != axis]
    image = Layout.of(X.shape, (axis, *rest), (n, X.size // n))
    layouts = {"X": image} | {s: Layout.reshaped(floats[name].shape, (n, 1)) for name, s in roles.items()}
    given = {s: value * np.ones((n, 1)) for s, value in zip(GAIN, (1.0, 0.0), strict=True) if s not in roles.values()}
    at = {s: layouts[s].take(floats[name]) for name, s in roles.items()} | given
    eps = solved(image.take(X), image.take(tried.Y), at)
    if eps is not None:
        said = f", ε = {eps:.3g}" if eps > TINY else ""
        says = f"batch norm at inference, statistics given, along axis {axis}{said}"
        yield LayerReading("batch_norm_inference", says, {x: "X"} | roles, layouts, image, given, {"eps": eps})


def solved(X: Array, Y: Array, at: Symbols) -> float | None:
    """The ε with which Y is the normalised X, if there is one."""
    if not (at["gamma"] != 0).all() or not (at["variance"] >= 0).all():
        return None
    D, bare = X - at["mean"], (Y - at["beta"]) / at["gamma"]
    inverse = (D * D).sum(axis=1, keepdims=True) / (bare * D).sum(axis=1, keepdims=True)
    eps = inverse**2 - at["variance"]
    room = 2.0**-44 * float(np.max(inverse**2, initial=0))
    if not np.isfinite(eps).all() or np.ptp(eps) > room or eps.min() < -room or not (inverse > 0).all():
        return None
    return max(simple(float(np.median(eps)), room), TINY)


def forward(at: Symbols, settings: Settings) -> Any:
    """γ (X − mean) / √(variance + ε) + β."""
    return batch_norm_inference.forward(at["X"], at["gamma"], at["beta"], at["mean"], at["variance"], settings["eps"])


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """The proved gradients; of the statistics there is none, as they are given."""
    eps = settings["eps"]
    return {
        "X": batch_norm_inference.dX(at["gamma"], at["variance"], dY, eps),
        "gamma": batch_norm_inference.dgamma(at["X"], at["mean"], at["variance"], dY, eps),
        "beta": batch_norm.dbeta(dY),
    }


def root(at: Symbols, settings: Settings) -> Any:
    """√(variance + ε)."""
    return namespace(at["variance"]).sqrt(at["variance"] + settings["eps"])


def of(key: str, says: str, symbol: str, *ways: Callable[[Symbols, Any, Settings], Any]) -> Slip:
    """A mistake in the gradient of one symbol."""

    def made(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        yield from ({symbol: way(at, dY, settings)} for way in ways)

    return Slip(key, says, made)


def over_examples(A: Any) -> Any:
    """The sums over all but the axis that is normalised along."""
    return namespace(A).sum(A, axis=1, keepdims=True)


def as_in_training(at: Symbols, dY: Any, settings: Settings) -> Any:
    """The gradient of training, with the batch's own mean and variance."""
    return batch_norm.dX(at["X"], at["gamma"], dY, settings["eps"])


def with_given_statistics(at: Symbols, dY: Any, settings: Settings) -> Any:
    """The formula of training with the statistics that were given."""
    N = dY.shape[1]
    d, r = dY * at["gamma"], 1 / root(at, settings)
    h = (at["X"] - at["mean"]) * r
    return r * (d - over_examples(d) / N - h * (over_examples(d * h) / N))


SLIPS = (
    of(
        "fixed_norm.as_in_training",
        "something goes back through mean and variance as in training: here they are given, and do not depend on X",
        "X",
        as_in_training,
        with_given_statistics,
    ),
    of(
        "fixed_norm.gain_forgotten",
        "the gain γ is forgotten in the gradient of the input",
        "X",
        lambda at, dY, settings: dY / root(at, settings),
    ),
    of(
        "fixed_norm.deviation_missing",
        "the division by the deviation is missing",
        "X",
        lambda at, dY, settings: dY * at["gamma"],
    ),
    of(
        "fixed_norm.variance_for_deviation",
        "it is divided by the variance, and not by its root",
        "X",
        lambda at, dY, settings: dY * at["gamma"] / (at["variance"] + settings["eps"]),
    ),
    of(
        "fixed_norm.eps_missing",
        "ε is missing in the backward pass",
        "X",
        lambda at, dY, settings: dY * at["gamma"] / namespace(at["variance"]).sqrt(at["variance"]),
    ),
    of(
        "fixed_norm.gain_of_input",
        "the gradient of the gain has the input where the normalised input X̂ belongs",
        "gamma",
        lambda at, dY, settings: over_examples(dY * at["X"]),
        lambda at, dY, settings: over_examples(dY * (at["X"] - at["mean"])),
        lambda at, dY, settings: over_examples(dY * at["X"]) / root(at, settings),
    ),
    of(
        "fixed_norm.gain_of_output",
        "the gradient of the gain has the output where the normalised input X̂ belongs",
        "gamma",
        lambda at, dY, settings: over_examples(dY * forward(at, settings)),
    ),
    of(
        "fixed_norm.gain_averaged",
        "the gradient of the gain is averaged where it should be summed",
        "gamma",
        lambda at, dY, settings: gradients(at, dY, settings)["gamma"] / prod(dY.shape[1:]),
    ),
    of(
        "fixed_norm.shift_averaged",
        "the gradient of the shift is averaged where it should be summed",
        "beta",
        lambda at, dY, settings: gradients(at, dY, settings)["beta"] / prod(dY.shape[1:]),
    ),
)

KNOWN = KnownLayer("batch_norm_inference", readings, forward, gradients, SLIPS)
