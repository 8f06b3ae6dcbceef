"""Arrays of dtype object, as numpy makes them of arrays of different shapes, or of instances of a class."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnref.checking.watching.recording.tape import Node, words

ARITHMETIC = words("add subtract multiply divide power")
"""Operators that numpy applies to the objects of an array one after the other."""


def holds_objects(thing: Any) -> bool:
    """Is it an array of objects, as of arrays of several shapes?"""
    return isinstance(thing, np.ndarray) and thing.dtype.kind == "O"


def rows_of_objects(thing: Any) -> bool:
    """Is it an array of objects in a row?"""
    return holds_objects(thing) and thing.ndim == 1


def shape_of_objects(op: str, a: Any, b: Any) -> tuple[int, ...]:
    """The shape of a + b where one of them holds objects, and the other too or is a number; () where none does."""
    if op not in ARITHMETIC or not (holds_objects(a) or holds_objects(b)):
        return ()
    plain = all(holds_objects(part) or isinstance(part, int | float | np.generic) for part in (a, b))
    return np.broadcast_shapes(np.shape(a), np.shape(b)) if plain else ()


def object_at(thing: Any, shape: tuple[int, ...], place: tuple[int, ...]) -> Any:
    """The object of an array, laid over a shape, at a place; a number as it is."""
    return np.broadcast_to(thing, shape)[place] if holds_objects(thing) else thing


def as_objects(error: ValueError, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The arguments of a call that refused rows of unlike lengths, with these as objects, as older numpy took them.

    None where the error is another one.
    """
    if "inhomogeneous" not in str(error) or not args or not isinstance(args[0], list | tuple):
        return None
    rows = np.empty(len(args[0]), object)
    for k, row in enumerate(args[0]):
        rows[k] = row
    return (rows, *args[1:])


def of_object(node: Node) -> bool:
    """Does an object keep the number as an attribute? A whole one may be a parameter too, which begins at 0."""
    return any(name.startswith("self.") for name in node.names)
