"""How large a mistake is missed, and how often: the stated chances are those of many trials."""

import numpy as np
import pytest

from nnref.checking.results import missed

TRIALS = 4000


def test_a_sample_misses_a_share_of_wrong_entries_as_often_as_stated(rng):
    size, checked, share = 1000, 40, 0.05
    holds = [(rng.permutation(size)[:checked] < share * size).any() for _ in range(TRIALS)]
    stated, seen = missed.chance_by_sample(share, checked), 1 - np.mean(holds)
    assert seen <= stated + 4 * np.sqrt(stated / TRIALS)
    assert seen >= stated / 2


def test_the_share_of_a_sample_is_the_one_that_is_missed_once_in_a_thousand_times():
    assert missed.chance_by_sample(missed.share_by_sample(256), 256) == pytest.approx(missed.CHANCE)


def test_directions_miss_a_mistake_of_any_shape_as_often_as_stated(rng):
    bars = [0.8, 1.1, 0.5]
    for mistake in (np.eye(1, 50)[0] * 1.5, np.full(50, 1.5 / np.sqrt(50)), rng.standard_normal(50)):
        size = float(np.linalg.norm(mistake))
        within = abs(rng.standard_normal((TRIALS, 3, 50)) @ mistake) <= bars
        stated = missed.chance_by_directions(size, bars)
        assert np.mean(within.all(axis=1)) == pytest.approx(stated, abs=4 * np.sqrt(stated / TRIALS))


def test_the_size_of_directions_is_the_one_that_is_missed_once_in_a_thousand_times():
    bars = [0.8, 1.1, 0.5, 0.9]
    assert missed.chance_by_directions(missed.size_by_directions(bars), bars) == pytest.approx(missed.CHANCE)
    assert missed.size_by_directions([]) == float("inf")
    assert missed.size_by_directions([0.0, 0.0]) == 0.0
