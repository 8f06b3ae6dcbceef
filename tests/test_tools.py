"""Does every command that the report asks exist, take the options it is given, and say how it went in one line?"""

import importlib
import json

import pytest

from derivations import symbolic
from nnref import affine
from nnref.checking import noise
from tests import fuzz_sums, mistakes, planted, tools
from tests.conftest import require
from tests.golden import PUBLISHED

COMMANDS = {module: (few, much) for module, few, much in (tools.CATALOGUES | tools.FUZZES).values()}

A_FEW = {
    "tests.planted": ["--every", "71"],
    "tests.golden": [],
    "tests.mistakes": ["--alone", "40", "--every", "9999"],
    "tests.mutations": ["softmax.sums_to_one"],
    "tests.wolves": ["--networks", "12"],
    "tests.fuzz_noise": ["--networks", "12"],
    "tests.fuzz_sums": ["--expressions", "12"],
}
"""Options with which a command is done in a second or two."""

FAULTS = {
    "tests.planted": lambda patch: patch.setattr(planted, "caught", lambda bug: ["-"] * len(planted.REGIMES)),
    "tests.golden": lambda patch: patch.setitem(PUBLISHED, "gradient", "0" * 64),
    "tests.mistakes": lambda patch: patch.setattr(mistakes, "judge", lambda *a: (False, [], False)),
    "tests.mutations": lambda patch: patch.setattr(symbolic, "equal", lambda *a: True),
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


@pytest.mark.parametrize("module", COMMANDS)
def test_a_command_takes_the_options_that_the_report_gives_it(module):
    for given in COMMANDS[module]:
        if given is not None:
            assert importlib.import_module(module).options([*given, "--json"]).json


@pytest.mark.parametrize("module", COMMANDS)
def test_a_command_says_in_one_line_that_all_is_well(module, capsys, monkeypatch):
    require("flint")
    code, answer = said(module, capsys)
    assert code == 0
    assert answer["ok"] is True
    assert any(letter.isdigit() for letter in answer["figure"])
    assert "\n" not in answer["figure"]


@pytest.mark.parametrize("module", COMMANDS)
def test_a_command_that_finds_something_says_so_and_exits_with_1(module, capsys, monkeypatch):
    require("flint")
    FAULTS[module](monkeypatch)
    code, answer = said(module, capsys)
    assert code == 1
    assert answer["ok"] is False
    assert answer["figure"]
