"""python -m derivations.coq [--json] [--into FOLDER]: the theorems and their axioms, checked afresh by Coq's kernel."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from derivations.coq.kernel import BUILD, CoqError, Report, check


def main(argv: Sequence[str] | None = None) -> int:
    """List the theorems; exit 0 if all hold, 1 if a file or an axiom is refused, 2 without Coq."""
    parser = argparse.ArgumentParser(prog="python -m derivations.coq", description="Check the Coq theorems, afresh.")
    parser.add_argument("--json", action="store_true", help="one JSON object, with every statement and its axioms")
    parser.add_argument("--into", type=Path, default=BUILD, help=f"folder for what is compiled ({BUILD})")
    arguments = parser.parse_args(argv)
    try:
        report = check(into=arguments.into)
    except CoqError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(described(report), ensure_ascii=False) if arguments.json else listed(report))
    return 0 if report.ok else 1


def listed(report: Report) -> str:
    """A line for every theorem, with the number of each axiom it rests on; then the axioms and what is wrong."""
    numbers = {axiom: k for k, axiom in enumerate(sorted({a for found in report.axioms.values() for a in found}), 1)}
    lines = []
    for name, theorem in report.theorems.items():
        used = " ".join(str(numbers[axiom]) for axiom in report.axioms.get(name, []))
        status = "holds" if report.holds(name) else "FAILS"
        lines.append(f"{theorem.claim:38s} {status}  axioms {used or '-':8s} {theorem.file}:{theorem.line}")
    lines += [f"axiom {k}: {axiom}" for axiom, k in numbers.items()]
    held = sum(report.holds(name) for name in report.theorems)
    admitted = ", nothing admitted" if report.ok else ""
    lines += report.faults
    lines.append(
        f"{held} of {len(report.theorems)} theorems hold{admitted}; Coq {report.coq_version}, {report.seconds:.0f} s"
    )
    return "\n".join(lines)


def described(report: Report) -> dict[str, Any]:
    """The report as plain data."""
    return {
        "ok": report.ok,
        "coq_version": report.coq_version,
        "seconds": round(report.seconds, 3),
        "faults": report.faults,
        "theorems": {
            name: {**asdict(theorem), "axioms": report.axioms.get(name, []), "ok": report.holds(name)}
            for name, theorem in report.theorems.items()
        },
    }


if __name__ == "__main__":
    sys.exit(main())
