"""One BLAS thread: at these sizes more are no faster, and where other programs run they are many times slower."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any


class Shared:
    """A limit that belongs to the whole process: the first who needs it sets it, and the last who leaves lifts it.

    BLAS has one number of threads a process. Were each user to restore what it found, the first of two trainings to
    end would give the other more threads, another order of adding up, and so other bits.
    """

    def __init__(self) -> None:
        self.lock, self.users = Lock(), 0
        self.limit: Any = None

    def enter(self) -> None:
        """Set the limit, unless it is set."""
        from threadpoolctl import threadpool_limits

        with self.lock:
            if not self.users:
                self.limit = threadpool_limits(limits=1, user_api="blas")
            self.users += 1

    def leave(self) -> None:
        """Restore what was before, once nobody needs the limit."""
        with self.lock:
            self.users -= 1
            if not self.users:
                self.limit.restore_original_limits()


ONE = Shared()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run numpy's matrix products on the calling thread only, and restore what was set before.

    BLAS threads wait for each other by spinning: let one lose its core to another program, and each of the small
    products of a training step waits for it. One thread also adds in the same order on every number of cores. Uses may
    nest and overlap, in one thread or in several.
    """
    ONE.enter()
    try:
        yield
    finally:
        ONE.leave()
