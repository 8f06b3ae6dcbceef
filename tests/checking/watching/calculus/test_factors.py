"""Is one factor found where there is one in all runs, and none where one entry differs?"""

import numpy as np
import pytest

from nnref.checking.watching.calculus.factors import LARGE, differ, multiple, with_part

HALF = 1e-8


@pytest.mark.parametrize("size", [5, 2 * LARGE])
def test_one_factor_of_all_runs_is_found(size, rng):
    truth = [rng.standard_normal(size) for _ in range(2)]
    assert multiple([-3 * t for t in truth], truth, HALF) == pytest.approx(-3)
    assert multiple([-3 * truth[0], 3 * truth[1]], truth, HALF) is None
    wrong = -3 * truth[0]
    wrong[3] *= 1.001
    assert multiple([wrong, -3 * truth[1]], truth, HALF) is None


def test_nothing_is_0_times_nothing_and_no_multiple_of_something_else():
    zero, one = [np.zeros(3)], [np.ones(3)]
    assert multiple(zero, zero, HALF) == 0
    assert multiple(one, zero, HALF) is None
    assert multiple(zero, one, HALF) is None
    assert multiple([np.full(3, np.nan)], one, HALF) is None


def test_large_arrays_that_differ_everywhere_are_seen_by_a_few_entries(rng):
    truth = rng.standard_normal(2 * LARGE)
    assert differ([rng.standard_normal(2 * LARGE)], [truth], HALF)
    assert not differ([2 * truth], [truth], HALF)


def test_a_decay_is_told_from_a_factor(rng):
    truth, theta = [rng.standard_normal(9)], [rng.standard_normal(9)]
    c, d = with_part([2 * truth[0] + 0.5 * theta[0]], truth, theta, HALF)
    assert (c, d) == (pytest.approx(2), pytest.approx(0.5))
    assert with_part([2 * truth[0] + 0.5 * theta[0] ** 2], truth, theta, HALF) is None


def test_what_is_no_number_is_a_part_of_nothing():
    """A step that grows without end makes infinite slopes and parameters, of which least squares knows nothing."""
    x = np.arange(1.0, 5.0)
    for broken in (np.inf * x, np.nan * x):
        assert with_part([x], [broken], [x], 1e-8) is None
        assert with_part([x], [x], [broken], 1e-8) is None
        assert with_part([broken], [x], [x], 1e-8) is None
