"""What is special to softplus: its slope is the sigmoid of Z and grows with Z, and exp Z may be small beside 1."""

import numpy as np
import pytest
from scipy.special import expit

from nnref.checking.operations import softplus
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from tests.conftest import require

P = Precision.of("float64")


def test_the_slope_is_the_sigmoid_of_Z_and_its_steepest_is_at_the_right_end(rng):
    Z, r = rng.standard_normal((1, 100)) * 4, rng.random((1, 100))
    made = softplus.slope(WithError.exact(Z, P.u), WithError.exact(Z, P.u), P)
    np.testing.assert_allclose(made.value, expit(Z), rtol=1e-14)
    np.testing.assert_allclose(softplus.steepest(Z, r), expit(Z + r), rtol=1e-14)


def test_the_ball_keeps_its_digits_where_exp_is_small():
    flint = require("flint")
    assert float(softplus.ball(flint.arb(-500)).mid()) == pytest.approx(np.exp(-500), rel=1e-12, abs=0)
    assert softplus.series(flint.arb(2)).overlaps(softplus.ball(flint.arb(2)))
