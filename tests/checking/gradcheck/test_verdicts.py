"""Do slopes without kinks say so, and does each place keep its own?"""

import numpy as np

from nnref.checking.gradcheck.verdicts import HALF, Truths
from nnref.checking.reference import noise


def test_slopes_without_kinks_have_no_sides_and_no_jump():
    truths = Truths.of(np.arange(3.0), 0.1)
    assert np.isnan(truths.low).all()
    assert np.isnan(truths.high).all()
    assert not truths.jump.any()
    assert truths.e.tolist() == [0.1, 0.1, 0.1]


def test_one_place_is_replaced_and_the_others_stay():
    truths = Truths.of(np.arange(3.0), 0.1)
    truths.put(np.array([False, True, False]), np.array([[5, 0.2, -1, 1, 1.0]]))
    assert truths.value.tolist() == [0, 5, 2]
    assert truths.e.tolist() == [0.1, 0.2, 0.1]
    assert (truths.low[1], truths.high[1], truths.jump[1]) == (-1, 1, 1)
    assert np.isnan(truths.low[[0, 2]]).all()


def test_a_result_in_half_precision_has_as_many_roundings_as_the_reference_allows():
    """gradcheck may not import the reference: the number stands in both."""
    assert HALF == noise.SAFE
