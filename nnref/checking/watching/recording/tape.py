"""What a program computed: values, what each was made of, on which line, and on which leaves it depends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

Number = (np.ndarray, np.generic, float, int, complex)
"""What a value on the tape may be."""


@dataclass(frozen=True)
class Site:
    """Where in the program an operation stands: file, line and column, and the function it is in."""

    file: str
    line: int
    column: int
    function: str


class Held(NamedTuple):
    """That an object got a value under the name of an attribute, when so many values were on the tape, and where."""

    owner: int
    attribute: str
    time: int
    site: Site


@dataclass(eq=False)
class Node:
    """One value: the operation that made it, what it was made of, and where.

    args and kwargs hold nodes in the place of the values that are known, at any depth of lists and tuples; call takes
    them, the nodes replaced by their values, and gives this value again. leaf is the kind of a value that was made of
    nothing that is known: "data", "labels", "random", "constant", … deps is the set of leaves below it, as bits.
    names are those that the program gave the value, held, the objects that got it; used says that another value was
    made of it.
    """

    index: int
    op: str
    call: Callable[..., Any] | None
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    value: Any
    site: Site
    leaf: str = ""
    deps: int = 0
    inputs: tuple[Node, ...] = ()
    names: list[str] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    used: bool = False
    dims: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value; () of a number."""
        return self.dims

    @property
    def real(self) -> bool:
        """Is the value made of floating-point numbers?"""
        return isinstance(self.value, float) or getattr(getattr(self.value, "dtype", None), "kind", "") == "f"

    def __repr__(self) -> str:
        return f"<{self.index} {self.op}{self.shape} line {self.site.line} {'/'.join(self.names)}>"


def nodes_of(thing: Any) -> Iterator[Node]:
    """The nodes in an argument, at any depth."""
    if isinstance(thing, Node):
        yield thing
    elif isinstance(thing, list | tuple):
        for part in thing if not words_and_integers(thing) else ():
            yield from nodes_of(part)
    elif isinstance(thing, slice):
        yield from nodes_of((thing.start, thing.stop, thing.step))
    elif isinstance(thing, dict):
        yield from nodes_of(tuple(thing.values()))


def words_and_integers(things: list[Any] | tuple[Any, ...]) -> bool:
    """Are these words and whole numbers alone, which nobody knows one by one? A list of pixels is long."""
    return PLAIN.issuperset(map(type, things))


PLAIN = frozenset([int, str, bytes, bool, type(None)])
"""Types of which no value is known: Python shares them."""


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set of names."""
    return frozenset(text.split())
