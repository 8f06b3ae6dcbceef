"""Does one complex step move one number, and is a batch that is normalised known to be one?"""

import numpy as np
import pytest

import nnref
from nnref import batch_norm, layer_norm
from nnref.checking.reference.trees import affine_in_parameters, general, named_leaves, separate, with_entry
from nnref.layer import Affine, activation, affine_layer


@pytest.mark.parametrize("k", range(8))
def test_one_number_of_the_tree_is_moved_and_all_others_are_the_same_arrays(k):
    theta = (Affine(np.zeros((2, 3)), np.zeros((2, 1))), ())
    moved = with_entry(theta, k, 1.0)
    assert np.concatenate([A.ravel() for A in named_leaves(moved)]).tolist() == np.eye(8)[k].tolist()
    assert sum(a is not b for a, b in zip(named_leaves(theta), named_leaves(moved), strict=True)) == 1


@pytest.mark.parametrize(("layer", "apart"), [(layer_norm.layer(3), True), (batch_norm.layer(3), False)])
def test_examples_stand_apart_unless_the_batch_is_normalised(layer, apart, rng):
    theta = nnref.initialise((layer,))
    assert separate((layer,), theta, rng.standard_normal((3, 4))) is apart


def test_an_affine_layer_is_affine_in_its_parameters_and_a_square_of_them_is_not(rng):
    layer, A = affine_layer(3, 2), rng.standard_normal((3, 4))
    theta = layer.init(rng)
    assert affine_in_parameters(layer, theta, A, layer.forward(theta, A))

    class Squared:
        @staticmethod
        def forward(theta, A):
            return (theta.W**2) @ A + theta.b

    assert not affine_in_parameters(Squared, theta, A, Squared.forward(theta, A))


def test_a_network_of_affine_layers_and_activations_is_not_general():
    assert not general(nnref.mlp([3, 4, 2]))
    assert general((affine_layer(3, 4), layer_norm.layer(4), activation("relu")))
