"""Does the report show what is false as false, what is missing as missing, and what is old as old?"""

import json
import re
import subprocess
import sys
from functools import wraps

import numpy as np
import pytest
from rich.console import Console

from derivations.prover.proof import claims
from nnref import affine, bridge, relu, softmax_cross_entropy, tanh
from tests import verify
from tests.conftest import require
from tests.support import cases, outcomes, table, tools, witnesses
from tests.support.bugs import BUGS
from tests.support.quick import some
from tests.support.sources import FOLDERS, ROOT, fresh, sources_sha256
from tests.support.tensorflow_operations import OF_THEIR_OWN, there_is
from tests.support.witnesses import FAILED, MISSING, NOT_APPLICABLE, OK, Witness

DW = {
    "name": "affine.dW",
    "kind": "gradient",
    "ok": True,
    "holds_for": "all sizes",
    "steps": [{}, {}],
    "gaps": [],
    "wrong_twins": [{}, {}],
    "wrong_twins_rejected": 2,
    "seconds": 0.1,
}
GRADIENTS = [
    "affine.dW",
    "affine.db",
    "affine.dA",
    "relu.dZ",
    "sigmoid.dZ",
    "tanh.dZ",
    "softmax.dZ",
    "cross_entropy.dP",
    "softmax_cross_entropy.dZ",
    *(f"mlp.d{p}{l}" for l in (1, 2, 3) for p in "Wb"),
]
EVERY = [witnesses.differences, witnesses.complex_step, witnesses.tensorflow]
NUMPY = "tests/concepts/test_numpy_agrees.py::test_numpy_agrees_with_the_claim"


def gradient(name):
    return {"name": name, "kind": "gradient"}


@pytest.fixture
def alone(monkeypatch):
    """A report of one claim, proved and tested by what the test plants."""
    passed = {f"{NUMPY}[affine.dW-{{'m': 3}}]": {"outcome": "passed", "seconds": 0.1, "figure": "0.5 × noise"}}
    monkeypatch.setattr(outcomes, "run", lambda *arguments: passed)
    monkeypatch.setattr(tools, "claims", lambda only: [DW])
    monkeypatch.setattr(tools, "kept_claims", lambda only: [DW])
    monkeypatch.setattr(tools, "coq", lambda: (Witness(OK), {"affine_dW": {"ok": True, "axioms": ["a", "b"]}}))
    monkeypatch.setattr(
        tools, "catalogues", lambda tests, long: {"kill_table": Witness(OK, "9 of 9").to_dict(), "fuzz": {}}
    )
    return passed


def run(tmp_path):
    """The exit code, the report and the terminal's text."""
    code = verify.main(["--out", str(tmp_path / "v.json")])
    return code, json.loads((tmp_path / "v.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("option", "mode", "chosen"),
    some(
        [
            (["--quick"], "verify-quick", ["--all-cases", "-m", "figure and not site"]),
            ([], "verify", ["--long", "-m", "not site"]),
            (["--long"], "verify-long", ["--long", "-m", "not site"]),
        ],
        99,
        ids=lambda case: case[1],
    ),
)
def test_a_report_says_how_much_was_run_and_runs_it(option, mode, chosen, alone, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(outcomes, "run", lambda *arguments: asked.extend(arguments) or alone)
    assert verify.main([*option, "--out", str(tmp_path / "v.json")]) == 0
    assert json.loads((tmp_path / "v.json").read_text(encoding="utf-8"))["mode"] == mode
    assert asked[: len(chosen)] == chosen


@pytest.mark.parametrize("mode", ["verify", "verify-quick", "verify-long"])
def test_only_the_quick_report_takes_proofs_that_were_kept(mode, alone, monkeypatch):
    def told(only):
        raise LookupError("kept proofs were asked for")

    monkeypatch.setattr(tools, "kept_claims", told)
    if mode == "verify-quick":
        with pytest.raises(LookupError):
            verify.report(mode)
    else:
        assert verify.report(mode)["mode"] == mode


@pytest.mark.further
def test_every_test_that_answers_for_the_report_is_among_those_of_the_quick_one():
    """By their names: those that a catalogue or a fuzz is told by, and those that compare numpy with the claims."""
    counted = [test for one in (tools.CATALOGUES | tools.FUZZES).values() for test in one.tests]
    files = {f"tests/{test.partition('::')[0]}" for test in (*counted, *tools.NUMERIC, "derivations/test_wellposed.py")}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *verify.TESTS["verify-quick"], *files]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert [test for test in counted if f"tests/{test}" not in listed] == []
    assert all(f"tests/{file}::" in listed for file in tools.NUMERIC)
    assert "tests/derivations/test_wellposed.py" not in listed


@pytest.mark.parametrize("name", GRADIENTS)
def test_differences_and_the_complex_step_confirm_every_gradient(name):
    for witness in (witnesses.differences, witnesses.complex_step):
        said = witnesses.asked(witness, gradient(name))
        assert said.status == OK, said
        assert "× noise" in said.figure


CONCEPTS = [
    {"name": claim.name, "kind": claim.kind}
    for claim in claims().values()
    if claim.kind != "lemma" and not claim.name.startswith("mlp.")
]
WITHOUT = ("dropout.forward", "dropout.dX", "rope.forward", "rope.dX")
"""What TensorFlow has no operation for: dropout whose mask is given, and rotary positions."""


def is_asked(claim):
    """Is there an operation of the name, or of the concept?"""
    return not witnesses.OPERATIONS.keys().isdisjoint((claim["name"], claim["name"].partition(".")[0]))


ASKED = some([claim for claim in CONCEPTS if is_asked(claim)], 8, ids=lambda claim: claim["name"])


@pytest.mark.parametrize("claim", ASKED)
def test_tensorflow_confirms_every_function_and_sees_a_billionth_of_it(claim, monkeypatch):
    tf, concept = require("tensorflow"), claim["name"].split(".")[0]
    said = witnesses.asked(witnesses.tensorflow, claim)
    if concept in OF_THEIR_OWN and not there_is(tf, concept):
        assert said.status == NOT_APPLICABLE
        return
    assert said.status == OK, said
    module, _, attribute = claim["name"].partition(".")
    right = bridge.function(claim["name"])
    monkeypatch.setattr(
        f"nnref.{module}.{attribute}", wraps(right)(lambda *a, **given: right(*a, **given) * (1 + 1e-9))
    )
    said = witnesses.asked(witnesses.tensorflow, claim)
    assert said.status == FAILED
    assert "× noise" in said.figure, "for its numbers"


@pytest.mark.parametrize("name", [name for name in GRADIENTS if name.startswith("mlp.")])
def test_tensorflow_confirms_every_gradient_of_the_network(name):
    require("tensorflow")
    said = witnesses.asked(witnesses.tensorflow, gradient(name))
    assert said.status == OK, said


@pytest.mark.parametrize("claim", [c for c in CONCEPTS if c["name"] in WITHOUT], ids=lambda claim: claim["name"])
def test_what_tensorflow_has_not_is_not_applicable(claim):
    assert witnesses.asked(witnesses.tensorflow, claim).status == NOT_APPLICABLE


MISTAKES = [
    ("affine.dW", affine, "dW", lambda A, dZ: -dZ @ A.T),
    ("affine.dW", affine, "dW", lambda A, dZ: 1e20 * (dZ @ A.T)),
    ("affine.dW", affine, "dW", lambda A, dZ: (1 + 1e-9) * (dZ @ A.T)),
    ("affine.dW", affine, "dW", lambda A, dZ: A @ dZ.T),
    ("affine.dW", affine, "dW", lambda A, dZ: np.nan * (dZ @ A.T)),
    ("affine.db", affine, "db", lambda dZ: dZ.mean(axis=1, keepdims=True)),
    ("tanh.dZ", tanh, "dZ", lambda A, dA: (1 - A) * dA),
    ("relu.dZ", relu, "dZ", lambda Z, dA: dA),
    ("softmax_cross_entropy.dZ", softmax_cross_entropy, "dZ", lambda Z, Y: Z - Y),
    ("mlp.dW1", affine, "dA", lambda W, dZ: 2 * (W.T @ dZ)),
    ("mlp.db1", affine, "db", lambda dZ: dZ.mean(axis=1, keepdims=True)),
]


@pytest.mark.parametrize(("name", "module", "attribute", "wrong"), MISTAKES)
@pytest.mark.parametrize("witness", EVERY, ids=lambda witness: witness.__name__)
def test_each_witness_alone_sees_a_planted_mistake(witness, name, module, attribute, wrong, monkeypatch):
    if witness is witnesses.tensorflow:
        require("tensorflow")
    monkeypatch.setattr(module, attribute, wrong)
    said = witnesses.asked(witness, gradient(name))
    assert said.status == FAILED
    assert said.figure


def test_a_wrong_forward_function_is_seen_by_tensorflow(monkeypatch):
    require("tensorflow")
    right = affine.forward
    monkeypatch.setattr(affine, "forward", lambda W, b, A: right(W, 2 * b, A))
    claim = {"name": "affine.forward", "kind": "definition"}
    assert witnesses.asked(witnesses.tensorflow, claim).status == FAILED


def test_a_lemma_has_no_gradient_to_judge():
    for witness in (*EVERY, witnesses.balls):
        said = witnesses.asked(witness, {"name": "sigmoid.symmetry", "kind": "lemma"})
        assert said.status == NOT_APPLICABLE


def test_a_gradient_without_a_function_has_failed_and_says_so():
    said = witnesses.asked(witnesses.differences, gradient("swish.dZ"))
    assert said.status == FAILED
    assert "swish" in said.figure


def test_a_module_that_is_not_here_is_missing_and_one_that_breaks_has_failed(monkeypatch):
    def absent(claim):
        witnesses.needed("nnref.checking.no_such_part")

    def broken(claim):
        raise ImportError("half installed")

    assert witnesses.asked(absent, DW).status == MISSING
    assert witnesses.asked(broken, DW).status == FAILED
    monkeypatch.setattr(witnesses, "needed", lambda module: absent(None) if module == "tensorflow" else None)
    assert tools.answer("tests.no_such_module", "--json")[0].status == MISSING


def test_all_is_well_only_where_nothing_is_red(alone, tmp_path):
    code, made = run(tmp_path)
    assert code == 0
    said = made["claims"]["affine.dW"]["witnesses"]
    assert {name: w["status"] for name, w in said.items() if name != "TensorFlow"} == {
        "proof": OK,
        "wrong twins": OK,
        "numpy = symbols": OK,
        "differences": OK,
        "complex step": OK,
        "balls": NOT_APPLICABLE,
        "Coq": OK,
    }
    assert said["proof"]["figure"] == "all sizes, 2 steps"
    assert said["wrong twins"]["figure"] == "2 of 2 rejected"
    assert said["numpy = symbols"]["figure"] == "0.5 × noise"
    assert said["Coq"]["figure"] == "affine_dW, 2 axioms"
    assert made["claims"]["affine.dW"]["tests"] == list(alone)
    assert {"made", "mode", "seconds", "sources_sha256", "versions", "tests"} <= made.keys()


PLANTS = {
    "a wrong function": lambda patch: patch.setattr(affine, "dW", lambda A, dZ: -dZ @ A.T),
    "a gap in the proof": lambda patch: patch.setitem(DW, "ok", False),
    "a wrong twin accepted": lambda patch: patch.setitem(DW, "wrong_twins_rejected", 1),
    "a theorem that does not hold": lambda patch: patch.setattr(
        tools, "coq", lambda: (Witness(FAILED), {"affine_dW": {"ok": False}})
    ),
    "a claim whose theorem is not compiled": lambda patch: patch.setattr(tools, "coq", lambda: (Witness(OK), {})),
    "a failed test": lambda patch: patch.setattr(
        outcomes, "run", lambda *arguments: {f"{NUMPY}[affine.dW]": {"outcome": "failed", "seconds": 0}}
    ),
    "a failed test of something else": lambda patch: patch.setattr(
        outcomes, "run", lambda *arguments: {"tests/test_x.py::test_y": {"outcome": "failed", "seconds": 0}}
    ),
    "a mistake that was not caught": lambda patch: patch.setattr(
        tools, "catalogues", lambda tests, long: {"kill_table": Witness(FAILED, "8 of 9").to_dict()}
    ),
    "a fuzz that found something": lambda patch: patch.setattr(
        tools, "catalogues", lambda tests, long: {"fuzz": {"networks": Witness(FAILED, "1 false alarm").to_dict()}}
    ),
    "no claims at all": lambda patch: patch.setattr(tools, "claims", lambda only: []),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_one_false_witness_makes_the_report_red_and_the_exit_code_1(plant, alone, tmp_path, monkeypatch, capsys):
    PLANTS[plant](monkeypatch)
    code, made = run(tmp_path)
    assert code == 1
    assert verify.failures(made)
    if made["claims"]:
        assert "FALSE" in capsys.readouterr().out


def test_a_lemma_has_its_witness_in_numpy_and_a_failure_of_it_is_false():
    """Of the same name in another file nothing is taken."""
    node, other = (
        "tests/concepts/test_lemmas.py::test_numpy_bears_out_the_lemma[softmax.shift]",
        "tests/test_x.py::test[softmax.shift]",
    )
    claim = {"name": "softmax.shift", "kind": "lemma"}
    for outcome, status in (("passed", OK), ("failed", FAILED), ("skipped", MISSING)):
        said = tools.numpy_is_symbols(claim, {node: {"outcome": outcome, "seconds": 0}})
        assert said.status == status
    assert tools.numpy_is_symbols(claim, {other: {"outcome": "passed", "seconds": 0}}).status == MISSING


def test_a_missing_witness_is_shown_as_missing_and_does_not_fail(alone, tmp_path, monkeypatch, capsys):
    def none_here(module):
        raise witnesses.Absent(f"{module} is not here")

    monkeypatch.setattr(witnesses, "needed", none_here)
    monkeypatch.setattr(tools, "coq", lambda: (Witness(MISSING, "coqc is not installed"), {}))
    monkeypatch.setattr(
        outcomes, "run", lambda *arguments: {f"{NUMPY}[affine.dW]": {"outcome": "skipped", "seconds": 0}}
    )
    code, made = run(tmp_path)
    said = made["claims"]["affine.dW"]["witnesses"]
    assert code == 0
    assert {said[name]["status"] for name in ("TensorFlow", "Coq", "numpy = symbols")} == {MISSING}
    assert "missing" in capsys.readouterr().out


def test_no_coqc_is_missing_and_not_ok(monkeypatch):
    monkeypatch.setattr(tools.shutil, "which", lambda program: None)
    whole, theorems = tools.coq()
    assert (whole.status, theorems) == (MISSING, {})
    assert tools.theorem(DW, (whole, theorems)).status == MISSING


@pytest.mark.parametrize(
    ("code", "status", "figure"),
    [
        ('print(\'noise\'); print(\'{"ok": true, "figure": "3 of 3"}\')', OK, "3 of 3"),
        ('print(\'{"ok": false, "figure": "2 of 3"}\')', FAILED, "2 of 3"),
        ('print(\'{"ok": true, "networks": 3, "false_alarms": 0}\')', OK, "3 networks, 0 false alarms"),
        ("print('3 networks, 0 alarms')", OK, "3 networks, 0 alarms"),
        ("print('1 alarm'); raise SystemExit(1)", FAILED, "1 alarm"),
        ("raise KeyError('x')", FAILED, "exit 1: KeyError: 'x'"),
        ("import time; time.sleep(60)", FAILED, "no answer in 1 s"),
    ],
)
def test_a_command_is_judged_by_its_exit_code_and_by_what_it_says(code, status, figure, tmp_path, monkeypatch):
    (tmp_path / "command.py").write_text(code)
    monkeypatch.setattr(tools, "ROOT", tmp_path)
    said, _ = tools.answer("command", limit=1 if "sleep" in code else 60)
    assert (said.status, said.figure) == (status, figure)


def test_the_report_is_stale_once_a_byte_of_any_source_changes(tmp_path):
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").write_text("x = 1\n")
    report = tmp_path / "report.json"
    assert not fresh(report, tmp_path)
    report.write_text(json.dumps({"sources_sha256": sources_sha256(tmp_path)}))
    assert fresh(report, tmp_path)
    for folder in FOLDERS:
        path = tmp_path / folder / "a.py"
        path.write_text("x = 2\n")
        assert not fresh(report, tmp_path)
        path.write_text("x = 1\n")
        assert fresh(report, tmp_path)
    (tmp_path / "nnref" / "a.py").rename(tmp_path / "nnref" / "b.py")
    assert not fresh(report, tmp_path)
    report.write_text("{")
    assert not fresh(report, tmp_path)


def test_the_outcome_of_every_test_is_written_by_node_id(tmp_path, monkeypatch):
    (tmp_path / "test_sample.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('claim', ['a.b', 'a.bc'])\n"
        "def test_right(claim, record_property): record_property('figure', '2 × noise')\n"
        "def test_wrong(): assert 1 == 2, 'one is not two'\n"
        "def test_left_out(): pytest.skip('no tool')\n"
        "@pytest.fixture\n"
        "def broken(): raise OSError('no disk')\n"
        "def test_setup(broken): pass\n"
    )
    (tmp_path / "test_unreadable.py").write_text("import no_such_module_at_all\n")
    found = outcomes.run(str(tmp_path), "--rootdir", str(tmp_path), "-c", "/dev/null")
    by = {node.partition("test_")[2]: test["outcome"] for node, test in found.items()}
    assert by == {
        "sample.py::test_right[a.b]": "passed",
        "sample.py::test_right[a.bc]": "passed",
        "sample.py::test_wrong": "failed",
        "sample.py::test_left_out": "skipped",
        "sample.py::test_setup": "failed",
        "unreadable.py": "failed",
    }
    assert [found[node]["figure"] for node in outcomes.naming(found, "a.b")] == ["2 × noise"]


@pytest.mark.further
def test_a_run_of_the_tests_that_did_not_take_place_is_a_failure():
    assert outcomes.run("--no-such-option")["pytest"]["outcome"] == "failed"
    assert outcomes.run("tests/test_verify.py", "-k", "no_test_has_this_name") == {}


def test_a_part_writes_no_report(alone, tmp_path, monkeypatch):
    assert verify.main(["--only", "affine", "--out", str(tmp_path / "v.json")]) == 0
    assert not (tmp_path / "v.json").exists()


def test_every_word_of_the_table_is_legible_at_eighty_columns(alone, capsys):
    made = verify.report()
    console = Console(file=sys.stdout, width=80, color_system=None)
    table.show(made, console)
    out = capsys.readouterr().out
    assert "…" not in out
    assert "affine.dW" in out


def test_the_kill_table_is_printed_from_what_the_tests_recorded(alone, capsys):
    node = tools.CATALOGUES["kill_table"].tests[0]
    bug, other = BUGS[0], BUGS[-1]
    tests = {
        f"tests/{node}[{bug.name}]": {
            "outcome": "passed",
            "seconds": 0,
            "figure": "1",
            "caught": {bug.name: ["g", "="]},
        },
        f"tests/{node}[{other.name}]": {
            "outcome": "passed",
            "seconds": 0,
            "figure": "2",
            "caught": {other.name: ["s"]},
        },
    }
    found = tools.named(tests, tools.CATALOGUES["kill_table"].tests)
    assert tools.caught_in(found) == {bug.name: ["g", "="], other.name: ["s"]}
    made = verify.report() | {
        "kill_table": Witness(OK, "2 of 2").to_dict() | {"data": {"caught": tools.caught_in(found)}}
    }
    table.show(made, Console(file=sys.stdout, width=80, color_system=None))
    out = capsys.readouterr().out
    assert re.search(rf"^{re.escape(bug.name[:44])} +g +=$", out, re.M)
    assert other.name[:44] in out
    assert BUGS[1].name not in out


def test_the_cases_are_drawn_where_a_wrong_formula_shows():
    for name in GRADIENTS:
        case = cases.case(name)
        (gradient,) = case.gradient({}).values()
        assert gradient.shape == next(iter(case.parameters.values())).shape
        assert np.count_nonzero(gradient) >= gradient.size / 3
    for shape in {shape for name in GRADIENTS for shape in claims()[name].shapes.values()}:
        sizes = [cases.SIZES[size] for size in shape if size in cases.SIZES]
        assert len({*sizes, 1}) == len(sizes) + 1, shape
