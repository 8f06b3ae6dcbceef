"""The witnesses that answer in a process of their own: the derivations, Coq, the tests, the catalogues of mistakes.

Each is a command that exits 0 if all is well and, with --json, ends its output with one JSON object. A module that is
not here, or a program that is not installed, is "missing".
"""

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter

import derivations.coq
from tests.support.sources import ROOT, fresh
from tests.support.witnesses import FAILED, MISSING, NOT_APPLICABLE, OK, Witness

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


def kept_claims(only=""):
    """The same as the site keeps it of these very sources, proved now where nothing is kept: make docs proves once."""
    if (docs := str(ROOT / "docs")) not in sys.path:
        sys.path.append(docs)
    from press import sources

    try:
        found = sources.derivations()["claims"]
    except sources.BuildStops as error:
        raise SystemExit(str(error)) from error
    return [claim for name, claim in found.items() if name.startswith(only)]


def proof(claim):
    """Does every step hold, by every check of the derivations?"""
    n = len(claim["steps"])
    figure = f"{claim['holds_for']}, {n} step{'s' * (n != 1)}" if claim["ok"] else "; ".join(claim.get("gaps", ()))
    return Witness(OK if claim["ok"] else FAILED, figure, claim["seconds"], f"python -m derivations {claim['name']}")


def wrong_twins(claim):
    """Was every plausible slip rejected?"""
    source, twins = f"python -m derivations {claim['name']}", len(claim["wrong_twins"])
    rejected = claim["wrong_twins_rejected"]
    if not twins:
        return Witness(NOT_APPLICABLE, "none", source=source)
    return Witness(OK if rejected == twins else FAILED, f"{rejected} of {twins} rejected", source=source)


NUMERIC = ("concepts/test_numpy_agrees.py", "concepts/test_lemmas.py")
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
    """The theorem that is named after this claim, if one is stated, and the axioms it rests on."""
    whole, theorems = compiled
    if whole.status == MISSING:
        return Witness(MISSING, whole.figure, source=whole.source)
    stated = derivations.coq.theorem_of(claim["name"])
    if stated is None:
        return Witness(NOT_APPLICABLE, "no theorem", source=whole.source)
    found = theorems.get(stated.name)
    if found is None:
        return Witness(FAILED, f"{stated.name} is not among the theorems that were compiled", source=whole.source)
    figure = f"{stated.name}, {len(found['axioms'])} axioms" if found["ok"] else f"{stated.name} does not hold"
    return Witness(OK if found["ok"] else FAILED, figure, source=whole.source)


@dataclass(frozen=True)
class Counted:
    """What is counted, or tried at random: the command, its options in `make verify-long`, and the tests that do it.

    In `make verify` the tests have done it, and their figures are added up; what no test does, the command does. Each
    module ends what it prints under --json with {"ok": …, "figure": …}.
    """

    module: str
    long: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


CATALOGUES = {
    "kill_table": Counted(
        "tests.planted",
        tests=("checking/gradcheck/test_planted.py::test_a_planted_mistake_is_caught_wherever_it_changes_a_number",),
    ),
    "golden": Counted("tests.golden", ("--long",)),
    "diagnosis": Counted(
        "tests.mistakes",
        ("--every", "200"),
        (
            "checking/diagnosis/test_diagnosis.py::test_a_single_mistake_is_localised_and_named",
            "checking/diagnosis/test_diagnosis.py::test_of_two_mistakes_the_first_is_localised_and_neither_has_a_wrong_name",
            "checking/diagnosis/test_diagnosis.py::test_a_mistake_outside_the_catalogue_is_localised_and_has_no_name",
        ),
    ),
    "kills": Counted(
        "tests.kills",
        ("--kills", "200"),
        ("running/test_checkpoint.py::test_a_run_that_is_killed_again_and_again_ends_with_the_same_bits",),
    ),
    "watched programs": Counted(
        "tests.watched",
        ("--every", "1"),
        ("checking/watching/test_watched.py::test_a_mistake_planted_in_a_right_program_is_caught",),
    ),
    "steps": Counted(
        "tests.mutations",
        ("--all",),
        ("derivations/test_steps.py::test_a_step_with_anything_in_it_changed_fails_unless_it_stays_true",),
    ),
}
FUZZES = {
    "kinds of functions": Counted(
        "tests.kinds",
        ("--seeds", "10", "--losses", "10000"),
        ("checking/gradcheck/test_untrue.py::test_every_kind_of_function_is_judged_rightly_and_no_untrue_loss_passes",),
    ),
    "correct networks": Counted(
        "tests.wolves",
        ("--networks", "10000"),
        ("checking/gradcheck/test_gradcheck.py::test_correct_networks_raise_no_false_alarm_and_few_are_undecided",),
    ),
    "noise scale": Counted(
        "tests.fuzz_noise",
        ("--networks", "10000"),
        ("checking/reference/test_noise.py::test_no_correct_network_exceeds_what_rounding_may_do",),
    ),
    "algebra": Counted(
        "tests.fuzz_sums",
        ("--expressions", "20000"),
        ("derivations/test_fuzz_sums.py::test_no_random_expression_differs_from_its_normal_form",),
    ),
}


def catalogues(tests, long):
    """What each says, commands two at a time; the mutants are only told of when they were run."""

    def told(counted):
        if counted.tests and not long:
            found = named(tests, counted.tests)
            return told_by(found, counted.tests).to_dict() | {"data": {"caught": caught_in(found)}}
        return described(counted.module, "--json", *(counted.long if long else ()))

    with ThreadPoolExecutor(2) as pool:
        said = dict(zip(CATALOGUES | FUZZES, pool.map(told, (CATALOGUES | FUZZES).values()), strict=True))
    counted, fuzz = ({name: said[name] for name in table} for table in (CATALOGUES, FUZZES))
    return counted | {"fuzz": fuzz, "mutants": mutants()}


def named(tests, names):
    """The outcomes of the tests with these names, whatever they are parametrised by."""
    return {node: test for node, test in tests.items() if node.partition("[")[0].removeprefix("tests/") in names}


def told_by(found, names):
    """What the tests of these names found, by their own figures; missing unless all of them ran."""
    source, seconds = " ".join(f"tests/{name}" for name in names), sum(test["seconds"] for test in found.values())
    if wrong := [node for node, test in found.items() if test["outcome"] == "failed"]:
        return Witness(FAILED, "; ".join(wrong), seconds, source)
    ran = [test for test in found.values() if test["outcome"] == "passed"]
    if len(ran) < max(len(found), len(names)):
        return Witness(MISSING, f"{len(ran)} of {max(len(found), len(names))} tests ran", seconds, source)
    return Witness(OK, added([test["figure"] for test in ran]), seconds, source)


def caught_in(found):
    """For every planted mistake, by its name, what caught it in each regime."""
    return {name: cells for test in found.values() for name, cells in test.get("caught", {}).items()}


WHOLE = re.compile(r"\d+(?:,\d{3})*")
"""A whole number, as it is printed."""


def added(figures):
    """The figures as one: those with the same words become one with the sums of their numbers, which are all counts."""
    alike = {}
    for figure in figures:
        alike.setdefault(WHOLE.sub("{:,}", figure), []).append(figure)
    return "; ".join(same[0] if len(same) == 1 else summed(words, same) for words, same in alike.items())


def summed(words, figures):
    """Words with the sum of what stands in each place of these figures."""
    numbers = ([int(n.replace(",", "")) for n in WHOLE.findall(figure)] for figure in figures)
    return words.format(*map(sum, zip(*numbers, strict=True)))


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
