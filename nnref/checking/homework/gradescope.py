"""The result of one file as Gradescope reads it: one test for each parameter, each with its share of the points."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nnref.checking.homework.isolation import printable

POINTS = 1.0
"""Points for each parameter's gradient, and for the loss: Gradescope scales them."""


def write_results(out: Path, found: dict[str, Any], said: list[str], hints: bool) -> None:
    """Write results.json. Without hints a student sees which parameter is wrong, and not why."""
    out.write_text(json.dumps(results(found, said, hints), indent=1), encoding="utf-8")


def results(found: dict[str, Any], said: list[str], hints: bool) -> dict[str, Any]:
    """One test for each parameter (right, wrong or undecided), and one for the loss; none for an unread file."""
    report = found.get("report")
    output = "\n".join(map(printable, said)) if hints or report is None else ""
    if report is None:
        return {"score": 0, "output": output, "tests": []}
    tests = [test(f"d{entry['name']}", *share_right(entry)) for entry in report["entries"]]
    if report.get("same_loss") is not None:
        tests.append(test("the loss is the one that was asked for", float(report["same_loss"]), ""))
    return {"output": output, "tests": tests}


def share_right(entry: dict[str, Any]) -> tuple[float, str]:
    """The share of a parameter's entries that are right, and what is said of the others. What is undecided earns 0."""
    checked, wrong, unclear = (int(entry.get(name) or 0) for name in ("checked", "wrong", "cannot_tell"))
    if not checked:
        return 0.0, "nothing could be checked"
    says = f"{wrong} of {checked} entries are wrong" if wrong else f"{unclear} of {checked} cannot be decided"
    return (checked - wrong - unclear) / checked, says if wrong or unclear else ""


def test(name: str, share: float, says: str) -> dict[str, Any]:
    """One test with partial credit."""
    passed = "passed" if share == 1 else "failed"
    return {"name": name, "score": share * POINTS, "max_score": POINTS, "status": passed, "output": says}
