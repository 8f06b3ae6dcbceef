"""python -m tests.mutants: change the code in every small way, and see whether a test fails each time (mutmut 3).

mutmut works on a copy under build/mutants and never touches the tree. In the files of SCOPE every mutant must be
killed, or listed in tests/equivalent_mutants.toml with the reason why no test can tell it from the original; a listed
mutant that is killed, or no longer there, is an error too. Of the rest of nnref/checking only the score is told, and
that of a sample: its tests ask for the right verdict on whole networks, and take too long for every comma.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from fnmatch import fnmatch
from time import perf_counter

from tests.support.sources import FOLDERS, ROOT, sources_sha256
from tests.support.witnesses import FAILED, OK, Witness

EVERY = ("*",)
CONCEPTS = ("affine", "relu", "sigmoid", "tanh", "softmax", "cross_entropy", "softmax_cross_entropy", "sgd", "he")
SCOPE = {
    **{f"nnref/{name}.py": EVERY for name in (*CONCEPTS, "layer", "network")},
    "nnref/running/gate.py": EVERY,
    "nnref/checking/reference/noise.py": ("unit", "allowed", "multiples"),
    "nnref/checking/gradcheck/verdicts.py": ("verdict",),
    "nnref/checking/gradcheck/summary.py": ("multiples",),
}
"""The mathematics, and what decides that a difference is wrong: files, and the functions in them."""

REPORTED = {
    path.relative_to(ROOT).as_posix(): EVERY for path in sorted((ROOT / "nnref" / "checking").rglob("[a-z]*.py"))
}

TESTS = (
    "concepts/test_errors",
    "concepts/test_network",
    "running/test_gate",
    "concepts/test_gradients",
    "concepts/test_numpy_agrees",
    "running/test_train",
)
"""The tests that must kill the mutants in scope, the quickest first."""

TESTS_OF_THE_REST = (
    "checking/gradcheck/test_gradcheck",
    "checking/gradcheck/test_border",
    "checking/results/test_report",
    "checking/gradcheck/test_vjp",
    "checking/results/test_findings",
    "checking/homework/test_certify",
    "checking/reading/test_candidates",
    "checking/diagnosis/test_diagnosis",
    "checking/reference/test_balls",
    "checking/reference/test_noise",
    "checking/reference/test_vectors",
    "concepts/test_errors",
)
"""Those that may kill the others."""

COPY = ROOT / "build" / "mutants"
KNOWN = ROOT / "tests" / "equivalent_mutants.toml"
KILLED = {"killed", "timeout", "segfault", "caught by type check"}

CONFIG = """
[tool.mutmut]
source_paths = ["nnref"]
only_mutate = {files}
also_copy = ["derivations", "README.md", "docs", "examples", "pyproject.toml"]
pytest_add_cli_args = {options}
pytest_add_cli_args_test_selection = {tests}
# Messages are tested by what they name, not letter by letter.
do_not_mutate_patterns = {messages}
"""
LEFT_OUT = (
    "concepts/test_errors.py::test_the_message_opens_with_the_name_of_the_formula",  # a name that mutmut changes
    "running/test_train.py::test_a_flipped_sign_makes_the_command_exit_with_1",  # slow: a process of its own each
    "running/test_train.py::test_help_needs_no_more_than_the_core",
    "running/test_train.py::test_the_command_ends_with_one_json_object",
    "running/test_train.py::test_the_readme_shows_what_the_gate_says_today",
    "running/test_train.py::test_a_run_that_diverges_exits_with_1_and_keeps_its_folder",
    # slow: hundreds
    "checking/gradcheck/test_gradcheck.py::test_every_planted_mistake_is_caught_and_no_other_parameter_is_blamed",
    "checking/gradcheck/test_gradcheck.py::test_correct_networks_raise_no_false_alarm_and_few_are_undecided",
    "checking/gradcheck/test_gradcheck.py::test_relu_networks_at_batch_64_pass",
    "checking/reference/test_noise.py::test_no_correct_network_exceeds_what_rounding_may_do",  # slow: thousands
    "checking/reference/test_noise.py::test_without_a_term_some_correct_network_is_called_wrong",
    "checking/reference/test_noise.py::test_a_term_that_others_cover_adds_no_more_than_a_factor",
    "checking/reference/test_noise.py::test_what_is_left_out_is_named_by_layer_unit_and_example",
    "checking/diagnosis/test_diagnosis.py::test_a_single_mistake_is_localised_and_named",
    "checking/diagnosis/test_diagnosis.py::test_of_two_mistakes_the_first_is_localised_and_neither_has_a_wrong_name",
    "checking/diagnosis/test_diagnosis.py::test_a_mistake_outside_the_catalogue_is_localised_and_has_no_name",
)
OPTIONS = ["-q", "-p", "no:cacheprovider", *(f"--deselect=tests/{test}" for test in LEFT_OUT)]
MESSAGES = [r"^\s*f?\"[^\"]*\"\s*[,)]?$"]
"""Lines that hold nothing but text."""


def main(argv=None):
    """Exit 0 if every survivor in scope is explained and every explanation is needed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("--rest", metavar="N", type=int, help="the score of N mutants in the rest of nnref/checking")
    parser.add_argument("--only", metavar="FILE", choices=SCOPE, help="one file, such as nnref/affine.py: no result")
    parser.add_argument("--children", type=int, default=os.cpu_count(), help="mutants tried at once (a core each)")
    arguments = parser.parse_args(argv)
    start, sha256 = perf_counter(), sources_sha256()
    scope = {file: SCOPE[file] for file in ([arguments.only] if arguments.only else SCOPE)}
    print(f"mutmut is at work in {COPY.relative_to(ROOT)}; this takes some minutes", flush=True)
    copy(list(scope), TESTS)
    attempt([pattern for file, names in scope.items() for pattern in patterns(file, names)], arguments.children)
    found = mutants()
    survivors = [described(name) for name, status in found.items() if status not in KILLED and within(name, scope)]
    faults = [*unmutated(found, scope), *judged(survivors, known(scope))]
    rest = of_the_rest(arguments.rest, arguments.children) if arguments.rest else {}
    print("\n".join([*scores(found), *scores(rest), *faults]))
    if not arguments.only:
        told = {"scores": scores(found), "rest": scores(rest), "faults": faults, "sources_sha256": sha256}
        figure = (
            f"{sum(within(name, scope) for name in found)} mutants, {len(survivors)} alive, {len(faults)} unexplained"
        )
        figure += f"; of {len(rest)} in the rest of the checkers {killed(rest)} killed" if rest else ""
        said = Witness(FAILED if faults else OK, figure, perf_counter() - start, "python -m tests.mutants")
        write(ROOT / "build" / "mutants.json", said.to_dict() | told)
    return 1 if faults else 0


def write(path, told):
    """The report, for `make verify` to show while the sources are the same."""
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")


def attempt(names, children):
    """Have the mutants of these names, or patterns of names, tried in the copy."""
    run("run", "--max-children", str(children), *names, quiet=True)


def of_the_rest(count, children):
    """What came of so many mutants of the files of REPORTED, drawn from all of them, without those in scope."""
    copy(list(REPORTED), TESTS_OF_THE_REST)
    # mutmut makes all mutants before it tries one.
    attempt(["nnref.checking.gradcheck.verdicts.x_verdict__mutmut_1"], children)
    others = [name for name in statuses() if not within(name, SCOPE)]
    chosen = random.Random(0).sample(others, min(count, len(others)))
    attempt(chosen, children)
    return {name: status for name, status in mutants().items() if name in chosen}


def killed(found):
    """How many of these mutants a test told from the original."""
    return sum(status in KILLED for status in found.values())


def patterns(file, names):
    """The names that mutmut gives to the mutants of these functions: x_verdict__mutmut_3 is one of verdict."""
    module = file.removesuffix(".py").replace("/", ".")
    return [f"{module}.x*" if name == "*" else f"{module}.x_{name}__mutmut_*" for name in names]


def within(name, scope):
    """Whether a mutant is of a function in scope."""
    return any(fnmatch(name, pattern) for pattern in patterns(file_of(name), scope.get(file_of(name), ())))


def unmutated(found, scope):
    """A line for every function in scope of which there is no mutant: it was renamed, or mutmut cannot see it."""
    return [
        f"nothing was mutated in {file}, {name}"
        for file, names in scope.items()
        for name in names
        if not any(fnmatch(mutant, pattern) for mutant in found for pattern in patterns(file, [name]))
    ]


def copy(files, tests):
    """The tree as it is, with mutmut's settings, in build/mutants."""
    shutil.rmtree(COPY, ignore_errors=True)
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in (*FOLDERS, "docs", "examples"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, COPY / name, ignore=ignore)
    shutil.copy(ROOT / "README.md", COPY)
    (COPY / "mutants").mkdir()  # Python would remember that it was not there, and import another nnref
    here = [f"tests/{name}.py" for name in tests if (ROOT / "tests" / f"{name}.py").exists()]
    chosen = {"files": files, "tests": here, "options": OPTIONS, "messages": MESSAGES}
    settings = CONFIG.format(**{key: json.dumps(value) for key, value in chosen.items()})
    (COPY / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8") + settings)


def run(*arguments, quiet=False):
    """One command of mutmut's, in the copy, which alone can be imported."""
    env = os.environ | {"PYTHONPATH": str(COPY / "mutants"), "PYTHONDONTWRITEBYTECODE": "1"}
    options = {"capture_output": True, "text": True} if quiet else {}
    done = subprocess.run([sys.executable, "-m", "mutmut", *arguments], cwd=COPY, env=env, check=False, **options)
    if done.returncode:
        raise SystemExit(f"mutmut {' '.join(arguments)} exited with {done.returncode}. {done.stderr or ''}")
    return done.stdout


def statuses():
    """What came of every mutant that was made, by its name."""
    lines = run("results", "--all", "true", quiet=True).splitlines()
    return dict(line.strip().rsplit(": ", 1) for line in lines if ": " in line)


def mutants():
    """What came of every mutant that was tried, by its name."""
    return {name: status for name, status in statuses().items() if status != "not checked"}


def file_of(name):
    """The file of a mutant: nnref.running.gate.x_check__mutmut_3 is one of nnref/running/gate.py."""
    return name.rpartition(".")[0].replace(".", "/") + ".py"


def described(name):
    """A survivor by what was changed, which stays the same when the numbers of mutants do not."""
    lines = run("show", name, quiet=True).splitlines()
    changed = [line for line in lines if re.match(r"[-+](?![-+]{2} )", line)]
    before, after = (" ".join(line[1:].strip() for line in changed if line[0] == sign) for sign in "-+")
    function = re.sub(r"^.*\.x[_ǁ](.*)__mutmut_\d+$", r"\1", name).replace("ǁ", ".")
    return {"file": file_of(name), "function": function, "before": before, "after": after}


def known(files):
    """The mutants that are listed as equivalent, of these files."""
    listed = tomllib.loads(KNOWN.read_text(encoding="utf-8")).get("mutant", []) if KNOWN.exists() else []
    return [mutant for mutant in listed if mutant["file"] in files]


def judged(survivors, listed):
    """A line for each survivor that is not listed, and for each listed mutant that did not survive."""
    keys = ("file", "function", "before", "after")
    alive, explained = ([tuple(m[k] for k in keys) for m in mutants] for mutants in (survivors, listed))
    lines = [
        f"survived: {file}, {f}\n  - {old}\n  + {new}"
        for file, f, old, new in alive
        if (file, f, old, new) not in explained
    ]
    gone = [m for m, key in zip(listed, explained, strict=True) if key not in alive]
    lines += [f"listed as equivalent, but killed or gone: {m['file']}, {m['function']}: {m['after']}" for m in gone]
    return lines + [f"no reason is given for {m['function']}: {m['after']}" for m in listed if not m.get("reason")]


def scores(found):
    """A line a file: how many mutants were killed."""
    made, dead = Counter(map(file_of, found)), Counter(file_of(n) for n, status in found.items() if status in KILLED)
    return [f"{file:40s} {dead[file]:4d} of {n:4d} killed" for file, n in sorted(made.items())]


if __name__ == "__main__":
    sys.exit(main())
