"""When may a guessed loss accuse a file that has none of its own?"""

import numpy as np
import pytest

from nnref.checking.homework.watched_file import watched_or_called
from nnref.checking.reading.source import read_source
from nnref.checking.watching.telling.report import settled
from nnref.checking.watching.verdict.guesses import goes_both_ways
from tests.support.programs import written
from tests.support.quick import some

FILE = """
import numpy as np
def train(X, y, lr=0.1):
    W = np.zeros((X.shape[1], 1))
    for _ in range(9):
        p = 1 / (1 + np.exp(-(X @ W)))
        W -= lr * X.T @ (SLOPE) / len(X)
    return W
"""


@pytest.mark.parametrize(
    ("slope", "right"),
    some([("p + y", False), ("p - y", True), ("np.arctan(p - y)", None), ("(p - y) ** 3", None)], 4),
)
def test_a_slope_that_leads_some_outputs_away_from_their_labels_is_of_no_loss(slope, right, tmp_path):
    path = written(tmp_path, FILE, ("SLOPE", slope))
    assert settled(watched_or_called(path, read_source(path), None)) is right


def test_a_slope_goes_both_ways_where_most_of_one_kind_goes_along_and_most_of_the_other_against():
    meant = np.array([[0.2, -0.7], [0.5, -0.1], [0.3, 0.4]])
    assert not goes_both_ways(meant, meant)
    assert not goes_both_ways(-(meant**3), meant)
    assert goes_both_ways(abs(meant), meant)
    assert not goes_both_ways(abs(meant), abs(meant))


ADDED_UP = """\
import numpy as np
X, Y = np.random.randn(30, 6, 1), np.eye(3)[np.arange(30) % 3][:, :, None]
W, V = np.random.randn(5, 6) / 2, np.random.randn(3, 5) / 2
b, c = np.zeros((5, 1)), np.zeros((3, 1))
for k in range(0, 30, 10):
    sum_b, sum_c, sum_W, sum_V = 0, 0, 0, 0
    for x, y in zip(X[k : k + 10], Y[k : k + 10]):
        h = np.tanh(W @ x + b)
        a = np.tanh(V @ h + c)
        dc = (a - y) * (1 - a ** 2)
        db = V.T @ dc * (1 - h ** 2)
        dV = dc @ h.T
        dW = db @ x.T
        sum_b, sum_c = sum_b + db, sum_c + dc
        sum_W, sum_V = sum_W + dW, sum_V + dV
    b, c = b - 0.1 * sum_b / 10, c - 0.1 * sum_c / 10
    W, V = W - 0.1 * sum_W / 10, V - 0.1 * sum_V / 10
"""


@pytest.mark.parametrize(
    ("slope", "right"),
    [
        ("(a - y) * (1 - a ** 2)", True),
        ("(a - y) ** 3 * (1 - a ** 2)", None),
        ("(a - y) * (1 + abs(a - y)) * (1 - a ** 2)", None),
        ("a - y", None),
    ],
)
def test_the_slope_of_a_loss_that_nobody_knows_is_no_mistake_where_examples_go_one_by_one_into_a_step(
    slope, right, tmp_path
):
    path = written(tmp_path, ADDED_UP, ("(a - y) * (1 - a ** 2)", slope))
    assert settled(watched_or_called(path, read_source(path), None)) is right
