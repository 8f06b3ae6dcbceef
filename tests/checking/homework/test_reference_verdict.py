"""Is a gradient of the reference's loss right, wrong, or not there; and what may one read from an update be off?"""

import numpy as np
import pytest

from nnref.checking.homework.reference_verdict import (
    STRANGER,
    allowance,
    entries_against_reference,
    gradients_right,
    parameter_names,
    parameters_in_order,
    slack_of_update,
)
from nnref.checking.reference import noise
from tests.support.homework import BASE, read_from


def test_the_reference_s_own_gradients_are_right_the_last_layer_s_first():
    entries = entries_against_reference(read_from(BASE), {})
    assert [entry.name for entry in entries] == ["W2", "b2", "W1", "b1"]
    assert gradients_right(entries) is True


def test_one_gradient_that_is_doubled_is_wrong_and_the_others_stay_right():
    entries = entries_against_reference(read_from(BASE.replace("a1.T @ dz2", "2 * a1.T @ dz2")), {})
    assert {entry.name: entry.verdict for entry in entries} == {"W2": "WRONG", "b2": "ok", "W1": "ok", "b1": "ok"}
    assert gradients_right(entries) is False


def test_what_is_not_there_is_no_verdict():
    reading = read_from(BASE)
    reading.gradients["b1"] = None
    entries = entries_against_reference(reading, {})
    assert entries[-1].verdict not in ("ok", "WRONG")
    assert gradients_right(entries) is None


def test_a_stranger_may_be_so_many_times_as_far_off_as_the_reference():
    reading = read_from(BASE)
    own = noise.allowed(reading.case.layers, reading.case.theta, reading.X.shape[1])
    assert allowance(reading) == STRANGER * own


def test_parameters_are_named_in_the_order_in_which_they_stand():
    reading = read_from(BASE)
    shapes = dict(zip(parameter_names(reading), map(np.shape, parameters_in_order(reading)), strict=True))
    n, m, K = reading.sizes
    assert shapes == {"W1": (m, n), "b1": (m, 1), "W2": (K, m), "b2": (K, 1)}


def test_only_a_gradient_read_from_an_update_has_slack_and_a_smaller_step_more_of_it():
    reading = read_from(BASE)
    assert slack_of_update(reading) == {}
    reading.backward_pass.updated = True
    whole = slack_of_update(reading)
    reading.backward_pass.step = reading.backward_pass.step / 2
    assert all((half >= whole[name]).all() for name, half in slack_of_update(reading).items())
    assert whole["W1"].max() == pytest.approx(slack_of_update(reading)["W1"].max() / 2, rel=0.1)
