"""The factor that most gradients have: which of two is believed, and where nothing says which of them is right."""

import numpy as np
import pytest

from nnref.checking.watching.meaning.updates import Update
from nnref.checking.watching.recording.tape import Node, Site
from nnref.checking.watching.telling.report import certificate
from nnref.checking.watching.verdict.usual_factor import ranked, undecided
from nnref.checking.watching.verdict.verdicts import Judged
from tests.support.programs import seen
from tests.support.recordings import STEP


def of_factor(factor, size=3):
    """A verdict on a gradient that is a factor times the truth."""
    truth = np.arange(1.0, size + 1)
    node = Node(0, "leaf", None, (), {}, truth, Site("", 1, 0, ""), leaf="random", dims=truth.shape)
    return Judged(Update(node, node, node, 1), "ok", (factor * truth,), (truth,), factor=factor)


def usual_of(rows, *how):
    """The factor that is believed; None where there is none."""
    return next((group.factor for group in ranked(rows, *how)), None)


@pytest.mark.parametrize(
    ("factors", "usual"), [((0.1, 0.1, 3.0), 0.1), ((0.1, -0.1), 0.1), ((-0.1, -0.1, 0.2), -0.1), ((), None)]
)
def test_the_usual_factor_is_that_of_most_and_of_two_the_one_that_goes_down(factors, usual):
    assert usual_of([of_factor(f) for f in factors]) == usual


def test_where_as_many_have_another_factor_the_last_layer_is_believed():
    rows = [of_factor(0.1), of_factor(0.2)]
    assert usual_of(rows, {id(rows[0]): 1, id(rows[1]): 2}) == 0.2
    assert usual_of(rows, {id(rows[0]): 2, id(rows[1]): 1}) == 0.1


def test_gradients_that_are_the_slope_of_the_own_loss_itself_are_believed_before_more_others():
    rows = [of_factor(0.1), of_factor(0.1), of_factor(3.0), of_factor(3.0), of_factor(3.0)]
    assert usual_of(rows) == 3.0
    assert usual_of(rows, None, lambda one: 1 if one.factor == 0.1 else None) == 0.1


def test_a_step_as_long_as_a_number_says_that_is_written_out_is_believed():
    rows = [of_factor(0.1), of_factor(0.8)]
    assert usual_of(rows, None, None, frozenset([0.1])) == 0.1
    assert usual_of(rows, None, None, frozenset([0.8])) == 0.8


def test_where_all_are_alike_at_first_the_one_that_is_scaled_less_is_believed():
    rows = [of_factor(0.1), of_factor(0.8)]
    assert usual_of(rows, None, None, frozenset(), lambda row: (1.0, 1 if row.factor == 0.1 else 2)) == 0.1
    assert usual_of(rows, None, None, frozenset(), lambda row: (1.0, 2 if row.factor == 0.1 else 1)) == 0.8


def test_two_of_one_layer_leave_it_open_and_a_third_decides():
    rows = [of_factor(0.1), of_factor(0.8), of_factor(0.8)]
    late = {id(row): 5 - k for k, row in enumerate(rows)}
    assert undecided(ranked(rows[:2], late), late)
    assert not undecided(ranked(rows, late), late)


def test_where_nothing_says_which_is_right_both_are_said_and_no_line_is(tmp_path):
    """(2 X)ᵀ d beside the sum of d, without a loss: the other one may miss a 2."""
    found = certificate(seen(tmp_path, STEP, ("X.T @ d", "(2 * X.T) @ d")), mend=False)
    assert found.first.place.startswith("at or after line 7:")
    assert "he gradients of W and of b are not of one loss" in found.first.says
    assert [e.verdict for e in found.entries] == ["WRONG", "WRONG"]
