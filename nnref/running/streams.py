"""Output that may end before the program does: a closed pipe or a full disk is said, and the work goes on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


class Lasting:
    """A text stream that goes on into nothing once what it writes to is gone."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self.stream, self.name = stream, name

    def write(self, text: str) -> int:
        """Write, or say once that nobody reads."""
        try:
            self.stream.write(text)
        except (OSError, ValueError) as error:
            self.end(error)
        return len(text)

    def flush(self) -> None:
        """Flush, or say once that nobody reads."""
        try:
            self.stream.flush()
        except (OSError, ValueError) as error:
            self.end(error)

    def end(self, error: Exception) -> None:
        """Let this file descriptor lead to nothing, so that what Python still holds is dropped at exit."""
        with suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.stream.fileno())
            os.close(nothing)
        if self.name == "stdout" and sys.stderr is not None:
            why = getattr(error, "strerror", None) or str(error)
            print(f"nnref: stdout cannot be written ({why}); going on without it.", file=sys.stderr)

    def __getattr__(self, name: str) -> Any:
        """Whatever else a stream is asked for."""
        return getattr(self.stream, name)


@contextmanager
def lasting() -> Iterator[None]:
    """Let stdout and stderr outlive their readers; those that were closed lead to nothing.

    The numbers 0, 1 and 2 are taken, so that no file is opened under one of them, into which a library may print.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    before = sys.stdout, sys.stderr
    for name in ("stderr", "stdout"):
        stream = getattr(sys, name) or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        if hasattr(stream, "reconfigure"):  # a pipe on Windows, or LANG=C, may not know ² or ×
            stream.reconfigure(errors="replace")
        setattr(sys, name, Lasting(stream, name))
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before
