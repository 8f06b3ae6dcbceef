"""Is the reference's own computation kept by name, and does rounding add to it from layer to layer?"""

import numpy as np
import pytest

import nnref
from nnref.checking.reference.forward_errors import ForwardErrors
from nnref.checking.reference.intermediates import Case
from nnref.checking.reference.strictest_truth import reference_truth


@pytest.fixture
def network(rng):
    """Layers, parameters, data and labels."""
    layers = nnref.mlp([4, 5, 3])
    return layers, nnref.initialise(layers), rng.standard_normal((4, 6)), nnref.one_hot(np.arange(6) % 3, 3, "float64")


def test_everything_on_the_way_is_what_the_network_computes(network):
    layers, theta, X, _ = network
    case = Case.of(*network)
    assert (case.Z.keys(), case.A.keys(), case.dZ.keys(), case.dA.keys()) == (
        {"Z1", "Z2"},
        {"A0", "A1"},
        {"dZ1", "dZ2"},
        {"dA1"},
    )
    assert np.array_equal(case.Z["Z2"], nnref.forward(layers, theta, X))
    assert all(np.array_equal(case.gradients[p], g) for p, g in nnref.named(nnref.gradients(*network)).items())


def test_the_data_are_exact_and_each_layer_adds_to_the_error(network):
    errors = ForwardErrors.of(Case.of(*network), "float32")
    assert not errors.A[0].e.any()
    assert (errors.Z[1].e > 0).all()
    assert errors.Z[2].e.mean() > errors.Z[1].e.mean() / 10
    assert (errors.depth, errors.N, errors.classes) == (2, 6, 3)


def test_the_truth_is_the_gradient_within_what_it_may_be_off(network):
    found = reference_truth(*network)
    for p, g in nnref.named(nnref.gradients(*network)).items():
        assert (abs(found.gradient[p] - g) <= found.error[p] + 1e-14 * (1 + abs(g))).all()
        assert (found.error[p] < 1e-12).all()
