"""Does every refusal say what was expected, what came and what to try?"""

import numpy as np
import pytest

import nnref
from nnref import affine, cross_entropy, relu, sgd, sigmoid, softmax, softmax_cross_entropy, tanh

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
        (lambda: relu.forward([[1.0]]), r"Z should be an array.*list came.*np\.asarray"),
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
        (lambda: sgd.update(np.ones((2, 2)), np.ones((2, 2)), np.ones(2)), r"rate alpha should be positive"),
        (lambda: nnref.one_hot([0, 10]), r"labels should lie in 0 … 9; 0 … 10 came"),
        (lambda: nnref.one_hot([0.0, 1.0]), r"whole numbers.*float64"),
        (lambda: nnref.mlp([784]), r"at least two positive widths.*\[784\] came"),
        (lambda: nnref.mlp([784, 0, 10]), r"at least two positive widths"),
        (lambda: nnref.mlp([4, 3], activation="swish"), r"one of .*relu, .*sigmoid, .*tanh; 'swish' came"),
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


FORMULAS = {
    "affine.forward": (affine.forward, {"W": (2, 3), "b": (2, 1), "A": (3, 4)}),
    "affine.dW": (affine.dW, {"A": (3, 4), "dZ": (2, 4)}),
    "affine.db": (affine.db, {"dZ": (2, 4)}),
    "affine.dA": (affine.dA, {"W": (2, 3), "dZ": (2, 4)}),
    "relu.forward": (relu.forward, {"Z": (3, 4)}),
    "relu.dZ": (relu.dZ, {"Z": (3, 4), "dA": (3, 4)}),
    "sigmoid.forward": (sigmoid.forward, {"Z": (3, 4)}),
    "sigmoid.dZ": (sigmoid.dZ, {"A": (3, 4), "dA": (3, 4)}),
    "tanh.forward": (tanh.forward, {"Z": (3, 4)}),
    "tanh.dZ": (tanh.dZ, {"A": (3, 4), "dA": (3, 4)}),
    "softmax.forward": (softmax.forward, {"Z": (3, 4)}),
    "softmax.dZ": (softmax.dZ, {"P": (3, 4), "dP": (3, 4)}),
    "softmax.log_sum_exp": (softmax.log_sum_exp, {"Z": (3, 4)}),
    "cross_entropy.forward": (cross_entropy.forward, {"P": (3, 4), "Y": (3, 4)}),
    "cross_entropy.dP": (cross_entropy.dP, {"P": (3, 4), "Y": (3, 4), "dl": (1, 4)}),
    "softmax_cross_entropy.forward": (softmax_cross_entropy.forward, {"Z": (3, 4), "Y": (3, 4)}),
    "softmax_cross_entropy.dZ": (softmax_cross_entropy.dZ, {"Z": (3, 4), "Y": (3, 4)}),
    "sgd.update": (lambda theta, dtheta: sgd.update(theta, dtheta, 0.1), {"theta": (3, 4), "dtheta": (3, 4)}),
}


def each_argument():
    return [(name, argument) for name, (_, shapes) in FORMULAS.items() for argument in shapes]


def given(shapes):
    """Arguments of these shapes that every formula takes: positive, and columns of labels that sum to one."""
    return {name: np.full(shape, 1 / shape[0] if name == "Y" else 0.5) for name, shape in shapes.items()}


def refusal(call):
    """What a call says when it refuses its arguments; nothing where it takes them."""
    try:
        call()
    except ValueError as error:  # ShapeError is one
        return str(error)
    return ""


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize(("formula", "argument"), each_argument())
@pytest.mark.parametrize(
    ("disguise", "says"),
    [
        (np.matrix, r"np\.matrix came, whose \* is the matrix product"),
        (np.ma.masked_array, "a masked array came, whose sums leave entries out"),
        (lambda A: np.ones(A.shape, int), "int64 came.*dtype=float"),
        (lambda A: np.ones(A.shape, object), "object came"),
    ],
)
def test_an_array_that_is_not_what_it_seems_is_refused_by_name_in_every_formula(formula, argument, disguise, says):
    function, shapes = FORMULAS[formula]
    arguments = given(shapes)
    function(**arguments)
    with pytest.raises(TypeError, match=rf"^{argument} should be .*{says}"):
        function(**arguments | {argument: disguise(arguments[argument])})


@pytest.mark.parametrize(("formula", "argument"), each_argument())
@pytest.mark.parametrize("shape", [(), (4,), (3, 5), (4, 3), (1, 1), (0, 4), (3, 0), (2, 3, 4)])
def test_no_shape_gives_an_error_of_numpys_own(formula, argument, shape):
    """Where a shape fits after all, as another number of neurons does, there is no error."""
    function, shapes = FORMULAS[formula]
    said = refusal(lambda: function(**given(shapes) | {argument: np.full(shape, 1.0)}))
    assert "broadcast" not in said
    assert not said or any(f"{name} " in said for name in shapes)


def test_labels_with_a_mask_are_refused():
    masked = np.ma.masked_array([0, 1, 2, 0, 1, 2], mask=[1, 0, 0, 0, 0, 0])
    for call in (lambda: nnref.one_hot(masked, 3), lambda: nnref.accuracy(LAYERS, THETA, X, masked)):
        with pytest.raises(TypeError, match="labels should be a plain numpy array; a masked array came"):
            call()


@pytest.mark.parametrize("theta", [((), *THETA[1:]), ((THETA[0].W,), *THETA[1:]), np.ones(3), None, 1.0])
def test_parameters_of_another_structure_are_refused_in_a_sentence(theta):
    for function in (nnref.loss, nnref.gradients):
        with pytest.raises(nnref.ShapeError, match=r"theta (of an affine layer )?should"):
            function(LAYERS, theta, X, Y)


def test_the_slope_of_a_rectifier_keeps_nan():
    Z = np.array([[np.nan, -1.0, 0.0, 2.0]])
    assert np.array_equal(relu.dZ(Z, np.full((1, 4), 3.0)), [[np.nan, 0, 0, 3]], equal_nan=True)
