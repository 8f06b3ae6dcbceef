"""Is a loss read as one number, and an update of one size told from a gradient?"""

import numpy as np
import pytest

from nnref import one_hot
from nnref.checking.homework.recognition import loss_as_number, mean_cross_entropy, one_size


@pytest.mark.parametrize(
    ("loss", "number"),
    [(2, 2.0), (np.array([[2.0]]), 2.0), (np.array([1.0, 3.0]), 2.0), (np.ones(3), None), ("2", None), (None, None)],
)
def test_a_loss_is_one_number_or_one_an_example(loss, number):
    assert loss_as_number(loss, 2) == number


def test_an_update_divided_by_its_own_size_has_one_size(rng):
    g = rng.standard_normal(50)
    assert one_size({"W": 0.01 * np.sign(g)})
    assert not one_size({"W": 0.01 * g})
    assert not one_size({"W": np.ones(4)})  # of four numbers nothing is said


def test_the_mean_cross_entropy_is_that_of_probabilities():
    P, Y = np.array([[0.5, 0.2], [0.5, 0.8]]), one_hot([0, 1], 2)
    assert mean_cross_entropy(P, Y, None) == pytest.approx(-(np.log(0.5) + np.log(0.8)) / 2)
