"""Does a prediction explain numbers where it should, and never where an entry says otherwise?"""

import numpy as np
import pytest

from nnref.checking.diagnosis.fit import GivenGradient, fitted_factor, same_factor, same_numbers, short_number, solved
from nnref.checking.operations.running_error import WithError

U = 2.0**-53


def made(value):
    """A prediction, each entry rounded a few times."""
    return WithError(np.asarray(value, float), 3 * np.abs(value), U)


def given(value, slack=0.0):
    return GivenGradient(np.asarray(value, float), slack, 4.0)


def test_the_one_factor_of_a_gradient_is_found(rng):
    t = rng.standard_normal((3, 4))
    found = fitted_factor(given(-0.25 * t), made(t), 12)
    assert found.value == pytest.approx(-0.25, abs=found.error)
    assert found.believed
    assert not found.is_one


@pytest.mark.parametrize("off", [1e-12, 2e-14])
def test_one_entry_that_is_not_the_factor_times_the_truth_forbids_it(off, rng):
    t = rng.standard_normal((3, 4)) + 2
    g = 2 * t
    g[1, 2] *= 1 + off
    assert fitted_factor(given(g), made(t), 12) is None
    assert fitted_factor(given(g, slack=1e-11), made(t), 12).value == pytest.approx(2)


def test_a_right_gradient_is_once_the_truth_and_zeros_are_none_of_it(rng):
    t = rng.standard_normal(5)
    assert fitted_factor(given(t * (1 + 2e-16)), made(t), 5).value == 1.0
    assert fitted_factor(given(0 * t), made(t), 5).value == 0.0
    assert fitted_factor(given(t[:4]), made(t), 5) is None
    assert fitted_factor(given(np.full(5, np.nan)), made(t), 5) is None


def test_a_single_equation_believes_only_a_number_that_people_write():
    assert fitted_factor(given([0.06]), made([2.0]), 1).believed  # 0.03 times
    assert not fitted_factor(given([0.0612345]), made([2.0]), 1).believed
    assert fitted_factor(given([0.0612345, 0.0612345, 0.0612345]), made([2.0] * 3), 3).believed


def test_two_numbers_are_found_beside_what_is_known(rng):
    X, Y, free = rng.standard_normal((3, 4, 5))
    x, y = solved(given(free + 3 * X - Y / 8), free, [made(X), made(Y)], 20)
    assert (x.value, y.value) == (pytest.approx(3, abs=x.error), pytest.approx(-0.125, abs=y.error))
    assert x.error < 1e-12
    assert solved(given(free), free, [made(X), made(2 * X)], 20) is None


def test_what_could_not_be_a_multiple_is_none(rng):
    """The quick question is asked first, so it must never say no where the long one says yes."""
    for _ in range(200):
        t = rng.standard_normal((3, 3))
        g = rng.choice([-1, 0.01, 1, 7]) * t * (1 + rng.uniform(-3, 3) * U * (1 + 10 * (rng.random() < 0.3)))
        if fitted_factor(given(g), made(t), 9) is not None:
            assert given(g).could_be(made(t))
    assert not given(t + 1e-6).could_be(made(t))
    assert not given(t).could_be(made(0 * t))


@pytest.mark.parametrize(
    ("value", "error", "short"),
    [
        (0.0100000002, 1e-9, 0.01),
        (0.0100000002, 1e-11, None),
        (0.3333, 1e-9, None),
        (0.5, 0.1, None),
        (-25.0, 1e-6, -25),
    ],
)
def test_a_short_number_is_one_within_the_error_of_one_that_is_well_known(value, error, short):
    assert short_number(value, error) == short


def test_predictions_are_the_same_to_their_precision_and_no_further(rng):
    t = rng.standard_normal(6) + 3
    assert same_numbers(made(t), made(t * (1 + 4 * U)), 4.0)
    assert not same_numbers(made(t), made(t * (1 + 40 * U)), 4.0)
    assert not same_numbers(made(t), made(t[:5]), 4.0)


def test_factors_are_the_same_within_an_error_or_a_rounding():
    assert same_factor(1 / 3, 1 - 2 / 3)
    assert not same_factor(1 / 3, 0.3333)
    assert same_factor(1 / 3, 0.3333, 1e-4)
