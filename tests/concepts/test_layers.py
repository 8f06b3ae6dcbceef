"""Is a chain of layers a layer, with residuals in it, and is nothing computed that nobody asks for?"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

import nnref
from nnref import layer, network
from nnref.parameters import mapped, named, unnamed

NET = nnref.chain(
    layer.affine_layer(3, 4),
    nnref.residual(nnref.chain(layer.affine_layer(4, 4), layer.ACTIVATIONS["tanh"], layer.affine_layer(4, 4))),
    layer.ACTIVATIONS["sigmoid"],
    layer.affine_layer(4, 2),
)


def theta_of(net, rng):
    """Parameters without a zero."""
    return mapped(lambda p: p + rng.standard_normal(p.shape), net.init(rng))


def test_every_gradient_of_a_chain_with_a_residual_is_that_of_forward_passes_alone(rng):
    theta, X, Y = theta_of(NET, rng), rng.standard_normal((3, 5)), nnref.one_hot([0, 1, 1, 0, 1], 2, "float64")

    def loss(parameters):
        return network.loss((NET,), (unnamed(parameters, theta),), X, Y)

    found = named(network.gradients((NET,), (theta,), X, Y))
    report = nnref.gradcheck(loss, named(theta), found, method="complex")
    assert report.ok, report
    assert set(found) == {f"{p}{k}" for p in "Wb" for k in (1, 2, 3, 4)}
    assert not nnref.gradcheck(loss, named(theta), found | {"W2": 1.01 * found["W2"]}, method="complex").ok


@pytest.mark.parametrize("net", [NET, nnref.residual(nnref.chain(layer.affine_layer(3, 3)))])
def test_a_chain_is_a_layer_whose_three_ways_back_agree(net, rng):
    theta, A = theta_of(net, rng), rng.standard_normal((3, 5))
    Z = net.forward(theta, A)
    dZ = rng.standard_normal(Z.shape)
    report = nnref.check_vjp(lambda A: net.forward(theta, A), lambda A, dY: net.dA(theta, A, Z, dY), {"A": A}, dY=dZ)
    assert report.ok, report
    dtheta, dA = net.vjp(theta, A, Z, dZ)
    assert np.array_equal(dA, net.dA(theta, A, Z, dZ))
    same = mapped(np.array_equal, dtheta, net.dtheta(theta, A, Z, dZ))
    assert all(named(same).values())


def test_layers_and_the_chain_of_them_have_the_same_parameters_and_gradients(rng):
    layers = nnref.mlp([3, 4, 2])
    theta, X, Y = nnref.initialise(layers), rng.standard_normal((3, 5)), nnref.one_hot([0, 1, 1, 0, 1], 2, "float64")
    chained = network.gradients((nnref.chain(*layers),), (theta,), X, Y)[0]
    assert all(named(mapped(np.array_equal, chained, nnref.gradients(layers, theta, X, Y))).values())


def test_nobody_computes_the_gradient_of_the_input(rng):
    """It moves no parameter, and costs a fifth of a training step."""

    def unasked(*arguments):
        raise AssertionError("dA was asked of the first layer")

    first, *rest = nnref.mlp([3, 4, 2])
    layers = (replace(first, dA=unasked), *rest)
    X, Y = rng.standard_normal((3, 5)), nnref.one_hot([0, 1, 1, 0, 1], 2, "float64")
    theta = nnref.initialise(layers)
    nnref.gradients(layers, theta, X, Y)
    nnref.chain(*layers).dtheta(theta, X, None, rng.standard_normal((2, 5)))
    with pytest.raises(AssertionError, match="asked"):
        nnref.chain(*layers).dA(theta, X, None, rng.standard_normal((2, 5)))


def test_a_branch_of_another_shape_is_refused(rng):
    """A single row would be added to every row by numpy, in silence."""
    net = nnref.residual(layer.affine_layer(3, 1))
    with pytest.raises(nnref.ShapeError, match="residual"):
        net.forward(net.init(rng), rng.standard_normal((3, 5)))
    with pytest.raises(ValueError, match="at least one layer"):
        nnref.chain()


def test_names_count_the_layers_that_learn_in_any_tree():
    class Norm(NamedTuple):
        gamma: int
        beta: int

    theta = ((), nnref.Affine(1, 2), (Norm(3, 4), ((nnref.Affine(5, 6),),)), ())
    assert named(theta) == {"W1": 1, "b1": 2, "gamma2": 3, "beta2": 4, "W3": 5, "b3": 6}
    assert unnamed(named(theta), theta) == theta
    with pytest.raises(KeyError, match="b3"):
        unnamed({k: v for k, v in named(theta).items() if k != "b3"}, theta)
