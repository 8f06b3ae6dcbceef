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
            result = about() | benchmark.measure(arguments.peers, arguments.quick)
            print("\n".join([f"{name}: {json.dumps(result['setting'])}", *benchmark.lines(result), ""]), flush=True)
            if not arguments.quick:
                path = RESULTS / f"{result['date']}-{name}{'-peers' if arguments.peers else ''}.json"
                path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def about() -> dict[str, object]:
    """When, how and with what it was measured."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "versions": {"python": platform.python_version()} | found,
        "machine": {"processor": processor(), "cores": os.cpu_count(), "system": platform.system()},
        "data": load_mnist().source,
    }


def processor() -> str:
    """The processor's name, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    sys.exit(main())
