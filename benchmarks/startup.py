"""How long until something happens: import, --help, and the check of a small file, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

EXAMPLE = Path(__file__).parent.parent / "examples" / "rows_functions.py"
WORK = {
    "python alone": ["-c", "pass"],
    "import numpy": ["-c", "import numpy"],
    "import nnref": ["-c", "import nnref"],
    "nnref --help": ["-m", "nnref", "--help"],
    "nnref check of a small file": ["-m", "nnref", "check", str(EXAMPLE)],
}
COLUMNS = ("start-up", "CPU s", "wall s", "CPU / import numpy")


def measure(peers: bool, quick: bool) -> dict[str, Any]:
    """Medians of interleaved rounds; bytecode is there from a round that does not count."""
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in WORK}
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for k in range(4 if quick else 12):
        for name, arguments in WORK.items():
            began = perf_counter()
            command, nowhere = [sys.executable, *arguments], subprocess.DEVNULL
            child = subprocess.Popen(command, env=env, stdout=nowhere, stderr=nowhere)
            _, _, usage = os.wait4(child.pid, 0)
            child.returncode = 0
            if k:
                rounds[name].append((usage.ru_utime + usage.ru_stime, perf_counter() - began))
    found = {name: {"cpu": median(c for c, _ in r), "wall": median(w for _, w in r)} for name, r in rounds.items()}
    return {"setting": {"rounds": 3 if quick else 11}, "implementations": found}


def rows(result: dict[str, Any]) -> list[list[str]]:
    """A row each."""
    numpy = result["implementations"]["import numpy"]["cpu"]
    return [
        [name, f"{m['cpu']:.3f}", f"{m['wall']:.3f}", f"{m['cpu'] / numpy:.2f}"]
        for name, m in result["implementations"].items()
    ]
