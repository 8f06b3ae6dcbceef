"""A stranger's code in a process of its own: it may loop, print, exit or crash, and only JSON comes back."""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from nnref.checking.homework import confinement, isolation
from nnref.checking.homework.judge import borne_out

TIME_LIMIT = 30.0
"""Processor seconds for one file. Most take one; a program with one value for each pixel of an image takes twenty."""


@dataclass(frozen=True)
class Order:
    """What a child process is to check, and how much detail its report has."""

    path: str
    name: str | None = None
    data: str | None = None
    everything: bool = False
    hints: bool = True
    verbose: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    sandbox: bool = False


def outcome_in_process(order: Order, limit: float = TIME_LIMIT) -> dict[str, Any]:
    """The result of checking a file: {"status", "lines", "report"}, or {"status", "error", "found", "missing"}.

    Errors: none; whatever goes wrong, in the child or here, is in the result.
    """
    try:
        found, status = isolation.result_of(asdict(order), limit, borne_out)
    except Exception as error:  # one file's trouble is no other's
        return failure(order, f"could not be read: {type(error).__name__}: {error}.")
    if found is not None:
        return found
    if status == confinement.TOO_LONG:
        loop = "Is there a loop at module level or in forward?"
        return failure(order, f"did not end within {limit:.0f} s of computing. {loop}")
    if status == confinement.ASLEEP:
        return failure(order, f"did nothing for {limit:.0f} s. Does it wait for something?")
    return failure(order, f"ended the process it was run in (status {status}) before it was read.")


def failure(order: Order, says: str) -> dict[str, Any]:
    """The result where nothing could be judged."""
    return {"status": 2, "error": f"{Path(order.path).name} {says}", "found": [], "missing": []}


OUT_OF_MEMORY = (
    f"takes more than the {confinement.MEMORY >> 30} GiB of memory that a file may take while each value of a step is "
    "kept: try it with smaller batches, fewer filters or fewer units, or with less data by --data"
)
"""What is said where the memory was used up."""


def out_of_memory(error: BaseException) -> bool:
    """Was an error caused by the limit on memory? Libraries that fail to load say so in words of their own."""
    return isinstance(error, MemoryError) or bool(re.search("failed to map segment|annot allocate memory", str(error)))


def outcome(order: Order) -> dict[str, Any]:
    """The report of a file, or why there is none."""
    from nnref.checking.homework.npz import data_of_npz
    from nnref.checking.homework.watched_file import judged_file
    from nnref.checking.reading.candidates import Unread
    from nnref.checking.reading.source import SourceError
    from nnref.checking.watching.traces.trace import packed

    warnings.simplefilter("ignore")
    try:
        given = data_of_npz(Path(order.data)) if order.data else None
        report = judged_file(Path(order.path), order.name, given, order.everything, order.settings)
    except Unread as error:
        return {"status": 2, "error": "", "found": error.found, "missing": error.missing}
    except (SourceError, OSError) as error:
        return {"status": 2, "error": str(error), "found": [], "missing": []}
    except Exception as error:  # a fault of nnref: reported as one, without a verdict
        if out_of_memory(error):
            return failure(order, OUT_OF_MEMORY)
        import traceback

        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}, line {where.lineno}"
        return failure(order, f"could not be judged: {type(error).__name__}: {error} ({place})")
    report = replace(report, hints=order.hints)
    found = {"status": report.status, "lines": report.lines(order.verbose), "report": report.to_dict()}
    if report.ok and (seen := report.watched or as_it_was_read(order, report, given)) is not None:
        found |= {"trace": packed(seen, report.notes), "read": report.watched is None}
    return found


def as_it_was_read(order: Order, report: Any, data: Any) -> Any:
    """The report on the reader's call as it was recorded; None if it made no call, or one that cannot be recorded."""
    from nnref.checking.homework.as_read import watched_as_read
    from nnref.checking.reading.source import read_source
    from nnref.checking.watching.watch import Watched

    if report.read is None or order.name is not None or isinstance(report.read, Watched):
        return report.read if order.name is None else None
    path = Path(order.path)
    with suppress(Exception):  # what cannot be watched is judged by its words
        return watched_as_read(path, read_source(path), report.read, order.everything, data)
    return None
