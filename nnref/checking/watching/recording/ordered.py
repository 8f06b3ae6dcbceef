"""Sets that are iterated in insertion order: the same in every run of a program.

A set of objects is iterated in the order of their addresses, which differs between runs: a backward pass that iterates
over a set of values would compute its slopes in another order each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


class InOrder(set[Any]):
    """A set that is gone through in the order in which its members were put in.

    >>> list(InOrder("banana"))
    ['b', 'a', 'n']
    """

    def __init__(self, things: Iterable[Any] = ()) -> None:
        self._order = dict.fromkeys(things)
        super().__init__(self._order)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._order)

    def add(self, thing: Any) -> None:
        """Put in one more, last."""
        self._order[thing] = None
        super().add(thing)

    def update(self, *others: Iterable[Any]) -> None:
        """Put in all of these."""
        for things in others:
            for thing in things:
                self.add(thing)

    def discard(self, thing: Any) -> None:
        """Take one out, if it is in."""
        self._order.pop(thing, None)
        super().discard(thing)

    def remove(self, thing: Any) -> None:
        """Take one out.

        Errors: KeyError if it is not in.
        """
        super().remove(thing)
        self._order.pop(thing)

    def pop(self) -> Any:
        """Take out the first.

        Errors: KeyError if there is none.
        """
        thing = next(iter(self._order), None)
        self.remove(thing)
        return thing

    def clear(self) -> None:
        """Take out all."""
        self._order.clear()
        super().clear()

    # What makes a set of two takes members out of this one, or puts some in: a plain set is the result.
    __hash__ = None

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]
        self.update(other)
        return self

    def __iand__(self, other: Any) -> Any:  # type: ignore[misc]
        return self.kept(super().__and__(other))

    def __isub__(self, other: Any) -> Any:  # type: ignore[misc]
        return self.kept(super().__sub__(other))

    def kept(self, members: set[Any]) -> Any:
        """The same with no others than these."""
        self._order = {thing: None for thing in self._order if thing in members}
        super().clear()
        super().update(self._order)
        return self
