"""python -m tests.verify: ask every witness of every claim, run every test, and write down what was shown.

--quick runs only the tests that witness a claim or record a figure, with few draws: what `make docs` needs.

build/verification.json holds the report; the site prints its badges from it and from nothing else. Exit 1 if any
witness says that something is false. A witness that is not here is "missing": shown as such, and never as ok.
"""

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

from tests.support import outcomes, tools, witnesses
from tests.support.sources import ROOT, fresh, sources_sha256
from tests.support.table import show

__all__ = ["fresh", "main", "report", "sources_sha256"]

OUT = ROOT / "build" / "verification.json"
PACKAGES = ("numpy", "sympy", "tensorflow", "python-flint")


def main(argv=None):
    """Exit 0 if nothing that was asked says no, 1 if something does."""
    parser = argparse.ArgumentParser(prog="python -m tests.verify", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only the tests that record a figure, with few draws")
    parser.add_argument("--long", action="store_true", help="the large fuzzes and enclosures too")
    parser.add_argument("--only", metavar="NAME", default="", help="claims whose name begins so; no report is written")
    parser.add_argument("--out", type=Path, default=OUT, help="where the report goes (build/verification.json)")
    arguments = parser.parse_args(argv)
    mode = "verify-long" if arguments.long else "verify-quick" if arguments.quick else "verify"
    made = report(mode, arguments.only)
    if not arguments.only:  # a part must not pass for the whole
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(made, indent=1, ensure_ascii=False), encoding="utf-8")
    show(made)
    return 1 if failures(made) else 0


TESTS = {"verify-quick": ("--all-cases", "-m", "figure and not site"), "verify": ("--long", "-m", "not site")}
"""The tests that are run; verify-long runs those of verify, and the commands go further."""


def report(mode="verify", only=""):
    """Everything that was asked, and what came of it. Sources are hashed first: a change on the way makes it stale."""
    start, sha256 = perf_counter(), sources_sha256()
    made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    # Each process begins at its own half of the tests, so that what a file sets up is seldom made twice.
    chosen = TESTS.get(mode, TESTS["verify"])
    workers = ("-k", only) if only else ("-n", "2", "--dist", "worksteal")
    quick = mode == "verify-quick"
    with ThreadPoolExecutor(2) as pool:
        # The tests of the long report set limits of time to what they run, and have the machine to themselves.
        tests = None if quick else outcomes.run(*chosen, *workers)
        proving, compiling = pool.submit(tools.kept_claims if quick else tools.claims, only), pool.submit(tools.coq)
        tests = outcomes.run(*chosen, *workers) if tests is None else tests
    coq = compiling.result()
    claims = {claim["name"]: shown(claim, tests, coq) for claim in proving.result()}
    return {
        "made": made,
        "mode": mode,
        "sources_sha256": sha256,
        "versions": versions(),
        "claims": claims,
        "tests": tests,
        **({} if only else tools.catalogues(tests, mode == "verify-long")),
        "seconds": round(perf_counter() - start, 1),
    }


def shown(claim, tests, coq):
    """One claim: each of its witnesses, and the tests that name it."""
    node_ids = outcomes.naming(tests, claim["name"])
    asked = {
        "proof": tools.proof(claim),
        "wrong twins": tools.wrong_twins(claim),
        "numpy = symbols": tools.numpy_is_symbols(claim, {node: tests[node] for node in node_ids}),
        "differences": witnesses.asked(witnesses.differences, claim),
        "complex step": witnesses.asked(witnesses.complex_step, claim),
        "balls": witnesses.asked(witnesses.balls, claim),
        "TensorFlow": witnesses.asked(witnesses.tensorflow, claim),
        "Coq": tools.theorem(claim, coq),
    }
    return {"witnesses": {name: witness.to_dict() for name, witness in asked.items()}, "tests": node_ids}


def versions():
    """What the figures were measured with; None for what is not installed."""
    found = {"python": sys.version.partition(" ")[0]}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found | {"coq": tools.coq_version()}


def failures(made):
    """A line for everything that says no: witnesses, tests, and the catalogues."""
    lines = [
        f"{name}: {witness} {said['figure']}"
        for name, claim in made["claims"].items()
        for witness, said in claim["witnesses"].items()
        if said["status"] == witnesses.FAILED
    ]
    lines += [f"{node} failed: {t.get('says', '')}" for node, t in made["tests"].items() if t["outcome"] == "failed"]
    lines += [f"{name}: {said['figure']}" for name, said in tools.answers(made) if said["status"] == witnesses.FAILED]
    return lines if made["claims"] else [*lines, "no claim was found"]


if __name__ == "__main__":
    sys.exit(main())
