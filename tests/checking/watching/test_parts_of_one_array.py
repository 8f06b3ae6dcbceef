"""Weights and bias in one array, which two lines update: each part is judged, and none is passed over."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

ADALINE = """\
import numpy as np
X, y = np.random.randn(40, 3), np.where(np.random.rand(40) > .5, 1, -1)
w = np.random.randn(4) * .1
for step in range(5):
    errors = y - (X @ w[1:] + w[0])
    cost = (errors ** 2).sum() / 2
    w[1:] += .01 * X.T.dot(errors)
    w[0] += .01 * errors.sum()
"""
BIAS_LAST = """\
import numpy as np
X, Y = np.random.randn(40, 3), np.random.randn(40, 2)
W = np.random.randn(4, 2)
for step in range(5):
    p = X @ W[:-1] + W[-1]
    loss = ((p - Y) ** 2).mean()
    d = 2 * (p - Y) / p.size
    W[:-1] -= .1 * X.T @ d
    W[-1] -= .1 * d.sum(0)
"""


@pytest.mark.parametrize("text", [ADALINE, BIAS_LAST], ids=["a number", "a row"])
def test_two_parts_of_one_array_are_judged(tmp_path, text):
    found = seen(tmp_path, text)
    assert settled(found)
    assert len(found.rows) == 2


@pytest.mark.parametrize(
    ("text", "old", "new", "line"),
    [(ADALINE, "errors.sum()", "errors.mean()", 8), (BIAS_LAST, "d.sum(0)", "d.mean(0)", 9)],
    ids=["a number", "a row"],
)
def test_a_mistake_in_the_second_part_is_found(tmp_path, text, old, new, line):
    found = certificate(seen(tmp_path, text, (old, new)), mend=False)
    assert found.diagnoses[0].place.startswith(f"line {line}:")


def test_a_part_that_no_output_goes_into_is_no_silent_one(tmp_path):
    assert settled(seen(tmp_path, BIAS_LAST, ("X.T @ d", "X.T @ Y"))) is not True


ENTRIES = """\
import numpy as np
X, y = np.random.randn(30, 3), np.random.randn(30)
theta = np.random.randn(3)
for step in range(5):
    e = X @ theta - y
    J = (e ** 2).sum() / 60
    for j in range(3):
        theta[j] -= .1 * (e * X[:, j]).sum() / 30
"""


def test_entries_that_one_line_updates_are_all_judged(tmp_path):
    assert settled(seen(tmp_path, ENTRIES))
    assert settled(seen(tmp_path, ENTRIES, ("X[:, j]", "X[:, min(j, 1)]"))) is False


EULER = """\
import numpy as np
X, Y = np.random.randn(20, 3), np.random.randn(20, 3)
W, b = np.random.randn(3, 3) * .3, np.zeros(3)
for step in range(5):
    xs = [X]
    for t in range(3): xs.append(xs[-1] + .2 * np.tanh(xs[-1] @ W + b))
    loss = np.mean((xs[-1] - Y) ** 2)
    a = 2 * (xs[-1] - Y) / Y.size
    gW, gb = np.zeros_like(W), np.zeros_like(b)
    for t in reversed(range(3)):
        d = .2 * a * (1 - np.tanh(xs[t] @ W + b) ** 2)
        gW += xs[t].T @ d; gb += d.sum(0)
        a = a + d @ W.T
    W -= .5 * gW; b -= .5 * gb
"""


def test_data_that_something_is_added_to_on_the_way_forward_are_no_parameter(tmp_path):
    assert settled(seen(tmp_path, EULER))
    assert certificate(seen(tmp_path, EULER, ("d @ W.T", "d @ W")), mend=False).diagnoses[0].place.startswith("line 13")


HINGE = """\
import numpy as np
X = np.random.randn(20, 2); y = np.where(np.random.rand(20) > .5, 1, -1)
w, b = np.random.rand(2), 0
for i, x in enumerate(X):
    if y[i] * (np.dot(x, w) - b) >= 1:
        w -= .001 * (.02 * w)
    else:
        w -= .001 * (.02 * w - np.dot(x, y[i]))
        b -= .001 * y[i]
"""


def test_a_hinge_that_a_condition_decides_accuses_nobody(tmp_path):
    """Its margin has no name and is no loss; and no output that meets a label is made of b."""
    assert settled(seen(tmp_path, HINGE)) is not False
