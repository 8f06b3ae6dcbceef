"""A stranger's code in a process of its own: it may loop, print, exit or crash, and only JSON comes back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

TIME_LIMIT = 20.0
"""Seconds for one file. Reading and judging take about one; the rest is the file's own."""


@dataclass(frozen=True)
class Order:
    """What a child is to check, and how much it is to say."""

    path: str
    name: str | None = None
    data: str | None = None
    everything: bool = False
    hints: bool = True
    verbose: bool = False
    settings: dict[str, str] = field(default_factory=dict)


def outcome_in_process(order: Order, limit: float = TIME_LIMIT) -> dict[str, Any]:
    """The result of checking a file: {"status", "lines", "report"}, or {"status", "error", "found", "missing"}.

    Errors: none of the child's; what went wrong there is in the result.
    """
    with tempfile.TemporaryDirectory(prefix="nnref-") as folder:
        result = Path(folder) / "result.json"
        # -P: a numpy.py beside the homework must not be taken for numpy.
        command = [sys.executable, "-P", "-m", "nnref.checking.homework.child", json.dumps(asdict(order)), str(result)]
        running = subprocess.Popen(
            command,
            cwd=Path(order.path).parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[3]), *paths()]), **QUIET},
            start_new_session=True,
        )
        try:
            running.wait(limit)
        except subprocess.TimeoutExpired:
            return failure(order, f"did not end within {limit:.0f} s. Is there a loop at module level or in forward?")
        finally:
            end_process(running)
        try:
            found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return failure(order, f"ended the process it was run in (status {running.returncode}) before it was read.")
        return found


QUIET = {"MPLBACKEND": "Agg", "TF_CPP_MIN_LOG_LEVEL": "3", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""No windows and no chatter; and one thread each, since many files are checked at once."""


def paths() -> list[str]:
    """The search path that the parent was started with."""
    return [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]


def end_process(running: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it started."""
    if os.name == "posix":
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
    elif running.poll() is None:
        running.kill()
    running.wait()


def failure(order: Order, says: str) -> dict[str, Any]:
    """The result where nothing could be judged."""
    return {"status": 2, "error": f"{Path(order.path).name} {says}", "found": [], "missing": []}


def main(order: str, result: str) -> None:
    """In the child: check the file and write what came of it."""
    found = outcome(Order(**json.loads(order)))
    Path(result).write_text(json.dumps(found), encoding="utf-8")
    os._exit(0)  # threads and exit handlers of the file have no say


def outcome(order: Order) -> dict[str, Any]:
    """The report of a file, or why there is none."""
    from nnref.checking.homework.npz import data_of_npz
    from nnref.checking.homework.watched_file import judged_file
    from nnref.checking.reading.candidates import Unread
    from nnref.checking.reading.source import SourceError

    warnings.simplefilter("ignore")
    try:
        given = data_of_npz(Path(order.data)) if order.data else None
        report = judged_file(Path(order.path), order.name, given, order.everything, order.settings)
    except Unread as error:
        return {"status": 2, "error": "", "found": error.found, "missing": error.missing}
    except (SourceError, OSError) as error:
        return {"status": 2, "error": str(error), "found": [], "missing": []}
    except Exception as error:  # a fault of ours: said as such, and no verdict
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}, line {where.lineno}"
        return failure(order, f"could not be judged: {type(error).__name__}: {error} ({place})")
    report = replace(report, hints=order.hints)
    return {"status": report.status, "lines": report.lines(order.verbose), "report": report.to_dict()}


if __name__ == "__main__":
    main(*sys.argv[1:])
