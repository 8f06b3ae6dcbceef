"""How people write an embedding, a row or a column a word; and what becomes of words that stand at several places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from nnref import embedding
from nnref.checking.operations.known import YOURS, Known, Layout, Reading, Slip, Symbols, Tried
from nnref.shapes import Array

Settings = Mapping[str, Any]


LARGEST = 1 << 24
"""Entries of a matrix of ones and zeros, a word by a place, that is still made."""


def readings(tried: Tried) -> Iterator[Reading]:
    """A table of rows, or of columns, and the numbers of words, given or remembered."""
    floats = tried.floats
    if len(floats) != 1:
        return
    ((table, E),) = floats.items()
    whole = [np.asarray(A) for A in tried.arguments.values() if np.asarray(A).dtype.kind in "iu" and np.ndim(A)]
    for words in whole:
        if E.ndim != 2 or words.size == 0 or max(E.shape) * words.size > LARGEST:
            continue
        places = tuple(range(words.ndim))
        if tried.Y.shape == (*words.shape, E.shape[1]) and within(words, len(E)):
            output = Layout.of(tried.Y.shape, (words.ndim, *places), (E.shape[1], words.size))
            layout = Layout.of(E.shape, (1, 0), (E.shape[1], E.shape[0]))
            yield reading(table, layout, output, words, "rows")
        if tried.Y.shape == (E.shape[0], *words.shape) and within(words, E.shape[1]):
            output = Layout.reshaped(tried.Y.shape, (E.shape[0], words.size))
            yield reading(table, Layout.reshaped(E.shape, E.shape), output, words, "columns")


def within(words: Array, n: int) -> bool:
    """Are all words in the table? Negative numbers count from its end."""
    return bool((words >= -n).all() and (words < n).all())


def reading(table: str, layout: Layout, output: Layout, words: Array, lie: str) -> Reading:
    """The reading of a table whose words lie as rows or as columns."""
    n = layout.shape[1]
    hot = np.zeros((n, words.size))
    hot[words.reshape(-1) % n, np.arange(words.size)] = 1
    return Reading("embedding", f"an embedding, its words as {lie}", {table: "E"}, {"E": layout}, output, {"O": hot})


def forward(at: Symbols, settings: Settings) -> Any:
    """E O."""
    return embedding.forward(at["E"], at["O"])


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """DY Oᵀ."""
    return {"E": embedding.dE(at["O"], dY)}


def weighted(key: str, says: str, *ways: Callable[[Array], Array]) -> Slip:
    """A mistake with words that stand at several places: each place of O with another weight."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        yield from ({"E": dY @ way(at["O"]).T} for way in ways)

    return Slip(key, says, of)


def last(O: Array) -> Array:
    """Of each word its last place alone."""
    kept = np.zeros_like(O)
    word, place = np.nonzero(O)
    for w, t in sorted(zip(word, place, strict=True), key=lambda pair: pair[1]):
        kept[w] = 0
        kept[w, t] = 1
    return kept


def silent(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """One word that stands there gets nothing."""
    yours, there = at[YOURS].get("E"), at["O"].any(axis=1)
    if yours is not None:
        quiet = there & ~(np.asarray(yours) != 0).any(axis=0)
        if quiet.sum() == 1:
            yield {"E": dY @ (at["O"] * ~quiet[:, None]).T}


SLIPS = (
    weighted(
        "embedding.repeated_lost",
        "words that stand at several places keep one of them: dE[words] += dY writes once a word; use np.add.at",
        last,
        lambda O: last(O[:, ::-1])[:, ::-1],
    ),
    weighted(
        "embedding.repeated_averaged",
        "words that stand at several places get the mean of dY over them, and not the sum",
        lambda O: O / np.maximum(1, O.sum(axis=1, keepdims=True)),
    ),
    Slip("embedding.silent", "one word gets nothing, as one that pads: dY should be 0 where it stands", silent),
    weighted(
        "embedding.mean_over_places",
        "the gradient is divided by the number of places",
        lambda O: O / O.shape[1],
    ),
)

KNOWN = Known("embedding", readings, forward, gradients, SLIPS)
