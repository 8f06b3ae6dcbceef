"""Is the rounding of a loss seen as large as it is, and a stair of a rounded one by its height?"""

import numpy as np
import pytest

from nnref.checking.gradcheck.stairs import STAIR, first_change, jump_between, measured, spread, steps_within

U = 2.0**-53
HERE = [np.array([0.7, -0.4, 1.1])]


def smooth(arrays):
    return float(np.exp(0.3 * arrays[0]).sum())


def rounded_to(step):
    return lambda arrays: float(np.round(smooth(arrays) / step) * step)


def test_the_spread_of_independent_roundings_is_their_standard_deviation(rng):
    assert spread(3e-9 * rng.standard_normal(20_000) + 5) == pytest.approx(3e-9, rel=0.03)


def test_a_cubic_has_no_fourth_differences():
    assert spread([t**3 - t for t in range(9)]) == 0


def test_a_smooth_loss_has_the_noise_of_its_dtype_and_no_stair(rng):
    found = measured(smooth, HERE, smooth(HERE), U, rng, None)
    assert 2 * U * smooth(HERE) <= found.noise < 32 * U * smooth(HERE)
    assert found.stair == 0


@pytest.mark.parametrize("step", [1e-4, 1e-7])
def test_a_rounded_loss_stands_on_a_stair_of_its_step(rng, step):
    L = rounded_to(step)
    found = measured(L, HERE, L(HERE), U, rng, None)
    assert found.stair == pytest.approx(step)
    assert found.noise >= step
    assert found.spacing >= 4 * found.changes


def test_a_loss_that_never_changes_has_the_noise_of_a_stair_that_cannot_be_seen(rng):
    found = measured(lambda arrays: 0.0, HERE, 0.0, U, rng, None)
    assert found.noise == STAIR * U
    assert found.changes == np.inf


def test_elsewhere_the_noise_is_at_least_what_it_was(rng):
    L = rounded_to(1e-4)
    here = measured(L, HERE, L(HERE), U, rng, None)
    there = [2 * HERE[0]]
    found = measured(L, there, L(there), U, rng, here)
    assert found.noise >= here.noise
    assert (found.stair, found.changes) == (here.stair, here.changes)


def test_a_jump_is_found_between_two_points_and_a_slope_is_none():
    moves, at = [np.ones(1)], [np.zeros(1)]
    assert jump_between(lambda A: A[0][0] + 0.25 * (A[0][0] > 0.3), at, moves, 0, 1, 0.1) == pytest.approx(0.25)
    assert jump_between(lambda A: A[0][0], at, moves, 0, 1, 0.1) == 0


def test_steps_are_found_in_a_loss_that_never_stands_still_and_not_in_one_with_a_kink(rng):
    stepped = lambda arrays: smooth(arrays) + rounded_to(1e-6)(arrays)  # noqa: E731
    assert steps_within(stepped, HERE, stepped(HERE), 1e-15, rng) > 3e-7
    kinked = lambda arrays: smooth(arrays) + abs(arrays[0] - 0.7).sum()  # noqa: E731
    assert steps_within(kinked, HERE, kinked(HERE), 1e-15, rng) == 0


def test_a_loss_changes_first_where_its_first_step_is(rng):
    height, distance = first_change(lambda A: float(abs(A[0][0] - 0.7) > 2.0**-5), HERE, 0.0, 1e-9, rng)
    assert height == 1
    assert distance * 1.1 == pytest.approx(2.0**-5, rel=1e-6)


def cancelling(t):
    """A sum of 400 terms of size 100 that is about 1 at t = 1."""
    c = np.random.default_rng(4).standard_normal(400) * 100
    return float((t * (c - c.mean())).sum() + t[0])


@pytest.mark.parametrize("seed", range(8))
def test_the_rounding_of_a_sum_whose_terms_nearly_cancel_is_seen_and_is_no_stair(seed):
    t = np.ones(400)
    values = [cancelling(t + k * 2.0**-34) for k in range(200)]
    scattered = np.std(values - np.polyval(np.polyfit(range(200), values, 1), range(200)))
    found = measured(lambda arrays: cancelling(arrays[0]), [t], cancelling(t), U, np.random.default_rng(seed), None)
    assert scattered <= found.noise <= 16 * scattered
    assert found.stair == 0


def test_a_jump_at_the_point_is_no_rounding(rng):
    found = measured(lambda arrays: float(np.heaviside(arrays[0], 0.5).sum()), [np.zeros(1)], 0.5, 2e-16, rng, None)
    assert found.noise < 1e-12
