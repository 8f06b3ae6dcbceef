"""One BLAS thread: at these sizes more are no faster, and where other programs run they are many times slower."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run numpy's matrix products on the calling thread only, and restore what was set before.

    BLAS threads wait for each other by spinning: let one lose its core to another program, and each of the small
    products of a training step waits for it. One thread also adds in the same order on every number of cores.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
