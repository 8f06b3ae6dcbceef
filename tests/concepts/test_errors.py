"""Does every refusal say what was expected, what came and what to try?"""

import numpy as np
import pytest

import nnref
from nnref import affine, relu, sgd, softmax_cross_entropy

LAYERS = nnref.mlp([4, 5, 3])
THETA = nnref.initialise(LAYERS)
X = np.ones((4, 6))
Y = nnref.one_hot([0, 1, 2, 0, 1, 2], classes=3)


def broken_bias():
    return (THETA[0]._replace(b=THETA[0].b[:, 0]), *THETA[1:])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: nnref.loss(LAYERS, THETA, X.T, Y), r"W is 5 × 4, so A should have 4 rows; it is 6 × 4.*pass A\.T"),
        (
            lambda: nnref.loss(LAYERS, broken_bias(), X, Y),
            r"b should be a column, 5 × 1; \(5,\) came.*reshape",
        ),
        (
            lambda: nnref.loss(LAYERS, THETA, X, np.zeros(6, int)),
            r"Y should be one-hot.*3 × 6.*nnref\.one_hot",
        ),
        (lambda: nnref.loss(LAYERS, THETA, X, Y.T), r"Y should be one-hot.*6 × 3 came.*pass Y\.T"),
        (lambda: nnref.loss(LAYERS, THETA, X[:, :0], Y[:, :0]), r"A is 4 × 0: an empty batch"),
        (
            lambda: nnref.loss(LAYERS, THETA, X[:, 0], Y),
            r"A should be a matrix with one column per example",
        ),
        (lambda: nnref.loss(LAYERS, THETA[:1], X, Y), r"theta should have one entry a layer, 3.*1 came"),
        (lambda: affine.dW(np.ones((3, 32)), np.ones((2, 8))), r"A has 32 columns and dZ has 8.*pass A\.T"),
        (lambda: affine.dA(np.ones((3, 2)), np.ones((2, 8))), r"Wᵀ is 2 × 3, so dZ should have 3 rows"),
        (lambda: relu.dZ(np.ones((3, 2)), np.ones((3, 3))), r"Z is 3 × 2 and dA is 3 × 3"),
    ],
)
def test_a_wrong_shape_is_named(call, says):
    with pytest.raises(nnref.ShapeError, match=says):
        call()


def test_the_message_opens_with_the_name_of_the_formula():
    with pytest.raises(nnref.ShapeError, match=r"^affine\.dW: A has"):
        affine.dW(np.ones((3, 32)), np.ones((2, 8)))
    with pytest.raises(nnref.ShapeError, match=r"^relu\.dZ: Z is"):
        relu.dZ(np.ones((3, 2)), np.ones((3, 3)))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: affine.forward(np.ones((2, 2), int), np.ones((2, 1)), np.ones((2, 2))), r"W should be.*int64 came"),
        (lambda: relu.forward([[1.0]]), r"Z should be a numpy array.*list came.*np\.asarray"),
    ],
)
def test_integers_and_lists_are_refused_with_advice(call, says):
    with pytest.raises(TypeError, match=says):
        call()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: softmax_cross_entropy.dZ(np.ones((3, 2)), np.ones((3, 2))), r"column 0 of Y sums to 3"),
        (lambda: softmax_cross_entropy.dZ(np.ones((3, 2)), np.full((3, 2), np.nan)), r"column 0 of Y sums to nan"),
        (
            lambda: sgd.update(np.ones((2, 2)), np.ones((2, 2)), 0.0),
            r"rate alpha should be positive.*0\.0 came",
        ),
        (lambda: nnref.one_hot([0, 10]), r"labels should lie in 0 … 9; 0 … 10 came"),
        (lambda: nnref.one_hot([0.0, 1.0]), r"whole numbers.*float64"),
        (lambda: nnref.mlp([784]), r"at least two positive widths.*\[784\] came"),
        (lambda: nnref.mlp([784, 0, 10]), r"at least two positive widths"),
        (lambda: nnref.mlp([4, 3], activation="gelu"), r"one of relu, sigmoid, tanh; 'gelu' came"),
        (lambda: nnref.accuracy(LAYERS, THETA, X, Y), r"labels should be one class per example"),
    ],
)
def test_a_wrong_value_is_named(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_soft_labels_are_welcome(rng):
    soft = rng.dirichlet(np.ones(2000), 3).T
    for dtype in ("float32", "float64"):
        softmax_cross_entropy.dZ(rng.standard_normal((2000, 3)), soft.astype(dtype))
