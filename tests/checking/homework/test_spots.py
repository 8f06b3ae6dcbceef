"""Is every layer a spot, those within others too, and is a mistake at one the network's mistake?"""

import numpy as np
import pytest

import nnref
from nnref.checking.homework.spots import gradients_with, spots
from nnref.layer import activation, activations, affine_layer, chain, residual
from nnref.parameters import named
from nnref.shapes import trusted


@pytest.fixture
def passed(rng):
    """A network with a residual of two layers, its parameters, what passes forward, and dZ at its end."""
    layers = (affine_layer(3, 4), residual(chain(affine_layer(4, 4), activation("tanh"))), affine_layer(4, 2))
    theta = nnref.initialise(layers, seed=1)
    with trusted():
        A = activations(layers, theta, rng.standard_normal((3, 5)))
    return layers, theta, A, rng.standard_normal((2, 5))


def test_spots_stand_in_the_order_forward_with_their_numbers_and_parameters(passed):
    found = spots(*passed)
    assert [spot.called for spot in found] == [
        "layer 1, affine",
        "layer 2, residual",
        "layer 2.1, affine",
        "layer 2.2, tanh",
        "layer 3, affine",
    ]
    assert [spot.names for spot in found] == [("W1", "b1"), (), ("W2", "b2"), (), ("W3", "b3")]


def test_what_passed_through_a_spot_is_what_the_network_passed(passed):
    _, _, A, dZ = passed
    last = spots(*passed)[-1]
    assert np.array_equal(last.A, A[-2])
    assert np.array_equal(last.dZ, dZ)


def test_the_right_gradients_at_every_spot_are_the_network_s_and_a_wrong_one_changes_only_what_lies_before(passed):
    layers, theta, A, dZ = passed
    truth = named(nnref.layer.gradients_from(layers, theta, A, dZ))
    for spot in spots(*passed):
        dtheta, dA = spot.layer.vjp(spot.theta, spot.A, spot.Z, spot.dZ)
        again = gradients_with(layers, theta, A, dZ, spot, dtheta, dA)
        assert all(np.allclose(again[name], g, rtol=1e-12) for name, g in truth.items())
    inner = spots(*passed)[2]
    dtheta, dA = inner.layer.vjp(inner.theta, inner.A, inner.Z, inner.dZ)
    wrong = gradients_with(layers, theta, A, dZ, inner, dtheta, 2 * dA)
    assert {name for name, g in truth.items() if not np.allclose(wrong[name], g)} == {"W1", "b1"}
