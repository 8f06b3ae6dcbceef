"""Has every fault that is stated its tests, and does the table say what they came to?"""

import ast
from pathlib import Path

import pytest

import nnref
from tests import faults
from tests.support import table

ROOT = Path(nnref.__file__).parent.parent


@pytest.mark.parametrize("fault", faults.FAULTS, ids=lambda fault: fault.name)
def test_every_fault_is_kept_by_tests_that_exist(fault):
    assert fault.tests
    for node in fault.tests:
        file, _, name = node.partition("::")
        tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
        assert name in {part.name for part in tree.body if isinstance(part, ast.FunctionDef)}, node


def run(outcome, leave_out=""):
    """Every test of every fault, with this outcome, as a report has them."""
    names = {f"tests/{name}" for fault in faults.FAULTS for name in fault.tests} - {leave_out}
    return {f"{name}[SIGINT]" if "signal" in name else name: {"outcome": outcome} for name in names}


def test_a_fault_is_ok_where_all_its_tests_passed_and_false_where_one_failed():
    assert set(faults.answers(run("passed")).values()) == {"ok"}
    one = f"tests/{faults.FAULTS[0].tests[0]}"
    assert faults.answers(run("passed") | {one: {"outcome": "failed"}})["disk full"] == "FALSE"
    assert faults.answers(run("passed", leave_out=one))["disk full"] == "missing"
    assert faults.answers(run("skipped"))["no HOME"] == "missing"


def test_the_report_shows_the_table():
    assert "paths with spaces" in str(
        [list(column.cells) for made in table.faults_table(run("passed")) for column in made.columns]
    )
    assert table.faults_table({}) == []


def test_the_list_runs_nothing(capsys, monkeypatch):
    monkeypatch.setattr(faults.outcomes, "run", lambda *_: pytest.fail("it ran"))
    assert faults.main(["--list"]) == 0
    assert "clock set back" in capsys.readouterr().out
