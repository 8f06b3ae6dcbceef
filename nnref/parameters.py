"""Parameters: a tree of named tuples, one a layer, and the names of its arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from numpy.typing import DTypeLike

from nnref.shapes import Array

LayerParameters = Any
"""What one layer learns: a named tuple of arrays, () if it learns nothing, or a tuple of such trees."""

Parameters = tuple[LayerParameters, ...]
Gradients = Parameters


def mapped(f: Callable[..., Any], theta: LayerParameters, *others: LayerParameters) -> LayerParameters:
    """F at every array of a tree, or at every pair, triple, … of arrays that stand in the same places of several.

    Errors: ValueError if the trees do not have the same shape.
    """
    if not isinstance(theta, tuple):
        return f(theta, *others)
    # A leaf is seen here, and not in a call of its own, which would cost a training step as much as a small sum.
    parts = [
        mapped(f, *these) if isinstance(these[0], tuple) else f(*these) for these in zip(theta, *others, strict=True)
    ]
    return type(theta)(*parts) if hasattr(theta, "_fields") else tuple(parts)


def rounded(theta: LayerParameters, dtype: DTypeLike) -> LayerParameters:
    """The same parameters in another dtype."""
    return mapped(lambda p: p.astype(dtype), theta)


def groups(theta: LayerParameters) -> Iterator[Any]:
    """The named tuples of a tree that hold arrays, in order: one for each layer that learns."""
    if not isinstance(theta, tuple):
        return
    if hasattr(theta, "_fields") and not all(isinstance(p, tuple) for p in theta):
        yield theta
    for part in theta:
        yield from groups(part)


def named(theta: LayerParameters) -> dict[str, Array]:
    """The parameters, or gradients, by the article's names: W1, b1, W2, …, counting the layers that learn from 1."""
    return {
        f"{field}{k}": p
        for k, group in enumerate(groups(theta), 1)
        for field, p in zip(group._fields, group, strict=True)
        if not isinstance(p, tuple)
    }


def unnamed(arrays: Mapping[str, Any], like: LayerParameters) -> LayerParameters:
    """The tree of like's shape that has arrays named W1, b1, … in its places: the inverse of `named`.

    Errors: KeyError naming the array that is missing.
    """
    names = iter(named(like))
    return mapped(lambda _: arrays[next(names)], like)
