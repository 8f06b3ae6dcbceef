"""How large a mistake random directions miss, and how often: the stated chances are those of many trials."""

import numpy as np
import pytest

from nnref.checking.results import sampling

TRIALS = 4000


def test_directions_miss_a_mistake_of_any_shape_as_often_as_stated(rng):
    bars = [0.8, 1.1, 0.5]
    for mistake in (np.eye(1, 50)[0] * 1.5, np.full(50, 1.5 / np.sqrt(50)), rng.standard_normal(50)):
        size = float(np.linalg.norm(mistake))
        within = abs(rng.standard_normal((TRIALS, 3, 50)) @ mistake) <= bars
        stated = sampling.chance_by_directions(size, bars)
        assert np.mean(within.all(axis=1)) == pytest.approx(stated, abs=4 * np.sqrt(stated / TRIALS))


def test_the_size_of_directions_is_the_one_that_is_missed_once_in_a_thousand_times():
    bars = [0.8, 1.1, 0.5, 0.9]
    assert sampling.chance_by_directions(sampling.size_by_directions(bars), bars) == pytest.approx(sampling.CHANCE)
    assert sampling.size_by_directions([]) == float("inf")
    assert sampling.size_by_directions([0.0, 0.0]) == 0.0
