"""What is special to the sigmoid: where A is near 1, its slope A (1 − A) is as wrong as A, however small it is."""

import numpy as np

from nnref import sigmoid as formulas
from nnref.checking.operations import sigmoid
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError

P = Precision.of("float32")


def test_the_steepest_slope_is_no_less_than_any_within_reach(rng):
    Z, r = rng.standard_normal((1, 200)) * 5, rng.random((1, 200)) * 3
    within = [(Z + t * r) for t in np.linspace(-1, 1, 41)]
    slopes = np.max([formulas.forward(z) * (1 - formulas.forward(z)) for z in within], axis=0)
    bound = sigmoid.steepest(Z, r)
    assert (slopes <= bound * (1 + 1e-12)).all()
    assert (bound <= 1.3 * slopes).all()


def test_a_slope_that_cancels_keeps_the_error_of_A():
    """At Z = 12, A is 1 to 24 bits but for a hundred roundings: 1 − A in float32 is known to one part in a hundred."""
    Z = np.array([[12.0]])
    A = formulas.forward(Z)
    made = sigmoid.slope(WithError.exact(Z, P.u), WithError(A, 2 * A, P.u), P)
    rough = formulas.forward(Z.astype("float32"))
    off = abs(rough * (1 - rough) - made.value) / made.value
    assert off > 1e-4
    assert off <= P.reach * made.e / made.value


def test_within_reach_is_never_surer_than_at_the_point(rng):
    Z = WithError(rng.standard_normal((1, 100)) * 4, 1e4 * rng.random((1, 100)), P.u)
    assert (sigmoid.within_reach(Z, P).e >= sigmoid.of(Z).e * (1 - 1e-12)).all()
