"""The kinds of loss that people write: each with nnref's formulas for an example or an entry, and its own mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnref import (
    binary_cross_entropy,
    cross_entropy,
    hinge,
    huber,
    kl_divergence,
    label_smoothing,
    mse,
    sigmoid,
    softmax,
    softmax_cross_entropy,
)
from nnref.arrays import namespace
from nnref.shapes import Array

Settings = Mapping[str, Any]

Formula = Callable[[Any, Any, Settings], Any]
"""From outputs (n, N), targets (n, N) and settings."""

ONE = np.ones((1, 1))
"""The gradient 1 of the loss of each example."""

SMOOTHINGS = (0.1, 0.05, 0.2, 0.01, 0.3)
"""Usual amounts of label smoothing, the commonest first."""

TEMPERATURES = (2.0, 3.0, 4.0, 5.0, 10.0, 20.0, 1.5, 0.5, 2.5)
"""Usual temperatures of distillation."""

DELTAS = (1.0, 1.35, 0.5, 2.0, 0.1, 1 / 9, 1.5, 5.0, 10.0)
"""Usual values of Huber's δ."""


EPSILONS = tuple(float(f"1e-{k}") for k in (8, 7, 10, 12, 9, 5, 6, 15, 16, 11, 4, 3, 13, 14, 2))
"""Usual ε added within a logarithm, the commonest first."""


@dataclass(frozen=True)
class Kind:
    """One kind of loss: formula(Z, T) -> (1, N) or, entrywise, (1, n N), or the mean of these where it averages.

    back(Z, T) is the gradient of their sum. asked, if there is one, measures the settings by calling the function at
    other outputs: asked(losses, T), where losses(Z) are its values for outputs Z.
    """

    name: str
    formula: Formula
    back: Formula
    slips: Mapping[str, tuple[Formula, ...]]
    entrywise: bool = False
    labels: bool = False
    options: tuple[dict[str, float], ...] = field(default=({},))
    of_targets: Formula | None = None
    sees: Callable[[Array, Array], bool] = lambda Z, T: True
    called: str = ""
    averages: bool = True
    asked: Callable[[Callable[[Array], Array], Array], Iterator[dict[str, float]]] | None = None

    def each(self, Z: Any, T: Any, settings: Settings) -> Any:
        """The loss of every example or entry: where the formula is a mean, that of every column by itself."""
        if not self.averages:
            return self.formula(Z, T, settings)
        xp = namespace(Z)
        parts = [self.formula(Z[:, k : k + 1], T[:, k : k + 1], settings) for k in range(Z.shape[1])]
        return xp.reshape(xp.stack(parts, axis=0), (1, -1))

    def summed(self, Z: Any, T: Any, settings: Settings) -> Any:
        """The sum of them."""
        made = self.formula(Z, T, settings)
        xp = namespace(made)
        if self.averages:
            return xp.reshape(made, (1, 1)) * Z.shape[1]
        return xp.sum(made, axis=(0, 1), keepdims=True)

    def settings(self, at: Mapping[str, Any], losses: Callable[[Array], Array]) -> Iterator[dict[str, float]]:
        """The settings that are tried, for outputs and targets that it can take."""
        if self.sees(at["Z"], at["T"]):
            yield from (dict(option) for option in self.options) if self.asked is None else self.asked(losses, at["T"])

    def words(self, settings: Settings) -> str:
        """What it is called, with its settings; an ε within its logarithm is a caution."""
        plain = {key: value for key, value in settings.items() if key not in ("of_logits", "eps")}
        numbers = ", ".join(f"{key}={value:.4g}" for key, value in plain.items())
        guard = f" (caution: {settings['eps']:g} is added within its logarithm)" if "eps" in settings else ""
        return f"{self.called or self.name}{f' ({numbers})' if numbers else ''}{guard}"


def is_probabilities(T: Array) -> bool:
    """Do columns add up to one, with nothing negative?"""
    return bool((T >= 0).all() and (abs(T.sum(axis=0) - 1) < 1e-9).all())


def of_classes(Z: Array, T: Array) -> bool:
    """Are the targets probabilities of classes?"""
    return is_probabilities(T)


def between(Z: Array) -> bool:
    """Do all lie strictly between 0 and 1?"""
    return bool((Z > 0).all() and (Z < 1).all())


def softmax_minus(Z: Any, T: Any) -> Any:
    """P − T of every column."""
    return softmax_cross_entropy.dZ(Z, T) * Z.shape[1]


def teacher(T: Any, settings: Settings) -> Any:
    """The targets; their softmax where they are the teacher's logits."""
    return softmax.forward(T / settings["temperature"]) if settings.get("of_logits") else T


def distilled(Z: Any, T: Any, settings: Settings) -> Any:
    """KL at the temperature."""
    return kl_divergence.forward(Z, teacher(T, settings), settings["temperature"])


def undistilled(Z: Any, T: Any, settings: Settings) -> Any:
    """Its gradient: (P − Y) / τ."""
    return kl_divergence.dZ(Z, teacher(T, settings), settings["temperature"]) * Z.shape[1]


def at_temperature(times: Callable[[float], float], plain: bool = False) -> Formula:
    """The gradient with another factor, or with the softmax of the logits as they are."""

    def of(Z: Any, T: Any, settings: Settings) -> Any:
        tau = settings["temperature"]
        if plain:
            return softmax_minus(Z, teacher(T, settings)) * times(tau)
        return undistilled(Z, T, settings) * times(tau)

    return of


def two_rows(Z: Any) -> Any:
    """A probability and its complement, one below the other."""
    return namespace(Z).concat([Z, 1 - Z], axis=0)


def guarded(P: Any, settings: Settings) -> Any:
    """Probabilities plus the ε within the logarithm."""
    return P + settings["eps"] if "eps" in settings else P


def of_probabilities(P: Any, T: Any, settings: Settings) -> Any:
    """−Σ y log p, or −Σ y log(p + ε)."""
    return cross_entropy.forward(guarded(P, settings), T)


def back_to_probabilities(P: Any, T: Any, settings: Settings) -> Any:
    """Its gradient."""
    return cross_entropy.dP(guarded(P, settings), T, ONE)


def of_one_probability(Z: Any, T: Any, settings: Settings) -> Any:
    """−t log p − (1 − t) log(1 − p) of every entry: the cross-entropy of p and 1 − p."""
    return of_probabilities(two_rows(Z), two_rows(T), settings)


def back_to_probability(Z: Any, T: Any, settings: Settings) -> Any:
    """Its gradient: through p less that through 1 − p."""
    dP = back_to_probabilities(two_rows(Z), two_rows(T), settings)
    return dP[0:1] - dP[1:2]


def unguarded(back: Formula) -> Formula:
    """The gradient without the ε of the forward pass."""
    return lambda Z, T, s: back(Z, T, {})


def short_of_margin(Z: Any, T: Any, settings: Settings) -> tuple[Any, float]:
    """By how much the logit of the class is above each other, in margins; and the margin."""
    own = namespace(Z).sum(Z * T, axis=0, keepdims=True)
    return (own - Z) / settings["margin"], settings["margin"]


def of_margins(Z: Any, T: Any, settings: Settings) -> Any:
    """Σ over the other classes of max(0, z − z_y + margin)."""
    U, margin = short_of_margin(Z, T, settings)
    return namespace(Z).sum(hinge.forward(U) * (1 - T), axis=0, keepdims=True) * margin


def within_margin(Z: Any, T: Any, settings: Settings) -> Any:
    """1 for every other class whose logit is within the margin, else 0."""
    U, _ = short_of_margin(Z, T, settings)
    return -hinge.dU(U, 1.0 + 0 * Z) * (1 - T)


def back_to_logits(Z: Any, T: Any, settings: Settings) -> Any:
    """1 for these, and less their number for the class itself."""
    H = within_margin(Z, T, settings)
    return H - T * namespace(H).sum(H, axis=0, keepdims=True)


def back_without_number(Z: Any, T: Any, settings: Settings) -> Any:
    """−1 for the class itself where any other is within the margin."""
    H = within_margin(Z, T, settings)
    any_of_them = namespace(H).sum(H, axis=0, keepdims=True)
    value = any_of_them.value if hasattr(any_of_them, "value") else any_of_them
    return H - T * (1.0 * (value > 0))


def back_without_margin(Z: Any, T: Any, settings: Settings) -> Any:
    """The same with the mask of logits above that of the class."""
    return back_to_logits(Z, T, {"margin": 1e-12 * settings["margin"]})


def margins(losses: Callable[[Array], Array], T: Array) -> Iterator[dict[str, float]]:
    """The margin, from the loss where all logits are 0, and where that of the class is below the others by 1.

    These are c k m and c k (1 + m), whatever the factor c and the number k of other classes.
    """
    at_0, below = (float(np.sum(losses(-size * T))) for size in (0.0, 1.0))
    margin = at_0 / (below - at_0) if below != at_0 else 0.0
    if np.isfinite(margin) and margin > 0:
        rounded = float(f"{margin:.6g}")
        yield {"margin": rounded if abs(rounded / margin - 1) < 1e-12 else margin}


def slope(Z: Any) -> Any:
    """σ (1 − σ)."""
    return sigmoid.dZ(sigmoid.forward(Z), ONE)


def softmax_slope(P: Any, dP: Any) -> Any:
    """DP back through a softmax with outputs P."""
    return softmax.dZ(P, dP)


CROSS_ENTROPY_SLIPS: dict[str, tuple[Formula, ...]] = {
    "labels_missing": (lambda Z, T, s: softmax.forward(Z),),
    "softmax_missing": (lambda Z, T, s: Z - T,),
    "softmax_twice": (
        lambda Z, T, s: softmax_slope(softmax.forward(Z), softmax_minus(Z, T)),
        lambda Z, T, s: softmax_minus(Z, T) * softmax.forward(Z) * (1 - softmax.forward(Z)),
    ),
    "of_probabilities": (lambda Z, T, s: -T / softmax.forward(Z),),
}

KINDS: tuple[Kind, ...] = (
    Kind(
        "softmax_cross_entropy",
        lambda Z, T, s: softmax_cross_entropy.forward(Z, T),
        lambda Z, T, s: softmax_minus(Z, T),
        CROSS_ENTROPY_SLIPS,
        called="softmax and cross-entropy",
        labels=True,
        sees=of_classes,
    ),
    Kind(
        "cross_entropy",
        of_probabilities,
        back_to_probabilities,
        {
            "guard_missing": (unguarded(back_to_probabilities),),
            "denominator_missing": (lambda Z, T, s: Z - T, lambda Z, T, s: -T * 1),
            "slope_again": (lambda Z, T, s: (Z - T) / (Z * (1 - Z)),),
        },
        called="cross-entropy of probabilities",
        averages=False,
        options=({}, *({"eps": eps} for eps in EPSILONS)),
        labels=True,
        sees=lambda Z, T: is_probabilities(T) and bool((Z > 0).all()),
    ),
    Kind(
        "label_smoothing",
        lambda Z, T, s: label_smoothing.forward(Z, T, s["smoothing"]),
        lambda Z, T, s: label_smoothing.dZ(Z, T, s["smoothing"]) * Z.shape[1],
        {
            "unsmoothed": (lambda Z, T, s: softmax_minus(Z, T),),
            "smoothed_otherwise": (
                lambda Z, T, s: (
                    softmax.forward(Z) - (1 - s["smoothing"]) * T - s["smoothing"] / (Z.shape[0] - 1) * (1 - T)
                ),
                lambda Z, T, s: softmax.forward(Z) - (1 - s["smoothing"]) * T,
            ),
        },
        options=tuple({"smoothing": share} for share in SMOOTHINGS),
        called="label smoothing",
        labels=True,
        sees=of_classes,
    ),
    Kind(
        "kl_divergence",
        distilled,
        undistilled,
        {
            "temperature_missing": (at_temperature(lambda tau: tau), at_temperature(lambda tau: 1 / tau, True)),
            "softmax_twice": (at_temperature(lambda tau: 1.0, True),),
        },
        options=tuple({"temperature": tau} for tau in (1.0, *TEMPERATURES)),
        sees=of_classes,
        called="KL divergence",
    ),
    Kind(
        "kl_divergence",
        distilled,
        undistilled,
        {"temperature_missing": (at_temperature(lambda tau: tau), at_temperature(lambda tau: 1 / tau, True))},
        options=tuple({"temperature": tau, "of_logits": 1.0} for tau in (1.0, *TEMPERATURES)),
        called="KL divergence from other logits",
    ),
    Kind(
        "mse",
        lambda Z, T, s: mse.forward(Z, T),
        lambda Z, T, s: mse.dO(Z, T) * Z.shape[1],
        {"two_missing": (lambda Z, T, s: Z - T, lambda Z, T, s: 4 * (Z - T))},
        entrywise=True,
        of_targets=lambda Z, T, s: mse.dO(T, Z) * Z.shape[1],
        called="squared error",
    ),
    Kind(
        "binary_cross_entropy",
        lambda Z, T, s: binary_cross_entropy.forward(Z, T),
        lambda Z, T, s: binary_cross_entropy.dZ(Z, T) * Z.shape[1],
        {
            "slope_again": (lambda Z, T, s: (sigmoid.forward(Z) - T) * slope(Z),),
            "labels_missing": (lambda Z, T, s: sigmoid.forward(Z),),
            "softmax_missing": (lambda Z, T, s: Z - T,),
            "other_half_missing": (lambda Z, T, s: -T * (1 - sigmoid.forward(Z)),),
        },
        entrywise=True,
        called="binary cross-entropy of logits",
    ),
    Kind(
        "binary_cross_entropy_of_probabilities",
        of_one_probability,
        back_to_probability,
        {
            "guard_missing": (unguarded(back_to_probability),),
            "denominator_missing": (lambda Z, T, s: Z - T,),
            "other_half_missing": (lambda Z, T, s: -T / Z,),
        },
        entrywise=True,
        sees=lambda Z, T: between(Z),
        called="binary cross-entropy of probabilities",
        averages=False,
        options=({}, *({"eps": eps} for eps in EPSILONS)),
    ),
    Kind(
        "huber",
        lambda Z, T, s: huber.forward(Z - T, s["delta"]),
        lambda Z, T, s: huber.dE(Z - T, 1.0 + 0 * Z, s["delta"]),
        {
            "not_clipped": (lambda Z, T, s: Z - T,),
            "delta_missing": (lambda Z, T, s: beyond(Z - T, s["delta"]),),
            "of_absolute_error": (lambda Z, T, s: s["delta"] * signs(Z - T),),
        },
        entrywise=True,
        options=tuple({"delta": delta} for delta in DELTAS),
        of_targets=lambda Z, T, s: -huber.dE(Z - T, 1.0 + 0 * Z, s["delta"]),
        called="Huber's loss",
        averages=False,
    ),
    Kind(
        "hinge",
        lambda Z, T, s: hinge.forward(Z * T),
        lambda Z, T, s: hinge.dU(Z * T, 1.0 + 0 * Z) * T,
        {
            "mask_inverted": (lambda Z, T, s: -T - hinge.dU(Z * T, 1.0 + 0 * Z) * T,),
            "mask_missing": (lambda Z, T, s: -T + 0 * Z,),
            "labels_missing": (lambda Z, T, s: hinge.dU(Z * T, 1.0 + 0 * Z),),
        },
        entrywise=True,
        sees=lambda Z, T: bool((abs(T) == 1).all()),
        called="hinge loss",
        averages=False,
    ),
    Kind(
        "multiclass_hinge",
        of_margins,
        back_to_logits,
        {
            "class_missing": (within_margin,),
            "class_once": (back_without_number,),
            "margin_missing": (back_without_margin,),
            "mask_missing": (lambda Z, T, s: (1 - T) - T * (Z.shape[0] - 1.0) + 0 * Z,),
            "sign_of_class": (lambda Z, T, s: within_margin(Z, T, s) * 2 - back_to_logits(Z, T, s),),
        },
        labels=True,
        sees=lambda Z, T: is_probabilities(T) and bool(((T == 0) | (T == 1)).all()) and Z.shape[0] > 1,
        called="hinge loss of classes",
        averages=False,
        asked=margins,
    ),
)
"""Every kind, the likeliest first: where two give the same numbers, the first is named."""


def signs(E: Any) -> Any:
    """The sign of every error."""
    return np.sign(E.value if hasattr(E, "value") else E) + 0 * E


def beyond(E: Any, delta: float) -> Any:
    """The error up to ±δ, and beyond it its sign."""
    xp = namespace(E)
    value = E.value if hasattr(E, "value") else E
    return xp.where(abs(value) > delta, (value > 0) * 2.0 - 1, E)
