"""Rows or columns, one-hot or labels: which layout arrays have, and arrays of a person's layout in ours and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from nnref.layer import Affine
from nnref.network import Parameters, one_hot
from nnref.shapes import Array

LAYOUTS = ("columns", "rows")
"""One example a column, Z = W A + b with W (m, n); or one example a row, Z = A W + b with W (n, m)."""

LABELS = ("one-hot", "int labels", "int labels as a column", "int labels as a row", "one-hot, turned")
"""The forms of Y, the commonest first; turned is one-hot the other way round than X."""


class LayoutError(ValueError):
    """The arrays do not fit together, or fit in more than one way. The message says what to pass."""


def fitting_layouts(shapes: Mapping[str, tuple[int, ...]]) -> list[tuple[str, list[int]]]:
    """The possible layouts of weights: ("columns", [n0, …, nL]) for W (n_l, n_{l-1}), ("rows", …) for its transpose.

    Both, where every matrix is square; none, where the shapes make no chain.
    """
    W = [shapes.get(f"W{l}", ()) for l in range(1, sum(name[0] == "W" for name in shapes) + 1)]
    if not W or any(len(w) != 2 for w in W):
        return []
    found = []
    for name, chain in (("columns", W), ("rows", [w[::-1] for w in W])):
        sizes = [chain[0][1], *(w[0] for w in chain)]
        fits = all(w[1] == n for w, n in zip(chain, sizes, strict=False))
        biases = all(int(np.prod(shapes.get(f"b{l}", (n,)))) == n for l, n in enumerate(sizes[1:], 1))
        if fits and biases:
            found.append((name, sizes))
    return found


def layout_of_weights(shapes: Mapping[str, tuple[int, ...]], layout: str | None) -> tuple[str, list[int]]:
    """The layout of weights and biases by name, and the widths: what was asked for, or the only one that fits.

    Errors: LayoutError where none fits, or both do and no bias tells.
    """
    fits = dict(fitting_layouts(shapes))
    if len(fits) > 1 and layout is None and biases_are_columns(shapes):
        fits = {"columns": fits["columns"]}
    if layout in fits:
        return str(layout), fits[str(layout)]
    depth = sum(name[0] == "W" for name in shapes)
    said = ", ".join(f"W{l} {shapes[f'W{l}']}, b{l} {shapes[f'b{l}']}" for l in range(1, depth + 1))
    if not fits or layout:
        raise LayoutError(
            f"these parameters do not fit together as {layout or 'columns or as rows'}: {said}. "
            f"Columns: Z = W A + b with W (m, n); rows: Z = A W + b with W (n, m)."
        )
    if len(fits) > 1:
        raise LayoutError(
            f'all of W is square, so both layouts fit: {said}. Pass layout="columns" if Z = W A + b, '
            f'layout="rows" if Z = A W + b.'
        )
    ((found, sizes),) = fits.items()
    return found, sizes


def biases_are_columns(shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Do biases show that examples are columns? b (m, 1) can only be added to a Z with one column per example.

    b (m,) is added to rows by numpy's rule, but is also what many keep beside columns and reshape: it tells nothing.
    """
    biases = [shape for name, shape in shapes.items() if name[0] == "b" and np.prod(shape) > 1]
    return bool(biases) and all(len(shape) == 2 and shape[1] == 1 for shape in biases)


def examples_in_columns(X: Array, n: int, layout: str | None) -> tuple[Array, bool]:
    """X with one example of n numbers a column, and whether it came so; layout says which where X is square.

    Errors: LayoutError where no axis has n numbers, or both have and layout is None.
    """
    ways = [True] * (X.ndim == 2 and X.shape[0] == n) + [False] * (X.ndim == 2 and X.shape[1] == n)
    if not ways:
        raise LayoutError(
            f"X should have {n} numbers an example, as W1 takes; shape {X.shape} came. "
            f"For one example try X.reshape(-1, 1)."
        )
    if len(ways) > 1 and layout is None and n > 1:
        raise LayoutError(
            f'X is square, {X.shape}: pass layout="columns" if an example is a column, layout="rows" if it is a row.'
        )
    columns = ways[0] if len(ways) == 1 else layout != "rows"
    return (X if columns else X.T), columns


def labels_in_columns(Y: Array, classes: int, N: int, columns: bool) -> tuple[Array, str]:
    """Y as one-hot columns, from whole-number labels or from one-hot rows or columns; and which it was.

    columns is how X came, and decides where a one-hot Y is square.
    Errors: LayoutError for any other shape or kind.
    """
    if Y.size == N and Y.dtype.kind in "iu" and classes > 1:
        return one_hot(Y.reshape(-1), classes, "float64"), "int labels"
    if Y.dtype.kind in "iubf":
        Y = Y.astype("float64") if Y.dtype.kind in "iub" else Y
        if Y.shape == (classes, N) and (columns or classes != N):
            return Y, "one-hot"
        if Y.shape == (N, classes):
            return Y.T, "one-hot"
    raise LayoutError(
        f"Y should be {N} whole-number labels, or one-hot with {classes} classes; {Y.dtype} of shape {Y.shape} came. "
        f"For labels try Y.astype(int)."
    )


@dataclass(frozen=True)
class Convention:
    """A person's layouts: weights "columns" is W (n_l, n_{l-1}), data "columns" is X (n0, N).

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
