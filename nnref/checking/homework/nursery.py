"""The processes that judge: one is forked for each order, from a process that has imported nnref and runs no file.

A process gets its order through one pipe and returns its result through another. The first stays open: when the marker
closes it, or dies, the process and all that it has started are ended.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

FORKS = hasattr(os, "fork")
"""Can processes be forked here? Else each is started anew, and what it starts in turn may outlive it."""

COMMAND = [sys.executable, "-P", "-m", "nnref.checking.homework.worker"]
"""The command of these processes. With -P, a numpy.py in the current folder is not taken for numpy."""

QUIET = {"MPLBACKEND": "Agg", "TF_CPP_MIN_LOG_LEVEL": "3", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""No windows, few messages, and one thread each, since many files are checked at once."""

KILLED = -9
"""The status of a process that did not say how it ended."""

PATIENCE = 1.0
"""Seconds that the nursery has to end by itself once its socket is closed; then it is killed."""

MOMENT = 0.2
"""Seconds to wait for the end of a process whose children have ended with it."""

STOPPED = threading.Event()
"""Set when marking is to stop: no further file is begun."""


class Stopped(Exception):
    """Raised instead of beginning a file after STOPPED was set."""


@dataclass(frozen=True, eq=False)
class Worker:
    """A process that judges one file.

    order(raw) gives it its order; reading is the pipe of its result; end() ends it; ended() waits, and gives its exit
    status; orphaned() says whether the process that it was forked from has ended.
    """

    order: Callable[[bytes], Any]
    reading: int
    end: Callable[[], Any]
    ended: Callable[[], int]
    orphaned: Callable[[], bool]


RUNNING: set[Worker] = set()
"""The processes at work: stop_all ends them."""


TRIES = 3
"""How often an order is given: a file may kill the nursery, and with it a process that judges another."""


def answer_of_process(work: str, order: dict[str, Any], scratch: Path, seconds: float, most: int) -> tuple[bytes, int]:
    """The answer of a separate process to an order, and its exit status; tried again if the nursery was killed."""
    for _ in range(TRIES):
        raw, status, orphaned = answered_once(work, order, scratch, seconds, most)
        if not orphaned:
            break
    return raw, status


def answered_once(
    work: str, order: dict[str, Any], scratch: Path, seconds: float, most: int
) -> tuple[bytes, int, bool]:
    """The answer of one process, at most `most` + 1 bytes; its exit status; and whether the nursery was killed too.

    work names what is done with the order (a key of worker.WORKS); scratch is the folder that may be written in.
    """
    environ = surroundings(TMPDIR=str(scratch), MPLCONFIGDIR=str(scratch))
    given = json.dumps(order | {"environ": environ, "scratch": str(scratch), "seconds": seconds})
    with (forked if FORKS else started)(work, seconds) as worker:
        RUNNING.add(worker)
        try:
            if STOPPED.is_set():
                raise Stopped
            with suppress(BrokenPipeError, ConnectionError):
                worker.order(given.encode() + b"\n")
            raw = read_at_most(worker.reading, most)
            if len(raw) > most:
                worker.end()
            status = worker.ended()
            return raw, status, status == KILLED and not STOPPED.is_set() and worker.orphaned()
        finally:
            RUNNING.discard(worker)


def surroundings(**own: str) -> dict[str, str]:
    """The environment of a process that judges: nnref on its path, QUIET, and the variables given here."""
    search = [str(Path(__file__).parents[3]), *(p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p)]
    return os.environ | QUIET | {"PYTHONPATH": os.pathsep.join(search)} | own


def read_at_most(reading: int, limit: int) -> bytes:
    """All bytes from a pipe until it is closed, at most limit + 1."""
    parts, left = [], limit + 1
    while left and (part := os.read(reading, min(left, 1 << 16))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


class Nursery:
    """A process that has imported nnref and is forked for each order; started at the first, and again if it died."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.control: socket.socket | None = None

    def begin(self, work: str, pipes: tuple[int, ...]) -> subprocess.Popen[bytes]:
        """Fork a process for this work, with these ends of pipes; returns the process that it was forked from."""
        with self.lock:
            for _ in range(2):
                if STOPPED.is_set():
                    raise Stopped
                if self.control is None:
                    self.start()
                assert self.control is not None
                assert self.process is not None
                try:
                    socket.send_fds(self.control, [work.encode()[:1]], pipes)
                    return self.process
                except OSError:  # somebody ended it
                    self.end()
            raise OSError("the process that others are forked from ends as soon as it is started")

    def start(self) -> None:
        """Start it, with one end of a socket: it ends when the other is closed, and so with this process."""
        self.control, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [*COMMAND, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=surroundings(),
                start_new_session=True,
            )

    def end(self) -> None:
        """End it, and with it all that it has forked."""
        if self.control is not None:
            self.control.close()
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE)
            self.process.kill()
            self.process.wait()
        self.process = self.control = None

    def forget(self) -> None:
        """After a fork, in the child: do not touch the parent's process."""
        if self.control is not None:
            self.control.close()
        if self.process is not None:
            self.process.returncode = 0
        self.__init__()  # type: ignore[misc]


NURSERY = Nursery()
atexit.register(NURSERY.end)
if FORKS:
    os.register_at_fork(after_in_child=NURSERY.forget)


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Has a process ended, or does it end now? Its children hear of it a moment before its parent does."""
    try:
        process.wait(MOMENT)
    except subprocess.TimeoutExpired:
        return False
    return True


@contextmanager
def forked(work: str, seconds: float) -> Iterator[Worker]:
    """A process forked from the nursery; it keeps to the time limit itself."""
    ordering, taking = socket.socketpair()
    reading, giving = os.pipe()
    told, telling = os.pipe()
    try:
        with ordering:
            with taking:
                try:
                    parent = NURSERY.begin(work, (taking.fileno(), giving, telling))
                finally:
                    os.close(giving)
                    os.close(telling)
            let_go = partial(ordering.shutdown, socket.SHUT_RDWR)
            ended = lambda: int(read_at_most(told, 8) or KILLED)  # noqa: E731
            yield Worker(ordering.sendall, reading, let_go, ended, partial(has_ended, parent))
    finally:
        os.close(reading)
        os.close(told)


@contextmanager
def started(work: str, seconds: float) -> Iterator[Worker]:
    """A process where there is no fork: started anew, and ended after so many seconds by the clock."""
    reading, writing = os.pipe()
    inherited, result = handed_on(writing)
    running = subprocess.Popen(
        [*COMMAND, work, result],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=surroundings(),
        **inherited,
    )
    os.close(writing)
    timer = threading.Timer(seconds, running.kill)
    timer.start()
    try:
        assert running.stdin is not None
        with running.stdin as stdin:
            order = lambda order: (stdin.write(order), stdin.flush())  # noqa: E731
            yield Worker(order, reading, running.kill, running.wait, lambda: False)
    finally:
        timer.cancel()
        running.kill()
        running.wait()
        os.close(reading)


def handed_on(writing: int) -> tuple[dict[str, Any], str]:
    """How a child inherits the end of a pipe (arguments of Popen), and the descriptor or handle it finds it by."""
    if sys.platform != "win32":
        return {"pass_fds": (writing,)}, str(writing)
    import msvcrt

    handle = msvcrt.get_osfhandle(writing)
    os.set_handle_inheritable(handle, True)
    return {"startupinfo": subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]})}, str(handle)


def received(result: str) -> int:
    """The descriptor of the pipe that was handed on."""
    if sys.platform != "win32":
        return int(result)
    import msvcrt

    return msvcrt.open_osfhandle(int(result), os.O_WRONLY)


def stop_all() -> None:
    """End every process that is marking, and let none begin."""
    STOPPED.set()
    for worker in list(RUNNING):
        with suppress(OSError):
            worker.end()
    with NURSERY.lock:
        NURSERY.end()
