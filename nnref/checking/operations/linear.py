"""How people write an affine layer: rows or columns, weights either way round, with or without a bias; its mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

from nnref import affine
from nnref.checking.operations.known import KnownLayer, LayerReading, Layout, Slip, Symbols, Tried, square, sum_along
from nnref.shapes import Array

Settings = Mapping[str, Any]


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Every affine layer of an input, a matrix of weights and maybe a bias."""
    floats = tried.floats
    if len(floats) not in (2, 3):
        return
    for x, X in floats.items():
        for w, W in floats.items():
            if x == w or W.ndim != 2 or X.ndim != tried.Y.ndim:
                continue
            for lie in ("rows", "columns") if X.ndim == 2 else ("rows",):
                yield from lying(tried, x, w, lie)


def lying(tried: Tried, x: str, w: str, lie: str) -> Iterator[LayerReading]:
    """The readings of these two where examples lie as rows or as columns."""
    floats, Y = tried.floats, tried.Y
    X, W = floats[x], floats[w]
    one = side_of(X.shape, lie)
    other = side_of(Y.shape, lie)
    n, m = one.shape[0], other.shape[0]
    rest = [name for name in floats if name not in (x, w)]
    if one.shape[1] != other.shape[1] or any(floats[name].size != m for name in rest):
        return
    for order in ((1, 0), (0, 1)):  # rows of examples are multiplied from the left, mostly
        weights = Layout.of(W.shape, order, (W.shape[order[0]], W.shape[order[1]]))
        if weights.shape == (m, n):
            roles, layouts = {x: "A", w: "W"}, {"A": one, "W": weights}
            given: Symbols = {} if rest else {"b": np.zeros((m, 1))}
            for name in rest:
                roles[name], layouts["b"] = "b", Layout.reshaped(floats[name].shape, (m, 1))
            turned = (order == (1, 0)) != (lie == "rows")
            says = f"affine, examples as {lie}" + (", of the transposed weights" if turned else "")
            yield LayerReading("affine", says, roles, layouts, other, given)


def side_of(shape: tuple[int, ...], lie: str) -> Layout:
    """An array of rows or columns as columns; axes ahead of the last are examples."""
    if lie == "columns":
        return Layout.reshaped(shape, (shape[0], shape[1]))
    last = len(shape) - 1
    return Layout.of(shape, (last, *range(last)), (shape[-1], prod(shape[:-1])))


def forward(at: Symbols, settings: Settings) -> Any:
    """W A + b."""
    return affine.forward(at["W"], at["b"], at["A"])


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """The proved gradients."""
    return {"A": affine.dA(at["W"], dY), "W": affine.dW(at["A"], dY), "b": affine.db(dY)}


def slip(key: str, says: str, *ways: Callable[[Symbols, Any], Symbols]) -> Slip:
    """A mistake with its ways to make it; ways impossible with these shapes are left out."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        for way in ways:
            try:
                yield way(at, dY)
            except ValueError:
                yield {}

    return Slip(key, says, of)


def averaged(*symbols: str) -> Callable[[Symbols, Any], Symbols]:
    """Gradients of parameters over the number of examples."""
    return lambda at, dY: {s: gradients(at, dY, {})[s] / dY.shape[1] for s in symbols}


def example(which: int, *symbols: str) -> Callable[[Symbols, Any], Symbols]:
    """Gradients of parameters from one example alone."""

    def of(at: Symbols, dY: Any) -> Symbols:
        if dY.shape[1] == 1:
            raise ValueError("one example")
        k = which % dY.shape[1]
        one = {"W": affine.dW(at["A"][:, k : k + 1], dY[:, k : k + 1]), "b": affine.db(dY[:, k : k + 1])}
        return {s: one[s] for s in symbols}

    return of


def of_bias(change: Callable[[Any], Any]) -> Callable[[Symbols, Any], Symbols]:
    """A gradient of the bias from dY, in the shape of the bias or one number for all of it."""
    return lambda at, dY: {"b": change(dY) + np.zeros((dY.shape[0], 1))}


def ones(dY: Any) -> Array:
    """A dY of ones, as if dY had been forgotten."""
    return np.ones(dY.shape)


SLIPS = (
    slip(
        "affine.mean_over_batch",
        "divided by the number of examples, which belongs to the loss, and is in dY already",
        averaged("W", "b"),
        averaged("W"),
        averaged("b"),
    ),
    slip(
        "affine.bias_summed_whole",
        "the gradient of the bias is summed over examples and outputs: one number for the whole bias",
        of_bias(lambda dY: sum_along(dY, (0, 1))),
    ),
    slip(
        "affine.bias_summed_across",
        "the gradient of the bias is summed over the outputs, not over the examples",
        of_bias(lambda dY: sum_along(square(dY), 0).T),
    ),
    slip(
        "affine.one_example",
        "the sum over the batch is missing: one example alone gives the gradient",
        example(-1, "W", "b"),
        example(0, "W", "b"),
        example(-1, "W"),
        example(0, "W"),
        example(-1, "b"),
        example(0, "b"),
    ),
    slip(
        "affine.dA_not_transposed",
        "the weights are not transposed in the gradient of the input",
        lambda at, dY: {"A": square(at["W"]) @ dY},
    ),
    slip(
        "affine.dW_transposed",
        "the gradient of the weights is transposed",
        lambda at, dY: {"W": square(affine.dW(at["A"], dY)).T},
    ),
    slip(
        "affine.dW_of_output",
        "the gradient of the weights has the output where the input belongs",
        lambda at, dY: {"W": dY @ square_like(forward(at, {}), at["A"]).T},
    ),
    slip(
        "affine.dY_missing",
        "dY is missing: what comes back is not multiplied in",
        lambda at, dY: gradients(at, ones(dY), {}),
        lambda at, dY: {"A": affine.dA(at["W"], ones(dY))},
        lambda at, dY: {"W": affine.dW(at["A"], ones(dY))},
        lambda at, dY: {"b": affine.db(ones(dY))},
    ),
    slip("affine.sign", "the sign is wrong", *(lambda at, dY, s=s: {s: -gradients(at, dY, {})[s]} for s in "AWb")),
)


def square_like(A: Any, B: Any) -> Any:
    """A, if it has the shape of B.

    Errors: ValueError if it has not.
    """
    if A.shape != B.shape:
        raise ValueError("another shape")
    return A


KNOWN = KnownLayer("affine", readings, forward, gradients, SLIPS)
