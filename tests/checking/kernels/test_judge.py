"""Is a gradient wrong beyond what rounding can do, and cannot be told between that and what it is likely to do?"""

import numpy as np

from nnref.checking.kernels.judge import JudgedGradient


def judged(a, t, likely=1.0, most=2.0):
    """A gradient with the same two bounds for every entry."""
    a, t = np.asarray(a, "float64"), np.asarray(t, "float64")
    return JudgedGradient("x", "x", a, t, np.full(a.shape, likely), np.full(a.shape, most), "float32")


def test_the_two_bounds_divide_right_untold_and_wrong():
    j = judged([0.5, 1.5, 2.5], [0, 0, 0])
    assert j.wrong.tolist() == [False, False, True]
    assert j.untold.tolist() == [False, True, False]


def test_nan_is_wrong_where_the_truth_is_a_number_and_cannot_be_told_where_it_is_none():
    j = judged([np.nan, np.nan], [1, np.nan])
    assert j.wrong.tolist() == [True, False]
    assert j.untold.tolist() == [False, True]
    assert j.shares[0] == np.inf


def test_the_histogram_counts_every_entry_once():
    j = judged(np.linspace(0, 100, 37), np.zeros(37))
    assert sum(j.histogram()) == 37
    assert judged(np.zeros(5), np.zeros(5)).histogram()[0] == 5


def test_an_exact_entry_without_room_is_right():
    j = judged([1.0, 1.5], [1, 1], likely=0.0, most=0.0)
    assert j.wrong.tolist() == [False, True]
    with np.errstate(all="ignore"):
        assert j.shares.tolist() == [0, np.inf]
