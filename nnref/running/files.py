"""Files that are whole or absent: written beside their place, brought to the disk, and renamed there."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

PathLike = str | os.PathLike[str]


def write(path: PathLike, writer: Callable[[IO[bytes]], object], before: Callable[[], object] = lambda: None) -> None:
    """Write a file beside its place and rename it there: a reader sees the old file or the new one, never a part.

    The bytes reach the disk before the name does, so that this holds after a loss of power too. before is called
    between the two, while an old file still has its name.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with beside.open("xb") as file:
            writer(file)
            file.flush()
            os.fsync(file.fileno())
        before()
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    keep_name(path.parent)


def try_out(folder: Path) -> None:
    """Make a folder, and a file in it that is removed again: what cannot be kept is said before it is made.

    Errors: OSError naming the folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"a file can be written here")
            file.flush()
    except OSError as error:
        raise OSError(f"{folder}: nothing can be written there ({error.strerror}). Name another folder.") from error


def keep_name(folder: Path) -> None:
    """Bring a folder's names to the disk, where the system lets a folder be opened (Windows does not)."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def write_text(path: PathLike, text: str) -> None:
    """`write` for text in UTF-8."""
    write(path, lambda file: file.write(text.encode()))
