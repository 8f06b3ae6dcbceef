"""Where the files of a folder are marked: on this machine's cores, or on a cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Executor

ANSWER = 10
"""Seconds within which the scheduler of a cluster has to answer."""

RETRIES = 3
"""How often a cluster marks a file again whose worker was lost or failed."""


@contextmanager
def pool_at(address: str | None) -> Iterator[Executor]:
    """The executor of an address, or of this machine for None."""
    from concurrent.futures import ThreadPoolExecutor

    with on_cluster(address) if address else ThreadPoolExecutor(os.cpu_count()) as pool:
        yield pool


@contextmanager
def on_cluster(address: str) -> Iterator[Executor]:
    """An executor at an address dask://HOST:PORT, whose workers have nnref and see the folder at the same path.

    A file whose worker is lost is marked again by another.
    Errors: ValueError for another address, without the package, or where nobody answers.
    """
    scheme, separator, place = address.partition("://")
    if scheme != "dask" or not separator or not place:
        raise ValueError(f"--executor should be dask://HOST:PORT, the scheduler of a cluster; {address!r} came.")
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError(
            f"--executor dask://… needs a package that is not installed ({error}). "
            f"Try: python -m pip install 'nnref[dask]'."
        ) from error
    try:
        client = Client(f"tcp://{place}", timeout=ANSWER)
    except (OSError, TimeoutError) as error:
        raise ValueError(f"no scheduler answers at {address} within {ANSWER} s ({type(error).__name__}).") from error
    with client, client.get_executor(retries=RETRIES) as pool:
        yield pool
