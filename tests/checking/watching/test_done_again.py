"""What is done again on the way forward is no update, and a margin that a condition decides by is no loss."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

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


@pytest.mark.parametrize(
    "wrong",
    [
        ("b -=", "b +="),
        ("b -= .001 * y[i]", "b -= .001 * y[i] * x[0]"),
        (".02 * w - np.dot(x, y[i])", ".02 * w + np.dot(x, y[i])"),
    ],
    ids=["sign of the bias", "slope of the bias", "sign of the slope"],
)
def test_a_hinge_that_a_condition_decides_is_judged(wrong, tmp_path):
    """Its margin has no name and is no loss, and goes into no update; what 0.02 w meets there is no label of it."""
    right = seen(tmp_path, HINGE)
    assert settled(right) is True, certificate(right)
    assert right.reading is not None
    assert right.reading.loss.name == "hinge"
    assert settled(seen(tmp_path, HINGE.replace(*wrong))) is False


def test_a_bias_that_numbers_alone_change_is_named(tmp_path):
    named = HINGE.replace("w, b = np.random.rand(2), 0", "w = np.random.rand(2); b = 0.0; rate = .001")
    assert settled(seen(tmp_path, named)) is True
    found = seen(tmp_path, named.replace("b -= .001 * y[i]", "b -= rate"))
    assert settled(found) is None
    assert "not judged" in " ".join(str(certificate(found)).split())


def test_a_decay_is_no_output_that_labels_are_compared_with(tmp_path):
    """W - y, without x, is the slope of half the squared distance of w and y, which nobody means."""
    alone = HINGE.replace("w, b = np.random.rand(2), 0", "w = np.zeros(2)").replace("        b -= .001 * y[i]\n", "")
    alone = alone.replace(" - b)", ")").replace("np.dot(x, w)", "(x @ w)")
    assert settled(seen(tmp_path, alone)) is True
    assert settled(seen(tmp_path, alone.replace("np.dot(x, y[i])", "y[i]"))) is not True


BALANCED = """\
import numpy as np
X = np.concatenate([np.random.randn(20, 2) + 1, np.random.randn(20, 2) - 1])
y = np.concatenate([np.ones(20), -np.ones(20)])
w, b = np.zeros(2), 0.0
for step in range(20):
    m = y * (X @ w + b) < 1
    dw = w - y[m] @ X[m]
    db = -y[m].sum()
    w = w - .005 * dw
    b = b - .005 * db
    loss = .5 * w @ w + np.maximum(0, 1 - y * (X @ w + b)).sum()
"""


def test_a_slope_that_is_0_because_labels_are_balanced_is_no_evidence(tmp_path):
    """In the first step all examples are within the margin, and there are as many of each kind."""
    assert settled(seen(tmp_path, BALANCED)) is True
    for wrong in ("db = y[m].sum()", "db = -y[m].mean()"):
        assert settled(seen(tmp_path, BALANCED.replace("db = -y[m].sum()", wrong))) is False
    assert settled(seen(tmp_path, BALANCED.replace("db = -y[m].sum()", "db = -y.sum()"))) is not True


BIAS_FIRST = """\
import numpy as np
X, Y = np.random.randn(40, 3), np.random.randn(40, 2)
W = np.random.randn(4, 2)
for step in range(5):
    p = X @ W[:-1] + W[-1]
    loss = ((p - Y) ** 2).mean()
    d = 2 * (p - Y) / p.size
    W[-1] -= .1 * d.sum(0)
    W[:-1] -= .1 * X.T @ Y
"""


def test_a_part_that_is_changed_by_the_labels_alone_is_wrong(tmp_path):
    """The bias is right, and no output is in what the weights are changed by."""
    found = seen(tmp_path, BIAS_FIRST)
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith("line 9")
