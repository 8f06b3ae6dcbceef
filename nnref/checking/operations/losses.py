"""How people write losses: of rows or columns, summed, averaged or entry by entry, any factor; and the mistakes made.

A loss is a kind, such as a cross-entropy, with one number per example or entry, times a factor that is measured: people
write 1/N, 1/2, 1/(n N), T² or nothing in front.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from nnref.checking.operations.known import KnownLayer, LayerReading, Layout, Slip, Symbols, Tried
from nnref.checking.operations.losses_of import KINDS, Kind
from nnref.shapes import Array

Settings = Mapping[str, Any]

REDUCED, EACH = "reduced", "each"
"""Whether a loss is one number, or one for each example or entry."""


MANY = 1 << 12
"""Most losses of single examples or entries that are computed one by one, where the formula gives only their mean."""


@dataclass(frozen=True)
class Side:
    """How outputs and targets lie: the layout of the outputs, that of the losses of examples, and words for it."""

    outputs: Layout
    each: Layout
    lie: str


def sides(shape: tuple[int, ...], Y: tuple[int, ...], kind: Kind) -> Iterator[Side]:
    """The ways in which an array of outputs may lie, for losses of examples or of entries."""
    if kind.entrywise:
        flat = Layout.reshaped(shape, (1, int(np.prod(shape))))
        yield Side(flat, Layout.reshaped(Y, (1, int(np.prod(Y)))), "entry by entry")
        return
    if len(shape) < 2:
        return
    last = len(shape) - 1
    N = int(np.prod(shape[:-1]))
    yield Side(Layout.of(shape, (last, *range(last)), (shape[-1], N)), Layout.reshaped(Y, (1, int(np.prod(Y)))), "rows")
    if len(shape) == 2:
        yield Side(Layout.reshaped(shape, shape), Layout.reshaped(Y, (1, int(np.prod(Y)))), "columns")


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Every loss of outputs and targets."""
    arrays = {
        name: np.asarray(A) for name, A in tried.arguments.items() if np.ndim(A) and np.asarray(A).dtype.kind in "fiub"
    }
    if len(arrays) != 2:
        return
    for o, t in permutations(arrays):
        O, T = arrays[o], arrays[t]
        if O.dtype.kind != "f" or O.size < 2:
            continue
        for kind in KINDS:
            for side in sides(O.shape, tried.Y.shape, kind):
                yield from read(tried, kind, side, (o, O), (t, T))


def read(
    tried: Tried, kind: Kind, side: Side, outputs: tuple[str, Array], targets: tuple[str, Array]
) -> Iterator[LayerReading]:
    """The readings as one kind of loss, with the factor that the numbers give."""
    (o, O), (t, T) = outputs, targets
    losses = side.outputs.shape[1] if not kind.entrywise else O.size
    reduction = REDUCED if tried.Y.size == 1 else EACH if tried.Y.size == losses else None
    if reduction is None or (reduction == EACH and kind.averages and losses > MANY):
        return
    wanted, roles, layouts, given = targets_of(kind, side, t, T)
    if wanted is None:
        return
    at: Symbols = {"Z": side.outputs.take(O), "T": wanted}
    output = side.each

    def losses_at(Z: Array) -> Array:
        return np.asarray(tried.call({**tried.arguments, o: side.outputs.give(Z)}), "float64")

    for settings in kind.settings(at, losses_at):
        known = {"kind": kind, "reduction": reduction, "factor": 1.0, "sizes": O.shape, **settings}
        factor = factor_of(forward(at, known), output.take(tried.Y))
        if factor is None:
            continue
        says = ", ".join([kind.words(settings), side.lie, times(factor, side.outputs.shape, kind.entrywise, reduction)])
        yield LayerReading(
            kind.name,
            says.rstrip(", "),
            {o: "Z"} | roles,
            {"Z": side.outputs} | layouts,
            output,
            given,
            known | {"factor": factor},
        )


def targets_of(
    kind: Kind, side: Side, t: str, T: Array
) -> tuple[Array | None, dict[str, str], dict[str, Layout], Symbols]:
    """The targets like the outputs: as they came, or a one in each column for whole numbers."""
    n, N = side.outputs.shape
    if T.shape == side.outputs.theirs and T.dtype.kind == "f":
        layout = side.outputs
        return layout.take(T), {t: "T"}, {"T": layout}, {}
    if kind.entrywise and T.shape == side.outputs.theirs:
        A = side.outputs.take(T.astype("float64"))
        return A, {}, {}, {"T": A}
    labels = T.reshape(-1)
    if kind.labels and T.dtype.kind in "iu" and labels.size == N and labels.min() >= 0 and labels.max() < n:
        hot = np.zeros((n, N))
        hot[labels, np.arange(N)] = 1
        return hot, {}, {}, {"T": hot}
    return None, {}, {}, {}


def factor_of(ours: Array, theirs: Array) -> float | None:
    """The factor of theirs beside ours, if it is one number."""
    ours, theirs = np.broadcast_to(ours, theirs.shape), np.asarray(theirs)
    square = float((ours * ours).sum())
    factor = float((ours * theirs).sum()) / square if square else 0.0
    near = (
        np.isfinite(factor) and factor and np.allclose(theirs, factor * ours, rtol=1e-9, atol=1e-12 * abs(theirs).max())
    )
    return factor if near else None


def times(factor: float, shape: tuple[int, ...], entrywise: bool, reduction: str) -> str:
    """The factor in words; it is 1 for a sum, and for a loss entry by entry."""
    n, N = shape
    if reduction == EACH:
        return "" if near(factor, 1.0) else f"times {factor:.6g}"
    count = n * N if entrywise else N
    words = {1.0: "summed", 1 / count: "averaged", 0.5: "half the sum", 0.5 / count: "half the average"}
    for value, says in words.items():
        if near(factor, value):
            return says
    return f"times {factor:.6g}"


def near(factor: float, value: float) -> bool:
    """Are two factors one?"""
    return abs(factor - value) <= 1e-9 * value


def forward(at: Symbols, settings: Settings) -> Any:
    """The losses of examples or entries, or their sum, times the factor."""
    kind = settings["kind"]
    losses = kind.summed if settings["reduction"] == REDUCED else kind.each
    return losses(at["Z"], at["T"], settings) * settings["factor"]


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """The proved gradient of every example's loss, times dY; of targets that may move too, where that is a formula."""
    kind = settings["kind"]
    found = {"Z": kind.back(at["Z"], at["T"], settings) * (dY * settings["factor"])}
    if kind.of_targets is not None:
        found["T"] = kind.of_targets(at["Z"], at["T"], settings) * (dY * settings["factor"])
    return found


def by_kind(at: Symbols, dY: Any, settings: Settings, key: str) -> Iterator[Symbols]:
    """The mistakes of this name in the loss's kind."""
    for way in settings["kind"].slips.get(key, ()):
        yield {"Z": way(at["Z"], at["T"], settings) * (dY * settings["factor"])}


def named(key: str, says: str) -> Slip:
    """A mistake that only some kinds of loss have."""
    return Slip(f"loss.{key}", says, lambda at, dY, settings: by_kind(at, dY, settings, key))


def not_averaged(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """The gradient of the sum, where the loss is an average."""
    for count in counts(at, settings):
        if near(settings["factor"], 1 / count) or near(settings["factor"], 0.5 / count):
            yield {"Z": gradients(at, dY, settings)["Z"] * count}


def averaged_otherwise(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """A division by one axis's length where the loss divides by all of them, or one that the loss does not have."""
    size = at["Z"].shape[1]
    whole = any(near(settings["factor"], half / size) for half in (1, 0.5))
    for length in sorted({n for n in settings["sizes"] if 1 < n < size}) if settings["kind"].entrywise else ():
        yield {"Z": gradients(at, dY, settings)["Z"] * (size / length if whole else 1 / length)}


def averaged_again(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """One division too many."""
    for count in counts(at, settings):
        yield {"Z": gradients(at, dY, settings)["Z"] / count}


def counts(at: Symbols, settings: Settings) -> tuple[int, ...]:
    """What a loss may be averaged over: entries, or examples and entries."""
    n, N = at["Z"].shape
    return (n * N,) if settings["kind"].entrywise else (N, n * N)


def opposite(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """The right gradient with the other sign."""
    yield {"Z": -gradients(at, dY, settings)["Z"]}


def without_dY(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """A dY of ones."""
    yield {"Z": gradients(at, np.ones(dY.shape), settings)["Z"]}


SLIPS = (
    Slip("loss.sign", "the sign is wrong: output and target are swapped in their difference", opposite),
    Slip("loss.dY_missing", "dY is not multiplied in", without_dY),
    named("labels_missing", "the labels are not subtracted"),
    named("softmax_missing", "the softmax is missing, or the sigmoid: the logits stand where the probabilities belong"),
    named("softmax_twice", "the softmax is gone back through once more: p − y is the gradient of the logits already"),
    named("of_probabilities", "−y/p is the gradient of the probabilities; that of the logits is p − y"),
    named("unsmoothed", "the labels are not smoothed as in the forward pass"),
    named(
        "smoothed_otherwise",
        "the smoothed share is spread over the other classes alone; the forward pass gives each α/n",
    ),
    named("temperature_missing", "the temperature is missing: logits are divided by it, and so is the gradient"),
    named("slope_again", "the slope of the sigmoid is applied once more: σ − t is the gradient of the logits already"),
    named("other_half_missing", "what comes through the targets of 0, (1 − t) log(1 − p), is missing"),
    named("denominator_missing", "the denominator is missing, p, or p (1 − p)"),
    named("two_missing", "the factor 2 of the square's slope is missing, or there is one too many"),
    named("not_clipped", "the error is not clipped: beyond ±δ the slope is δ"),
    named(
        "of_absolute_error", "the slope is ±δ everywhere, as of the absolute error: within ±δ it is the error itself"
    ),
    named("delta_missing", "beyond ±δ the slope is ±1; it is ±δ"),
    named(
        "guard_missing",
        "the forward pass adds a small number within the logarithm, and the backward pass leaves it out",
    ),
    named("class_missing", "the class itself gets nothing: less the number of classes within the margin belongs there"),
    named("class_once", "the class itself gets −1: less the number of classes within the margin belongs there"),
    named("sign_of_class", "the sign of what the class itself gets is wrong"),
    named("margin_missing", "the margin is missing in the backward pass: its mask is of logits above the class's"),
    named("mask_inverted", "the margin's mask is the wrong way round"),
    named("mask_missing", "margins beyond 1 are not left out"),
    Slip("loss.not_averaged", "the mean's division is missing: the gradient is that of the sum", not_averaged),
    Slip(
        "loss.averaged_otherwise",
        "it is divided by another number than in the loss: examples alone, outputs alone, or both",
        averaged_otherwise,
    ),
    Slip("loss.averaged_again", "it is divided by the number of examples or entries once too often", averaged_again),
)

KNOWN = KnownLayer("losses", readings, forward, gradients, SLIPS)
