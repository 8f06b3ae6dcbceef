"""Signals that end a run: the first keeps what was learned, a second Ctrl-C ends at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@dataclass
class Stops:
    """The signal that came, if one did; while held, it is only remembered."""

    number: int = 0
    holding: bool = False

    def came(self, number: int, frame: FrameType | None = None) -> None:
        """Raise KeyboardInterrupt with the signal's name; end at once at a second Ctrl-C."""
        if self.number:
            if number == signal.SIGINT:
                os._exit(128 + number)
            return  # a terminal that closes sends more than one
        self.number = number
        if not self.holding:
            raise KeyboardInterrupt(self.name)

    @property
    def name(self) -> str:
        """What the user calls it."""
        return "Ctrl-C" if self.number == signal.SIGINT else signal.Signals(self.number).name

    @property
    def status(self) -> int:
        """The exit status of a program that a signal ended, as shells have it."""
        return 128 + self.number

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let what is being written be written; the signal is remembered."""
        self.holding = True
        try:
            yield
        finally:
            self.holding = False


@contextmanager
def stopping() -> Iterator[Stops]:
    """Answer the signals, but for those that are ignored, as under nohup; restore what was before."""
    stops, before = Stops(), {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in SIGNALS}
        for number, handler in before.items():
            if handler not in (signal.SIG_IGN, None):
                signal.signal(number, stops.came)
    try:
        yield stops
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
