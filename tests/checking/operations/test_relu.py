"""What is special to the rectifier: nothing is rounded, and at the kink nobody is blamed who cannot be."""

import numpy as np
import pytest

from nnref.checking.operations import record
from nnref.checking.operations.record import Undecided
from nnref.checking.operations.relu import error, mask, positive, slope
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from tests.conftest import require

P = Precision.of("float64")
Z = WithError(np.array([[-2.0, 0.0, 3.0]]), np.array([[0.5, 0.5, 0.5]]), P.u)


def test_an_error_passes_where_Z_is_above_0_and_nowhere_else():
    np.testing.assert_array_equal(error(Z, np.maximum(Z.value, 0), P), [[0, 0, 0.5]])


def test_the_slope_is_exact_and_0_at_0():
    made = slope(Z, Z, P)
    np.testing.assert_array_equal(made.value, [[0, 0, 1]])
    assert not made.e.any()
    np.testing.assert_array_equal(mask(Z.value), positive(Z).value == 1)


def test_a_ball_that_holds_the_kink_is_not_decided():
    flint = require("flint")
    forward = record.enclosures_of("relu").forward
    assert forward((), flint.arb_mat(1, 2, [flint.arb(2, 0.1), flint.arb(0)]), "Z1").entries()[1] == 0
    with pytest.raises(Undecided, match="example 1: unit 0 of Z1"):
        forward((), flint.arb_mat(1, 2, [flint.arb(2), flint.arb(0, 1e-9)]), "Z1")
