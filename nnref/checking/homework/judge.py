"""The second opinion: a file that comes out right is judged again, in a process that never runs it.

The process that ran the file sends what its lines computed, operation by operation. This one computes all of it again
from the inputs, and compares the operations with the lines of the file on the disk. The file is right only if both
processes find it so: what a file does to numpy, to nnref or to the result in its own process has no effect here.
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
"""Processor seconds for a second opinion. Most steps take one; a step of tens of thousands of values takes a dozen."""


def borne_out(order: dict[str, Any], scratch: Path, found: dict[str, Any]) -> dict[str, Any]:
    """The result; where it says right, as the second process finds it. What is not right needs no second opinion."""
    path = Path(order["path"])
    if found["status"] != 0 or path.suffix == ".npz":  # arrays are no code
        return found
    asked = {name: order[name] for name in ("path", "name", "hints", "verbose")} | {"traced": str(scratch)}
    asked["given"] = bool(order.get("data"))
    with tempfile.TemporaryDirectory(prefix="nnref-") as empty:  # a folder that holds nothing the file wrote
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
    """Do both processes judge the same number of parameters, and find all of them right?"""
    theirs, ours = found["report"]["entries"], said["report"]["entries"]
    return len(theirs) == len(ours) and all(entry.get("verdict") == "ok" for entry in theirs)


def is_second_opinion(said: Any) -> bool:
    """Is this a second opinion: a fault, or a result?"""
    return (isinstance(said, dict) and isinstance(said.get("fault"), str)) or isolation.is_result(said)


def judged_again(
    path: Path, name: str | None, scratch: Path, hints: bool, verbose: bool, given: bool
) -> dict[str, Any]:
    """The result for a file's recording; else {"fault": why}, "" if there is no recording and the file is harmless."""
    from nnref.checking.homework.reach import belonging, fault_of_files
    from nnref.checking.reading.source import read_source
    from nnref.checking.watching.telling.report import certificate
    from nnref.checking.watching.traces.places import Places
    from nnref.checking.watching.traces.replay import watched_again
    from nnref.checking.watching.traces.trace import unpacked

    recorded = scratch / TRACE
    if name is not None or not recorded.is_file():
        return {"fault": fault_of_files(path)}
    source, trace = read_source(path), unpacked(recorded.read_bytes())
    own = belonging(path)
    places = Places(path, source, partial(original, path=path, scratch=scratch, own=own), given)
    seen, fault = watched_again(trace, source, places)
    if seen is None or fault or not seen.steps:
        return {"fault": fault or "no step of it can be judged"}
    # The notes beside the verdict come from the process that ran the file; they decide nothing.
    report = replace(certificate(seen, mend=False), hints=hints, notes=tuple(map(isolation.printable, trace["notes"])))
    if report.status != 0:
        return {"fault": "computed again, it is not right"}
    return {"status": 0, "lines": report.lines(verbose), "report": report.to_dict()}


def original(file: str, path: Path, scratch: Path, own: set[Path]) -> Path | None:
    """The original of a copied file, if it is part of the judged program or a course's own module; else None."""
    if packages.COURSES in Path(file).parents:
        return Path(file)
    base, copies = folder_of_imports(path), scratch / "above"
    for root in (copies, copies.resolve()):
        if Path(file).is_relative_to(root):
            found = base / Path(file).relative_to(root)
            return found if found.resolve() in own else None
    return None


def second_opinion(order: dict[str, Any]) -> dict[str, Any]:
    """Work of the judging process: the second opinion on a trace, or a fault where the recording is not a valid one."""
    try:
        path, traced = Path(order["path"]), Path(order["traced"])
        return judged_again(path, order["name"], traced, order["hints"], order["verbose"], order["given"])
    except MemoryError:
        return {"fault": "what was recorded is too large; try it with less data, or with --data"}
    except Exception as error:  # the trace is untrusted: the file may have written it
        return {"fault": f"what was recorded cannot be read ({type(error).__name__}: {error})"}
