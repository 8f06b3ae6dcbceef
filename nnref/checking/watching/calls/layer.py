"""A layer that can be run: its arguments by name, its forward pass and its backward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from nnref.checking.reading.source import Source


@dataclass(frozen=True)
class Layer:
    """A layer that can be run: its arguments by name, forward(**arguments), and the gradients back(dY, **arguments).

    Several outputs are flattened and concatenated, and so are their gradients in dY. own says that the file itself
    calls the layer with these arguments.
    """

    name: str
    line: int
    arguments: dict[str, Any]
    forward: Callable[..., Any]
    back: Callable[..., dict[str, Any]]
    own: bool = False


Ways = tuple[str, int, Iterator[Layer]]
"""The name of a layer, the line of its backward pass, and the layer with every choice of arguments."""


def line_of(source: Source, name: str, owner: str | None = None) -> int:
    """The line on which a function is defined; 0 if it is not found."""
    definition = source.definition(name, owner)
    return definition.lineno if definition is not None else 0
