"""The tape: recorded values, with their inputs, their lines, and the leaves that they depend on."""

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
    """The assignment of a value to an attribute of an object: when, as the tape's length, and where."""

    owner: int
    attribute: str
    time: int
    site: Site


@dataclass(eq=False)
class Node:
    """One value: its operation, its inputs, and its site.

    args and kwargs hold nodes in the place of the values that are known, at any depth of lists and tuples; call takes
    them, the nodes replaced by their values, and gives this value again. leaf is the kind of a value without recorded
    inputs: "data", "labels", "random", "constant", … deps is the set of leaves it depends on, as bits. names are its
    names in the program, held its assignments to objects; used says that another value depends on it, of_loop that its
    name is the variable of a loop, which it is given in the loop's body.
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
    of_loop: bool = False
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
    """Are these only strings and plain integers, which are never recorded? A quick test for long lists."""
    return PLAIN.issuperset(map(type, things))


PLAIN = frozenset([int, str, bytes, bool, type(None)])
"""Types whose values are never recorded, as Python shares them."""


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set of names."""
    return frozenset(text.split())
