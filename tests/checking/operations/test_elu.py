"""What is special to the exponential linear unit: it bends at 0 unless α is 1, and its two sides meet there."""

import numpy as np
import pytest

from nnref import elu as formulas
from nnref.checking.operations import elu, record
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from tests.conftest import require

P = Precision.of("float64")


@pytest.mark.parametrize("alpha", [1.0, 0.5, 2.0])
def test_every_part_of_a_record_has_the_chosen_alpha(alpha):
    chosen, Z = record.record(f"elu {alpha}"), np.array([[-2.0, 3.0]])
    A = formulas.forward(Z, alpha)
    at = WithError.exact(Z, P.u), WithError.exact(A, P.u)
    right = formulas.dZ(Z, np.ones_like(Z), alpha)
    np.testing.assert_allclose(chosen.errors.slope(*at, P).value, right, rtol=1e-15)
    np.testing.assert_allclose(chosen.slopes.taken[0].of(*at).value, right, rtol=1e-15)
    assert [kink.jump for kink in chosen.kinks] == ([] if alpha == 1 else [abs(1 - alpha)])
    names = {"np": np, "Z1": Z}
    np.testing.assert_allclose(eval(chosen.writing.forward.format(l=1), names), A, rtol=1e-12)
    np.testing.assert_allclose(eval(chosen.writing.gradients["slope"].format(l=1), names), right, rtol=1e-12)


@pytest.mark.parametrize("alpha", [1.0, 0.5, 2.0])
def test_the_steepest_within_reach_is_no_less_than_any_there(alpha, rng):
    Z, r = rng.standard_normal(200), 10 ** rng.uniform(-4, 0, 200)
    near = Z + r * rng.uniform(-1, 1, (50, 200))
    assert (formulas.dZ(near, np.ones_like(near), alpha) <= elu.steepest(alpha, Z, r) * (1 + 1e-12)).all()


def test_a_ball_around_0_holds_both_sides():
    flint = require("flint")
    around = flint.arb(0, 0.5)
    for z in (-0.4, 0.4):
        assert elu.ball(1.0, around).contains(flint.arb(float(formulas.forward(np.array([[z]]))[0, 0])))
        assert elu.ball_slope(1.0, around, around).contains(flint.arb(min(1.0, float(np.exp(z)))))
    pushed = elu.series(1.0, flint.arb_series([around, 1]))
    assert pushed[1].contains(1)
    assert pushed[1].contains(flint.arb(-0.4).exp())
    assert elu.ball(1.0, flint.arb(-40)).overlaps(flint.arb(-40).expm1())
