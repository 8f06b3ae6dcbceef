"""The process that judges: it takes one order, runs it in a child process, signs the result, and ends.

    python -P -m nnref.checking.homework.worker 3           the nursery: forks a worker for each order that comes
    python -P -m nnref.checking.homework.worker run 5       one worker, where there is no fork

A worker is three processes (see confinement). The file runs in the last, and only its pipe leads back.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from nnref.checking.homework import child, confinement, judge, tampering
from nnref.checking.homework.isolation import signed
from nnref.checking.homework.nursery import received


def outcome_of_run(order: dict[str, Any]) -> dict[str, Any]:
    """The result of running a file; what was recorded of it lies in the scratch folder."""
    scratch = Path(order.pop("scratch"))
    found = child.outcome(child.Order(**order))
    leave(scratch / judge.TRACE, found.pop("trace", None))
    return found


def leave(place: Path, trace: bytes | None) -> None:
    """Write the recording for the second opinion; not if it is larger than the limit on files."""
    try:
        if trace is not None:
            place.write_bytes(trace)
    except OSError:
        place.unlink(missing_ok=True)


WORKS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"run": outcome_of_run, "again": judge.second_opinion}
"""What is done with an order: the file is run and judged, or what was recorded of it is judged again."""


OFTEN = ("numpy.random", "scipy.special", "nnref.running.data")
"""Modules that most files make a worker import. The nursery imports them once SEVERAL files have come, and not for
one."""

RARELY = (20_000, 10, 10)
"""Thresholds of the garbage collector in a worker: high, as recordings are long and hold no reference cycles."""

SEVERAL = 2
"""Files from which on the nursery imports OFTEN."""


def nursery(control: socket.socket) -> NoReturn:
    """Fork a worker for each order until nobody can send one."""
    before, files = tampering.originals(), 0
    gc.collect()
    gc.freeze()
    while True:
        word, pipes, *_ = socket.recv_fds(control, 1, 3)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not word:
            os._exit(0)
        files += word == b"r"
        if files == SEVERAL:
            for module in OFTEN:
                with suppress(ImportError):
                    import_module(module)
        if os.fork() == 0:
            control.close()
            confinement.dies_with_parent(signal.SIGKILL)
            os.setsid()
            taking, giving, telling = pipes
            work = next(work for work in WORKS if work.startswith(word.decode()))
            status = answer_order(work, order_from_pipe(taking), before, giving, (taking, telling))
            os.write(telling, str(status).encode())
            os._exit(0)
        for pipe in pipes:
            os.close(pipe)


def order_from_pipe(taking: int) -> dict[str, Any]:
    """The order: one line, after which the pipe stays open."""
    raw = b""
    while not raw.endswith(b"\n"):
        part = os.read(taking, 1 << 16)
        if not part:
            os._exit(1)
        raw += part
    order: dict[str, Any] = json.loads(raw)
    return order


def answer_order(
    work: str, order: dict[str, Any], before: dict[tuple[str, ...], Any], giving: int, ours: tuple[int, ...] = ()
) -> int:
    """Do the work of an order in processes of its own, and write the signed result; how they ended.

    before is what tampering.originals gave. The descriptors in ours are closed where the file runs; when the other side
    of the first is closed, everything is ended.
    """
    key, seconds, sandbox = order.pop("key"), order.pop("seconds"), bool(order.get("sandbox", False))
    scratch = Path(order["scratch"])
    surrounded(order.pop("environ"), Path(order["path"]).parent if work == "run" else scratch)
    # Local names: a file that replaces these functions in their modules does not change what is called here.
    send, sign, dumps, compare = os.write, signed, json.dumps, tampering.tampered

    def file() -> None:
        for pipe in ours:
            os.close(pipe)
        gc.set_threshold(*RARELY)
        found = WORKS[work](order)
        if work == "run" and (altered := compare(before)):  # no file runs where a recording is judged again
            said = f"{Path(order['path']).name} changed {altered}, which marks it: not judged."
            found = {"status": 2, "error": said, "found": [], "missing": []}
        raw = sign(key, dumps(found).encode())
        while raw:
            raw = raw[send(giving, raw) :]
        os._exit(0)  # threads and exit handlers of the file have no say

    try:
        return confinement.confined(scratch, seconds, sandbox, file, *ours[:1])
    except OSError as error:
        send(giving, sign(key, dumps({"status": 2, "error": str(error), "found": [], "missing": []}).encode()))
        return 0


def surrounded(environ: dict[str, str], folder: Path) -> None:
    """Set the environment and the folder that the order names, and close standard input and output."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    tempfile.tempdir = None


def main() -> None:
    """The nursery on a socket, or one worker with its order on stdin."""
    from nnref.checking.homework import npz, watched_file  # noqa: F401  what judges is known before a file runs
    from nnref.checking.watching.traces import (
        replay,  # noqa: F401
        trace,  # noqa: F401
    )

    if len(sys.argv) == 2:
        nursery(socket.socket(fileno=int(sys.argv[1])))
    work, giving = sys.argv[1], received(sys.argv[2])
    status = answer_order(work, order_from_pipe(0), tampering.originals(), giving)
    sys.exit(status if 0 <= status < 256 else 1)


if __name__ == "__main__":
    main()
