"""What is special to tanh: its slope 1 − A² cancels where A is near ±1, and its series is not flint's own tanh."""

import numpy as np
import pytest

from nnref.checking.operations import tanh
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from tests.conftest import require

P = Precision.of("float32")


@pytest.mark.parametrize("z", [3.0, 5.0, 7.0])
def test_a_slope_that_cancels_keeps_the_rounding_of_A(z):
    Z = np.array([[z]])
    A = np.tanh(Z)
    made = tanh.slope(WithError.exact(Z, P.u), WithError(A, 6 * A, P.u), P)
    rough = np.tanh(Z.astype("float32"))
    off = abs((1 - rough * rough) - 1 / np.cosh(Z) ** 2)
    assert off <= P.reach * made.e
    assert (made.e >= 1).all()


def test_the_steepest_slope_is_no_less_than_any_within_reach(rng):
    Z, r = rng.standard_normal(200) * 3, rng.random(200) * 2
    slopes = np.max([1 / np.cosh(Z + t * r) ** 2 for t in np.linspace(-1, 1, 41)], axis=0)
    assert (slopes <= tanh.steepest(Z, r) * (1 + 1e-12)).all()
    assert (tanh.steepest(Z, r) <= 1.3 * slopes).all()


def test_the_series_and_the_ball_are_two_ways_to_one_function():
    flint = require("flint")
    for z in (-3, 0, 2):
        assert tanh.series(flint.arb(z)).overlaps(flint.arb(z).tanh())
        assert not tanh.series(flint.arb(z)).overlaps(flint.arb(z).tanh() + 1e-9)
