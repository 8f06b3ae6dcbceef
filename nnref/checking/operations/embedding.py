"""How people write an embedding, a row or a column per word; and the mistakes with words that occur several times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import permutations, product
from typing import Any

import numpy as np

from nnref import embedding
from nnref.checking.operations.known import YOURS, KnownLayer, LayerReading, Layout, Slip, Symbols, Tried
from nnref.shapes import Array

Settings = Mapping[str, Any]


TABLES = {"E": "O", "P": "OP"}
"""The tables, of words and maybe of positions, with their one-hot matrices."""

LARGEST = 1 << 24
"""Largest one-hot matrix (words by places) that is built."""


def readings(tried: Tried) -> Iterator[LayerReading]:
    """A table of rows, or of columns, and the numbers of words, given or remembered."""
    whole = [np.asarray(A) for A in tried.arguments.values() if np.asarray(A).dtype.kind in "iu" and np.ndim(A)]
    tables = tried.floats
    if len(tables) == 2:
        yield from with_positions(tried, whole)
    for words, (table, E) in product(whole, tables.items() if len(tables) == 1 else ()):
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


def with_positions(tried: Tried, whole: list[Array]) -> Iterator[LayerReading]:
    """A table of words and one of positions, a row each, whose rows are added, as in GPT: E[words] + P[:T]."""
    for words, ((table, E), (other, P)) in product(whole, permutations(tried.floats.items())):
        fit = (
            E.ndim == P.ndim == 2
            and words.ndim
            and tried.Y.shape
            == (*words.shape, E.shape[1])
            == (
                *words.shape,
                P.shape[1],
            )
        )
        T = words.shape[-1]
        if not fit or len(P) < T or not within(words, len(E)) or max(*E.shape, len(P)) * words.size > LARGEST:
            continue
        output = Layout.of(tried.Y.shape, (words.ndim, *range(words.ndim)), (E.shape[1], words.size))
        by_rows = [Layout.of(A.shape, (1, 0), A.shape[::-1]) for A in (E, P)]
        found = reading(table, by_rows[0], output, words, "rows, with positions")
        positions = one_hot(np.broadcast_to(np.arange(T), words.shape), len(P))
        layouts = {**found.layouts, "P": by_rows[1]}
        yield replace(found, roles={table: "E", other: "P"}, layouts=layouts, given=found.given | {"OP": positions})


def within(words: Array, n: int) -> bool:
    """Are all words in the table? Negative numbers count from its end."""
    return bool((words >= -n).all() and (words < n).all())


def reading(table: str, layout: Layout, output: Layout, words: Array, lie: str) -> LayerReading:
    """The reading of a table with words as rows or as columns."""
    given = {"O": one_hot(words, layout.shape[1])}
    return LayerReading("embedding", f"an embedding, its words as {lie}", {table: "E"}, {"E": layout}, output, given)


def one_hot(words: Array, n: int) -> Array:
    """One-hot columns, one for every place."""
    hot = np.zeros((n, words.size))
    hot[words.reshape(-1) % n, np.arange(words.size)] = 1
    return hot


def forward(at: Symbols, settings: Settings) -> Any:
    """E O, plus P OP where there is a table of positions."""
    of_words = embedding.forward(at["E"], at["O"])
    return of_words + embedding.forward(at["P"], at["OP"]) if "P" in at else of_words


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """DY Oᵀ."""
    return {s: embedding.dE(at[O], dY) for s, O in TABLES.items() if s in at}


def weighted(key: str, says: str, *ways: Callable[[Array], Array], table: str = "E") -> Slip:
    """A mistake with words that occur several times, or with positions: each place gets another weight."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        yield from ({table: dY @ way(at[TABLES[table]]).T} for way in ways if table in at)

    return Slip(key, says, of)


def last(O: Array) -> Array:
    """Weights that keep only the last place of each word."""
    kept = np.zeros_like(O)
    word, place = np.nonzero(O)
    for w, t in sorted(zip(word, place, strict=True), key=lambda pair: pair[1]):
        kept[w] = 0
        kept[w, t] = 1
    return kept


def first(O: Array) -> Array:
    """Weights that keep only the first place of each word."""
    return last(O[:, ::-1])[:, ::-1]


def averaged(O: Array) -> Array:
    """Weights that average the places of each word."""
    found: Array = O / np.maximum(1, O.sum(axis=1, keepdims=True))
    return found


def silent(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """One of the words that occur gets no gradient."""
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
        first,
    ),
    weighted(
        "embedding.repeated_averaged",
        "words that stand at several places get the mean of dY over them, and not the sum",
        averaged,
    ),
    weighted(
        "embedding.positions_of_one_example",
        "the gradient of the positions comes from one example: it is the sum over the batch",
        last,
        first,
        table="P",
    ),
    weighted(
        "embedding.positions_averaged",
        "the gradient of the positions is averaged over the examples, where it should be summed",
        averaged,
        table="P",
    ),
    Slip("embedding.silent", "one word gets nothing, as one that pads: dY should be 0 where it stands", silent),
    weighted(
        "embedding.mean_over_places",
        "the gradient is divided by the number of places",
        lambda O: O / O.shape[1],
    ),
)

KNOWN = KnownLayer("embedding", readings, forward, gradients, SLIPS)
