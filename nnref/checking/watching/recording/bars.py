"""Stand-ins for progress bars, which iterate and draw nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


class Bar:
    """A bar over some things, or over none; `n` is how far it was moved, and all else that it is asked does nothing.

    >>> with Bar(total=3) as bar:
    ...     bar.update(2)
    >>> bar.n, [*Bar("ab")], Bar.write("done")
    (2, ['a', 'b'], None)
    """

    def __init__(self, iterable: Any = None, *args: Any, total: Any = None, initial: Any = 0, **kwargs: Any) -> None:
        self.iterable, self.n = iterable, initial
        self.total = len(iterable) if total is None and hasattr(iterable, "__len__") else total

    def __iter__(self) -> Iterator[Any]:
        return iter(self.iterable)

    def __len__(self) -> int:
        return len(self.iterable) if self.iterable is not None else int(self.total)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def __call__(self, iterable: Iterable[Any], *args: Any, **kwargs: Any) -> Bar:
        """A bar that is made first, and then told what to go through."""
        return Bar(iterable)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return nothing

    def update(self, n: Any = 1) -> None:
        """Move on by so many."""
        self.n += n

    @staticmethod
    def write(*args: Any, **kwargs: Any) -> None:
        """Print nothing."""


def nothing(*args: Any, **kwargs: Any) -> None:
    """Do nothing."""


def within(things: Any) -> Any:
    """What a bar goes through; what is no bar itself."""
    while isinstance(things, Bar):
        things = things.iterable
    return things
