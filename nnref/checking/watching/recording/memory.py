"""The owner of a view's memory, and the entries that it shows: views are recognised by their memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnref.checking.watching.recording.tape import Node, Site

Layout = tuple[int, tuple[int, ...], tuple[int, ...]]
"""A view: its distance in entries from the first entry of its owner, its shape and its strides in entries."""


def owner(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array to which the memory belongs, also where a view was made by its strides alone; of records, the field."""
    while True:
        base = array.base if isinstance(array.base, np.ndarray) else getattr(array.base, "base", None)
        if not isinstance(base, np.ndarray) or base.dtype.names:
            return array
        array = base


def layout(view: np.ndarray[Any, Any], root: np.ndarray[Any, Any]) -> Layout | None:
    """The layout of a view within its owner; None if its entries are not the owner's, as bytes of floats."""
    size = root.dtype.itemsize
    if view.dtype != root.dtype or not size:
        return None
    distance = view.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    if distance % size or any(s % size for s in view.strides):
        return None
    return distance // size, view.shape, tuple(s // size for s in view.strides)


def positions(lying: Layout, root_shape: tuple[int, ...], root_strides: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """The flat indices, in C order of the owner, of the entries that a view shows.

    Shapes: that of the view
    """
    distance, shape, strides = lying
    if contiguous(root_shape, root_strides):
        found = np.full((1,) * len(shape), distance, np.intp)
        for axis, (n, step) in enumerate(zip(shape, strides, strict=True)):
            found = found + (step * np.arange(n, dtype=np.intp)).reshape((n,) + (1,) * (len(shape) - 1 - axis))
        return found
    # The indices 0, 1, … of the owner's entries, stored in the owner's layout and read through the view.
    extent = 1 + sum((n - 1) * s for n, s in zip(root_shape, root_strides, strict=True)) if np.prod(root_shape) else 0
    memory = np.zeros(max(extent, 1), np.intp)
    whole = np.lib.stride_tricks.as_strided(memory, root_shape, tuple(8 * s for s in root_strides))
    whole[...] = np.arange(whole.size).reshape(root_shape)
    if not np.prod(shape):
        return np.zeros(shape, np.intp)
    return np.lib.stride_tricks.as_strided(memory[distance:], shape, tuple(8 * s for s in strides)).copy()


def contiguous(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Does an array lie in C order, so that the place of an entry is its flat index?"""
    step = 1
    for n, stride in zip(reversed(shape), reversed(strides), strict=True):
        if n > 1 and stride != step:
            return False
        step *= n
    return True


def in_blocks(things: Any) -> Any:
    """A list of rows that lie in one array at equal distances, as the one view that they are together; at any depth."""
    if type(things) is not list or len(things) < 2 or type(things[0]) not in (list, np.ndarray):
        return things
    if type(things[0]) is list:
        parts = [in_blocks(part) for part in things]
        return in_blocks(parts) if type(parts[0]) is np.ndarray else parts
    if any(
        type(row) is not np.ndarray or (row.shape, row.strides) != (things[0].shape, things[0].strides)
        for row in things
    ):
        return things
    root = owner(things[0])
    if things[0] is root or any(row.dtype != root.dtype or owner(row) is not root for row in things):
        return things
    places = np.diff([row.__array_interface__["data"][0] for row in things])
    if (places != places[0]).any():
        return things
    steps = (int(places[0]), *things[0].strides)
    return np.lib.stride_tricks.as_strided(things[0], (len(things), *things[0].shape), steps)


@dataclass(eq=False)
class Buffer:
    """The memory of one array: the value that it holds now, and the nodes that refer to it and not to a copy.

    sites are where the program takes its views: a view is on the tape only once something is made of it.
    """

    root: np.ndarray[Any, Any]
    node: Node
    held: list[Node] = field(default_factory=list)
    views: dict[Layout, Node] = field(default_factory=dict)
    sites: dict[Layout, Site] = field(default_factory=dict)

    @property
    def lying(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The owner's shape, and its strides in entries."""
        return self.root.shape, tuple(s // self.root.dtype.itemsize for s in self.root.strides)

    def whole(self, lying: Layout) -> bool:
        """Is the view the owner itself?"""
        shape, strides = self.lying
        alike = all(a == b for n, a, b in zip(shape, strides, lying[2], strict=False) if n > 1)
        return not lying[0] and lying[1] == shape and alike

    def let_go(self) -> None:
        """Before the memory changes: copy it for earlier nodes that were used, and drop it for the others."""
        for node in self.held:
            node.value = np.array(node.value) if node.used or node.leaf else DROPPED
        self.held, self.views, self.sites = [], {}, {}


DROPPED = None
"""The value of a state of an array that was overwritten before anything read it as a whole."""


def view_of(a: np.ndarray[Any, Any], index: Any) -> np.ndarray[Any, Any]:
    """The view of an array that a basic index shows; of one entry of a np.matrix, which hands out a number for it."""
    place = (*index, ...) if type(index) is tuple else (index, ...)
    view = a[place]
    return view if isinstance(view, np.ndarray) else np.asarray(a)[place]


def same_memory(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    """Are two arrays the same entries in the same order?"""
    same = a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
    return same and a.shape == b.shape and a.strides == b.strides and a.dtype == b.dtype
