"""Is the worst entry of a tensor the one that is the most error bars off?"""

import numpy as np

from nnref.checking.gradcheck.summary import gaps_in_bars
from nnref.checking.gradcheck.verdicts import RIGHT, WRONG, Truths


def test_a_gap_is_counted_in_its_own_error_bars():
    truths = Truths.of(np.array([1.0, 1.0]), 0.0)
    gaps = gaps_in_bars(np.array([1.5, 1.5]), truths, np.array([0.1, 0.5]), np.array([WRONG, WRONG]))
    np.testing.assert_allclose(gaps, [5, 1])


def test_nan_is_infinitely_far_and_an_exact_equal_is_0_even_without_room():
    truths = Truths.of(np.array([1.0, 1.0]), 0.0)
    assert gaps_in_bars(np.array([np.nan, 1.0]), truths, np.zeros(2), np.array([WRONG, RIGHT])).tolist() == [np.inf, 0]


def test_what_is_right_within_a_kink_is_no_gap_and_what_is_wrong_there_is_one():
    truths = Truths.of(np.array([0.5, 0.5]), 0.1)
    truths.put(np.array([True, True]), np.array([[0.5, 0.1, 0, 1, 0], [0.5, 0.1, 0, 1, 0]]))
    gaps = gaps_in_bars(np.array([1.0, 1.0]), truths, truths.e, np.array([RIGHT, WRONG]))
    np.testing.assert_allclose(gaps, [0, 5])
