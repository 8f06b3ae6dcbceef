"""Are gradients judged by the slopes of a person's own loss, and is a loss that is not there the one that is meant?"""

import numpy as np
import pytest

from nnref.checking.homework.own_loss_verdict import as_float, entries_against_own_loss, losses_of_sigmoid
from tests.support.homework import BASE, read_from


def test_the_gradient_of_twice_the_loss_is_right_by_it_and_half_of_that_is_wrong():
    doubled = BASE.replace("return -np.sum(y * np.log(p))", "return -2 * np.sum(y * np.log(p))")
    right = doubled.replace("(p - y) / len(y)", "2 * (p - y) / len(y)")
    for text, verdicts in ((right, {"ok"}), (doubled, {"WRONG"})):
        entries, method = entries_against_own_loss(read_from(text))
        assert {entry.verdict for entry in entries} == verdicts
        assert method == "differences of your loss"


def test_a_file_without_a_loss_is_judged_by_the_mean_cross_entropy_of_its_output():
    entries, method = entries_against_own_loss(
        read_from(BASE[: BASE.index("def loss")] + BASE[BASE.index("def backward") :])
    )
    assert {entry.verdict for entry in entries} == {"ok"}
    assert method == "differences of the mean cross-entropy of your output"


def test_a_loss_that_is_nan_says_nothing():
    entries, method = entries_against_own_loss(read_from(BASE.replace("return -np.sum(", "return np.nan * np.sum(")))
    assert {entry.verdict for entry in entries} == {"cannot tell"}
    assert method.startswith("none: ")


@pytest.mark.parametrize(
    ("shape", "came"), [((6,), (6,)), ((6, 1), (6,)), ((1, 6), (6,)), ((2, 3), (2, 3)), ((3, 2), (3, 2))]
)
def test_only_axes_of_length_one_are_laid_otherwise(shape, came):
    assert as_float(np.zeros(came), shape).shape == shape


def test_another_shape_stays_another():
    assert as_float(np.zeros((3, 2)), (2, 3)).shape == (3, 2)
    assert as_float(np.zeros(5), (6,)).shape == (5,)
    assert as_float(None, (6,)) is None


def test_each_loss_of_a_sigmoid_is_another_multiple_of_one_of_two():
    A, Y = np.array([[0.2, 0.7, 0.4]]), np.array([[0.0, 1, 1]])
    found = [(name, loss(A, Y)) for name, loss in losses_of_sigmoid(1, 3)]
    assert {name for name, _ in found} == {"binary cross-entropy", "squared error"}
    assert found[0] == ("binary cross-entropy", pytest.approx(-np.log([0.8, 0.7, 0.4]).mean()))
