"""What is special to SiLU: its slope may be negative, and is no function of A."""

import numpy as np
from scipy.optimize import brentq

from nnref import silu as formulas
from nnref.checking.operations import silu
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from tests.conftest import require

P = Precision.of("float64")


def slope(z):
    one = np.array([[z]])
    return silu.slope(WithError.exact(one, P.u), WithError.exact(formulas.forward(one), P.u), P).value[0, 0]


def test_two_sums_of_one_activation_have_slopes_of_opposite_sign():
    """A consumer that takes the slope from A is wrong at one of them."""
    right = -0.5
    height = formulas.forward(np.array([[right]]))[0, 0]
    left = brentq(lambda z: formulas.forward(np.array([[z]]))[0, 0] - height, -6, -2)
    assert slope(left) < 0 < slope(right)


def test_the_slope_is_that_of_the_function(rng):
    for z in rng.standard_normal(20) * 3:
        ends = formulas.forward(np.array([[z - 1e-5, z + 1e-5]]))[0]
        assert abs(slope(z) - (ends[1] - ends[0]) / 2e-5) < 1e-9


def test_the_slope_in_balls_is_the_same():
    flint = require("flint")
    for z in (-3.0, 0.0, 0.75):
        z_ball = flint.arb(z)
        assert abs(float(silu.ball_slope(z_ball, silu.ball(z_ball)).mid()) - slope(z)) < 1e-14
