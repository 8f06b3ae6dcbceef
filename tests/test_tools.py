"""Does every command that the report asks exist, take the options it is given, and say how it went in one line?"""

import importlib
import inspect
import json
import os

import numpy as np
import pytest

from derivations.algebra import symbolic
from nnref import affine
from nnref.checking.reference import noise
from nnref.running import shuffle
from tests import fuzz_sums, kinds, mistakes, planted, watched
from tests.conftest import require
from tests.golden import PUBLISHED
from tests.support import tools
from tests.support.quick import some
from tests.support.witnesses import FAILED, MISSING, OK

COUNTED = {counted.module: counted for counted in (tools.CATALOGUES | tools.FUZZES).values()}

A_FEW = {
    "tests.planted": ["--every", "71"],
    "tests.golden": [],
    "tests.mistakes": ["--alone", "40", "--every", "9999"],
    "tests.mutations": ["softmax.sums_to_one"],
    "tests.watched": ["tests/unseen/elu.py", "--every", "9"],
    "tests.kills": ["--kills", "3"],
    "tests.kinds": ["--seeds", "1", "--losses", "24", "--every", "9"],
    "tests.wolves": ["--networks", "12"],
    "tests.fuzz_noise": ["--networks", "12"],
    "tests.fuzz_sums": ["--expressions", "12"],
}
"""Options with which a command is done in a second or two."""


def own_order(settings, epoch, N):
    """A shuffle that is another one in every process."""
    return np.random.default_rng([os.getpid(), epoch]).permutation(N)


FAULTS = {
    "tests.planted": lambda patch: patch.setattr(planted, "caught", lambda bug: ["-"] * len(planted.REGIMES)),
    "tests.golden": lambda patch: patch.setitem(PUBLISHED, "gradient", "0" * 64),
    "tests.mistakes": lambda patch: patch.setattr(mistakes, "judge", lambda *a: (False, [], False)),
    "tests.mutations": lambda patch: patch.setattr(symbolic, "equal", lambda *a: True),
    "tests.watched": lambda patch: patch.setattr(watched, "settled", lambda seen: True),
    "tests.kills": lambda patch: patch.setattr(shuffle, "order", own_order),
    "tests.kinds": lambda patch: patch.setitem(kinds.KINDS, "squares", (kinds.KINDS["squares"][0], lambda x: 3 * x)),
    "tests.wolves": lambda patch: patch.setattr(affine, "db", lambda dZ: dZ.mean(axis=1, keepdims=True)),
    "tests.fuzz_noise": lambda patch: patch.setattr(noise, "allowed", lambda *a: 1e-9),
    "tests.fuzz_sums": lambda patch: patch.setattr(fuzz_sums, "equal", lambda *a: True),
}
"""What makes each of them find something."""


@pytest.fixture(autouse=True)
def one_network(monkeypatch):
    """Mistakes are planted in one network, and not in one of every kind."""
    monkeypatch.setattr(mistakes, "nets", lambda seeds: [("shallow", "relu", 0)])


def said(module, capsys):
    """The exit code of a command and the last line of what it prints."""
    code = importlib.import_module(module).main([*A_FEW[module], "--json"])
    return code, json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize("module", COUNTED)
def test_a_command_takes_the_options_of_the_long_report(module):
    assert importlib.import_module(module).options(["--json", *COUNTED[module].long]).json


@pytest.mark.parametrize("test", [test for counted in COUNTED.values() for test in counted.tests])
def test_a_test_that_answers_for_a_command_exists_and_records_its_figure(test):
    file, _, name = test.partition("::")
    module = f"tests/{file.removesuffix('.py')}".replace("/", ".")
    function = getattr(importlib.import_module(module), name)
    assert "record_property" in inspect.signature(function).parameters


def test_what_tests_counted_is_added_up_and_one_that_failed_or_was_left_out_is_told():
    names = ("test_a.py::test_x", "test_a.py::test_y")
    passed = {
        "tests/test_a.py::test_x[1]": {"outcome": "passed", "seconds": 1, "figure": "999 of 1,000 caught"},
        "tests/test_a.py::test_x[2]": {"outcome": "passed", "seconds": 2, "figure": "1 of 1 caught"},
        "tests/test_a.py::test_y": {"outcome": "passed", "seconds": 3, "figure": "worst 0.05"},
        "tests/test_b.py::test_x": {"outcome": "failed", "seconds": 9},
    }
    said = tools.told_by(tools.named(passed, names), names)
    assert (said.status, said.figure, said.seconds) == (OK, "1,000 of 1,001 caught; worst 0.05", 6)
    for outcome, status in (("failed", FAILED), ("skipped", MISSING)):
        changed = passed | {"tests/test_a.py::test_y": {"outcome": outcome, "seconds": 0}}
        assert tools.told_by(tools.named(changed, names), names).status == status
    assert tools.told_by({}, names).status == MISSING


def test_commands_are_asked_only_for_what_no_test_did_unless_the_report_is_a_long_one(monkeypatch):
    asked = []
    monkeypatch.setattr(tools, "described", lambda module, *options: asked.append(module) or {"status": OK})
    tools.catalogues({}, long=False)
    assert asked == [counted.module for counted in COUNTED.values() if not counted.tests] == ["tests.golden"]
    asked.clear()
    tools.catalogues({}, long=True)
    assert sorted(asked) == sorted(COUNTED)


@pytest.mark.parametrize("module", some(COUNTED, 24))
def test_a_command_says_in_one_line_that_all_is_well(module, capsys, monkeypatch):
    require("flint")
    code, answer = said(module, capsys)
    assert code == 0
    assert answer["ok"] is True
    assert any(letter.isdigit() for letter in answer["figure"])
    assert "\n" not in answer["figure"]


@pytest.mark.parametrize("module", some(COUNTED, 24))
def test_a_command_that_finds_something_says_so_and_exits_with_1(module, capsys, monkeypatch):
    require("flint")
    FAULTS[module](monkeypatch)
    code, answer = said(module, capsys)
    assert code == 1
    assert answer["ok"] is False
    assert answer["figure"]
