"""A network as its owner keeps it, in the reference's own terms: columns are examples, W is (m, n), Y is one-hot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from nnref.layer import Affine
from nnref.layer import activation as named_activation
from nnref.network import Layers, Parameters, mlp, named, one_hot, unnamed
from nnref.shapes import Array

LAYOUTS = ("columns", "rows")
"""One example a column, Z = W A + b with W (m, n); or one example a row, Z = A W + b with W (n, m)."""


class LayoutError(ValueError):
    """The arrays do not fit together, or fit in more than one way. The message says what to pass."""


@dataclass(frozen=True, eq=False)
class Canonical:
    """The reference's view of arrays that were given: parameters, batch, gradients and intermediates, as columns.

    gradients that do not have their parameter's shape are left as they came, but for the layout: that is a mistake to
    be named. dtype is the precision declared by the parameters; layout is that of W.
    """

    layers: Layers
    theta: Parameters
    X: Array
    Y: Array
    gradients: dict[str, Array | None]
    intermediates: dict[str, Array]
    dtype: np.dtype[Any]
    layout: str
    labels: str


def canonical(
    parameters: Any,
    X: Any,
    Y: Any,
    gradients: Any,
    *,
    activation: str = "relu",
    layout: str | None = None,
    intermediates: Mapping[str, Any] | None = None,
) -> Canonical:
    """Read parameters, a batch and gradients, in either layout; what fits both ways is asked for, never guessed.

    Errors: LayoutError for shapes that fit in no way or in two; ValueError for an unknown activation, layout or key.
    """
    named_activation(activation)  # refuses a name that no module bears
    if layout not in (None, *LAYOUTS):
        raise ValueError(f'layout should be "columns" or "rows"; {layout!r} came.')
    theirs = by_name(parameters, "parameters")
    W, b = split(theirs)
    reference = isinstance(parameters, tuple)
    found = "columns" if reference else layout_of_weights(W, b, layout)
    sizes = widths([w if found == "columns" else w.T for w in W])
    batch, upright = matrix_of_examples(np.asarray(X), sizes[0], "columns" if reference else layout)
    columns = {f"W{l}": w if found == "columns" else w.T for l, w in enumerate(W, 1)}
    columns |= {f"b{l}": c.reshape(-1, 1) for l, c in enumerate(b, 1)}
    layers = mlp(sizes, activation)
    labels, kind = one_hot_columns(np.asarray(Y), sizes[-1], batch.shape[1], upright)
    yours = by_name(gradients, "gradients")
    if strangers := sorted(set(yours) - set(theirs)):
        raise ValueError(
            f"gradients holds {', '.join(strangers)}, and there is no such parameter among {list(theirs)}."
        )
    return Canonical(
        layers,
        unnamed(columns, layers),
        batch,
        labels,
        {name: turned(name, yours.get(name), theirs[name], found) for name in columns},
        dict(turned_examples(intermediates or {}, sizes, batch.shape[1], upright)),
        np.result_type(*theirs.values()),
        found,
        kind,
    )


def by_name(tree: Any, what: str) -> dict[str, Array]:
    """The arrays by W1, b1, …, from nnref's own tuple or from a dict whose keys may open with d."""
    if isinstance(tree, tuple) and any(isinstance(part, Affine) for part in tree):
        return named(tree)
    if not isinstance(tree, Mapping):
        raise ValueError(
            f'{what} should be nnref parameters or a dict with keys "W1", "b1", …; {type(tree).__name__} came.'
        )
    found: dict[str, Array] = {}
    for key, leaf in tree.items():
        match = re.fullmatch(r"d?([Wb])_?(\d+)", str(key))
        if match is None:
            raise ValueError(f'{what} should have the keys "W1", "b1", "W2", …; {key!r} came.')
        if leaf is not None:
            found[f"{match[1]}{int(match[2])}"] = floats(leaf, str(key), what == "gradients")
    return found


def floats(leaf: Any, name: str, scalar: bool = False) -> Array:
    """An array of floating-point numbers; a gradient may be one Python number by mistake, which is looked into."""
    A = np.asarray(leaf, dtype="float64") if scalar and isinstance(leaf, int | float) else np.asarray(leaf)
    if A.dtype.kind != "f":
        raise ValueError(
            f"{name} should hold floating-point numbers; {A.dtype} came. Try np.asarray({name}, dtype=float)."
        )
    return A


def split(theirs: dict[str, Array]) -> tuple[list[Array], list[Array]]:
    """The weights and the biases in order, refusing gaps and what is no matrix."""
    depth = max((int(name[1:]) for name in theirs), default=0)
    expected = {f"{p}{l}" for l in range(1, depth + 1) for p in "Wb"}
    if not depth or set(theirs) != expected:
        missing = sorted(expected - set(theirs)) or ["W1"]
        raise ValueError(
            f"parameters should have W and b of every layer, W1 b1 W2 b2 …; {', '.join(missing)} is missing among "
            f"{sorted(theirs)}."
        )
    W, b = ([theirs[f"{p}{l}"] for l in range(1, depth + 1)] for p in "Wb")
    for l, w in enumerate(W, 1):
        if w.ndim != 2:
            raise LayoutError(f"W{l} should be a matrix; shape {w.shape} came.")
    return W, b


def layout_of_weights(W: list[Array], b: list[Array], layout: str | None) -> str:
    """Whether W is (m, n) or (n, m), by the sizes of the biases and of the layers beside it."""
    fits = [
        way
        for way, V in (("columns", W), ("rows", [w.T for w in W]))
        if all(len(v) == c.size for v, c in zip(V, b, strict=True))
        and all(len(v) == w.shape[1] for v, w in pairwise(V))
    ]
    if layout in fits:
        return str(layout)
    shapes = ", ".join(f"W{l} {w.shape}, b{l} {c.shape}" for l, (w, c) in enumerate(zip(W, b, strict=True), 1))
    if not fits or layout:
        raise LayoutError(
            f"these parameters do not fit together as {layout or 'columns or as rows'}: {shapes}. "
            f"Columns: Z = W A + b with W (m, n); rows: Z = A W + b with W (n, m)."
        )
    if len(fits) > 1:
        raise LayoutError(
            f'all of W is square, so both layouts fit: {shapes}. Pass layout="columns" if Z = W A + b, '
            f'layout="rows" if Z = A W + b.'
        )
    return fits[0]


def widths(W: list[Array]) -> list[int]:
    """The widths of the network, input first."""
    return [W[0].shape[1], *(len(w) for w in W)]


def matrix_of_examples(X: Array, n: int, layout: str | None) -> tuple[Array, bool]:
    """X with one example a column, and whether it came so."""
    X = floats(X, "X")
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
    upright = ways[0] if len(ways) == 1 else layout != "rows"
    return (X if upright else X.T), upright


def one_hot_columns(Y: Array, classes: int, N: int, upright: bool) -> tuple[Array, str]:
    """Y as one-hot columns, from labels or from one-hot rows or columns; and which it was."""
    if Y.size == N and Y.dtype.kind in "iu" and classes > 1:
        return one_hot(Y.reshape(-1), classes, "float64"), "int labels"
    Y = Y.astype("float64") if Y.dtype.kind in "iub" else floats(Y, "Y")
    if Y.shape == (classes, N) and (upright or classes != N):
        return Y, "one-hot"
    if Y.shape == (N, classes):
        return Y.T, "one-hot"
    raise LayoutError(
        f"Y should be {N} whole-number labels, or one-hot with {classes} classes; {Y.dtype} of shape {Y.shape} came. "
        f"For labels try Y.astype(int)."
    )


def turned(name: str, g: Array | None, theta: Array, layout: str) -> Array | None:
    """A gradient as columns; one that does not fit its parameter keeps its shape, but for the layout."""
    if g is None:
        return None
    if name[0] == "b" and g.size == theta.size:
        # What matters is that θ − α g is θ's shape again; a column taken from a vector would make a square of it.
        return g.reshape(-1, 1) if updates(theta, g) else g.reshape(-1)
    return g.T if layout == "rows" and g.ndim == 2 else g


def updates(theta: Array, g: Array) -> bool:
    """Has θ − α g the shape of θ?"""
    return np.broadcast_shapes(theta.shape, g.shape) == theta.shape


def turned_examples(given: Mapping[str, Any], sizes: list[int], N: int, upright: bool) -> Iterator[tuple[str, Array]]:
    """Intermediates by Z1, A1, dZ1, dA1, … as columns; P is the last A.

    Errors: ValueError for another name; LayoutError for a shape that fits in no way.
    """
    for key, V in given.items():
        name = f"A{len(sizes) - 1}" if key in ("P", "probabilities") else str(key)
        match = re.fullmatch(r"d?[ZA](\d+)", name)
        if match is None or not int(match[1]) < len(sizes):
            raise ValueError(f'intermediates should be named "Z1", "A1", "dZ1", "dA1" …; {key!r} came.')
        A, n = floats(V, name), sizes[int(match[1])]
        if A.shape not in ((n, N), (N, n)):
            raise LayoutError(f"{name} should have {n} numbers for each of {N} examples; shape {A.shape} came.")
        yield name, A if A.shape == (n, N) and (upright or n != N) else A.T
