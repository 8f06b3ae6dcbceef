"""Data in the forms that programs take them in, and arguments by what their names say."""

import ast

import numpy as np
import pytest

from nnref.checking.reading.source import Source
from nnref.checking.watching.calls import calling
from nnref.checking.watching.calls.calling import EXAMPLES, FORMS, Caller, DataForm, Unbound, arrays_in, batch, outputs
from nnref.checking.watching.recording.recorder import Recorder
from tests.support.recordings import under_a_recorder

CLASSES, WIDTH = 3, 6


def source(text):
    """A file of this text."""
    return Source("program.py", text.split("\n"), ast.parse(text))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_form_has_as_many_labels_as_examples_and_every_class_is_there(form):
    with under_a_recorder() as recorder:
        X, Y = batch(form, WIDTH, CLASSES, seed=0)
        marked = {n.leaf for n in recorder.leaves}
    assert marked == {"data", "labels"}
    count = 1 if form.alone else EXAMPLES
    examples = len(X) if isinstance(X, list) else X.size // np.prod(calling.shape_of(form, WIDTH))
    assert examples == count
    if form.examples == "columns":
        assert np.shape(Y)[-1] == EXAMPLES
    if form.several and not form.alone:
        Y = np.array(Y) if isinstance(Y, list) else Y
        axis = 0 if form.examples == "columns" else -1
        axis = 1 if form.examples == "pairs" else axis
        classes = Y.argmax(axis) if form.labels == "one-hot labels" else Y
        assert set(np.ravel(classes).tolist()) == set(range(CLASSES))


def test_every_class_is_there_whatever_was_drawn():
    with under_a_recorder():
        drawn = [batch(DataForm("rows", "classes"), WIDTH, CLASSES, seed)[1] for seed in range(9)]
    assert {len(set(y.tolist())) for y in drawn} == {CLASSES}


def test_a_form_fits_a_network_of_one_output_or_of_several():
    assert [form.labels for form in FORMS if outputs(form, 1)] == [
        *("0 and 1 in a column", "0 and 1 in a row", "0 and 1", "-1 and 1", "numbers in a column", "numbers"),
        *("a number", "0 and 1 in a column"),
    ]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("input_array", "X"), ("trainLabels", "Y"), ("n_inputs", "input width"), ("output_size", "output width"),
        ("hidden_nodes", "hidden width"), ("threshold", None), ("max_y", "Y"),
    ],
)  # fmt: skip
def test_an_argument_is_known_by_the_words_in_its_name(name, role):
    assert calling.role_by_words(name) == role


def test_the_output_of_a_forward_pass_is_told_from_its_cache():
    A, B = np.ones((2, 3)), np.zeros((2, 3))
    assert calling.output_in(A, {}) is A
    assert calling.output_in((A, {"Z": B}), {}) is A
    assert calling.cache_in((A, {"Z": B})) == {"Z": B}
    assert calling.cache_in((A, B)) == (A, B)
    assert calling.output_in((A, B), {"y_hat": A, "z": B}) is A
    assert calling.output_in(None, {"hidden": A, "last": B}) is B
    assert calling.output_in(None, {}) is None


def test_a_name_that_is_compared_with_a_word_is_given_it():
    tests = ("self.loss == 'mse'", "activation == 'relu'", "activation == 'tanh'", "n == 3")
    said = source("".join(f"if {test}: pass\n" for test in tests))
    assert calling.first_strings(said) == {"activation": "relu", "loss": "mse"}


def test_every_array_in_a_tree_is_found_once_with_the_way_to_it():
    W, b = np.ones((2, 2)), np.ones(2)
    tree = {"layers": [W, {"b": b}], "again": W, "epochs": 3, "classes": np.arange(3)}
    assert [path for path, _ in arrays_in(tree)] == [("layers", 0), ("layers", 1, "b")]


def test_functions_of_a_library_are_none_of_the_programs():
    names = {"np": np, "solve": np.linalg.solve, "test": test_functions_of_a_library_are_none_of_the_programs}
    assert set(calling.own_functions(names)) == {"test"}
    assert calling.own_classes({"Recorder": Recorder, "Error": Unbound, "array": np.ndarray}) == {}


FUNCTIONS = """
def forward(X, W, b):
    Z = X @ W + b
    return Z, (X, W)
def backward(dZ, cache): return dZ
"""


def test_functions_are_called_with_what_is_known_by_name_and_by_role():
    said, names = source(FUNCTIONS), {}
    exec(FUNCTIONS, names)
    X = np.ones((EXAMPLES, 2))
    caller = Caller(said, names, X, X, known={"W": np.full((2, 2), 3.0), "b": np.zeros(2)})
    caller.forward(names["forward"])
    assert (caller.roles["output"] == 6).all()
    assert (caller.known["Z"] == 6).all()
    assert caller.log == ["forward"]
    with pytest.raises(Unbound):
        caller(names["backward"])
