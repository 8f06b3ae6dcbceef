"""How people write a norm: over any axes, with or without gain and shift; and the mistakes made going back through it.

Layer, batch, instance and group norms are one formula, on an array read as (G, K, P, N): mean and variance
are taken over K and P, and there is a gain for each G and K. Layer norm has no G and no P, batch norm no K and no N.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from nnref import group_norm, rms_norm
from nnref.arrays import namespace
from nnref.checking.operations.known import KnownLayer, LayerReading, Layout, Slip, Symbols, Tried
from nnref.checking.operations.norm_axes import Along, axes_to_normalise
from nnref.shapes import Array

Settings = Mapping[str, Any]

OVER = (1, 2)
"""The axes that statistics are taken over."""


class Norm(NamedTuple):
    """The arrays of a norm's backward pass: gains, X − mean, 1 / deviation, γ dY, dY; and how many are normalised over.

    centred is 1 where the mean is taken away, and 0 in an RMS norm. Where people divide by another deviation, over
    n − 1 or by a length, theirs is 1 / unit times ours, and our gains are unit times theirs.
    """

    gamma: Any
    D: Any
    r: Any
    dXhat: Any
    dY: Any
    n: int
    centred: int
    unit: float

    @property
    def plain(self) -> Any:
        """What stands for γ dY if γ is forgotten, in units of our gains."""
        return self.unit * self.dY

    @property
    def Xhat(self) -> Any:
        """The normalised input."""
        return self.D * self.r

    def mean(self, A: Any) -> Any:
        """The mean over what is normalised together."""
        return namespace(A).mean(A, axis=OVER, keepdims=True)

    def of_mean(self, A: Any, times: float = 1.0) -> Any:
        """The gradient through the mean."""
        return times * self.mean(A) if self.centred else 0.0

    def of_variance(self, A: Any, times: Any = 1.0) -> Any:
        """The gradient through the variance."""
        return self.Xhat * (times * self.mean(A * self.Xhat))

    def back(self, A: Any, of_mean: float = 1.0, of_variance: Any = 1.0) -> Any:
        """The gradient of the input if A is that of X̂, with its two corrections multiplied by these factors."""
        return self.r * (A - self.of_mean(A, of_mean) - self.of_variance(A, of_variance))


def norm(at: Symbols, dY: Any, settings: Settings) -> Norm:
    """The parts of the norm."""
    X, gamma, centred = at["X"], at["gamma"][:, :, None, None], settings["centred"]
    xp = namespace(X)
    D = X - xp.mean(X, axis=OVER, keepdims=True) if centred else X
    r = 1 / xp.sqrt(xp.mean(D * D, axis=OVER, keepdims=True) + settings["eps"])
    return Norm(gamma, D, r, gamma * dY, dY, X.shape[1] * X.shape[2], int(centred), settings["unit"])


def forward(at: Symbols, settings: Settings) -> Any:
    """γ X̂ + β."""
    if settings["centred"]:
        return group_norm.forward(at["X"], at["gamma"], at["beta"], settings["eps"])
    X, gamma, _ = flat(at, at["X"])
    return (
        namespace(X).reshape(rms_norm.forward(X, gamma, settings["eps"]), at["X"].shape) + at["beta"][:, :, None, None]
    )


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """The proved gradients."""
    eps = settings["eps"]
    if settings["centred"]:
        of_X, of_gain = group_norm.dX(at["X"], at["gamma"], dY, eps), group_norm.dgamma(at["X"], dY, eps)
        return {"X": of_X, "gamma": of_gain, "beta": group_norm.dbeta(dY)}
    X, gamma, dY_flat = flat(at, dY)
    xp = namespace(X)
    return {
        "X": xp.reshape(rms_norm.dX(X, gamma, dY_flat, eps), at["X"].shape),
        "gamma": xp.reshape(rms_norm.dgamma(X, dY_flat, eps), at["gamma"].shape),
        "beta": group_norm.dbeta(dY),
    }


def flat(at: Symbols, dY: Any) -> tuple[Any, Any, Any]:
    """Input, gain and dY of an RMS norm, which has neither groups nor places: a column an example."""
    X, gamma = at["X"], at["gamma"]
    matrix = (X.shape[1], X.shape[3])
    xp = namespace(X)
    return xp.reshape(X, matrix), namespace(gamma).reshape(gamma, (-1, 1)), namespace(dY).reshape(dY, matrix)


def of_X(key: str, says: str, *ways: Callable[[Norm], Any]) -> Slip:
    """A mistake in the gradient of the input."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        parts = norm(at, dY, settings)
        yield from ({"X": way(parts)} for way in ways)

    return Slip(key, says, of)


def of_gamma(key: str, says: str, *ways: Callable[[Symbols, Norm, Settings], Any]) -> Slip:
    """A mistake in the gradient of the gains: a factor of dY under the sum over places and examples."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        parts = norm(at, dY, settings)
        yield from ({"gamma": namespace(dY).sum(dY * way(at, parts, settings), axis=(2, 3))} for way in ways)

    return Slip(key, says, of)


def across(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """Statistics used along the wrong axis: possible where both axes have the same length."""
    p, sizes = norm(at, dY, settings), dY.shape
    for i, j in ((1, 3), (2, 0), (1, 0), (2, 3)):
        if sizes[i] == sizes[j] == p.n > 1:
            yield from ({"X": made} for made in turned(p, i, j))


def turned(p: Norm, i: int, j: int) -> Iterator[Any]:
    """The gradients of the input with one or more of the statistics along axis j where they belong along i."""
    order = list(range(4))
    order[i], order[j] = order[j], order[i]

    def turn(A: Any) -> Any:
        return namespace(A).permute_dims(A, tuple(order)) if hasattr(A, "shape") else A

    mean, variance = p.of_mean(p.dXhat), p.mean(p.dXhat * p.Xhat)
    for r in (p.r, turn(p.r)):
        for m in (mean, turn(mean)):
            for part in (
                p.Xhat * variance,
                p.Xhat * turn(variance),
                p.D * turn(p.r * variance),
                p.D * turn(p.r * p.r * variance) / p.r,
                p.D * turn(p.r) * variance,
                p.D * turn(p.r) * turn(variance),
            ):
                yield r * (p.dXhat - m - part)


def over_n(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """The variance's part as a mean over n, where the norm is over n − 1 or by a length."""
    p = norm(at, dY, settings)
    yield {"X": p.back(p.dXhat, 1, p.unit**2)} if p.unit != 1 else {}


def of_one_axis(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """Sums over all that is normalised, over the length of one of its axes."""
    p = norm(at, dY, settings)
    for length in settings["lengths"]:
        times = p.n / length
        yield {"X": p.back(p.dXhat, times, times)}
        yield {"X": p.back(p.dXhat, 1, times)}


def averaged(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """The gradients of gain and shift as means over all that they are summed over, or over one axis of it."""
    right = gradients(at, dY, settings)
    for count in settings["summed"]:
        made = {s: right[s] / count for s in ("gamma", "beta")}
        yield from (made, {"gamma": made["gamma"]}, {"beta": made["beta"]})


SLIPS = (
    of_X(
        "norm.statistics_constant",
        "the statistics are taken for constants: they depend on the input too",
        lambda p: p.r * p.dXhat,
    ),
    of_X(
        "norm.variance_constant",
        "what goes back through the variance is missing, X̂ mean(γ dY X̂)",
        lambda p: p.r * (p.dXhat - p.mean(p.dXhat)),
    ),
    of_X("norm.mean_constant", "what goes back through the mean is missing, mean(γ dY)", lambda p: p.back(p.dXhat, 0)),
    of_X("norm.gain_forgotten", "the gain γ is forgotten in the gradient of the input", lambda p: p.back(p.plain)),
    of_X(
        "norm.gain_twice",
        "the gain γ is applied twice in the gradient of the input",
        lambda p: p.back(p.gamma * p.dXhat) / p.unit,
        lambda p: p.gamma * p.back(p.dXhat) / p.unit,
    ),
    of_X(
        "norm.gain_in_part",
        "the gain γ is in one part of the gradient of the input and not in another, or outside the means",
        lambda p: p.r * (p.dXhat - p.of_mean(p.plain) - p.of_variance(p.plain)),
        lambda p: p.r * (p.plain - p.of_mean(p.dXhat) - p.of_variance(p.dXhat)),
        lambda p: p.r * (p.dXhat - p.of_mean(p.dXhat) - p.of_variance(p.plain)),
        lambda p: p.r * (p.dXhat - p.of_mean(p.plain) - p.of_variance(p.dXhat)),
        lambda p: p.gamma * p.back(p.dY),
    ),
    of_X("norm.mean_twice", "the mean is subtracted twice in the gradient of the input", lambda p: p.back(p.dXhat, 2)),
    of_X(
        "norm.mean_of_rms",
        "a mean is subtracted as in layer norm; this norm takes no mean away",
        lambda p: p.r * (p.dXhat - p.mean(p.dXhat) - p.of_variance(p.dXhat)),
    ),
    of_X("norm.variance_twice", "the variance's part is subtracted twice", lambda p: p.back(p.dXhat, 1, 2)),
    of_X("norm.variance_half", "the variance's part is halved", lambda p: p.back(p.dXhat, 1, 0.5)),
    of_X(
        "norm.sums_for_means",
        "sums stand where means belong: the 1/n is missing",
        lambda p: p.back(p.dXhat, p.n, p.n),
        lambda p: p.back(p.dXhat, 1, p.n),
        lambda p: p.back(p.dXhat, p.n, 1),
    ),
    of_X(
        "norm.one_less",
        "the means are over n − 1, where the forward pass divides by n",
        lambda p: p.back(p.dXhat, 1, p.n / max(1, p.n - 1)),
        lambda p: p.back(p.dXhat, p.n / max(1, p.n - 1), p.n / max(1, p.n - 1)),
    ),
    Slip(
        "norm.over_n",
        "a mean over n stands where the forward pass divides by another number: n − 1, or nothing where it is a length",
        over_n,
    ),
    Slip("norm.of_one_axis", "the means divide by the length of one axis, of several that are normalised", of_one_axis),
    of_X(
        "norm.sign",
        "a correction is added that should be subtracted",
        lambda p: p.back(p.dXhat, -1, -1),
        lambda p: p.back(p.dXhat, 1, -1),
        lambda p: p.back(p.dXhat, -1, 1),
    ),
    of_X(
        "norm.deviation_missing", "the division by the deviation is missing", lambda p: p.back(p.dXhat) / (p.unit * p.r)
    ),
    of_X(
        "norm.deviation_again",
        "the division by the deviation is made once too often",
        lambda p: p.unit * p.r * p.back(p.dXhat),
    ),
    of_X(
        "norm.not_normalised",
        "the variance's part is short of a power of 1 / deviation: X̂ belongs where X − mean stands",
        lambda p: p.back(p.dXhat, 1, 1 / (p.unit * p.r)),
        lambda p: p.back(p.dXhat, 1, 1 / (p.unit * p.unit * p.r * p.r)),
    ),
    Slip("norm.across", "the statistics of one row are used along a column: keepdims is missing", across),
    of_gamma(
        "norm.gain_of_input",
        "the gradient of the gain has the input where the normalised input X̂ belongs",
        lambda at, p, settings: p.D / p.unit,
        lambda at, p, settings: at["X"] / p.unit,
    ),
    of_gamma(
        "norm.gain_of_output",
        "the gradient of the gain has the output where the normalised input X̂ belongs",
        lambda at, p, settings: forward(at, settings) / p.unit,
    ),
    Slip(
        "norm.averaged",
        "the gradients of gain and shift are averaged where they should be summed: 1/N is in dY already",
        averaged,
    ),
)


class FoundNorm(NamedTuple):
    """The settings of a norm that its outputs show: whether centred, ε, a factor of the gain, and a note on it."""

    centred: bool
    eps: float
    factor: float
    note: str


def solved(along: Along, X: Array, gamma: Array, beta: Array, Y: Array) -> Iterator[FoundNorm]:
    """Every ε with which Y is a norm of X, from the numbers: with or without a mean; over n, n − 1, or as a length."""
    n = X.shape[1] * X.shape[2]
    bare = (Y - beta[:, :, None, None]) / gamma[:, :, None, None]
    kinds = [(True, 1.0, ""), (True, n / (n - 1), ", over n − 1")]
    if X.shape[0] == X.shape[2] == 1:  # an RMS norm has neither groups nor places
        kinds += [(False, 1.0, ""), (False, float(n), ", over the length")]
    for centred, times, note in kinds:
        D = X - X.mean(axis=OVER, keepdims=True) if centred else X
        inverse = (D * D).sum(axis=OVER) / (bare * D).sum(axis=OVER)
        eps = inverse**2 - times * (D * D).mean(axis=OVER)
        room = 2.0**-44 * float(np.max(inverse**2, initial=0))
        if np.isfinite(eps).all() and np.ptp(eps) <= room and eps.min() >= -room and (inverse > 0).all():
            found = simple(float(np.median(eps)), room)
            yield FoundNorm(centred, max(found, TINY) / times, times**-0.5, f", ε = {found:.3g}{note}")


TINY = 1e-300
"""ε of a norm without one: the formulas need a positive number."""


def simple(eps: float, room: float) -> float:
    """The number of one or two digits near ε, if one is near enough; 0 where ε is lost in rounding."""
    if abs(eps) <= room / 16:
        return 0.0
    rounded = (float(f"{eps:.{digits}e}") for digits in (0, 1))
    return next((number for number in rounded if abs(number - eps) <= room), eps)


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Every norm that a function of an input, and maybe a gain and a shift, may be."""
    floats = tried.floats
    for x, X in floats.items():
        others = [name for name in floats if name != x]
        if X.shape != tried.Y.shape or X.ndim < 2 or len(others) > 2 or X.size < 2:
            continue
        if len({np.squeeze(floats[name]).shape for name in others}) > 1:
            continue
        for roles in orders(others):
            for along in axes_to_normalise(X.shape, [floats[name] for name in others]):
                yield from readings_along(tried, x, roles, along)


def orders(others: list[str]) -> list[dict[str, str]]:
    """Which of the other arguments is the gain, and which the shift."""
    if len(others) == 2:
        return [dict(zip(others, pair, strict=True)) for pair in (("gamma", "beta"), ("beta", "gamma"))]
    return [{others[0]: "gamma"}, {others[0]: "beta"}] if others else [{}]


def readings_along(tried: Tried, x: str, roles: dict[str, str], along: Along) -> Iterator[LayerReading]:
    """The norms along these axes, with the ε that the numbers give."""
    X, floats, shape = tried.floats[x], tried.floats, along.shape
    image = Layout(X.shape, along.split, along.order, shape)
    layouts = {"X": image}
    given: Symbols = {"gamma": np.ones(shape[:2]), "beta": np.zeros(shape[:2])}
    at = {"X": image.take(X)} | given
    for name, s in roles.items():
        layouts[s] = Layout.reshaped(floats[name].shape, shape[:2])
        at[s] = layouts[s].take(floats[name])
        given.pop(s)
    if not (at["gamma"] != 0).all():
        return
    for found in solved(along, at["X"], at["gamma"], at["beta"], image.take(tried.Y)):
        scaled, with_gain = dict(layouts), dict(given)
        if "gamma" in layouts:
            scaled["gamma"] = Layout.reshaped(layouts["gamma"].theirs, shape[:2], scale=found.factor)
        else:
            with_gain["gamma"] = found.factor * np.ones(shape[:2])
        name = along.name if found.centred else "l2_normalize" if "length" in found.note else "rms_norm"
        says = f"{name} over {in_words(along)}{found.note}"
        settings = {"eps": found.eps, "centred": found.centred, "unit": found.factor} | along.counts
        yield LayerReading(name, says, {x: "X"} | roles, scaled, image, with_gain, settings)


def in_words(along: Along) -> str:
    """The axes that the statistics are over, as numpy counts them."""
    if along.groups is not None:
        return f"{along.split[along.groups]} groups of axis {along.groups}"
    return f"axis {along.over[0]}" if len(along.over) == 1 else f"axes {', '.join(map(str, along.over))}"


KNOWN = KnownLayer("group_norm", readings, forward, gradients, SLIPS)
