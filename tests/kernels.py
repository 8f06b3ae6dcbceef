"""python -m tests.kernels: PyTorch's own backward passes at drawn shapes, right and with mistakes planted in them.

Prints how many right ones were called wrong or could not be told, how many planted ones were caught, and how many were
named, and writes a dated JSON that the site prints. A thousand shapes take about six minutes on one core.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np

import nnref
from tests.support import planted_kernels, torch_kernels

DTYPES = ("float32", "float16", "bfloat16")

ROOT = Path(__file__).parent.parent

RESULTS = ROOT / "benchmarks" / "results"


def right(shapes, seed, show=print):
    """PyTorch's own backward passes at drawn shapes: a row of figures for each operation and dtype."""
    import torch

    ops, found = torch_kernels.operations(torch), {}
    for k in range(shapes):
        kernel, dtype = ops[k % len(ops)], DTYPES[(k + 2 * (k // len(ops))) % len(DTYPES)]
        given = kernel.draw(np.random.default_rng([seed, k]), dtype)
        report = nnref.check_vjp(kernel.f, given, accumulate=kernel.accumulate(dtype))
        none = {"checked": 0, "wrong": 0, "cannot tell": 0, "by differences": 0, "worst": {}}
        row = found.setdefault(f"{kernel.name} {dtype}", none)
        row["checked"] += 1
        row["wrong"] += bool(report.wrong)
        row["cannot tell"] += bool(report.cannot_tell) and not report.wrong
        row["by differences"] += not hasattr(report, "shares")
        for name, share in getattr(report, "shares", {}).items():
            row["worst"][name] = round(max(share, row["worst"].get(name, 0.0)), 3)
        if not report.ok:
            show(f"draw {k}: {kernel.name} {dtype} {[tuple(A.shape) for A in given]}\n{report}")
    return found


def said(report):
    """All that a report says of what is not right."""
    findings = [finding.says for entry in report.entries for finding in entry.where]
    return " ".join([*findings, *(entry.reason for entry in report.entries)])


def outcome(torch, mistake, dtype, seed=0):
    """What became of a planted mistake, "named", "caught" without its name, "cannot tell" or "passed"; and the text."""
    (f, draw, back), words = mistake
    report = nnref.check_vjp(torch_kernels.wrapped(torch, f, back), draw(np.random.default_rng(seed), dtype))
    text = said(report)
    named = any(word in text for word in words.split("|"))
    if report.wrong:
        return ("named" if named else "caught"), text
    if report.cannot_tell:
        return ("cannot tell, named" if named else "cannot tell"), text
    return "passed", text


def mistakes(seed, only=""):
    """The outcome of every planted mistake, by dtype and name."""
    import torch

    found = {}
    for dtype in DTYPES:
        for name, mistake in planted_kernels.planted(torch).items():
            if only in name:
                found.setdefault(dtype, {})[name], text = outcome(torch, mistake, dtype, seed)
                if found[dtype][name] != "named":
                    print(f"{dtype} {name}: {found[dtype][name]}: {text!r}", flush=True)
    return found


def main():
    """Exit 0 if every right one was called right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="the planted mistakes whose name holds this, and no right ones")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the dated result")
    arguments = parser.parse_args()
    wrong = mistakes(arguments.seed, arguments.only or "")
    for dtype, outcomes in wrong.items():
        print(f"planted, {dtype}: {dict(Counter(outcomes.values()))}", flush=True)
    return 0 if arguments.only else reported(arguments, wrong)


def printed(*listings):
    """What listings of the site print here, by name; what cannot run here is left out."""
    found, environment = {}, {**os.environ, "PYTHONPATH": str(ROOT)}
    for listing in listings:
        done = subprocess.run(
            [sys.executable, listing], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if not done.returncode:
            found[Path(listing).name] = done.stdout
    return found


def reported(arguments, wrong):
    """The right ones, the table, and the dated JSON."""
    import torch

    began = time.monotonic()
    rows = right(arguments.shapes, arguments.seed)
    for name, row in rows.items():
        figures = ", ".join(f"{value} {key}" for key, value in row.items() if key != "worst")
        print(f"{name:28s} {figures}, worst {row['worst']}")
    result = {
        "made": date.today().isoformat(),
        "device": torch_kernels.described(torch),
        "torch": torch.__version__,
        "shapes": arguments.shapes,
        "seconds": round(time.monotonic() - began),
        "right": rows,
        "planted": wrong,
        "examples": printed("docs/listings/kernel_jax.py"),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / f"{result['made']}-kernels.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    alarms = sum(row["wrong"] + row["cannot tell"] for row in rows.values())
    print(f"written: {path}\nright: {arguments.shapes} checked, {alarms} not called right")
    return int(alarms > 0)


if __name__ == "__main__":
    sys.exit(main())
