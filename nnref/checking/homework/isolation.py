"""One file in a process of its own, on a copy of its folder; its result comes back signed, through a pipe.

The marker reads nothing but that pipe, at most so many bytes of it, and takes only what has the signature and the form.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nnref.checking.homework import confinement

LARGEST = 16 << 20
"""Bytes of a result: more are not read."""

COPIED = 256 << 20
"""Bytes of a folder that are copied, small files first; what is left out is not there for the file."""

FILES_COPIED = 5000

TAG = 64
"""The first bytes of a result: the signature in hexadecimal."""

HARMLESS_IN_A_CELL = "'"
"""What stands before a cell that a spreadsheet would take for a formula."""

QUIET = {"MPLBACKEND": "Agg", "TF_CPP_MIN_LOG_LEVEL": "3", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""No windows and no chatter; and one thread each, since many files are checked at once."""

RUNNING: set[subprocess.Popen[bytes]] = set()
"""The processes that are marking now, to be ended where the marker is stopped."""

STOPPED = threading.Event()
"""Set once nothing more is to be marked."""


class Spoilt(Exception):
    """No result that can be trusted; says why."""


Judge = Callable[[dict[str, Any], Path, dict[str, Any]], dict[str, Any]]


def as_it_is(order: dict[str, Any], scratch: Path, found: dict[str, Any]) -> dict[str, Any]:
    """A result without a second opinion."""
    return found


def result_of(
    module: str, order: dict[str, Any], seconds: float, judge: Judge = as_it_is
) -> tuple[dict[str, Any] | None, int]:
    """The result that python -m module gives for an order, or None, and how the process ended.

    order["path"] and order["data"] are replaced by copies, in a folder that goes away; before it does, and after the
    process and all that it started have ended, judge(order, folder, result) gives the result that counts.
    """
    with tempfile.TemporaryDirectory(prefix="nnref-", ignore_cleanup_errors=True) as scratch:
        moved = copied(order, Path(scratch))
        key = secrets.token_hex(32)
        with (
            child(module, Path(moved["path"]).parent, Path(scratch)) as (running, reading),
            ended_after(running, seconds),
        ):
            with suppress(BrokenPipeError):
                running.stdin.write(json.dumps({"key": key, "scratch": scratch, "seconds": seconds} | moved).encode())
                running.stdin.close()
            raw = read_at_most(reading, LARGEST)
            if len(raw) > LARGEST:
                running.kill()
            status = running.wait()
        found = trusted(raw, key)
        return None if found is None else judge(order, Path(scratch), found), status


@contextmanager
def child(module: str, folder: Path, scratch: Path) -> Iterator[tuple[Any, int]]:
    """A process with the end of a pipe to write its result to; ended with all that it started."""
    reading, writing = os.pipe()
    inherited, result = handed_on(writing)
    running = subprocess.Popen(
        [sys.executable, "-P", "-m", module],  # -P: a numpy.py beside the homework must not be taken for numpy
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=surroundings(scratch) | {"NNREF_RESULT": result},
        start_new_session=True,
        **inherited,
    )
    os.close(writing)
    try:
        with among_running(running):
            yield running, reading
    finally:
        os.close(reading)


def surroundings(scratch: Path) -> dict[str, str]:
    """The environment of a process that judges: nnref from where it is, and a folder of its own for what it leaves."""
    search = [str(Path(__file__).parents[3]), *(p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p)]
    own = {"TMPDIR": str(scratch), "MPLCONFIGDIR": str(scratch), "PYTHONPATH": os.pathsep.join(search)}
    return os.environ | QUIET | own


@contextmanager
def among_running(running: subprocess.Popen[bytes]) -> Iterator[None]:
    """A process that is ended with the marker, and at the end of this."""
    RUNNING.add(running)
    try:
        if STOPPED.is_set():
            running.kill()
        yield
    finally:
        running.kill()
        running.wait()
        RUNNING.discard(running)


def handed_on(writing: int) -> tuple[dict[str, Any], str]:
    """How a child is given the end of a pipe, and what it is told to find it by: a descriptor, on Windows a handle."""
    if sys.platform != "win32":
        return {"pass_fds": (writing,)}, str(writing)
    import msvcrt

    handle = msvcrt.get_osfhandle(writing)
    os.set_handle_inheritable(handle, True)
    return {"startupinfo": subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]})}, str(handle)


def received(result: str) -> int:
    """The descriptor of the pipe that the parent handed on."""
    if sys.platform != "win32":
        return int(result)
    import msvcrt

    return msvcrt.open_osfhandle(int(result), os.O_WRONLY)


@contextmanager
def ended_after(running: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    """End a process after so many seconds by the clock, where it cannot watch over itself for want of fork."""
    timer = threading.Timer(seconds, running.kill)
    if not hasattr(os, "fork"):
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def stop_all() -> None:
    """End every process that is marking, and let none begin."""
    STOPPED.set()
    for running in list(RUNNING):
        running.kill()


def read_at_most(reading: int, limit: int) -> bytes:
    """What comes through a pipe until its end, and one byte more than the limit at most."""
    parts, left = [], limit + 1
    while left and (part := os.read(reading, min(left, 1 << 16))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def signed(key: str, body: bytes) -> bytes:
    """A result with its signature before it."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest().encode() + body


def trusted(raw: bytes, key: str) -> dict[str, Any] | None:
    """The result, if it has the signature and the form that a result has; else None."""
    if len(raw) > LARGEST or not hmac.compare_digest(signed(key, raw[TAG:])[:TAG], raw[:TAG]):
        return None
    try:
        found = json.loads(raw[TAG:])
    except (ValueError, RecursionError):
        return None
    return found if formed(found) else None


def formed(found: Any) -> bool:
    """Whether a result has the fields that the marker reads, of their types, and its status follows from its report."""
    if not isinstance(found, dict) or found.get("status") not in (0, 1, 2, 3):
        return False
    if "report" not in found:
        texts = (found.get("found"), found.get("missing"))
        return found["status"] >= 2 and isinstance(found.get("error"), str) and all(map(all_text, texts))
    report = found["report"]
    return (
        isinstance(report, dict)
        and all_text(found.get("lines"))
        and isinstance(report.get("ok"), bool)
        and report["ok"] == (found["status"] == 0)
        and all(isinstance(report.get(name), list) for name in ("mistakes", "entries"))
        and all(isinstance(part, dict) for name in ("mistakes", "entries") for part in report[name])
    )


def all_text(value: Any) -> bool:
    """Whether a value is a list of texts."""
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def copied(order: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """The order with its file, and data, in a copy of the file's folder. What the file writes is written there."""
    path = Path(order["path"]).resolve()
    base = above(path)
    place = scratch / "above" / path.relative_to(base).parent
    place.mkdir(parents=True)
    shutil.copyfile(path, place / path.name)
    own = [(source, path.parent.relative_to(base) / inside) for source, inside in beside(path.parent)]
    left = COPIED
    for source, inside in [*own, *((source, source.relative_to(base)) for source in modules_in(base))]:
        target = scratch / "above" / inside
        with suppress(OSError):
            size = source.stat().st_size
            if size <= left and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
                left -= size
    if not order.get("data"):
        return order | {"path": str(place / path.name)}
    data = scratch / "data" / Path(order["data"]).name
    data.parent.mkdir()
    shutil.copyfile(order["data"], data)
    return order | {"path": str(place / path.name), "data": str(data)}


def above(path: Path) -> Path:
    """The folder from which a file's imports may come: that above its own, and above the package that this is in."""
    folder = path.parent if (path.parent / "__init__.py").is_file() else path.parent.parent
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder = folder.parent
    return folder


def beside(folder: Path) -> list[tuple[Path, Path]]:
    """The ordinary files below a folder with their places in it, the smallest first: no pipes, devices or links out."""
    found: list[tuple[int, Path, Path]] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__")) and name not in LEFT_OUT]
        for name in names:
            path = Path(parent) / name
            with suppress(OSError):
                if path.is_file() and not path.is_symlink():
                    found.append((path.stat().st_size, path, path.relative_to(folder)))
        if len(found) > FILES_COPIED:
            break
    return [(path, inside) for _, path, inside in sorted(found)[:FILES_COPIED]]


LEFT_OUT = frozenset({"node_modules", "site-packages", "venv", "env"})
"""Folders that are no part of a homework."""


def modules_in(base: Path) -> list[Path]:
    """The modules in a folder and in those below it, the nearest first: `../common/layers.py` may be imported too."""
    found: list[Path] = []
    folders = [(base, 0)]
    looked = 0
    while folders and len(found) < MODULES and looked < ENTRIES_SEEN:
        folder, depth = folders.pop(0)
        with suppress(OSError):
            for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
                looked += 1
                hidden = entry.name.startswith((".", "__pycache__")) or entry.name in LEFT_OUT
                if entry.is_dir(follow_symlinks=False) and not hidden and depth < DEEPEST:
                    folders.append((Path(entry), depth + 1))
                elif entry.name.endswith(".py") and entry.is_file(follow_symlinks=False):
                    found.append(Path(entry))
    return found[:MODULES]


MODULES, ENTRIES_SEEN, DEEPEST = 500, 5000, 2
"""Modules that are copied from around a file's folder, entries that are looked at for them, and how far down."""


def answer(outcome: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """In the child: take the order from stdin, judge the file apart from this process, and send what came of it."""
    order = json.loads(sys.stdin.buffer.read())
    key, scratch, seconds = (order.pop(name) for name in ("key", "scratch", "seconds"))
    pipe = received(os.environ.pop("NNREF_RESULT"))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    confinement.dies_with_parent(9)
    # Names of this function: what the file puts in their place in the modules is not what is called here.
    send, sign, dumps, known, compare = os.write, signed, json.dumps, originals, tampered

    def file() -> None:
        os.set_inheritable(pipe, False)
        before = known()
        found = outcome(order)
        leave(Path(scratch) / TRACE, found.pop("trace", None))
        if altered := compare(before):
            name = Path(order["path"]).name
            found = {"status": 2, "found": [], "missing": []}
            found["error"] = f"{name} changed {altered}, which marks it: not judged."
        raw = sign(key, dumps(found).encode())
        while raw:
            raw = raw[send(pipe, raw) :]
        os._exit(0)  # threads and exit handlers of the file have no say

    try:
        status = confinement.confined(Path(scratch), seconds, bool(order.pop("sandbox", False)), file)
    except OSError as error:
        body = dumps({"status": 2, "error": str(error), "found": [], "missing": []}).encode()
        send(pipe, sign(key, body))
        status = 0
    os._exit(status if 0 <= status < 256 else 1)


TRACE = "trace"
"""The name of the file in the scratch folder that holds what was recorded."""


def leave(place: Path, trace: bytes | None) -> None:
    """Leave what was recorded for a second opinion; nothing, where it is larger than a file may be."""
    try:
        if trace is not None:
            place.write_bytes(trace)
    except OSError:
        place.unlink(missing_ok=True)


def originals() -> dict[tuple[str, ...], Any]:
    """What judges: every function and class of nnref, numpy, json, hmac and Python itself, by where it is found."""
    found: dict[tuple[str, ...], Any] = {}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in JUDGES and module is not None:
            for attribute, value in list(vars(module).items()):
                if callable(value):
                    found[(name, attribute)] = value
                    found |= parts(name, attribute, value)
    return found


def parts(name: str, attribute: str, value: Any) -> dict[tuple[str, ...], Any]:
    """The code of a function, and the methods of a class of nnref."""
    if not name.startswith("nnref"):
        return {}
    if isinstance(value, type):
        return {(name, attribute, key): part for key, part in vars(value).items() if callable(part) or key == "ok"}
    return {(name, attribute, "__code__"): code} if (code := getattr(value, "__code__", None)) else {}


def tampered(before: dict[tuple[str, ...], Any]) -> str:
    """The name of something that judges and is no longer what it was; "" if all is."""
    for (name, attribute, *rest), value in before.items():
        now = vars(sys.modules.get(name, object)).get(attribute) if name in sys.modules else None
        if rest:
            now = now.__dict__.get(rest[0]) if isinstance(now, type) else getattr(now, rest[0], None)
        if now is not value:
            return ".".join((name, attribute, *rest))
    return ""


JUDGES = frozenset({"nnref", "numpy", "json", "hmac", "builtins", "math"})
"""The packages whose functions decide a verdict."""


def plain(text: Any) -> str:
    """A text in which nothing moves the cursor, colours, ends the line or turns the direction of writing."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def cell(value: Any) -> Any:
    """A value for a table that a spreadsheet shows, and does not compute."""
    if not isinstance(value, str):
        return value
    shown = plain(value)
    return HARMLESS_IN_A_CELL + shown if shown[:1] in ("=", "+", "-", "@") else shown
