"""What is special to GELU: 1 + erf cancels far below 0, and the slope may be negative."""

from math import erfc, pi, sqrt

import numpy as np
import pytest

from nnref.checking.operations import gelu
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from tests.conftest import require

P = Precision.of("float64")

cdf = np.vectorize(lambda z: erfc(-z / sqrt(2)) / 2)
"""The normal distribution function, which keeps its digits far below 0."""


def pdf(z):
    """Its density."""
    return np.exp(-(z**2) / 2) / sqrt(2 * pi)


def test_the_distribution_function_is_known_to_what_cancels_and_no_better():
    Z = np.linspace(-9, 9, 181)
    made = gelu.Phi(WithError.exact(Z, P.u))
    off = abs(made.value - cdf(Z))
    assert (off <= 4 * P.u * made.e).all()
    assert off[0] > 1e-3 * cdf(-9)  # nothing of it is left, and its error says so


def test_the_density_s_error_holds_the_steepest_within_reach(rng):
    Z, E = rng.standard_normal(300) * 3, 10 ** rng.uniform(0, 15, 300)
    reach = P.reach
    made = gelu.phi(WithError(Z, E, P.u), reach)
    moved = abs(pdf(Z + rng.uniform(-1, 1, 300) * reach * E) - pdf(Z))
    assert (moved <= reach * made.e * (1 + 1e-9) + 1e-300).all()
    across = gelu.phi(WithError(np.array([0.2]), np.array([3 / reach]), P.u), reach)  # from -2.8 to 3.2, across ±1
    assert pdf(0.2) - pdf(3.2) <= reach * across.e[0]


def test_the_slope_is_negative_below_the_minimum_and_exceeds_1_above_it():
    slope = gelu.slope(WithError.exact(np.array([-1.0, 1.5]), P.u), WithError.exact(np.zeros(2), P.u), P).value
    np.testing.assert_allclose(slope, cdf([-1, 1.5]) + [-1, 1.5] * pdf(np.array([-1, 1.5])), rtol=1e-14)
    assert slope[0] < 0
    assert slope[1] > 1


def test_the_ball_keeps_its_digits_far_below_0():
    flint = require("flint")
    assert float(gelu.ball(flint.arb(-20)).mid()) == pytest.approx(-20 * cdf(-20), rel=1e-12, abs=0)
    assert gelu.ball(flint.arb(-20)).rad() < 1e-10 * abs(gelu.ball(flint.arb(-20)).mid())
