"""Measurements of kernels: tables from the dated results, and the output of the listings where they ran."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from press.sources import ROOT

RESULTS = ROOT / "benchmarks" / "results"

DTYPES = ("float32", "float16", "bfloat16")


def latest(pattern: str) -> dict[str, Any] | None:
    """The newest result of a name, if there is one."""
    found = sorted(RESULTS.glob(pattern))
    return json.loads(found[-1].read_text(encoding="utf-8")) if found else None


def measured(_: str = "") -> str:
    """The errors of PyTorch's own backward passes, in units of the allowed rounding: a table for each device."""
    parts = [table(result, rows) for result, rows in results()]
    return "\n\n".join(parts) or '<p class="missing">No kernel has been measured yet.</p>'


def results() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The newest result of the CPU, then that of a GPU, each with its rows of right kernels."""
    found = []
    if here := latest("*-kernels.json"):
        found.append((here, here["right"]))
    if there := latest("*-kernels-cuda.json"):
        found.append((there, there["parts"].get("right", {}).get("right", {})))
    return found


def table(result: dict[str, Any], rows: dict[str, Any]) -> str:
    """One device's table: an operation a line, the worst share in each dtype."""
    names = list(dict.fromkeys(name.rsplit(" ", 1)[0] for name in rows))
    lines = ["| operation | " + " | ".join(DTYPES) + " |", "|---|" + "---|" * len(DTYPES)]
    for name in names:
        cells = [share(rows.get(f"{name} {dtype}")) for dtype in DTYPES]
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
    checked = sum(row["checked"] for row in rows.values())
    alarms = sum(row["wrong"] + row["cannot tell"] for row in rows.values())
    where = f"{result['device']}, PyTorch {result['torch']}, {result['made']}"
    return "\n".join(lines) + f"\n\n{where}: {checked} drawn shapes, {alarms} not called right."


def share(row: dict[str, Any] | None) -> str:
    """The worst share of one operation in one dtype, and how many shapes were drawn."""
    return f"{max(row['worst'].values()):.2g}" if row and row["worst"] else ""


def planted(_: str = "") -> str:
    """The outcomes of the planted mistakes, one column each."""
    result = latest("*-kernels.json")
    if result is None:
        return '<p class="missing">No mistake has been planted in a kernel yet.</p>'
    lines = ["| mistake | " + " | ".join(DTYPES) + " |", "|---|" + "---|" * len(DTYPES)]
    outcomes = result["planted"]
    for name in outcomes[DTYPES[0]]:
        lines.append(f"| {name} | {' | '.join(outcomes[dtype].get(name, '') for dtype in DTYPES)} |")
    return "\n".join(lines)


def example(name: str) -> str:
    """The output of a listing, with the device and the date of its run."""
    for pattern in ("*-kernels.json", "*-kernels-cuda.json"):
        result = latest(pattern)
        if result and name in result.get("examples", {}):
            said = f"On {result['device']}, {result['made']}:"
            return f"{said}\n\n```console\n$ python {Path(name).name}\n{result['examples'][name].rstrip()}\n```"
    return f'<p class="missing">{Path(name).name} has not been run for this build: it needs a device.</p>'
