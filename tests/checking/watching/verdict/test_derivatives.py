"""Derivatives that are made for the backward pass alone: of which values, and by which factor."""

import pytest

from nnref.checking.watching.verdict import derivatives
from tests.support.recordings import searched

NET = """\
import numpy as np
X, Y = np.random.randn(8, 3), np.random.randn(8, 2)
W, V = np.random.randn(3, 4), np.random.randn(4, 2)
for step in range(3):
    A = np.tanh(X @ W)
    d = (A @ V - Y) / 8
    s = 1 - A ** 2
    dA = d @ V.T
    dZ = dA * s
    W, V = W - 0.1 * X.T @ dZ, V - 0.1 * A.T @ d
"""


@pytest.mark.parametrize(
    ("change", "factor"), [(("1 - A", "1 - A"), 1.0), (("1 - A ** 2", "3 - 3 * A ** 2"), 3.0), (("A ** 2", "A"), None)]
)
def test_a_derivative_is_known_by_its_numbers(tmp_path, change, factor):
    search, names = searched(tmp_path, NET, change)
    assert derivatives.backward_factor(search, names["dZ"]) is names["s"]
    assert derivatives.backward_factor(search, names["dA"]) is None
    assert derivatives.slope_factor(search, names["s"]) == (factor if factor is None else pytest.approx(factor))
    assert derivatives.wrong_factor(search, names["dZ"]) is (names["s"] if factor is None else None)
