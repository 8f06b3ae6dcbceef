"""How people write dropout, its mask given or kept from the forward pass; and the mistakes made going back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from nnref import dropout
from nnref.checking.operations.known import YOURS, KnownLayer, LayerReading, Layout, Slip, Symbols, Tried
from nnref.shapes import Array

Settings = Mapping[str, Any]

FEWEST = 8
"""Fewest entries for zeros to be taken for a mask. A ReLU has zeros too, but others for other inputs."""


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Dropout, where every output is 0 or one multiple of the input; the zeros are the mask."""
    for x, X in tried.floats.items():
        if X.shape != tried.Y.shape or X.size < FEWEST:
            continue
        kept = tried.Y != 0
        if kept.all() or not kept.any():
            return
        scale = float(np.median(tried.Y[kept] / X[kept]))
        if scale >= 1:
            flat = Layout.reshaped(X.shape, (1, X.size))
            rate = 1 - 1 / scale
            rate = round(rate, 12) if abs(round(rate, 12) - rate) < 1e-14 else rate
            given = {"mask": flat.take(kept.astype("float64"))}
            says = f"dropout at a rate of {rate:.4g}" if rate else "a mask"
            yield LayerReading("dropout", says, {x: "X"}, {"X": flat}, flat, given, {"rate": rate})


def forward(at: Symbols, settings: Settings) -> Any:
    """X ∘ mask / (1 − rate)."""
    return dropout.forward(at["X"], at["mask"], settings["rate"])


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """DY ∘ mask / (1 − rate)."""
    return {"X": dropout.dX(at["mask"], dY, settings["rate"])}


def of_X(key: str, says: str, *ways: Callable[[Array, Any, float], Any]) -> Slip:
    """A mistake in the gradient of the input, from the mask, dY and the share that is kept."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        yield from ({"X": way(at["mask"], dY, 1 - settings["rate"])} for way in ways)

    return Slip(key, says, of)


def redrawn(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """A mask drawn anew in the backward pass: its zeros are elsewhere, and the other entries right."""
    if "X" in at[YOURS]:
        own = np.where(np.asarray(at[YOURS]["X"], "float64") != 0, 1.0, 0.0)
        if (own != at["mask"]).any() and not own.all():
            yield {"X": dropout.dX(own, dY, settings["rate"])}
            yield {"X": dY * own}


SLIPS = (
    of_X(
        "dropout.not_rescaled",
        "the mask is applied, but what is kept is not divided by 1 − rate, as the forward pass does",
        lambda mask, dY, kept: dY * mask,
    ),
    of_X(
        "dropout.mask_forgotten",
        "the mask is forgotten: dY goes back where nothing came through",
        lambda mask, dY, kept: dY * 1,
        lambda mask, dY, kept: dY / kept,
    ),
    of_X(
        "dropout.rescaled_twice",
        "what is kept is divided by 1 − rate twice",
        lambda mask, dY, kept: dY * mask / kept / kept,
    ),
    of_X(
        "dropout.rescaled_by_rate",
        "dY is divided by the rate, or multiplied by what it should be divided by",
        lambda mask, dY, kept: dY * mask * kept,
        lambda mask, dY, kept: dY * mask / max(1 - kept, 1e-9),
    ),
    of_X(
        "dropout.mask_inverted",
        "the mask is the wrong way round",
        lambda mask, dY, kept: dY * (1 - mask) / kept,
        lambda mask, dY, kept: dY * (1 - mask),
    ),
    Slip("dropout.redrawn", "the mask is drawn anew going back: it should be the one of the forward pass", redrawn),
)

KNOWN = KnownLayer("dropout", readings, forward, gradients, SLIPS)
