"""Is a slope within its error bar, and a kink told from curvature and from a jump?"""

import math

import numpy as np
import pytest

from nnref.checking.gradcheck.slopes import DifferenceStep, Line, excess, power, slope_of


def found(L, h=2.0**-8):
    """The slope at 0 of a function of one number, of about the size 1."""
    line = Line(L, L(0.0), 2.0**-52, 2.0**-53)
    return slope_of(line, DifferenceStep(h, 0.0, 0.0, line.noise), 1.0, line.pair(h))


@pytest.mark.parametrize(
    ("L", "slope"), [(lambda t: math.sin(3 * t), 3), (lambda t: math.exp(t) - 1, 1), (lambda t: 1 + t * t, 0)]
)
def test_a_smooth_slope_is_within_its_bar_which_is_small(L, slope):
    at = found(L)
    assert abs(at.value - slope) <= at.e < 1e-4
    assert at.between is None
    assert not at.jump


def test_a_kink_has_the_slopes_to_either_side():
    at = found(lambda t: abs(t) + 2 * t + t * t)
    np.testing.assert_allclose(at.between, (1, 3), rtol=1e-3)


def test_a_jump_has_no_slope():
    at = found(lambda t: float(t > 0))
    assert at.jump or not at.e < 1


def test_a_step_is_the_nearest_power_of_two():
    assert [power(h) for h in (1.0, 1.3, 1.5, 0.7)] == [1, 1, 2, 0.5]


def test_a_larger_loss_is_rounded_more_and_a_smaller_one_no_less():
    assert excess(1.0, 0.5, (3.0, -5.0)) == 2 * 0.5 * 4
    assert excess(9.0, 0.5, (3.0, -5.0)) == 0
