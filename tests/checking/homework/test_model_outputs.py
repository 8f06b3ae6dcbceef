"""Is a model that computes another function refused, and one that cannot be asked believed?"""

import numpy as np
import pytest

from nnref.checking.homework.model_outputs import outputs, refuse_another_forward_pass

LOGITS = np.array([[1.0, 2, -1, 0], [0, 1, 3, 1], [2, 0, 1, -2]])
"""Three classes, four examples."""


class Model:
    """What Keras calls a model: it has variables, and can be called."""

    trainable_variables = ()

    def __init__(self, made):
        self.made = made

    def __call__(self, X):
        return self.made


def softmax():
    E = np.exp(LOGITS.T)
    return E / E.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    "made", [LOGITS.T, LOGITS.T - 5, softmax(), np.log(softmax())], ids=["logits", "shifted", "p", "log p"]
)
def test_logits_probabilities_and_logarithms_are_one_function(made):
    refuse_another_forward_pass(Model(made), None, LOGITS, np.dtype("float64"), "a softmax")


def test_another_function_is_refused_with_the_example_that_differs_most():
    made = softmax()
    made[2] = made[2][::-1]
    with pytest.raises(ValueError, match=r"another function than relu, as which .*: example 2 comes out 0\.\d+ away"):
        refuse_another_forward_pass(Model(made), None, LOGITS, np.dtype("float64"), "relu")


def test_what_cannot_be_called_says_nothing():
    assert outputs(object(), None) is None
    assert outputs(Model(np.ones(3)), None) is None
    refuse_another_forward_pass(object(), None, LOGITS, np.dtype("float64"), "relu")
