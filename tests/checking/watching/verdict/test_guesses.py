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
