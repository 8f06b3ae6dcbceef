"""Calls for a file that calls nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnref.checking.reading.source import Source


@dataclass(frozen=True)
class Way:
    """One way to make a file compute a gradient: `run(namespace)` makes the calls, in a namespace of definitions.

    guessed says that arguments or their order were guessed: an error under such calls never counts against the file.
    """

    name: str
    run: Callable[[dict[str, Any]], None]
    guessed: bool = True


def ways(source: Source, namespace: dict[str, Any]) -> Iterator[Way]:
    """The ways to call what is defined in a namespace, the likeliest first."""
    yield from ()
