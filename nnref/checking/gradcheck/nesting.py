"""Parameters in any nesting of lists, tuples, dicts and dataclasses: walked in one order, and named by their path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError, array
from nnref.parameters import mapped
from nnref.shapes import Array

__all__ = ["GradcheckError", "children", "leaves", "matched", "rebuild"]


Leaf = Callable[[Any, str], Array]
"""Reads one array of a nesting, given its name."""


def children(tree: Any) -> Iterator[tuple[str, Any]] | None:
    """The parts of a nesting with their names, ".W" or "[0]"; None for a leaf."""
    if isinstance(tree, Mapping):
        return ((f".{key}", part) for key, part in tree.items())
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return ((f".{field}", getattr(tree, field)) for field in tree._fields)
    if isinstance(tree, list | tuple):
        return ((f"[{i}]", part) for i, part in enumerate(tree))
    if is_dataclass(tree) and not isinstance(tree, type):
        return ((f".{field.name}", getattr(tree, field.name)) for field in fields(tree))
    return None


def leaves(tree: Any, name: str = "", leaf: Leaf = array) -> dict[str, Array]:
    """Every array of the nesting by its name, such as "W1" or "[0].W"; a single array is "parameters".

    leaf(part, name) reads one array.

    >>> list(leaves({"W1": np.ones(2), "rest": [np.ones(1), ()]}))
    ['W1', 'rest[0]']
    """
    parts = children(tree)
    if parts is None:
        name = name.removeprefix(".") or "parameters"
        return {name: leaf(tree, name)}
    return {key: A for step, part in parts for key, A in leaves(part, name + step, leaf).items()}


def rebuild(tree: Any, arrays: Iterator[Array]) -> Any:
    """The same nesting with other arrays, taken in the order of `leaves`."""
    return mapped(lambda _: next(arrays), tree)


def matched(parameters: Any, gradients: Any, name: str = "", leaf: Leaf = array) -> dict[str, Array | None]:
    """The gradient of every leaf of the parameters, by the parameter's name; None where it is not written yet.

    Errors: GradcheckError where the two nestings differ.
    """
    here = name.removeprefix(".") or "parameters"
    parts = children(parameters)
    if gradients is None:
        return dict.fromkeys(leaves(parameters, name, leaf))
    if parts is None:
        if isinstance(gradients, Mapping):
            raise GradcheckError(f"the gradient of {here} should be an array; {type(gradients).__name__} came.")
        return {here: leaf(gradients, f"the gradient of {here}")}
    theirs = children(gradients)
    expected = list(parts)
    came = None if theirs is None else dict(theirs)
    if came is None or set(came) != {step for step, _ in expected}:
        raise GradcheckError(
            f"the gradients of {here} should have the parts {[step for step, _ in expected]}, as the parameters do; "
            f"{type(gradients).__name__ if came is None else list(came)} came. Use None for one not written yet."
        )
    return {key: g for step, part in expected for key, g in matched(part, came[step], name + step, leaf).items()}


def refuse_shared_memory(arrays: dict[str, Array]) -> None:
    """Refuse parameters that share memory: moving one entry would move another too.

    Errors: GradcheckError naming the first two.
    """
    alike: dict[int, list[str]] = {}
    for name, A in arrays.items():
        root = A
        while isinstance(root.base, np.ndarray):
            root = root.base
        # Views share their base; a tensor converted twice from another library shares only its address.
        for other in {*alike.get(id(root), ()), *alike.get(-A.ctypes.data, ())}:
            if A.size and np.shares_memory(A, arrays[other]):
                raise GradcheckError(
                    f"{other} and {name} are one array in memory. If they are tied, pass it once and let the loss use "
                    f"it twice; if they are independent, pass {name}.copy()."
                )
        alike.setdefault(id(root), []).append(name)
        alike.setdefault(-A.ctypes.data, []).append(name)
