"""The recorder: what the rewritten program speaks to."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")


class Recorder:
    """Records one run of a program."""

    def leaf(self, value: T, kind: str) -> T:
        """Mark an array as what the program begins from: "data" or "labels". Returns the array itself."""
        return value

    def pair(self, parameter: Any, gradient: Any, name: str) -> None:
        """State that one value is meant as the gradient of another, which it never updates."""


_current: list[Recorder] = []


def current() -> Recorder:
    """The recorder of the program that runs now.

    Errors: LookupError if none does.
    """
    if not _current:
        raise LookupError("no program is being watched: leaf and pair are called while one runs.")
    return _current[-1]


def leaf(value: T, kind: str) -> T:
    """Mark an array as "data" or "labels" for the recorder of now; without one, only return it."""
    return _current[-1].leaf(value, kind) if _current else value
