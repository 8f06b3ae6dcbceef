"""Is a mistake in a layer within a residual or a chain named, and not only placed?"""

from dataclasses import replace

import numpy as np
import pytest

import nnref
from nnref import layer_norm, multi_head
from nnref.layer import ACTIVATIONS, activation_layer, affine_layer, chain, residual
from nnref.parameters import mapped
from nnref.positions import mean_over_positions, per_position

N, POSITIONS = 4, 3
Y = nnref.one_hot([0, 1, 2, 0], 3, "float64")


def network(**changed):
    """Attention and a wider layer beside residuals, over positions; any of the layers may be another."""
    at = {
        "norm": layer_norm.layer(6),
        "heads": multi_head.layer(6, 2),
        "wider": affine_layer(6, 8),
        "tanh": ACTIVATIONS["tanh"],
        "around": residual,
    } | changed
    apart = chain(at["norm"], at["wider"], at["tanh"], affine_layer(8, 6))
    return (
        per_position(affine_layer(5, 6)),
        residual(chain(per_position(layer_norm.layer(6)), at["heads"])),
        at["around"](per_position(apart)),
        mean_over_positions(),
        affine_layer(6, 3),
    )


def back(layer, dtheta=None, dA=None):
    """The layer with another backward pass."""
    right = layer
    dtheta, dA = dtheta or right.dtheta, dA or right.dA
    return replace(layer, dtheta=dtheta, dA=dA, both=lambda *at: (dtheta(*at), dA(*at)))


def statistics_constant(theta, A, Z, dZ):
    return dZ * theta.gamma / np.sqrt(A.var(axis=0, keepdims=True) + 1e-5)


def past_forgotten(branch):
    right = residual(branch)
    return back(right, dA=lambda theta, A, Z, dZ: right.dA(theta, A, Z, dZ) - dZ)


def only_queries(theta, A, Z, dZ):
    """What comes back to the input through the queries alone, by complex steps."""
    found = np.zeros_like(A)
    for place in np.ndindex(A.shape):
        moved = A.astype(complex)
        moved[place] += 1e-20j
        found[place] = (dZ * attended(theta, moved, A)).sum().imag / 1e-20
    return found


def attended(theta, of_queries, of_others):
    """The heads' output, its queries from another input than its keys and values."""

    def split(W, X):
        return (W @ X.reshape(6, -1)).reshape(2, 3, POSITIONS, N)

    H = multi_head.forward(
        split(theta.Wq, of_queries),
        split(theta.Wk, of_others),
        split(theta.Wv, of_others),
        np.ones((POSITIONS, POSITIONS)),
    )
    return (theta.Wo @ H.reshape(6, -1)).reshape(6, POSITIONS, N)


MISTAKES = {
    "layer 3.1, layer_norm, going back: the statistics are taken for constants": {
        "norm": back(layer_norm.layer(6), dA=statistics_constant)
    },
    "layer 3.1, layer_norm: the gradient of the gain has the input where": {
        "norm": back(
            layer_norm.layer(6),
            dtheta=lambda theta, A, Z, dZ: type(theta)((dZ * A).sum(1, keepdims=True), dZ.sum(1, keepdims=True)),
        )
    },
    "layer 3.3, tanh, going back: the slope is applied twice": {
        "tanh": activation_layer("tanh", lambda Z: np.tanh(Z), lambda Z, A, dA: (1 - A * A) ** 2 * dA)
    },
    "layer 3, residual, going back: what comes back past the branch is missing": {"around": past_forgotten},
    "layer 2.2, multi_head, going back: the input feeds queries, keys and values": {
        "heads": back(multi_head.layer(6, 2), dA=only_queries)
    },
}


@pytest.fixture
def given(rng):
    layers = network()
    theta = mapped(lambda p: p + 0.3 * rng.standard_normal(p.shape), nnref.initialise(layers))
    return layers, theta, rng.standard_normal((5, POSITIONS, N))


@pytest.mark.parametrize("says", MISTAKES)
def test_the_mistake_of_a_layer_within_layers_is_named(says, given):
    layers, theta, X = given
    wrong = nnref.gradients(network(**MISTAKES[says]), theta, X, Y)
    report = nnref.certify(theta, X, Y, wrong, layers=layers)
    assert report.wrong
    assert says in report.explanation, report.explanation


def test_a_mistake_that_is_made_in_two_blocks_is_named_where_it_is_first_met(given):
    _, theta, X = given
    twice = activation_layer("tanh", lambda Z: np.tanh(Z), lambda Z, A, dA: (1 - A * A) ** 2 * dA)

    def two(tanh):
        blocks = network(tanh=tanh)
        return (*blocks[:3], *blocks[2:])

    layers, theta = two(ACTIVATIONS["tanh"]), (*theta[:3], *theta[2:])
    report = nnref.certify(theta, X, Y, nnref.gradients(two(twice), theta, X, Y), layers=layers)
    assert "layer 4.3, tanh, going back: the slope is applied twice" in report.explanation
    assert "It may be made in layer 3.3, tanh, too" in report.explanation


def test_what_no_layer_s_catalogue_has_is_placed_and_not_named(given):
    layers, theta, X = given
    odd = activation_layer("tanh", lambda Z: np.tanh(Z), lambda Z, A, dA: (1 - A * A) * dA * (1 + 0.3 * np.sin(9 * Z)))
    report = nnref.certify(theta, X, Y, nnref.gradients(network(tanh=odd), theta, X, Y), layers=layers)
    assert "layer 3.2, affine, is the first to differ going back" in report.explanation
    assert "it may be what layer 3.3, tanh" in report.explanation


def test_right_gradients_have_no_mistake(given):
    layers, theta, X = given
    assert nnref.certify(theta, X, Y, nnref.gradients(layers, theta, X, Y), layers=layers).ok
