"""Parameters: a tree of named tuples, one a layer, and the names of its arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nnref.shapes import Array

LayerParameters = Any
"""What one layer learns: a named tuple of arrays, () if it learns nothing, or a tuple of such trees."""

Parameters = tuple[LayerParameters, ...]
Gradients = Parameters


def mapped(f: Callable[..., Any], theta: Any, *others: Any) -> Any:
    """F at every array of a tree, or at every pair, triple, … of arrays that stand in the same places of several.

    A tree is any nesting of tuples, named tuples, lists, dicts and dataclasses; all else is a leaf.
    Errors: ValueError if the trees do not have the same shape.
    """
    if isinstance(theta, np.ndarray):
        return f(theta, *others)
    if isinstance(theta, tuple | list):
        # A leaf is seen here, and not in a call of its own, which would cost a training step as much as a small sum.
        parts = [
            f(*these) if isinstance(these[0], np.ndarray) else mapped(f, *these)
            for these in zip(theta, *others, strict=True)
        ]
        return type(theta)(*parts) if hasattr(theta, "_fields") else type(theta)(parts)
    if isinstance(theta, Mapping):
        if any(set(other) != set(theta) for other in others):
            raise ValueError(f"each tree should have the keys {list(theta)}; {[list(other) for other in others]} came.")
        return {key: mapped(f, part, *(other[key] for other in others)) for key, part in theta.items()}
    if is_dataclass(theta) and not isinstance(theta, type):
        names = [field.name for field in fields(theta)]
        trees = (theta, *others)
        return replace(theta, **{name: mapped(f, *(getattr(tree, name) for tree in trees)) for name in names})
    return f(theta, *others)


def rounded(theta: LayerParameters, dtype: DTypeLike) -> LayerParameters:
    """The same parameters in another dtype."""
    return mapped(lambda p: p.astype(dtype), theta)


TREE = "parameters should be a tuple of named tuples, one a layer, as nnref.initialise makes them"


def groups(theta: LayerParameters) -> Iterator[Any]:
    """The named tuples of a tree that hold arrays, in order: one for each layer that learns."""
    if not isinstance(theta, tuple):
        return
    if hasattr(theta, "_fields") and not all(isinstance(p, tuple) for p in theta):
        yield theta
    for part in theta:
        if not hasattr(theta, "_fields") and not isinstance(part, tuple):
            raise ValueError(f"{TREE}; a tuple that holds {type(part).__name__} came. Try nnref.Affine(W, b).")
        yield from groups(part)


def named(theta: LayerParameters) -> dict[str, Array]:
    """The parameters, or gradients, by the article's names: W1, b1, W2, …, counting the layers that learn from 1.

    Errors: ValueError for what is no such tree.
    """
    if not isinstance(theta, tuple):
        raise ValueError(f"{TREE}; {type(theta).__name__} came.")
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
