"""Does every mistake in a slope predict what its wrong line makes?"""

import numpy as np
import pytest

from nnref.checking.diagnosis.catalogue.slopes import SLOPES_WRONG, derivatives, masked, own_mistakes
from nnref.checking.operations import record
from nnref.checking.operations.running_error import WithError
from nnref.checking.reference.intermediates import Case
from nnref.parameters import mapped
from tests.support.backward import agrees, case, predicted, state
from tests.support.quick import some

LARGE = 4.0
"""Times larger data and parameters: sums reach beyond 6, where a rectifier that is cut off is told from another."""


@pytest.mark.parametrize("mistake", SLOPES_WRONG, ids=lambda mistake: mistake.key)
def test_a_mistake_predicts_what_its_line_makes(mistake):
    """With the first activation with which it can be made: of a rectifier, tanh, and the others."""
    first = ("tanh", "relu") if mistake.key in ("slope.twice", "slope.argument", "slope.formula") else ("relu", "tanh")
    names = (*first, *record.activations())
    assert agrees(mistake, activation=next(name for name in names if predicted(case(name), mistake, 2)))


@pytest.mark.parametrize(
    "mistake", [m for m in SLOPES_WRONG if m.key != "slope.at_zero"], ids=lambda mistake: mistake.key
)
@pytest.mark.parametrize("activation", some(record.activations(), 4))
def test_no_mistake_predicts_the_right_slope(mistake, activation):
    """But for that at exact zeros, of which there is none here, and a leaky slope of the right number."""
    if mistake.key == "slope.leaky" and activation.startswith("leaky"):
        return
    small = case(activation)
    at = Case.of(small.layers, mapped(lambda p: LARGE * p, small.theta), LARGE * small.X, small.Y)
    right = at.dZ["dZ2"]
    assert not any(np.allclose(made.value, right, rtol=1e-9) for made in predicted(at, mistake, 2))


def test_every_formula_is_here_once():
    texts = [formula.text for formula in derivatives()]
    assert len(set(texts)) == len(texts) > 10


def test_a_mistake_of_one_activation_is_made_in_no_other():
    keys = {own.key for own in own_mistakes()}
    assert "slope.leaky" in keys
    for own in own_mistakes():
        homes = {name for name in record.activations() if any(o.key == own.key for o in record.record(name).slopes.own)}
        for name in ("relu", "tanh"):
            assert bool(list(own.predict(state(case(name), 2)))) == (name in homes)


def test_a_mask_rounds_nothing(rng):
    dA = WithError(rng.standard_normal((3, 4)), np.ones((3, 4)), 2.0**-53)
    kept = masked(dA, dA.value > 0)
    np.testing.assert_array_equal(kept.e, dA.value > 0)
    assert (masked(dA, np.full((3, 4), 0.1)).e > 0.1).all()
