"""Does every parameter go to where Keras keeps it and come back, and are features put back in our order?"""

import numpy as np
import pytest

import nnref
from nnref import conv2d, flatten, layer_norm, multi_head
from nnref.layer import affine_layer
from nnref.positions import images
from nnref.tensorflow.exact import FORMULAS
from nnref.tensorflow.inward import columns
from nnref.tensorflow.kinds import Called
from nnref.tensorflow.layouts import put_back, swapped, tree, weights_of
from nnref.tensorflow.outward import same_padding

NETWORKS = {
    "affine": ((affine_layer(4, 3),), (4,)),
    "norm": ((layer_norm.layer(4), affine_layer(4, 3)), (4,)),
    "heads": ((multi_head.layer(6, 2),), (6, 5)),
    "images": ((images(2, 4, 4), conv2d.layer(2, 3, 3, 3, 1, 1), flatten.layer(), affine_layer(48, 3)), (32,)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_come_back_from_keras_s_list_as_they_were(name, rng):
    layers, shape = NETWORKS[name]
    theta = nnref.initialise(layers, seed=1)
    back = tree(layers, weights_of(layers, theta, shape), shape)
    here, there = nnref.named(theta), nnref.named(back)
    assert here.keys() == there.keys()
    assert all(np.array_equal(here[p], there[p]) for p in here)


def test_a_kernel_is_the_transpose_and_a_bias_a_vector():
    layers, shape = NETWORKS["affine"]
    theta = nnref.initialise(layers)
    W, b = weights_of(layers, theta, shape)
    assert np.array_equal(W, theta[0].W.T)
    assert b.shape == (3,)


def test_another_number_of_arrays_is_refused():
    with pytest.raises(ValueError, match="these layers have 2 arrays of parameters; 1 came"):
        tree((affine_layer(4, 3),), [np.ones((4, 3))], (4,))


def test_rows_in_keras_s_order_are_put_back(rng):
    A, order = rng.standard_normal((6, 2)), rng.permutation(6)
    assert np.array_equal(put_back(A[order], order), A)
    assert put_back(A, None) is A


@pytest.mark.parametrize("shape", [(3, 5), (3, 4, 5), (2, 3, 4, 5)])
def test_examples_are_first_for_keras_and_last_here_and_twice_swapped_is_as_it_was(shape, rng):
    A = rng.standard_normal(shape)
    there = np.moveaxis(A, -1, 0) if A.ndim == 2 else swapped(A)
    assert there.shape[0] == shape[-1]
    assert np.array_equal(swapped(A), np.moveaxis(np.moveaxis(A, -1, 0), 1, -1))
    assert np.array_equal(columns((affine_layer(shape[0], 2),), rng.standard_normal(swapped(A).shape)).shape, shape)


@pytest.mark.parametrize(
    ("image", "kernel", "stride", "padding"),
    [((5, 5), (3, 3), 1, 1), ((4, 4), (1, 1), 1, 0), ((5, 5), (2, 2), 1, None), ((4, 6), (3, 5), 1, None)],
)
def test_same_is_a_padding_of_ours_where_it_lies_evenly(image, kernel, stride, padding):
    assert same_padding(image, kernel, stride, 1) == padding


def test_each_exact_formula_is_the_handbook_s(rng):
    from scipy import special

    class Ops:
        erf, tanh, where = staticmethod(special.erf), staticmethod(np.tanh), staticmethod(np.where)

    Z = rng.standard_normal((3, 4))
    for name, numbers in {"gelu": [], "gelu_tanh": [], "leaky_relu": [0.2]}.items():
        ours = nnref.layer.activation(" ".join([name, *map(str, numbers)])).forward((), Z)
        np.testing.assert_allclose(FORMULAS[name](Ops, Z, *numbers), ours, rtol=1e-14)


def test_a_setting_that_the_handbook_has_not_is_refused_by_name():
    class Dense:
        name, strides, activity = "dense_1", (2, 3), 0.5

    called = Called(Dense(), (None, 4), {}, training=False)
    called.need(units=3)
    with pytest.raises(ValueError, match=r"Dense 'dense_1': activity should be None; 0\.5 came"):
        called.need(activity=None)
    with pytest.raises(ValueError, match="the same for rows and columns"):
        called.one("strides")
    assert called.features == 4
