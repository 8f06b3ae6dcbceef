"""Arrays by name, as certify is given them, in the reference's own terms: columns are examples, Y is one-hot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnref.checking.homework.models import as_numpy, layers_of_model
from nnref.checking.reading.layout import (
    LAYOUTS,
    LayoutError,
    biases_are_columns,
    examples_in_columns,
    labels_in_columns,
    layout_of_weights,
)
from nnref.layer import Affine
from nnref.layer import activation as named_activation
from nnref.network import Layers, Parameters, mlp, named, unnamed
from nnref.shapes import Array


@dataclass(frozen=True, eq=False)
class GivenArrays:
    """The reference's view of arrays that were given: parameters, batch, gradients and intermediates, as columns.

    A gradient without its parameter's shape is only turned to columns, not reshaped, since that mistake is to be named.
    dtype is the precision of the parameters; layout is that of W.
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


def in_columns(
    parameters: Any,
    X: Any,
    Y: Any,
    gradients: Any,
    *,
    activation: str = "relu",
    layout: str | None = None,
    intermediates: Mapping[str, Any] | None = None,
) -> GivenArrays:
    """Read parameters, a batch and gradients, in either layout; where the shapes fit both, the caller has to say which.

    Errors: LayoutError for shapes that fit in no way or in two; ValueError for an unknown activation, layout or key.
    """
    refuse_unknown(activation, layout)
    parameters, gradients, layout = layers_of_model(parameters, gradients, layout)
    X, Y = as_numpy(X), as_numpy(Y)
    theirs = arrays_by_name(parameters, "parameters")
    shapes = {name: p.shape for name, p in theirs.items()}
    refuse_gaps(shapes)
    if isinstance(parameters, tuple):
        layout = "columns"
    found, sizes = layout_of_weights(shapes, layout)
    layout_of_examples = layout or ("columns" if biases_are_columns(shapes) else None)
    batch, are_columns = examples_in_columns(floating_array(X, "X"), sizes[0], layout_of_examples)
    columns = {
        name: p.reshape(-1, 1) if name[0] == "b" else p if found == "columns" else p.T for name, p in theirs.items()
    }
    layers = mlp(sizes, activation)
    labels, kind = labels_in_columns(np.asarray(Y), sizes[-1], batch.shape[1], are_columns)
    return GivenArrays(
        layers,
        unnamed(columns, layers),
        batch,
        labels,
        gradients_in_columns(gradients, theirs, found),
        dict(intermediates_in_columns(intermediates or {}, sizes, batch.shape[1], are_columns)),
        np.result_type(*theirs.values()),
        found,
        kind,
    )


def refuse_unknown(activation: str, layout: str | None) -> None:
    """Refuse the name of an activation or a layout that does not exist."""
    named_activation(activation)
    if layout not in (None, *LAYOUTS):
        raise ValueError(f'layout should be "columns" or "rows"; {layout!r} came.')


def arrays_by_name(tree: Any, what: str) -> dict[str, Array]:
    """The arrays by W1, b1, …, from nnref's own tuple or from a dict whose keys may open with d."""
    if isinstance(tree, tuple) and any(isinstance(part, Affine) for part in tree):
        return named(tree)
    if isinstance(tree, tuple) and tree and all(isinstance(part, tuple) for part in tree):
        raise ValueError(f"{what} are those of a network of general layers: say which, certify(…, layers=layers).")
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
            found[f"{match[1]}{int(match[2])}"] = floating_array(leaf, str(key), what == "gradients")
    return found


def floating_array(leaf: Any, name: str, scalar: bool = False) -> Array:
    """An array of floating-point numbers. With scalar, one Python number is accepted too, so that it can be judged."""
    A = np.asarray(leaf, dtype="float64") if scalar and isinstance(leaf, int | float) else np.asarray(leaf)
    if A.dtype.kind != "f":
        raise ValueError(
            f"{name} should hold floating-point numbers; {A.dtype} came. Try np.asarray({name}, dtype=float)."
        )
    return A


def refuse_gaps(shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse parameters of which one is missing, and a W that is no matrix."""
    depth = max((int(name[1:]) for name in shapes), default=0)
    expected = {f"{p}{l}" for l in range(1, depth + 1) for p in "Wb"}
    if not depth or set(shapes) != expected:
        missing = sorted(expected - set(shapes)) or ["W1"]
        raise ValueError(
            f"parameters should have W and b of every layer, W1 b1 W2 b2 …; {', '.join(missing)} is missing among "
            f"{sorted(shapes)}."
        )
    for l in range(1, depth + 1):
        if len(shapes[f"W{l}"]) != 2:
            raise LayoutError(f"W{l} should be a matrix; shape {shapes[f'W{l}']} came.")


def gradients_in_columns(gradients: Any, theirs: Mapping[str, Array], layout: str) -> dict[str, Array | None]:
    """The gradient of every parameter as columns, those of W in this layout; None for one that was not given.

    Errors: ValueError for a gradient of no parameter.
    """
    yours = arrays_by_name(gradients, "gradients")
    if strangers := sorted(set(yours) - set(theirs)):
        raise ValueError(
            f"gradients holds {', '.join(strangers)}, and there is no such parameter among {list(theirs)}."
        )
    order = sorted(theirs, key=lambda name: (int(name[1:]), name[0]))
    return {name: gradient_in_columns(name, yours.get(name), theirs[name], layout) for name in order}


def gradient_in_columns(name: str, g: Array | None, theta: Array, layout: str) -> Array | None:
    """A gradient as columns; one that does not fit its parameter keeps its shape, but for the layout."""
    if g is None:
        return None
    if name[0] == "b" and g.size == theta.size:
        # A shape is right if θ − α g keeps θ's shape: subtracting a column from a vector would broadcast to a square.
        return g.reshape(-1, 1) if keeps_shape(theta, g) else g.reshape(-1)
    return g.T if layout == "rows" and g.ndim == 2 else g


def keeps_shape(theta: Array, g: Array) -> bool:
    """Has θ − α g the shape of θ?"""
    return np.broadcast_shapes(theta.shape, g.shape) == theta.shape


def intermediates_in_columns(
    given: Mapping[str, Any], sizes: list[int], N: int, are_columns: bool
) -> Iterator[tuple[str, Array]]:
    """Intermediates by Z1, A1, dZ1, dA1, … as columns; P is the last A.

    Errors: ValueError for another name; LayoutError for a shape that fits in no way.
    """
    for key, V in given.items():
        name = f"A{len(sizes) - 1}" if key in ("P", "probabilities") else str(key)
        match = re.fullmatch(r"d?[ZA](\d+)", name)
        if match is None or not int(match[1]) < len(sizes):
            raise ValueError(f'intermediates should be named "Z1", "A1", "dZ1", "dA1" …; {key!r} came.')
        A, n = floating_array(V, name), sizes[int(match[1])]
        if A.shape not in ((n, N), (N, n)):
            raise LayoutError(f"{name} should have {n} numbers for each of {N} examples; shape {A.shape} came.")
        yield name, A if A.shape == (n, N) and (are_columns or n != N) else A.T
