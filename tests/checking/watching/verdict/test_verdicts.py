"""What is said of one update, of all of a step, and of rates that a number of examples explains too."""

from dataclasses import replace

import numpy as np
import pytest

from nnref.checking.watching.calculus.slopes import Choice
from nnref.checking.watching.meaning.losses import Loss
from nnref.checking.watching.verdict.verdicts import Judged, Reading, at_their_rates, numbers_of_examples
from tests.support.recordings import STEP, first, roles_of

ONE = (np.ones(3),)


@pytest.mark.parametrize(
    ("factor", "inner", "rate", "own"),
    [
        (0.1, None, None, 0.1),
        (0.1, None, 0.1, 1.0),
        (None, -2.0, None, -2.0),
        (None, None, 0.1, None),
        (0.5, 3, 1, 0.5),
    ],
)
def test_the_factor_of_a_gradient_is_that_of_its_step_over_the_rate(factor, inner, rate, own):
    assert Judged(None, "ok", ONE, ONE, factor=factor, inner=inner, rate=rate).own == own


def reading(*rows, node=None):
    """A reading of these rows, under a guessed loss or that of a node."""
    return Reading(Loss("squared error", (), node=node), rows, (), Choice())


def test_a_reading_is_all_right_where_a_right_row_is_evidence():
    ok = Judged(None, "ok", ONE, ONE, factor=0.1)
    assert reading(ok).all_right
    assert not reading(replace(ok, silent=True)).all_right
    assert not reading(ok, replace(ok, verdict="cannot tell")).all_right
    assert reading(ok, replace(ok, silent=True)).right == 2


def test_turned_rows_fit_and_are_counted_apart():
    ok = Judged(None, "ok", ONE, ONE, factor=0.1)
    rows = ok, replace(ok, verdict="cannot tell", factor=-0.1), replace(ok, verdict="WRONG", factor=None)
    assert reading(*rows).fits == (2, 1, 2)
    assert reading(*rows).turned == 1


def test_examples_are_what_outputs_and_data_have_in_common(tmp_path):
    role, run = roles_of(tmp_path, STEP)
    assert numbers_of_examples(role) == {6}
    assert first(run, "W").shape == (3, 2)
    wide, _ = roles_of(tmp_path, STEP, ("(6, 2)", "(6, 9)"), ("(3, 2)", "(3, 9)"), ("randn(2)", "randn(9)"))
    assert numbers_of_examples(wide) == {6}


@pytest.mark.parametrize(
    ("rates", "written", "node", "verdicts"),
    [
        ((0.1, 0.6), (), None, ["cannot tell"] * 2),
        ((0.1, 0.1), (), None, ["ok"] * 2),
        ((0.1, 0.5), (), None, ["ok"] * 2),
        ((0.1, 0.6), (0.1, 0.6), None, ["ok"] * 2),
        ((0.1, 0.6), (0.1,), None, ["cannot tell"] * 2),
        ((0.1, 0.6), (), "own", ["ok"] * 2),
    ],
    ids=["six times", "the same", "five times", "both written out", "one of them", "the slope of the own loss itself"],
)
def test_a_rate_that_is_a_number_of_examples_times_another_is_not_told(tmp_path, rates, written, node, verdicts):
    role, run = roles_of(tmp_path, STEP)
    rows = [Judged(None, "ok", ONE, ONE, factor=rate, rate=rate) for rate in rates]
    given = reading(*rows, node=run.tape[0] if node else None)
    assert [row.verdict for row in at_their_rates(role, given, frozenset(written)).rows] == verdicts
