"""An embedding as a kernel: rows of a table by index; the gradients of an index that occurs twice are added."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

from nnref import embedding
from nnref.arrays import namespace
from nnref.checking.operations.kernel_arithmetic import flags, rows_of_last_axis
from nnref.checking.operations.kernel_form import Change, ClosedForm, KernelMistake, Settings, Summed, Values
from nnref.shapes import Array

LARGEST = 1 << 24
"""Largest one-hot matrix (words by places) that is built."""

PADDED = "padding_idx"
"""PyTorch's name for the padding word, which gets no gradient."""


def taken(
    shapes: Mapping[str, tuple[int, ...]], output: tuple[int, ...], numbers: list[Any]
) -> Iterator[dict[str, Any]]:
    """A table with a row a word, and places in any shape; of a module that pads with a word, that has no gradient."""
    E, words = shapes["E"], shapes["words"]
    if len(E) == 2 and output == (*words, E[1]) and E[0] * prod(words) <= LARGEST:
        padded = [int(x[1]) for x in numbers if isinstance(x, tuple) and x[0] == PADDED]
        yield {"padding": padded[0] % E[0]} if padded else {}


def hot(values: Values) -> Array:
    """One-hot rows, one for every place. Negative indices count from the end."""
    E, words = values["E"], values["words"]
    xp = namespace(E)
    column = xp.astype(xp.reshape(words, (-1, 1)), E.dtype)
    column = xp.where(column < 0, column + E.shape[0], column)
    made: Array = xp.astype(column == flags(E, [float(k) for k in range(E.shape[0])]), E.dtype)
    return made


def forward(ar: Any, values: Values, settings: Settings) -> Any:
    """The rows, which nothing rounds."""
    words = namespace(values["words"]).reshape(values["words"], (-1,)) % values["E"].shape[0]
    return ar.moved(ar.given(values["E"]), lambda E: namespace(E).take(E, words, axis=0))


def gradients(ar: Any, values: Values, dY: Array, settings: Settings, change: Change) -> dict[str, Any]:
    """Of every word the sum of dY over the places where it stands, in any order; blocks may store their parts."""
    O = hot(values)
    xp = namespace(O)
    times = xp.sum(O, axis=0)  # how often each word occurs
    used = weights(O, change.which)
    most = max(1, int(xp.max(times)))
    terms = used * change.kept("rows")
    made = ar.bilinear(lambda A, B: A.T @ B, terms, rows_of_last_axis(dY), most, split=True)
    share = O.shape[0] if change.which == "averaged" else 1
    return {"E": made * learning(O, settings) / float(share)}


def learning(O: Array, settings: Settings) -> Any:
    """A column with 0 for the padding word and 1 for every other; 1 without padding."""
    if "padding" not in settings:
        return 1.0
    kept = [float(k != settings["padding"]) for k in range(O.shape[1])]
    return namespace(O).reshape(flags(O, kept), (-1, 1))


def weights(O: Array, which: str) -> Any:
    """The places of each word with the weight that a mistake gives them."""
    xp = namespace(O)
    if which == "mean":
        return O / xp.maximum(xp.sum(O, axis=0, keepdims=True), 1 + 0 * O[:1])
    if which not in ("last", "first"):
        return O
    ordinal = xp.reshape(flags(O, [float(k + 1) for k in range(O.shape[0])]), (-1, 1))
    standing = O * (ordinal if which == "last" else O.shape[0] + 1 - ordinal)
    return xp.astype((standing == xp.max(standing, axis=0, keepdims=True)) & (O > 0), O.dtype)


def truth(values: Values, dY: Array, settings: Settings) -> dict[str, Array]:
    """By nnref.embedding, a column a place."""
    O = hot(values)
    return {"E": embedding.dE(O.T, rows_of_last_axis(dY).T).T * learning(O, settings)}


FORMS = (
    ClosedForm(
        "embedding",
        ("E", "words"),
        taken,
        forward,
        gradients,
        truth,
        mistakes=(
            KernelMistake("last", "a word that stands at several places keeps one of them, the last: add them up"),
            KernelMistake("first", "a word that stands at several places keeps one of them, the first: add them up"),
            KernelMistake(
                "mean", "a word that stands at several places gets the mean of dY over them, and not the sum"
            ),
            KernelMistake("averaged", "divided by the number of places"),
        ),
        sums=(Summed("rows", "places", ("E",), "Y", 0, "the sum over places"),),
        whole=("words",),
        axes={"E": ("words", "columns")},
    ),
)
