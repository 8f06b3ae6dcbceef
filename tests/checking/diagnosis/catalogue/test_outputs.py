"""Does every mistake at the output predict what its wrong line makes?"""

import numpy as np
import pytest

from nnref.checking.diagnosis.catalogue.outputs import OUTPUTS, labels_off_by_a_class, labels_smoothed, softmax_over
from nnref.checking.operations.running_error import WithError
from tests.support.backward import agrees, case, predicted, state


@pytest.mark.parametrize("mistake", OUTPUTS, ids=lambda mistake: mistake.key)
def test_a_mistake_predicts_what_its_line_makes(mistake):
    assert agrees(mistake)


def test_labels_roll_either_way_and_no_further():
    at = case("relu")
    found = [made.value for made in predicted(at, labels_off_by_a_class, 3)]
    others = [(at.P - Y) / at.X.shape[1] for Y in (np.roll(at.Y, 1, 0), np.roll(at.Y, -1, 0), at.Y[::-1])]
    np.testing.assert_allclose(found, others, atol=1e-15)


def test_smoothed_labels_still_sum_to_one():
    (smoothed,) = labels_smoothed.predict(state(case("relu"), 3))
    np.testing.assert_allclose(smoothed.make(state(case("relu"), 3), 0.2).value.sum(axis=0), 1)


@pytest.mark.parametrize("axis", [0, 1, None])
def test_a_softmax_over_any_axis_carries_what_float32_does_to_it(axis, rng):
    Z = rng.standard_normal((6, 7)) * 5
    made = softmax_over(WithError.exact(Z.astype("float32").astype("float64"), 2.0**-24), axis)
    E = np.exp(Z.astype("float32") - Z.astype("float32").max())
    rough = E / E.sum(axis=axis, keepdims=True)
    assert (abs(rough - made.value) <= 4 * 2.0**-24 * made.e).all()
    assert made.value.sum() == pytest.approx({0: 7, 1: 6, None: 1}[axis])
