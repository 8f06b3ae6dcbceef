"""Does every mistake in dW and db, and in a finished gradient, predict what its wrong line makes?"""

from dataclasses import replace

import numpy as np
import pytest

from nnref.checking.diagnosis.catalogue.gradients import (
    BIASES,
    EITHER,
    WEIGHTS,
    clipped_gradient,
    db_truncated,
    dW_truncated,
    one_number,
    transposed_gradient,
)
from tests.support.backward import agrees, case, predicted, state


@pytest.mark.parametrize("mistake", WEIGHTS, ids=lambda mistake: mistake.key)
def test_a_mistake_in_dW_predicts_what_its_line_makes(mistake):
    assert agrees(mistake, "W", "tanh")


@pytest.mark.parametrize("mistake", BIASES, ids=lambda mistake: mistake.key)
def test_a_mistake_in_db_predicts_what_its_line_makes(mistake):
    assert agrees(mistake, "b", "tanh")


@pytest.mark.parametrize("theta", ["W", "b"])
@pytest.mark.parametrize("mistake", [m for m in EITHER if m is not clipped_gradient], ids=lambda mistake: mistake.key)
def test_a_mistake_with_a_gradient_predicts_what_its_line_makes(mistake, theta):
    """A bias's gradient that is transposed has a mistake of its own, bias.keepdims."""
    assert agrees(mistake, theta, "tanh") == (mistake is not transposed_gradient or theta == "W")


def given(at, name, g):
    """The state of layer 2 where this gradient was given."""
    return replace(state(at, 2, name[0]), yours={**at.gradients, name: g})


def test_a_clip_is_seen_by_the_entries_at_its_limit():
    at = case("tanh")
    dW = at.gradients["W2"]
    limit = np.sort(abs(dW).ravel())[-5]
    (clip,) = clipped_gradient.predict(given(at, "W2", np.clip(dW, -limit, limit)))
    np.testing.assert_allclose(clip.make(given(at, "W2", dW), 0.0).value, np.clip(dW, -limit, limit), atol=1e-15)
    assert list(clipped_gradient.predict(given(at, "W2", dW))) == []


@pytest.mark.parametrize(("mistake", "theta"), [(dW_truncated, "W"), (db_truncated, "b")])
def test_a_truncated_sum_is_that_of_all_examples_but_one(mistake, theta):
    at = case("tanh")
    by_example = [
        at.dZ["dZ2"][:, [j]] @ at.A["A1"][:, [j]].T if theta == "W" else at.dZ["dZ2"][:, [j]] for j in range(5)
    ]
    found = predicted(at, mistake, 2, theta)
    for left_out in (0, 4):
        rest = sum(g for j, g in enumerate(by_example) if j != left_out)
        assert any(np.allclose(made.value, rest) for made in found)
    assert not any(np.allclose(made.value, sum(by_example)) for made in found)


@pytest.mark.parametrize("shape", [(4, 1), (), (1,), (1, 1)])
def test_one_number_is_known_in_every_shape_that_it_is_left_in(shape):
    at = case("tanh")
    number = at.dZ["dZ2"].sum()
    found = [made.value for made in predicted(at, one_number, 2, "b") if made.shape == shape]
    assert any(np.allclose(g, number) for g in found)
    assert any(np.allclose(g, number / 20) for g in found)
