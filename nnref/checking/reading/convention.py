"""Rows or columns, one-hot or labels: our data and parameters in a person's layout, and their numbers in ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from nnref.layer import Affine
from nnref.network import Parameters, one_hot
from nnref.shapes import Array

LABELS = ("one-hot", "int labels", "int labels as a column", "int labels as a row", "one-hot, turned")
"""The forms of Y, the commonest first; turned is one-hot the other way round than X."""


@dataclass(frozen=True)
class Convention:
    """How a person keeps things. weights "columns" is W (n_l, n_{l-1}), data "columns" is X (n0, N).

    single takes one example at a time: as a column, as a row or, where data are "flat", as a vector.
    """

    weights: str
    data: str
    labels: str
    single: bool = False

    def theirs(self, X: Array, Y: Array) -> tuple[Array, Array]:
        """X and Y in their layout.

        Shapes: X (n0, N), Y (nL, N)
        """
        classes = Y.argmax(axis=0)
        rows = self.data == "rows"
        if self.single:
            y = classes[0] if self.labels == "int labels" else Y[:, 0] if self.data == "flat" else Y.T if rows else Y
            return np.array(X[:, 0] if self.data == "flat" else X.T if rows else X, order="C"), np.array(y)[()]
        y = {
            "one-hot": Y.T if rows else Y,
            "one-hot, turned": Y if rows else Y.T,
            "int labels": classes,
            "int labels as a column": classes.reshape(-1, 1),
            "int labels as a row": classes.reshape(1, -1),
        }[self.labels]
        return np.array(X.T if rows else X, order="C"), np.array(y, order="C")

    def parameters(self, theta: Parameters, like: dict[str, Array]) -> dict[str, Array]:
        """The reference's parameters in their layout, shape and precision."""
        affines = [p for p in theta if isinstance(p, Affine)]
        found = {}
        for name, A in like.items():
            p = affines[int(name[1:]) - 1]
            value = p.b.reshape(A.shape) if name[0] == "b" else p.W.T if self.weights == "rows" else p.W
            found[name] = np.array(value, dtype=A.dtype if A.dtype.kind == "f" else "float64", order="C")
        return found

    def gradient(self, name: str, g: Array, shape: tuple[int, ...]) -> Array:
        """Their gradient of a parameter of that shape as columns; what has another shape keeps it."""
        g = np.asarray(g, dtype="float64") if np.asarray(g).dtype.kind in "iub" else np.asarray(g)
        if name[0] == "W":
            return g.T if self.weights == "rows" else g
        if g.shape == shape or (shape[:1] == (1,) and g.shape == shape[1:]) or (1, *shape) == g.shape:
            return g.reshape(-1, 1)
        return g.T if shape[:1] == (1,) or len(shape) == 1 else g

    def output(self, A: Array, width: int) -> Array:
        """Their output, or another array with one entry an example, as columns."""
        if A.ndim == 1:
            return A.reshape(width, -1)
        return A if A.shape[0] == width else A.T


def conventions(orientations: list[tuple[str, list[int]]]) -> Iterator[tuple[Convention, list[int]]]:
    """Every convention for a batch, with the sizes of the network; Y in all its forms."""
    for weights, sizes in orientations:
        for data in (weights, "rows" if weights == "columns" else "columns"):
            for form in LABELS:
                yield Convention(weights, data, form), sizes


def one_at_a_time(orientations: list[tuple[str, list[int]]]) -> Iterator[tuple[Convention, list[int]]]:
    """Every convention for a single example."""
    for weights, sizes in orientations:
        for data in (weights, "flat", "rows" if weights == "columns" else "columns"):
            for form in LABELS[:2]:
                yield Convention(weights, data, form, single=True), sizes


PRIMES = (5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79)
"""Numbers of examples to choose from: widths that twenty primes divide are not met."""


def draw(sizes: list[int], N: int | None = None, seed: int = 0) -> tuple[Parameters, Array, Array]:
    """A network and data at which nothing is zero, symmetric or equal by chance.

    N examples, or five, or the next prime that divides none of the sizes: no axis is then taken for another, and no
    quotient of sizes for another.
    Shapes: X (n0, N), Y (nL, N)
    """
    rng = np.random.default_rng(seed)
    N = N or next(n for n in PRIMES if all(size % n for size in sizes))
    theta: list[Any] = []
    for l, (n, m) in enumerate(pairwise(sizes)):
        # Scaled to keep sums of moderate size: logits near ±2 leave every probability well away from 0 and 1.
        W, b = rng.standard_normal((m, n)) * np.sqrt(2 / n), 0.5 * rng.standard_normal((m, 1))
        theta += [()] * bool(l) + [Affine(W, b)]
    X = rng.standard_normal((sizes[0], N))
    labels = rng.permutation(np.arange(N) % max(1, sizes[-1]))
    return tuple(theta), X, one_hot(labels, sizes[-1], "float64")
