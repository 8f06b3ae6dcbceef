"""A lock that the operating system holds for a process, and lifts when it dies, however it dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nnref.running.errors import DataError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep everyone else who asks for the lock of this path out, in this process or another.

    Errors: DataError if somebody has it; OSError if no file can be made beside path.
    """
    beside = path.with_name(f".{path.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(beside, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not taken(descriptor) or not same_file(descriptor, beside):
            raise DataError(f"{path}: another run is using it. Wait for its end, or name another file.")
        try:
            yield
        finally:
            with suppress(OSError):  # Windows keeps a file that is open
                beside.unlink()
    finally:
        os.close(descriptor)


def taken(descriptor: int) -> bool:
    """Try to take the lock; whether it is ours. A system that has no locks keeps nobody out."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        return True
    except OSError:
        return False
    return True


def same_file(descriptor: int, path: Path) -> bool:
    """Whether the file that was opened still has its name: who had the lock takes the file away in leaving."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False
