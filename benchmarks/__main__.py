"""python -m benchmarks: measure beside others, print the tables, and keep them with date, versions and command."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import checkers, exhaustive, start, startup, training
from nnref.running.data import load_mnist

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("numpy", "tensorflow", "keras", "torch", "jax", "scikit-learn", "autograd")
BENCHMARKS = {
    "startup": startup,
    "training": training,
    "exhaustive": exhaustive,
    "start": start,
    "checkers": checkers,
}
QUIET = 1.5
"""A load above which the figures say more of the machine's other work than of what is measured."""


def main() -> int:
    """Exit 0: a benchmark measures and judges nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--peers", action="store_true", help="PyTorch and JAX too")
    parser.add_argument("--quick", action="store_true", help="few rounds, and nothing is kept")
    parser.add_argument("--only", choices=BENCHMARKS, help="one of them")
    arguments = parser.parse_args()
    print(quietness(load()))
    for name, benchmark in BENCHMARKS.items():
        if arguments.only in (None, name):
            before = load()
            measured = benchmark.measure(arguments.peers, arguments.quick)
            table = {"columns": list(benchmark.COLUMNS), "rows": benchmark.rows(measured)}
            loads = {"load_before": before, "load_after": load(), "quiet": quietness(before)}
            result = loads | about() | table | measured
            show(name, result)
            if not arguments.quick:
                path = RESULTS / f"{result['made']}-{'peers-' if arguments.peers else ''}{name}.json"
                path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def show(name: str, result: dict[str, Any]) -> None:
    """The table, and what was measured."""
    table = Table(*result["columns"], title=name, caption=f"{json.dumps(result['setting'])} {result['quiet']}")
    for row in result["rows"]:
        table.add_row(*row)
    Console().print(table)


def about() -> dict[str, Any]:
    """When, how and with what it was measured."""
    return {
        "made": today(),
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "versions": versions(),
        "machine": {"processor": processor(), "cores": os.cpu_count(), "load": load()},
        "data": load_mnist().source,
    }


def today() -> str:
    """The date, as results are named."""
    return datetime.now(UTC).strftime("%Y-%m-%d")


def versions() -> dict[str, str | None]:
    """Python and the packages that are measured; None for one that is not there."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def quietness(load: float | None) -> str:
    """Whether the machine was quiet enough for the figures to be believed."""
    if load is None:
        return "The load of this machine is not known."
    busy = f"NOT QUIET: {load} programs wanted a core during the last minute; times of memory-bound work are too long."
    return busy if load > QUIET else f"quiet: load {load}"


def load() -> float | None:
    """How many programs wanted a core during the last minute, where the system tells it."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def processor() -> str:
    """The processor's name, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    sys.exit(main())
