"""The witnesses that answer in a process of their own: the derivations, Coq, the tests, the catalogues of mistakes.

Each is a command that exits 0 if all is well and, with --json, ends its output with one JSON object. A module that is
not here, or a program that is not installed, is "missing".
"""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from tests.sources import ROOT, fresh
from tests.witnesses import FAILED, MISSING, NOT_APPLICABLE, OK, Witness

LIMIT = 3600
"""Seconds for one command. `make verify` must end, if with a failure, where a command hangs."""


def answer(module, *arguments, limit=LIMIT):
    """What python -m module says: a witness, and the JSON object that ends its output, or None."""
    source, path = " ".join(["python -m", module, *arguments]), ROOT.joinpath(*module.split("."))
    if not path.with_suffix(".py").exists() and not (path / "__main__.py").exists():
        return Witness(MISSING, f"{module} is not here", source=source), None
    start, command = perf_counter(), [sys.executable, "-m", module, *arguments]
    options = {"cwd": ROOT, "env": quiet(), "capture_output": True, "text": True}
    try:
        done = subprocess.run(command, check=False, timeout=limit, **options)
    except subprocess.TimeoutExpired:
        return Witness(FAILED, f"no answer in {limit} s", perf_counter() - start, source), None
    data = json_object(last_line(done.stdout))
    figure = last_line(done.stdout) if data is None else in_words(data)
    if done.returncode or (data or {}).get("ok") is False:
        figure = figure or f"exit {done.returncode}: {last_line(done.stderr)}"
        return Witness(FAILED, figure, perf_counter() - start, source), data
    return Witness(OK, figure, perf_counter() - start, source), data


def json_object(line):
    """The JSON object on a line, or None."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def in_words(data):
    """The figure of an answer: the one it gives, or its counts."""
    counts = (f"{n} {what.replace('_', ' ')}" for what, n in data.items() if type(n) is int)
    return str(data["figure"]) if "figure" in data else ", ".join(counts)


def quiet():
    """The environment of a command; with one BLAS thread each, two commands at once do not wait for each other."""
    return os.environ | {"MPLBACKEND": "Agg", "TF_CPP_MIN_LOG_LEVEL": "3", "OPENBLAS_NUM_THREADS": "1"}


def last_line(text):
    """Where a program says how it ended."""
    return (text.strip().splitlines() or [""])[-1]


def claims(only=""):
    """Every claim as `python -m derivations --json` describes it, proved afresh."""
    witness, data = answer("derivations", "--json")
    if not data:
        raise SystemExit(f"{witness.source} gave no claims: {witness.figure}")
    return [claim for claim in data["claims"] if claim["name"].startswith(only)]


def proof(claim):
    """Does every step hold, by every check of the derivations?"""
    n = len(claim["steps"])
    figure = f"{claim['holds_for']}, {n} step{'s' * (n != 1)}" if claim["ok"] else "; ".join(claim.get("gaps", ()))
    return Witness(OK if claim["ok"] else FAILED, figure, claim["seconds"], f"python -m derivations {claim['name']}")


def wrong_twins(claim):
    """Was every plausible slip rejected?"""
    source, twins, rejected = f"python -m derivations {claim['name']}", len(claim["wrong_twins"]), rejections(claim)
    if not twins:
        return Witness(NOT_APPLICABLE, "none", source=source)
    return Witness(OK if rejected == twins else FAILED, f"{rejected} of {twins} rejected", source=source)


def rejections(claim):
    """How many of the claim's wrong twins were rejected: a number, or the list of them."""
    rejected = claim["wrong_twins_rejected"]
    return rejected if isinstance(rejected, int) else len(rejected)


NUMERIC = ("test_numpy_agrees.py", "test_lemmas.py")
"""Where numpy is compared with what is proved: the functions of the claims, and the lemmas."""


def numpy_is_symbols(claim, tests):
    """Do the tests that evaluate the claim beside numpy, at random sizes, pass? Their own figures, or their count."""
    found = {node: test for node, test in tests.items() if node.partition("::")[0].endswith(NUMERIC)}
    ran = [test for test in found.values() if test["outcome"] != "skipped"]
    source = " ".join(dict.fromkeys(node.partition("[")[0] for node in found))
    if not ran:
        return Witness(MISSING, f"no test in {' or '.join(NUMERIC)} names {claim['name']}", source=source)
    wrong = [node for node, test in found.items() if test["outcome"] == "failed"]
    figures = [str(test["figure"]) for test in ran if "figure" in test]
    figure = "; ".join(wrong or figures[-1:]) or f"{len(ran)} test{'s' * (len(ran) != 1)}"
    return Witness(FAILED if wrong else OK, figure, sum(test["seconds"] for test in ran), source)


def coq_version():
    """The version of coqc, or None where it is not installed."""
    if shutil.which("coqc") is None:
        return None
    done = subprocess.run(["coqc", "--print-version"], capture_output=True, text=True, check=False)
    return done.stdout.split(" ")[0].strip() or None


def coq():
    """What Coq's kernel accepted, as (witness of the whole, theorems by name)."""
    if coq_version() is None:
        return Witness(MISSING, "coqc is not installed", source="python -m derivations.coq"), {}
    witness, data = answer("derivations.coq", "--json")
    return witness, (data or {}).get("theorems", {})


def theorem(claim, compiled):
    """The theorem of this claim, if it names one or one has its name, and the axioms it rests on."""
    whole, theorems = compiled
    named = claim.get("coq")
    name = named or claim["name"].replace(".", "_")
    source = whole.source
    if whole.status == MISSING or (not theorems and whole.status == OK):
        return Witness(MISSING, whole.figure, source=source)
    if name not in theorems:
        if named or whole.status == FAILED:
            return Witness(FAILED, f"{name} is not among the theorems that were compiled", source=source)
        return Witness(NOT_APPLICABLE, "no theorem", source=source)
    axioms = theorems[name].get("axioms", [])
    figure = f"{name}, {len(axioms)} axioms" if theorems[name]["ok"] else f"{name} does not hold"
    return Witness(OK if theorems[name]["ok"] else FAILED, figure, theorems[name].get("seconds", 0.0), source)


CATALOGUES = {
    "kill_table": ("tests.planted", (), ()),
    "golden": ("tests.golden", (), ("--long",)),
    "diagnosis": ("tests.mistakes", ("--start", "3", "--alone", "9", "--every", "1999"), ("--every", "200")),
    "steps": ("tests.mutations", None, ("--all",)),
}
FUZZES = {
    "correct networks": ("tests.wolves", ("--start", "2000", "--networks", "300"), ("--networks", "10000")),
    "noise scale": ("tests.fuzz_noise", ("--start", "2000", "--networks", "3000"), ("--networks", "10000")),
    "algebra": ("tests.fuzz_sums", ("--start", "2010", "--expressions", "500"), ("--expressions", "20000")),
}
"""What is counted, and what is tried at random: the module, its options in `make verify`, and in `make verify-long`.

The tests, which are part of both, try the first two thousand of each fuzz and a sample of every step: `make verify`
goes on from there, and None is not asked. Each module ends what it prints under --json with {"ok": …, "figure": …}.
"""


def catalogues(long):
    """What each says, asked two at a time; the mutants are only told of when they were run."""
    tables = CATALOGUES, FUZZES
    asked = {
        name: (module, "--json", *(much if long else few))
        for table in tables
        for name, (module, few, much) in table.items()
        if long or few is not None
    }
    with ThreadPoolExecutor(2) as pool:
        said = dict(zip(asked, pool.map(lambda command: described(*command), asked.values()), strict=True))
    counted, fuzz = ({name: said[name] for name in table if name in said} for table in tables)
    return counted | {"fuzz": fuzz, "mutants": mutants()}


def described(module, *arguments):
    """A command's answer as plain data."""
    witness, data = answer(module, *arguments)
    return witness.to_dict() | {"data": data}


def mutants():
    """The last run of `make mutants`, if it was of these very sources."""
    path = ROOT / "build" / "mutants.json"
    return json.loads(path.read_text(encoding="utf-8")) if fresh(path) else None


def answers(made):
    """Every catalogue of a report by name, those inside fuzz too."""
    named = {name: made.get(name) for name in (*CATALOGUES, "mutants")}
    return [(name, said) for name, said in (named | made.get("fuzz", {})).items() if said]
