"""Are the gradients of a network of any layers judged, and is what cannot be read refused in a sentence?"""

import numpy as np
import pytest

import nnref
from nnref.layer import ACTIVATIONS, affine_layer, chain, residual
from nnref.parameters import mapped

LAYERS = (affine_layer(6, 7), residual(chain(affine_layer(7, 7), ACTIVATIONS["tanh"])), affine_layer(7, 3))
CNN = nnref.cnn(side=8, classes=3, channels=(2,), kernel=3)
Y = nnref.one_hot([0, 1, 2, 0, 1], 3)


@pytest.fixture(params=["residual", "cnn"])
def case(request, rng):
    layers, n = {"residual": (LAYERS, 6), "cnn": (CNN, 64)}[request.param]
    return layers, nnref.initialise(layers), rng.standard_normal((n, 5))


def test_right_gradients_of_any_layers_are_right_and_wrong_ones_named(case):
    layers, theta, X = case
    right = nnref.gradients(layers, theta, X, Y)
    assert nnref.certify(theta, X, Y, right, layers=layers).ok
    wrong = mapped(np.array, right)
    first = next(iter(nnref.named(wrong).values()))
    first.flat[1] *= 1.001
    report = nnref.certify(theta, X, Y, wrong, layers=layers)
    assert [(entry.name, entry.wrong) for entry in report.entries if entry.verdict != "ok"] == [("W1", 1)]


def test_the_summed_loss_has_gradients_n_times_as_large(case):
    layers, theta, X = case
    summed = mapped(lambda g: 5 * g, nnref.gradients(layers, theta, X, Y))
    assert nnref.certify(theta, X, Y, summed, layers=layers, reduction="sum").ok
    assert not nnref.certify(theta, X, Y, summed, layers=layers).ok


def test_gradients_by_name_and_those_not_written_yet(case):
    layers, theta, X = case
    by_name = {f"d{name}": g for name, g in nnref.named(nnref.gradients(layers, theta, X, Y)).items()}
    del by_name["db1"]
    report = nnref.certify(theta, X, Y, by_name, layers=layers)
    assert {entry.name: entry.verdict for entry in report.entries}["b1"] == "not written yet"
    assert {entry.verdict for entry in report.entries if entry.name != "b1"} == {"ok"}


THETA = nnref.initialise(LAYERS)
X = np.ones((6, 5))
BAD = {
    "parameters should be those of the layers": (THETA[:1], X, Y, None, {"layers": LAYERS}),
    "the layers learn nothing": ((), X[:3], Y, None, {"layers": (ACTIVATIONS["tanh"],)[:0]}),
    "there is no such parameter": (THETA, X, Y, {"dW9": 1}, {"layers": LAYERS}),
    "layers have their activations in them": (THETA, X, Y, None, {"layers": LAYERS, "activation": "tanh"}),
    "the layer 'residual' alone came": (THETA, X, Y, None, {"layers": LAYERS[1]}),
    "say which, certify": ((THETA,), X, Y, None, {}),
    "a tuple of named tuples": ([np.ones((3, 6))], X, Y, None, {"layers": LAYERS}),
}


@pytest.mark.parametrize("says", BAD)
def test_what_cannot_be_read_is_refused_in_a_sentence(says):
    *given, options = BAD[says]
    with pytest.raises((ValueError, TypeError), match=says):
        nnref.certify(*given, **options)


@pytest.mark.parametrize(
    "theta", [None, 3, np.ones(3), {"W1": np.ones(3)}, [np.ones(3)], (np.ones(3),), ([np.ones(3)],)]
)
def test_what_is_no_tree_of_named_tuples_has_no_names(theta):
    with pytest.raises(ValueError, match="parameters should be a tuple of named tuples, one a layer"):
        nnref.named(theta)
