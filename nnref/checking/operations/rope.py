"""How people write rotary positions: pairs in halves or side by side, any axis for the positions; and the mistakes.

The angles are measured: each pair is read as a complex number, and the output divided by the input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from nnref import rope
from nnref.arrays import namespace
from nnref.checking.operations.known import KnownLayer, LayerReading, Layout, Slip, Symbols, Tried
from nnref.shapes import Array

Settings = Mapping[str, Any]


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Every way to pair the features along the last axis, or along the first."""
    for x, X in tried.floats.items():
        if X.shape != tried.Y.shape or X.ndim < 2:
            continue
        for axis in (X.ndim - 1, 0):
            if X.shape[axis] % 2 == 0:
                for pairs in ("halves", "neighbours"):
                    yield from turning(tried, x, X, paired(X.shape, axis, pairs), pairs, axis)


def turning(tried: Tried, x: str, X: Array, layout: Layout, pairs: str, axis: int) -> Iterator[LayerReading]:
    """The angles by which the pairs turn, if they do turn."""
    (one, two), (first, second) = layout.take(X), layout.take(tried.Y)
    ratio = (first + 1j * second) / (one + 1j * two)
    if np.allclose(abs(ratio), 1, rtol=1e-12) and (abs(ratio.imag) > 1e-6).any():
        says = f"rope, its pairs the {pairs} of axis {axis}"
        other = paired(X.shape, axis, "halves" if pairs == "neighbours" else "neighbours")
        settings = {"there": layout, "other": other}
        yield LayerReading("rope", says, {x: "X"}, {"X": layout}, layout, {"Theta": np.angle(ratio)}, settings)


def paired(shape: tuple[int, ...], axis: int, pairs: str) -> Layout:
    """An array as (first or second of a pair, pairs, positions)."""
    half = shape[axis] // 2
    both = (2, half) if pairs == "halves" else (half, 2)
    split = (*shape[:axis], *both, *shape[axis + 1 :])
    two, place = (axis, axis + 1) if pairs == "halves" else (axis + 1, axis)
    order = (two, place, *(k for k in range(len(split)) if k not in (two, place)))
    return Layout(shape, split, order, (2, half, int(np.prod(shape)) // (2 * half)))


def forward(at: Symbols, settings: Settings) -> Any:
    """Each pair turned."""
    return rope.forward(at["X"], at["Theta"])


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """Each pair turned back."""
    return {"X": rope.dX(at["Theta"], dY)}


def slip(key: str, says: str, *ways: Callable[[Any, Array], Any]) -> Slip:
    """A mistake, from dY and the angles."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        yield from ({"X": way(dY, at["Theta"])} for way in ways)

    return Slip(key, says, of)


def other_pairs(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """Pairs made the other way, each turned back by the angle of its number."""
    there, other = settings["there"], settings["other"]
    yield {"X": there.take(other.give(rope.dX(at["Theta"], other.take(there.give(dY)))))}


def parts(dY: Any, cos: Array, sin: Array, sign: int) -> Any:
    """Pairs (cos Y₁ + sin Y₂, cos Y₂ ± sin Y₁)."""
    return namespace(dY).stack([cos * dY[0] + sin * dY[1], cos * dY[1] + sign * (sin * dY[0])], axis=0)


SLIPS = (
    slip(
        "rope.not_turned_back",
        "dY is turned by the same angles as in the forward pass; it goes back by the opposite ones, −Θ",
        lambda dY, Theta: rope.forward(dY, Theta),
    ),
    slip(
        "rope.sign",
        "one of the two signs of the sines is wrong",
        lambda dY, Theta: parts(dY, np.cos(Theta), np.sin(Theta), 1),
        lambda dY, Theta: parts(dY, np.cos(Theta), -np.sin(Theta), 1),
    ),
    slip(
        "rope.sines_missing",
        "the sines are missing: the other of each pair gives nothing back",
        lambda dY, Theta: dY * np.cos(Theta),
    ),
    slip("rope.passed", "dY is passed on as it came: it should be turned back", lambda dY, Theta: dY * 1),
    Slip(
        "rope.other_pairs", "the pairs are made otherwise than in the forward pass: halves or neighbours", other_pairs
    ),
)

KNOWN = KnownLayer("rope", readings, forward, gradients, SLIPS)
