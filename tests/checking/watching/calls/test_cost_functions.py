"""A cost and a gradient of the same arguments: right in one shape is right, and wrong is what is wrong in all."""

import pytest

from nnref.checking.homework.watched_file import judged_file
from nnref.checking.reading.source import read_source
from nnref.checking.watching.calls.cost_functions import cost_and_gradient_judged
from nnref.checking.watching.telling.report import settled
from tests.support.quick import some

LOGISTIC = """
import numpy as np
def sigmoid(z): return 1 / (1 + np.exp(-z))
def compute_cost(theta, X, y):
    h = sigmoid(X @ theta)
    return -np.sum(y * np.log(h) + (1 - y) * np.log(1 - h)) / len(y)
def compute_gradient(theta, X, y):
    return X.T @ (sigmoid(X @ theta) - y) / len(y)
"""

BROADCAST = """
import numpy as np
def cost(X, y, theta):
    return np.sum((X @ theta - y) ** 2) / (2 * len(y))
def gradient(X, y, theta):
    d = X @ theta - y
    return np.array([[np.sum(d * X[:, 0])], [np.sum(d * X[:, 1])]]) / len(y)
"""


@pytest.fixture
def file(tmp_path):
    def written(text):
        (tmp_path / "cost.py").write_text(text, encoding="utf-8")
        return tmp_path / "cost.py"

    return written


def test_a_parameter_that_is_an_argument_is_the_same_in_the_cost_and_in_its_gradient(file):
    """In other runs it is moved before the cost is computed with it, and not between the two."""
    assert judged_file(file(LOGISTIC)).status == 0
    assert judged_file(file(LOGISTIC.replace("- y)", "+ y)"))).status == 1


@pytest.mark.parametrize(
    ("wrong", "times"), some([("2 * X.T", "2 times"), ("-X.T", "-1 times"), ("len(y) * X.T", "7 times")], 9)
)
def test_a_returned_gradient_that_is_a_multiple_of_the_slope_of_the_loss_is_not_called_right(wrong, times, file):
    found = judged_file(file(LOGISTIC.replace("return X.T", f"return {wrong}")))
    assert found.status == 3
    assert any(times in note for note in found.notes)
    assert not any("times" in note for note in judged_file(file(LOGISTIC)).notes)


def test_a_row_spread_over_a_column_is_found_on_its_line(file):
    found = judged_file(file(BROADCAST))
    assert found.status == 1
    assert found.first.place.startswith("line 7:")
    assert "(7, 1) and (7,) make 7 × 7" in found.first.says


def test_what_is_right_in_one_shape_is_right(file):
    """With y of shape (m, 1) the product is m × m; with both flat it is what was meant."""
    text = BROADCAST.replace("np.array([[np.sum(d * X[:, 0])], [np.sum(d * X[:, 1])]])", "X.T @ d")
    path = file(text)
    found = cost_and_gradient_judged(path, read_source(path))
    assert found.status == 0
    assert settled(found.read) is True  # so that a process that never runs the file can judge it again
    path = file(text.replace("X.T @ d", "X.T @ d + theta"))
    assert cost_and_gradient_judged(path, read_source(path)).status == 1


@pytest.mark.parametrize(
    "text",
    [
        BROADCAST.replace("def gradient(X, y, theta)", "def gradient(X, y, theta, rate)"),
        BROADCAST.replace("def cost", "def bill"),
        "def cost(a, b, c): return 0\ndef gradient(a, b, c): return 0\n",
        BROADCAST.replace("d = X", "raise ValueError(X)"),
    ],
)
def test_what_is_no_such_pair_is_left_alone(text, file):
    path = file(text)
    assert cost_and_gradient_judged(path, read_source(path)) is None
