"""How checks fail, measured: the error of a difference by its step, kinks, and noise beside relative error."""

from __future__ import annotations

from typing import Any

import numpy as np

import nnref
from nnref.checking.reference import noise
from nnref.network import activations
from press import digits
from press.drawing import ACCENT, INK, RIGHT, WRONG, blank, power, svg

STEPS = np.logspace(-12, -1, 45)
DIRECTIONS = 10
"""Random directions over which the error of a step is averaged."""

ENTRIES = 60
"""Entries that are moved, one at a time, when kinks are counted."""


def drawn(activation: str, sizes: list[int], N: int, seed: int = 3) -> tuple[Any, Any, Any, Any]:
    """A network with parameters that are nowhere zero, dense signed inputs and labels of every class."""
    rng = np.random.default_rng(seed)
    layers = nnref.mlp(sizes, activation=activation)
    theta = nudged(nnref.initialise(layers, seed=seed), lambda p: 0.1 * rng.standard_normal(p.shape))
    return layers, theta, rng.standard_normal((sizes[0], N)), nnref.one_hot(rng.integers(0, sizes[-1], N), sizes[-1])


def nudged(theta: Any, by: Any) -> Any:
    """The parameters with something added to each array."""
    return tuple(type(t)(*(p + by(p) for p in t)) if t else () for t in theta)


def along(theta: Any, direction: Any, t: complex) -> Any:
    """θ + t v."""
    return tuple(
        type(p)(*(a + t * d for a, d in zip(p, v, strict=True))) if p else ()
        for p, v in zip(theta, direction, strict=True)
    )


def direction_of(theta: Any, rng: Any) -> Any:
    """A random direction, shaped like the parameters, of length one."""
    v = nudged(nudged(theta, lambda p: -p), lambda p: rng.standard_normal(p.shape))
    length = np.sqrt(sum(float((a * a).sum()) for t in v for a in t))
    return tuple(type(t)(*(a / length for a in t)) if t else () for t in v)


def slopes(loss: Any, h: float) -> dict[str, float]:
    """The slope of loss(t) at 0 by three kinds of difference."""
    return {
        "one-sided": (loss(h) - loss(0.0)) / h,
        "central": (loss(h) - loss(-h)) / (2 * h),
        "complex step": loss(1j * h).imag / h,
    }


def errors() -> tuple[dict[str, Any], float]:
    """The relative error of each kind at each step, in the mean over directions; the truth is a tiny complex step."""
    layers, theta, X, Y = drawn("tanh", [12, 10, 8, 6], 16)
    rng = np.random.default_rng(0)
    kinds: dict[str, list[Any]] = {}
    for _ in range(DIRECTIONS):
        v = direction_of(theta, rng)

        def loss(t: complex, v: Any = v) -> Any:
            return nnref.loss(layers, along(theta, v, t), X, Y)

        truth = loss(1e-100j).imag / 1e-100
        rows = [slopes(loss, h) for h in STEPS]
        for kind in rows[0]:
            kinds.setdefault(kind, []).append([abs(float(row[kind]) / truth - 1) for row in rows])
    means = {kind: np.exp(np.log(np.maximum(rows, 1e-17)).mean(axis=0)) for kind, rows in kinds.items()}
    return means, float(STEPS[means["central"].argmin()])


def steps() -> tuple[Any, str, str, dict[str, str]]:
    """The error against the step."""
    means, best = errors()
    figure = blank(6.6, 3.2)
    axes = figure.subplots()
    for (kind, values), colour in zip(means.items(), (WRONG, ACCENT, RIGHT), strict=True):
        axes.loglog(STEPS, values, color=colour, label=kind)
    axes.set_xlabel("step h")
    axes.set_ylabel("relative error of the slope")
    axes.legend()
    axes.grid(True)
    low = {kind: float(values.min()) for kind, values in means.items()}
    caption = (
        f"A network of tanh in float64, {DIRECTIONS} random directions. Central differences are best at "
        f"h = {power(best)}, where they are off by {power(low['central'])}; the complex step "
        f"only improves as h shrinks, to {power(low['complex step'])}."
    )
    at = int(abs(np.log10(STEPS) + 6).argmin())
    values = {
        "best-step": power(best),
        "best-error": power(low["central"]),
        "complex-error": power(low["complex step"]),
        "one-sided-error": power(low["one-sided"]),
        "error-at-1e-6": power(float(means["central"][at])),
    }
    return figure, "Relative error of a slope against the step of the difference", caption, values


def entry_of(theta: Any, rng: Any) -> Any:
    """The direction that moves one weight or bias, as a gradient check does."""
    v = nudged(theta, lambda p: -p)
    layer = rng.choice([l for l, t in enumerate(v) if t])
    array = v[layer][rng.integers(2)]
    array[rng.integers(array.shape[0]), rng.integers(array.shape[1])] = 1.0
    return v


def sides(layers: Any, theta: Any, X: Any) -> Any:
    """Which ReLUs are on."""
    sums = zip(layers, activations(layers, theta, X)[1:], strict=True)
    return np.concatenate([(Z > 0).ravel() for layer, Z in sums if layer.name == "affine"])


def over_kinks(layers: Any, theta: Any, X: Any, Y: Any, v: Any, steps: Any) -> tuple[list[bool], list[float]]:
    """For each step along v: whether a ReLU switches within it, and the relative error of the difference."""

    def loss(t: complex) -> Any:
        return nnref.loss(layers, along(theta, v, t), X, Y)

    truth = loss(1e-100j).imag / 1e-100
    crossed, errors = [], []
    for h in steps:
        before, after = (sides(layers, along(theta, v, t), X) for t in (-h, h))
        crossed.append(bool((before != after).any()))
        errors.append(abs(float(slopes(loss, h)["central"]) / truth - 1))
    return crossed, errors


def kinks() -> tuple[Any, str, str, dict[str, str]]:
    """How often a step crosses a kink, and how wrong the difference then is."""
    layers, theta, X, Y = drawn("relu", [64, 128, 64, 10], 64)
    rng = np.random.default_rng(1)
    steps = np.logspace(-6, -1, 21)
    found = [over_kinks(layers, theta, X, Y, entry_of(theta, rng), steps) for _ in range(ENTRIES)]
    share = 100 * np.mean([crossed for crossed, _ in found], axis=0)
    worst = np.max([errors for _, errors in found], axis=0)
    figure = blank(7, 2.8)
    left, right = figure.subplots(1, 2)
    left.semilogx(steps, share, color=WRONG)
    left.set_ylabel("entries over a kink (%)")
    right.loglog(steps, worst, color=ACCENT)
    right.set_ylabel("worst relative error")
    for axes in (left, right):
        axes.set_xlabel("step h")
        axes.grid(True)
    at = int(abs(np.log10(steps) + 3).argmin())
    caption = (
        f"A correct network of rectifiers, {ENTRIES} of its entries. At h = 10⁻³ the difference for "
        f"{share[at]:.0f} % of them crosses a kink, and the worst is off by {power(worst[at])}. "
        "Nothing is wrong with the gradient."
    )
    values = {"kinks-at-1e-3": f"{share[at]:.0f}", "kinks-worst": power(worst[at])}
    return figure, "Share of entries whose difference crosses a kink, and the worst error", caption, values


def noises() -> tuple[Any, str, str, dict[str, str]]:
    """Every entry of a correct float32 gradient: its relative error, and its error in units of rounding."""
    layers = nnref.mnist_mlp()
    theta = nnref.initialise(layers, seed=0, dtype="float32")
    batch = np.random.default_rng(0).permutation(len(digits.data().y_train))[:32]
    X, Y = digits.data().x_train[:, batch], nnref.one_hot(digits.data().y_train[batch], dtype="float32")
    wide = tuple(type(t)(*(p.astype("float64") for p in t)) if t else () for t in theta)
    yours = nnref.named(nnref.gradients(layers, theta, X, Y))
    truth = nnref.named(nnref.gradients(layers, wide, X.astype("float64"), Y.astype("float64")))
    S = nnref.named(noise.scale(layers, theta, X, Y, "float32"))
    gap = np.concatenate([abs(yours[k].astype("float64") - truth[k]).ravel() for k in truth])
    true = np.concatenate([abs(truth[k]).ravel() for k in truth])
    scale = np.concatenate([S[k].ravel() for k in truth]) * noise.unit("float32")
    some = (gap > 0) & (true > 0) & (scale > 0)
    relative, units = gap[some] / true[some], gap[some] / scale[some]
    figure = blank(7, 2.8)
    left, right = figure.subplots(1, 2)
    left.hist(np.log10(relative), bins=60, color=WRONG)
    left.set_xlabel("log10 of the relative error")
    right.hist(np.log10(units), bins=60, color=RIGHT)
    right.set_xlabel("log10 of the error in units of rounding")
    allowed = noise.allowed(layers, theta, X.shape[1])
    right.axvline(np.log10(allowed), color=INK, ls="--", lw=1.2)
    for axes in (left, right):
        axes.set_ylabel("entries")
    caption = (
        f"{int(some.sum()):,} entries of a correct float32 gradient. Relative errors reach {power(relative.max())}; "
        f"in units of rounding the largest is {units.max():.2f}, and {allowed:.0f} are allowed (dashed)."
    )
    values = {
        "worst-relative": power(relative.max()),
        "worst-units": f"{units.max():.2f}",
        "allowed-units": f"{allowed:.0f}",
    }
    return figure, "Histograms of relative errors and of errors in units of rounding", caption, values


def hidden() -> dict[str, str]:
    """How much of the first layer's gradient is exactly 0 on real digits."""
    layers = nnref.mnist_mlp()
    theta = nnref.initialise(layers, seed=0)
    X, Y = digits.data().x_train.astype("float64"), nnref.one_hot(digits.data().y_train)
    order = np.random.default_rng(0).permutation(Y.shape[1])

    def zeros(count: int) -> str:
        k = order[:count]
        return f"{100 * float((nnref.gradients(layers, theta, X[:, k], Y[:, k])[0].W == 0).mean()):.0f}"

    return {"zeros-at-1": zeros(1), "zeros-at-all": zeros(Y.shape[1])}


def made() -> dict[str, Any]:
    """The pictures, and the numbers that the prose quotes."""
    figures, values = {}, hidden()
    for name, draw in {"steps": steps, "kinks": kinks, "noise": noises}.items():
        figure, alt, caption, numbers = draw()
        figures[name] = {"svg": svg(figure, name), "alt": alt, "caption": caption}
        values |= numbers
    return {"figures": figures, "values": values}
