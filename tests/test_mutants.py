"""Is a survivor reported, an explanation no longer needed too, and has every listed mutant still its line?"""

import re
import tomllib

import pytest

from tests import mutants

SURVIVOR = {"file": "nnref/affine.py", "function": "dW", "before": "return dZ @ A.T", "after": "return dZ @ A"}
LISTED = SURVIVOR | {"reason": "a reason"}


def test_a_survivor_is_reported_unless_it_is_listed():
    (line,) = mutants.judged([SURVIVOR], [])
    assert line == "survived: nnref/affine.py, dW\n  - return dZ @ A.T\n  + return dZ @ A"
    assert mutants.judged([SURVIVOR], [LISTED]) == []


def test_a_listed_mutant_that_was_killed_or_is_gone_is_reported():
    (line,) = mutants.judged([], [LISTED])
    assert "killed or gone" in line
    assert len(mutants.judged([SURVIVOR | {"after": "return A"}], [LISTED])) == 2


def test_a_mutant_is_not_explained_without_a_reason():
    (line,) = mutants.judged([SURVIVOR], [LISTED | {"reason": ""}])
    assert "no reason" in line


def test_a_function_in_scope_of_which_nothing_was_mutated_is_reported():
    scope = {"nnref/checking/reference/noise.py": ("allowed", "multiples"), "nnref/affine.py": mutants.EVERY}
    found = {"nnref.checking.reference.noise.x_allowed__mutmut_1": "killed", "nnref.affine.x_dW__mutmut_1": "killed"}
    assert mutants.unmutated(found, scope) == ["nothing was mutated in nnref/checking/reference/noise.py, multiples"]
    assert mutants.unmutated({}, mutants.SCOPE)


@pytest.mark.parametrize(
    ("name", "file", "inside"),
    [
        ("nnref.running.gate.xǁGateǁto_dict__mutmut_1", "nnref/running/gate.py", True),
        ("nnref.checking.reference.noise.x_allowed__mutmut_12", "nnref/checking/reference/noise.py", True),
        ("nnref.checking.reference.noise.x_scale__mutmut_12", "nnref/checking/reference/noise.py", False),
        ("nnref.checking.results.findings.x_ratio__mutmut_1", "nnref/checking/results/findings.py", False),
    ],
)
def test_what_is_in_scope(name, file, inside):
    assert mutants.file_of(name) == file
    assert mutants.within(name, mutants.SCOPE) is inside


@pytest.mark.parametrize("listed", mutants.known(mutants.SCOPE), ids=lambda m: f"{m['function']}: {m['after'][:40]}")
def test_every_listed_mutant_has_its_line_in_the_source(listed):
    source = (mutants.ROOT / listed["file"]).read_text(encoding="utf-8")
    assert listed["before"] in re.sub(r"\s+", " ", source)
    assert len(listed["reason"]) > 20


def test_the_files_in_scope_exist_and_no_other_is_listed():
    listed = tomllib.loads(mutants.KNOWN.read_text(encoding="utf-8"))["mutant"]
    assert len(mutants.known(mutants.SCOPE)) == len(listed) > 0
    assert all((mutants.ROOT / file).exists() for file in mutants.SCOPE)
