"""Does every mistake on the way from one dZ to the next predict what its wrong line makes?"""

import numpy as np
import pytest

from nnref.checking.diagnosis.catalogue import deltas
from nnref.checking.diagnosis.catalogue.deltas import DELTAS, limits, one_only, truncated
from tests.support.backward import agrees, case, predicted, state

BACK = [m for m in DELTAS if m.line == "dA"]


@pytest.mark.parametrize("mistake", BACK, ids=lambda mistake: mistake.key)
def test_a_mistake_predicts_what_its_line_makes(mistake):
    assert agrees(mistake)


def test_a_transpose_can_be_forgotten_only_where_the_weights_are_square():
    at = case("tanh", (4, 5, 6, 3))
    assert predicted(at, deltas.not_transposed, 2) == []
    assert predicted(at, deltas.no_weights, 2) == []


@pytest.mark.parametrize(("mistake", "kept"), [(truncated, slice(0, -1)), (one_only, slice(0, 1))])
def test_examples_left_out_are_left_out_of_both_gradients(mistake, kept):
    at = case("tanh")
    dZ, A, n = at.dZ["dZ2"][:, kept], at.A["A1"][:, kept], at.dZ["dZ2"][:, kept].shape[1]
    found = [made.value for made in predicted(at, mistake, 2)]
    for factor in (1, at.X.shape[1] / n):
        assert any(
            np.allclose(made @ at.A["A1"].T, factor * dZ @ A.T)
            and np.allclose(made.sum(axis=1), factor * dZ.sum(axis=1))
            for made in found
        )


def test_an_example_that_had_nothing_in_it_is_not_missed():
    """Two units of four are not 0 in the last example: their absence shows nothing of the batch."""
    at = state(case("tanh"), 2)
    quiet = at.dZ.value.copy()
    quiet[2:, -1] = 0
    at = at.put("batch", at.dZ.moved(lambda A: quiet if A is at.dZ.value else A))
    assert all("last" not in prediction.detail for prediction in truncated.predict(at))


def test_the_limit_of_a_clip_is_found_from_the_sums_that_it_made(rng):
    row, A = rng.standard_normal(9), rng.standard_normal((4, 9))
    clipped = np.clip(row, -0.7, 0.7)
    assert list(limits(row, A, A @ clipped)) == [pytest.approx(0.7)]
    assert list(limits(row, A, A @ (2 * row))) == []


def test_a_precision_that_is_no_lower_is_no_mistake():
    at = case("tanh")
    assert [p.detail for p in deltas.rounded_dZ.predict(state(at, 2))] == ["float32", "float16"]
    made = predicted(at, deltas.rounded_dZ, 2)[0].value
    np.testing.assert_array_equal(made, at.dZ["dZ2"].astype("float32"))
