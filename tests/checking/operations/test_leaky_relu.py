"""What is special to the leaky rectifier: its slope below 0 is chosen, and all that is known of it follows."""

import numpy as np
import pytest

from nnref.checking.operations import leaky_relu, record
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from nnref.leaky_relu import SLOPE

P = Precision.of("float64")
Z = WithError(np.array([[-2.0, 0.0, 3.0]]), np.array([[1.0, 1.0, 1.0]]), P.u)


@pytest.mark.parametrize("below", leaky_relu.CHOICES)
def test_every_part_of_a_record_has_the_chosen_slope(below):
    chosen = record.record(f"leaky_relu {below}")
    np.testing.assert_array_equal(chosen.errors.slope(Z, Z, P).value, [[below, below, 1]])
    assert [kink.jump for kink in chosen.kinks] == [1 - below]
    np.testing.assert_array_equal(chosen.slopes.mask(Z.value), [[below, below, 1]])
    (exchanged,) = chosen.slopes.miswritten
    np.testing.assert_array_equal(exchanged.of(Z, Z).value, [[1, 1, below]])
    assert eval(chosen.writing.forward.format(l=1), {"np": np, "Z1": -1.0}) == -below


def test_a_record_without_a_choice_has_the_commonest():
    assert leaky_relu.CHOICES[0] == SLOPE
    assert record.record("leaky_relu").kinks == record.record(f"leaky_relu {SLOPE}").kinks


def test_the_product_below_0_is_rounded_and_above_it_nothing_is():
    found = leaky_relu.error(0.1, Z, np.where(Z.value > 0, Z.value, 0.1 * Z.value), P)
    assert found[0, 2] == 1
    assert found[0, 0] == pytest.approx(0.1 + 0.2)
