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

from benchmarks import checkers, training
from nnref.running.data import load_mnist

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("numpy", "tensorflow", "keras", "torch", "jax")
BENCHMARKS = {"training": training, "checkers": checkers}


def main() -> int:
    """Exit 0: a benchmark measures and judges nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--peers", action="store_true", help="PyTorch and JAX too")
    parser.add_argument("--quick", action="store_true", help="few rounds, and nothing is kept")
    parser.add_argument("--only", choices=BENCHMARKS, help="one of them")
    arguments = parser.parse_args()
    for name, benchmark in BENCHMARKS.items():
        if arguments.only in (None, name):
            measured = benchmark.measure(arguments.peers, arguments.quick)
            table = {"columns": list(benchmark.COLUMNS), "rows": benchmark.rows(measured)}
            result = about() | table | measured
            show(name, result)
            if not arguments.quick:
                path = RESULTS / f"{result['made']}-{'peers-' if arguments.peers else ''}{name}.json"
                path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def show(name: str, result: dict[str, Any]) -> None:
    """The table, and what was measured."""
    table = Table(*result["columns"], title=name, caption=json.dumps(result["setting"]))
    for row in result["rows"]:
        table.add_row(*row)
    Console().print(table)


def about() -> dict[str, Any]:
    """When, how and with what it was measured."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return {
        "made": datetime.now(UTC).strftime("%Y-%m-%d"),
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "versions": {"python": platform.python_version()} | found,
        "machine": {"processor": processor(), "cores": os.cpu_count(), "load": load()},
        "data": load_mnist().source,
    }


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
