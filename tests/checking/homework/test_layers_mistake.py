"""Is a mistake within a network of layers named by the layer it was made in, and nothing said where all is right?"""

import numpy as np
import pytest

import nnref
from nnref.checking.homework.layers_mistake import diagnosis_of_layers
from nnref.layer import activation, affine_layer, chain, residual


@pytest.fixture
def network(rng):
    """A network with a residual, its data, and its right gradients."""
    layers = (affine_layer(3, 4), residual(chain(affine_layer(4, 4), activation("tanh"))), affine_layer(4, 3))
    theta = nnref.initialise(layers, seed=1)
    X, Y = rng.standard_normal((3, 5)), nnref.one_hot([0, 1, 2, 0, 1], 3)
    return layers, theta, X, Y, dict(nnref.named(nnref.gradients(layers, theta, X, Y)))


def told(network, **wrong):
    """What is said of these gradients in the place of the right ones."""
    layers, theta, X, Y, right = network
    rooms = {name: 1e-12 * np.ones_like(g) for name, g in right.items()}
    return diagnosis_of_layers(layers, theta, X, Y, right | wrong, rooms)


def test_right_gradients_have_no_mistake(network):
    assert told(network) is None


def test_a_gradient_that_is_averaged_over_the_batch_twice_is_named_in_its_layer(network):
    found = told(network, b3=network[-1]["b3"] / 5)
    assert found.quantity == "db3"
    assert found.says.startswith("layer 3, affine: ")


def test_a_number_that_nothing_explains_is_located(network):
    found = told(network, W2=network[-1]["W2"] ** 3)
    assert found.quantity == "dW2"
    assert "dW2 of layer 2.1, affine, is the first to differ going back" in found.says


def test_a_residual_whose_skip_is_forgotten_going_back_is_named(network):
    layers, theta, X, Y, _ = network
    wrong = (layers[0], residual_without_skip(layers[1]), layers[2])
    back = dict(nnref.named(nnref.gradients(wrong, theta, X, Y)))
    found = told(network, W1=back["W1"], b1=back["b1"])
    assert "layer 2, residual, going back: what comes back past the branch is missing" in found.says


def residual_without_skip(layer):
    """A residual that passes on only what comes back through its branch."""
    from dataclasses import replace

    def both(theta, A, Z, dZ):
        dtheta, dA = layer.vjp(theta, A, Z, dZ)
        return dtheta, dA - dZ

    return replace(layer, both=both, dtheta=lambda *at: both(*at)[0], dA=lambda *at: both(*at)[1])
