"""Where a factor comes in that the gradients of other parameters do not have."""

import pytest

from nnref.checking.watching.verdict.jumps import first_jump, first_of_new_factor, ratios_on_the_way
from tests.support.recordings import searched

PROGRAM = """\
import numpy as np
X, Y = np.random.randn(6, 4), np.random.randn(6, 2)
U, W = np.random.randn(4, 5), np.random.randn(5, 2)
for step in range(2):
    h = np.tanh(X @ U)
    d = h @ W - Y
    loss = (d ** 2).sum() / 2
    dW = h.T @ d
    dz = d @ W.T * (1 - h ** 2)
    dU = X.T @ dz
    gU = 3 * dU
    U = U - 0.1 * gU
    W = W - 0.1 * dW
"""


def test_a_factor_on_the_way_to_one_step_is_found_where_it_comes_in(tmp_path):
    of_it, named = searched(tmp_path, PROGRAM)
    (row,) = (row for row in of_it.reading.rows if row.verdict == "WRONG")
    assert first_jump(of_it, row, 3.0) is named["gU"]
    assert first_jump(of_it, row, 1.0) is None
    assert [ratio for node, ratio in ratios_on_the_way(of_it, row) if node is named["gU"]] == [pytest.approx(3)]


def test_the_first_value_with_a_factor_of_its_own_lies_before_what_is_made_of_it(tmp_path):
    changes = ("    dz = d @ W.T * (1 - h ** 2)\n", "    dz = 3 * d @ W.T * (1 - h ** 2)\n"), ("gU = 3 * dU", "gU = dU")
    of_it, _ = searched(tmp_path, PROGRAM, *changes)
    (row,) = (row for row in of_it.reading.rows if row.verdict == "WRONG")
    first = first_of_new_factor(of_it, row)
    assert (first.op, first.site.line) == ("multiply", 9)


DEEP = """\
import numpy as np
X, Y = np.random.randn(6, 4), np.random.randn(6, 4)
A, B, C, D = (np.random.randn(4, 4) for _ in range(4))
for step in range(2):
    z = X @ A
    y = z @ B
    x = y @ C
    d = x @ D - Y
    loss = (d ** 2).sum() / 2
    dD = x.T @ d
    dx = d @ -D.T
    dC = y.T @ dx
    dy = dx @ C.T
    dB = z.T @ -dy
    dA = X.T @ (-dy @ B.T)
    A, B, C, D = A - 0.1 * dA, B - 0.1 * dB, C - 0.1 * dC, D - 0.1 * dD
"""


def test_a_sign_that_the_next_layer_turns_back_is_found_though_right_gradients_are_made_of_it(
    tmp_path,
):
    of_it, named = searched(tmp_path, DEEP)
    (row,) = (row for row in of_it.reading.rows if row.verdict == "WRONG")
    assert row.truth[0].shape == (4, 4)
    assert first_jump(of_it, row, -1.0) is named["dx"]
