"""Is a gradient compared in units of what rounding may do, and another shape infinitely far?"""

import numpy as np

from nnref.checking.operations.running import Running
from nnref.checking.recognition.judged import Point, explains


def point(yours, truth):
    """One place with one gradient."""
    truth = Running(np.asarray(truth, "float64"), np.ones(np.shape(truth)))
    return Point({"x": np.zeros(3)}, np.zeros(3), {"x": np.asarray(yours, "float64")}, {"x": truth})


def test_equal_numbers_are_no_units_away_and_nan_is_infinitely_far():
    assert point([1, 2, 3], [1, 2, 3]).furthest("x") == 0
    assert point([1, np.nan, 3], [1, 2, 3]).furthest("x") == np.inf


def test_another_shape_is_infinitely_far():
    assert point([1, 2], [1, 2, 3]).furthest("x") == np.inf


def test_what_is_near_explains_and_what_is_far_does_not():
    p = point([1, 2, 3], [0, 0, 0])
    assert explains(p, "x", Running(np.array([1, 2, 3.0]), np.ones(3)))
    assert not explains(p, "x", Running(np.array([1, 2, 3.1]), np.ones(3)))
