"""The second opinion: what comes out right is judged again in a process that never runs the file.

The process that ran the file sends what its lines computed, operation by operation, and this one computes it again from
the leaves, beside the file as it lies on the disk. Only if it finds everything right too is the file right: whatever a
file does to the process that it is run in, to numpy, to nnref or to the result there, is not seen here.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from nnref.checking.homework import isolation
from nnref.checking.homework.copying import folder_of_imports
from nnref.checking.watching.world import packages

TRACE = "trace"
"""The name of the file in the scratch folder that holds what was recorded."""

SECONDS = 30.0
"""Processor time for a second opinion: a second for most steps, a dozen for those of tens of thousands of values."""


def borne_out(order: dict[str, Any], scratch: Path, found: dict[str, Any]) -> dict[str, Any]:
    """A result, where it says right as the second process finds it; what is not right needs no second opinion."""
    path = Path(order["path"])
    if found["status"] != 0 or path.suffix == ".npz":  # arrays are no code
        return found
    asked = {name: order[name] for name in ("path", "name", "hints", "verbose")} | {"traced": str(scratch)}
    asked["given"] = bool(order.get("data"))
    with tempfile.TemporaryDirectory(prefix="nnref-") as empty:  # nothing that the file wrote is near
        said, ended = isolation.answer_of("again", asked, Path(empty), SECONDS, is_second_opinion)
    if said is None:
        said = {"fault": f"judging it again ended with status {ended}"}
    if "fault" not in said:
        return found if found.get("read") and of_one_mind(found, said) else said
    if not said["fault"]:
        return found
    error = f"{path.name} is right where it ran, and from what was recorded alone it cannot be told: {said['fault']}."
    return {"status": 2, "error": isolation.printable(error), "found": [], "missing": []}


def of_one_mind(found: dict[str, Any], said: dict[str, Any]) -> bool:
    """May the result of the process that ran the file be kept? Both are of as many parameters, and all are right."""
    theirs, ours = found["report"]["entries"], said["report"]["entries"]
    return len(theirs) == len(ours) and all(entry.get("verdict") == "ok" for entry in theirs)


def is_second_opinion(said: Any) -> bool:
    """Is this a second opinion: a fault, or a result?"""
    return (isinstance(said, dict) and isinstance(said.get("fault"), str)) or isolation.is_result(said)


def judged_again(
    path: Path, name: str | None, scratch: Path, hints: bool, verbose: bool, given: bool
) -> dict[str, Any]:
    """The result of what was recorded of a file; {"fault": …} where it bears none, "" if nothing speaks against it."""
    from nnref.checking.homework.reach import belonging, fault_of_files
    from nnref.checking.reading.source import read
    from nnref.checking.watching.telling.report import certificate
    from nnref.checking.watching.traces.places import Places
    from nnref.checking.watching.traces.replay import watched_again
    from nnref.checking.watching.traces.trace import unpacked

    recorded = scratch / TRACE
    if name is not None or not recorded.is_file():
        return {"fault": fault_of_files(path)}
    source, trace = read(path), unpacked(recorded.read_bytes())
    own = belonging(path)
    places = Places(path, source, partial(original, path=path, scratch=scratch, own=own), given)
    seen, fault = watched_again(trace, source, places)
    if seen is None or fault or not seen.steps:
        return {"fault": fault or "no step of it can be judged"}
    # What is said beside the verdict are the words of the process that ran the file: they decide nothing.
    report = replace(certificate(seen, mend=False), hints=hints, notes=tuple(map(isolation.printable, trace["notes"])))
    if report.status != 0:
        return {"fault": "computed again, it is not right"}
    return {"status": 0, "lines": report.lines(verbose), "report": report.to_dict()}


def original(file: str, path: Path, scratch: Path, own: set[Path]) -> Path | None:
    """The file of which this is the copy, if it belongs to the one that is judged, or what a course has; else None."""
    if packages.COURSES in Path(file).parents:
        return Path(file)
    base, copies = folder_of_imports(path), scratch / "above"
    for root in (copies, copies.resolve()):
        if Path(file).is_relative_to(root):
            found = base / Path(file).relative_to(root)
            return found if found.resolve() in own else None
    return None


def answer(order: dict[str, Any]) -> dict[str, Any]:
    """The second opinion, in a process of its own; a fault, where what was recorded is no trace."""
    try:
        path, traced = Path(order["path"]), Path(order["traced"])
        return judged_again(path, order["name"], traced, order["hints"], order["verbose"], order["given"])
    except MemoryError:
        return {"fault": "what was recorded is too large; try it with less data, or with --data"}
    except Exception as error:  # a trace that anybody may have written
        return {"fault": f"what was recorded cannot be read ({type(error).__name__}: {error})"}
