"""How people write attention of one array that holds queries, keys and values side by side, as in GPT-2 and llm.c."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.checking.operations import attention
from nnref.checking.operations.known import KnownLayer, LayerReading, Layout, Slip, Symbols, Tried, given_back

Settings = Mapping[str, Any]

PARTS = ("first", "second", "third")
"""The three parts by position; which of them are queries, keys and values is found from the outputs."""

AXES = ((2, 0, 3, 1, 4), (3, 0, 2, 1, 4))
"""(batch, positions, parts, heads, width), or heads before parts, as (parts, batch, heads, positions, width)."""


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Every attention of an array (batch, positions, 3 D) that gives one of (batch, positions, D)."""
    if len(tried.floats) != 1:
        return
    ((name, A),) = tried.floats.items()
    *before, wide = A.shape
    if A.ndim not in (2, 3) or (*before, wide // 3) != tried.Y.shape or wide % 3:
        return
    B, T, D = (before[0] if A.ndim == 3 else 1), before[-1], wide // 3
    for H in (H for H in range(1, D + 1) if D % H == 0):
        output = Layout(tried.Y.shape, (B, T, H, D // H), (0, 2, 1, 3), (B, H, T, D // H))
        for order in AXES[: 2 if H > 1 else 1]:
            inner = (3, H) if order[0] == 2 else (H, 3)
            packed = Layout(A.shape, (B, T, *inner, D // H), order, (3, B, H, T, D // H))
            yield from of_parts(tried, name, packed, output, H)


def of_parts(tried: Tried, name: str, packed: Layout, output: Layout, H: int) -> Iterator[LayerReading]:
    """The attentions of the three parts, taken for arguments of their own."""

    def call(parts: Mapping[str, Any]) -> Any:
        A = packed.give(np.stack([parts[part] for part in PARTS]))
        return output.take(np.asarray(tried.call({**tried.arguments, name: A}), "float64"))

    parts = dict(zip(PARTS, packed.take(tried.floats[name]), strict=True))
    for inner in attention.readings(Tried(parts, output.take(tried.Y), call)):
        heads = f"{H} heads" if H > 1 else "one head"
        says = f"{inner.says}, {heads}, of one array"
        yield LayerReading("attention", says, {name: "A"}, {"A": packed}, output, settings={"inner": inner})


def parted(at: Symbols, settings: Settings) -> Symbols:
    """Queries, keys and values."""
    found: Symbols = settings["inner"].symbols({part: at["A"][k] for k, part in enumerate(PARTS)})
    return found


def forward(at: Symbols, settings: Settings) -> Any:
    """The attention of the parts."""
    inner = settings["inner"]
    return inner.output.give(attention.forward(parted(at, settings), inner.settings))


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """The gradients of the parts, side by side."""
    return {"A": together(settings["inner"], of_inner(at, dY, settings))}


def of_inner(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """The proved gradients of queries, keys and values."""
    inner = settings["inner"]
    return attention.gradients(parted(at, settings), inner.output.take(dY), inner.settings)


def together(inner: LayerReading, made: Symbols) -> Any:
    """The gradients of the three parts as one array."""
    parts = given_back(inner, made)
    return namespace(parts["first"]).stack([parts[part] for part in PARTS], axis=0)


def in_parts(slip: Slip) -> Slip:
    """A mistake of attention, in the parts that it touches; the others are right."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        inner, right = settings["inner"], of_inner(at, dY, settings)
        for made in slip.of(parted(at, settings), inner.output.take(dY), inner.settings):
            yield {"A": together(inner, right | made)} if made else {}

    return Slip(slip.key, slip.says, of)


KNOWN = KnownLayer("packed_attention", readings, forward, gradients, tuple(map(in_parts, attention.SLIPS)))
