"""Do the concepts, layers and the network return what they say, in shape and value, where nothing checks a gradient?"""

from importlib import import_module
from inspect import signature

import numpy as np
import pytest

import nnref
from nnref import affine, cross_entropy, he, layer, network, sgd, softmax, softmax_cross_entropy


def test_a_probability_of_zero_costs_nothing_where_the_label_excludes_its_class():
    P, Y = np.array([[0.5, 1.0], [0.5, 0.0]]), np.array([[1.0, 1.0], [0.0, 0.0]])
    l = cross_entropy.forward(P, Y)
    assert l.shape == (1, 2)
    assert l.tolist() == [[np.log(2), 0]]
    assert cross_entropy.dP(P, Y, np.ones((1, 2))).tolist() == [[-2, -1], [0, 0]]


def test_the_gradient_of_softmax_is_taken_column_by_column(rng):
    Z, dP = rng.standard_normal((3, 3)), rng.standard_normal((3, 3))
    P = softmax.forward(Z)
    dZ = softmax.dZ(P, dP)
    for s in range(3):
        p = P[:, s]
        J = np.diag(p) - np.outer(p, p)
        assert dZ[:, s] == pytest.approx(J @ dP[:, s], rel=1e-13)
    one = np.ones((1, 3))
    assert softmax.log_sum_exp(Z).shape == one.shape


def test_log_sum_exp_and_the_loss_keep_their_digits_at_any_level_of_the_logits():
    """Each column has its own level: one shift for all would leave log 0 or lose the digits of the lower one."""
    Z, Y = np.array([[1e8, 0.0, -1e8], [1e8 - 1, -1.0, -1e8 - 1]]), nnref.one_hot([0, 0, 0], 2, "float64")
    loss = np.log1p(np.exp(-1))
    assert softmax.log_sum_exp(Z).tolist() == [[1e8 + loss, loss, -1e8 + loss]]
    assert softmax_cross_entropy.forward(Z, Y) == pytest.approx(loss, rel=1e-15)
    assert softmax.forward(Z)[0].tolist() == pytest.approx([1 / (1 + np.exp(-1))] * 3, rel=1e-15)


@pytest.mark.parametrize(
    "call",
    [
        lambda A, B: affine.dW(A, B[:, :2]),
        *(lambda A, B, made=made: made.dA((), A, A, B[:, :1]) for made in layer.ACTIVATIONS.values()),
        *(lambda A, B, made=made: made.dA((), A[:, :1], A[:, :1], B) for made in layer.ACTIVATIONS.values()),
        lambda A, B: softmax.dZ(A, B[:, :1]),
        lambda A, B: softmax.dZ(A[:, :1], B),
        lambda A, B: sgd.update(A, B[:, :1], 0.1),
        lambda A, B: sgd.update(A[:, :1], B, 0.1),
        lambda A, B: sgd.update(A, B[0], 0.1),
        lambda A, B: cross_entropy.dP(A, np.eye(3)[:, :2], B[:1]),
    ],
)
def test_shapes_that_numpy_would_stretch_are_refused(call):
    """numpy repeats a single column in silence; a gradient of the wrong shape would follow."""
    A = np.full((3, 3), 1 / 3)
    with pytest.raises(nnref.ShapeError):
        call(A, A)


@pytest.mark.parametrize(
    "call",
    [
        *(lambda Z, whole, made=made: made.forward((), whole) for made in layer.ACTIVATIONS.values()),
        lambda Z, whole: softmax.forward(whole),
        lambda Z, whole: softmax.log_sum_exp(whole),
        lambda Z, whole: affine.db(whole),
        lambda Z, whole: cross_entropy.forward(whole, np.eye(2)),
        lambda Z, whole: cross_entropy.dP(whole, np.eye(2), np.ones((1, 2))),
        lambda Z, whole: cross_entropy.dP(Z, np.eye(2), np.ones((1, 2), int)),
        lambda Z, whole: softmax_cross_entropy.forward(whole, np.eye(2)),
        lambda Z, whole: softmax_cross_entropy.dZ(whole, np.eye(2)),
    ],
)
def test_whole_numbers_are_refused_by_every_concept(call):
    with pytest.raises(TypeError, match="floating-point"):
        call(np.full((2, 2), 0.5), np.ones((2, 2), int))


def test_the_update_goes_against_the_gradient_and_leaves_its_argument_alone():
    theta = np.array([[1.0, 2.0]])
    assert sgd.update(theta, np.array([[4.0, -4.0]]), 0.25).tolist() == [[0, 3]]
    assert theta.tolist() == [[1, 2]]
    for alpha in (float("inf"), float("nan"), -0.1, 0.0):
        with pytest.raises(ValueError, match="learning rate"):
            sgd.update(theta, theta, alpha)


def test_he_initialisation_has_the_variance_it_says():
    assert he.scale(1) == 2**0.5
    with pytest.raises(ValueError, match="at least one"):
        he.scale(0)
    W = layer.affine_layer(400, 300).init(np.random.default_rng(0)).W
    # The mean square of 120,000 draws of variance 2/400 strays from it by √(2 / 120,000) = 0.4 %: six of those.
    assert (W**2).mean() == pytest.approx(2 / 400, rel=0.025)


def test_an_activation_layer_hands_its_arguments_on_and_learns_nothing():
    made = layer.activation_layer("square", lambda Z: Z * Z, lambda Z, A, dA: 2 * Z * dA + A)
    Z = np.array([[3.0]])
    assert made.name == "square"
    assert made.init(np.random.default_rng(0)) == ()
    assert made.forward((), Z) == 9
    assert made.vjp((), Z, np.array([[9.0]]), np.array([[5.0]])) == ((), np.array([[39.0]]))


def test_an_affine_layer_returns_each_gradient_in_its_place(rng):
    W, b, A, dZ = (rng.standard_normal(s) for s in ((2, 3), (2, 1), (3, 4), (2, 4)))
    made = layer.affine_layer(3, 2)
    gradient, dA = made.vjp(layer.Affine(W, b), A, W @ A + b, dZ)
    assert made.name == "affine"
    assert np.array_equal(made.forward(layer.Affine(W, b), A), W @ A + b)
    assert np.array_equal(gradient.W, dZ @ A.T)
    assert np.array_equal(gradient.b, dZ.sum(axis=1, keepdims=True))
    assert np.array_equal(dA, W.T @ dZ)


def test_each_activation_layer_is_that_of_its_name():
    Z, dA = np.array([[-1.0, 2.0]]), np.array([[3.0, 3.0]])
    for name, made in layer.ACTIVATIONS.items():
        module = import_module(f"nnref.{name}")
        A = made.forward((), Z)
        assert made.name == name
        assert np.array_equal(A, module.forward(Z))
        given = Z if "Z" in signature(module.dZ).parameters else A
        assert np.array_equal(made.vjp((), Z, A, dA)[1], module.dZ(given, dA))


def test_a_module_is_an_activation_by_what_it_defines_and_not_by_a_list():
    def written(forward, dZ):
        return layer.activation_argument(f"def forward({forward}): ...\n\ndef dZ({dZ}): ...\n")

    assert {"relu", "sigmoid", "tanh"} <= layer.ACTIVATIONS.keys()
    assert not {"affine", "softmax", "softmax_cross_entropy", "layer"} & layer.ACTIVATIONS.keys()
    assert written("Z: Array", "A: Array, dA: Array") == "A"
    assert written("Z", "Z, dA, slope=0.01") == "Z"
    assert written("Z", "P, dA") is written("Z, Y", "Z, dA") is written("Z", "Z, dA, alpha") is None


@pytest.mark.parametrize("sizes", [[784, 2.5, 10], [True, 3], [3, False], [3, -1], [3], []])
def test_widths_that_are_no_positive_whole_numbers_are_refused(sizes):
    with pytest.raises(ValueError, match="at least two positive widths"):
        nnref.mlp(sizes)


def test_the_network_is_made_of_the_widths_it_is_given():
    layers = nnref.mlp([2, 3, 4, 5], "tanh")
    assert [made.name for made in layers] == ["affine", "tanh", "affine", "tanh", "affine"]
    shapes = {p: A.shape for p, A in nnref.named(nnref.initialise(layers)).items()}
    assert shapes == {"W1": (3, 2), "b1": (3, 1), "W2": (4, 3), "b2": (4, 1), "W3": (5, 4), "b3": (5, 1)}
    assert [made.name for made in nnref.mlp([2, 3, 1])] == ["affine", "relu", "affine"]
    assert len(nnref.mlp([2, 1])) == 1


def test_parameters_come_from_one_seed_in_one_dtype_and_back_from_their_names():
    layers = nnref.mlp([2, 3, 2])
    first, again, other = (nnref.initialise(layers, seed) for seed in (0, 0, 1))
    assert np.array_equal(first[0].W, again[0].W)
    assert not np.array_equal(first[0].W, other[0].W)
    assert np.array_equal(nnref.initialise(layers)[0].W, first[0].W)
    assert first[0].W.dtype == "float64"
    assert nnref.initialise(layers, dtype="float32")[2].b.dtype == "float32"
    back = network.unnamed(nnref.named(first), layers)
    assert back[1] == ()
    assert all(np.array_equal(p, q) for i in (0, 2) for p, q in zip(back[i], first[i], strict=True))


def test_loss_prediction_and_accuracy_of_a_network_worked_by_hand():
    layers = nnref.mlp([2, 2])
    theta = (nnref.Affine(np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([[0.0], [np.log(2)]])),)
    X = np.array([[0.0, 1.0], [0.0, 0.0]])
    Z = nnref.forward(layers, theta, X)
    assert Z.tolist() == [[0, 2], [np.log(2), np.log(2)]]
    p = np.array([1 / 3, np.exp(2) / (np.exp(2) + 2)])
    loss, gradient = network.loss_and_gradients(layers, theta, X, nnref.one_hot([0, 0], 2))
    assert loss == pytest.approx(-np.log(p).mean(), rel=1e-14)
    assert nnref.loss(layers, theta, X, nnref.one_hot([0, 0], 2)) == loss
    assert gradient[0].b[0, 0] == pytest.approx((p - 1).mean(), rel=1e-14)
    assert nnref.predict(layers, theta, X).tolist() == [1, 0]
    assert nnref.accuracy(layers, theta, X, [1, 1]) == 0.5
    with pytest.raises(nnref.ShapeError, match="one class per example"):
        nnref.accuracy(layers, theta, X, [1])


@pytest.mark.parametrize("labels", [[[0, 1]], [], [0.5], [-1, 0], [0, 3], [True]])
def test_labels_that_name_no_class_are_refused(labels):
    with pytest.raises(ValueError, match="labels should"):
        nnref.one_hot(labels, classes=3)


def test_one_hot_has_a_one_at_each_label():
    assert nnref.one_hot([2, 0], 3).tolist() == [[0, 1], [0, 0], [1, 0]]
    assert nnref.one_hot(np.array([1], np.uint8), 2, "float64").dtype == "float64"
    assert nnref.one_hot([0]).shape == (10, 1)
    assert nnref.one_hot([0]).dtype == "float32"
