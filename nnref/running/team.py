"""The workers of a run, seen from one of them: where they are, and how they add up."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Timer

import numpy as np

from nnref.running.errors import WorkerLost
from nnref.running.settings import TIMEOUT
from nnref.shapes import Array

JOINING = 600.0
"""Seconds that workers wait for each other to begin: a first start proves, loads and compiles."""

GONE = 1
"""The exit status of a worker that waited in vain."""

Sum = Callable[[Array], Array]
"""The sum over all workers of a vector that each of them gives."""


@dataclass(frozen=True)
class Place:
    """Which of the workers this is: their addresses HOST:PORT, its index among them, and how long it waits."""

    addresses: tuple[str, ...]
    index: int
    timeout: float = TIMEOUT


def placed(workers: str | Sequence[str] | None, index: int, timeout: float = TIMEOUT) -> Place | None:
    """The place of a worker, from "HOST:PORT,HOST:PORT" or a list; None for one alone.

    Errors: ValueError for what is no address, or an index of nobody.
    """
    if workers is None:
        return None
    addresses = tuple(workers.split(",") if isinstance(workers, str) else workers)
    for address in addresses:
        if not re.fullmatch(r"[^:\s]+:\d+|\[[^\s]+\]:\d+", address):
            raise ValueError(f"workers should be HOST:PORT,HOST:PORT,…; {address!r} came.")
    if len(set(addresses)) < len(addresses):
        raise ValueError(f"workers should have an address each; {', '.join(addresses)} came.")
    if not 0 <= index < len(addresses):
        raise ValueError(f"index should be 0 … {len(addresses) - 1}, this worker's place in workers; {index} came.")
    if not timeout > 0:
        raise ValueError(f"timeout should be a positive number of seconds; {timeout} came.")
    return Place(addresses, index, timeout)


@dataclass(frozen=True)
class Team:
    """The workers of a run, seen from one of them. total is asked by all of them at the same point of the run."""

    place: Place
    total: Sum

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.place.addresses)

    @property
    def chief(self) -> bool:
        """Is this the one that keeps the run?"""
        return self.place.index == 0

    def gathered(self, number: float) -> list[float]:
        """What each worker says, in their order."""
        said = np.zeros(self.count)
        said[self.place.index] = number
        return [float(x) for x in self.added(said)]

    def from_chief(self, numbers: Array) -> Array:
        """What the chief says; all give as many numbers."""
        return self.added(numbers if self.chief else np.zeros_like(numbers))

    def added(self, vector: Array) -> Array:
        """The sum over all workers.

        Errors: WorkerLost where one is gone. One that is there and does not answer ends this process in the end, as
        nothing can be called back that waits in a library.
        """
        if self.count == 1:
            return vector
        with patient(self.place, self.place.timeout):
            try:
                return self.total(vector)
            except Exception as error:  # each library has its own errors for a connection that broke
                first = next(iter(str(error).splitlines()), "")[:200]
                raise WorkerLost(
                    f"worker {self.place.index} of {self.count}: another worker is gone "
                    f"({type(error).__name__}: {first})"
                ) from error


@contextmanager
def patient(place: Place, seconds: float) -> Iterator[None]:
    """Wait for the others in this block so long and no longer."""
    waiting = Timer(seconds, give_up, [place, seconds])
    waiting.daemon = True
    waiting.start()
    try:
        yield
    finally:
        waiting.cancel()


def give_up(place: Place, seconds: float) -> None:
    """Say that the others do not answer, and end the process."""
    print(
        f"nnref: worker {place.index} of {len(place.addresses)} waited {seconds:g} s for the others "
        f"({', '.join(place.addresses)}), and one does not answer. The run ends here; the last checkpoint is whole. Go "
        f"on from it with --resume, with as many workers as there are.",
        file=sys.stderr,
        flush=True,
    )
    os._exit(GONE)


ALONE = Team(Place(("here:0",), 0), lambda vector: vector)
"""One worker, which is all of them."""
