"""A few of the mistakes that python -m tests.watched plants in right programs."""

import ast

import pytest

from tests import watched
from tests.support.sources import ROOT

EVERY = 13
"""Of the changes of one program, so many are passed over for one that is tried: one to four a program."""

QUICK = ("tests/unseen/weight_decay_in_loss.py", "tests/unseen/residual.py")
"""Programs that are watched in a tenth of a second."""


@pytest.mark.parametrize(
    "program", [p if p in QUICK else pytest.param(p, marks=pytest.mark.long) for p in watched.PROGRAMS]
)
def test_a_mistake_planted_in_a_right_program_is_caught(program, record_property):
    """Most are; python -m tests.watched counts them all, and asks for nine in ten."""
    said = watched.summary([watched.of_program(program, every=EVERY)])
    record_property("figure", said["figure"])
    counts = said["counts"]
    caught = sum(counts.get(kind, 0) for kind in watched.CAUGHT)
    assert not any("accused" in fault for fault in said["faults"]), said["faults"]
    assert caught >= counts.get("passed", 0), said["faults"]


def test_every_mutant_is_another_program_that_differs_in_one_line():
    text = (ROOT / watched.PROGRAMS[0]).read_text(encoding="utf-8")
    lines = text.split("\n")
    found = list(watched.mutants(text, set(range(1, len(lines) + 1))))
    assert {mutant.kind for mutant in found} == {"operator", "sign", "factor", "axis", "transpose"}
    for mutant in found:
        ast.parse(mutant.text)
        differ = [k for k, (a, b) in enumerate(zip(lines, mutant.text.split("\n"), strict=True), 1) if a != b]
        assert differ == [mutant.line]


def test_a_place_is_exact_only_on_the_very_line():
    assert watched.where("line 12:  dW = 1", 12) == "exact"
    assert watched.where("line 12:  dW = 1", 13) == "right line"
    assert watched.where("at or after line 12:  dW = 1", 13) == "at or after"
    assert watched.where("at or after line 14:  dW = 1", 13) == "right line"
    assert watched.where("", 13) == "no line"
