"""Is a loss that is computed after the update, and is another than the gradients', said to be?"""

import pytest

from nnref.checking.watching.telling.cautions import cautions
from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

PROGRAM = """
import numpy as np
rng = np.random.default_rng(0)
X, y = rng.standard_normal((30, 5)), rng.integers(0, 3, 30)
Q = np.full((30, 3), 0.1 / 3)
Q[np.arange(30), y] += 0.9
W, b = 0.1 * rng.standard_normal((5, 3)), np.zeros(3)
def predict(X):
    E = np.exp(X @ W + b)
    return E / E.sum(1, keepdims=True)
for _ in range(5):
    P = predict(X)
    dZ = (P - LABELS) / 30
    W -= 0.5 * X.T @ dZ
    b -= 0.5 * dZ.sum(0)
    print(-np.sum(LOOKED * np.log(predict(ROWS))) / 30)
"""

SAID = "computes another loss, with the new parameters"


@pytest.mark.parametrize(
    ("labels", "looked", "rows", "another"),
    [
        ("(Q > 0.5)", "Q", "X", True),
        ("Q", "Q", "X", False),
        ("(Q > 0.5)", "(Q > 0.5)", "X", False),
        ("Q", "Q[::-1]", "X[::-1]", False),
    ],
    ids=["smoothed, and learnt hard", "the same", "hard in both", "other rows"],
)
def test_a_loss_after_the_update_that_is_another_is_said_to_be(labels, looked, rows, another, tmp_path):
    found = seen(tmp_path, PROGRAM, ("LABELS", labels), ("LOOKED", looked), ("ROWS", rows))
    assert settled(found) is True
    assert any(SAID in line for line in cautions(found)) == another


DECAYED = """\
import numpy as np
X = np.random.randn(40, 3); y = (X[:, :1] > 0).astype(float)
w, b = np.zeros((3, 1)), 0
for step in range(9):
    a = 1 / (1 + np.exp(-(X @ w + b)))
    cost = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a)) + 0.01 / 80 * np.sum(w ** 2)
    dw = X.T @ (a - y) + 0.01 / 40 * w
    w -= 0.1 * dw
    b -= 0.1 * np.sum(a - y) / 40
"""


def test_of_a_file_with_a_loss_it_is_never_said_that_it_has_none(tmp_path):
    """Without its decay it fits no more of the backward pass, where the mean is forgotten of all but the decay."""
    found = seen(tmp_path, DECAYED)
    said = " ".join(str(certificate(found, mend=False)).split())
    assert settled(found) is False
    assert "your own cost, line 6" in said
    assert "has none" not in said
    assert "no loss of its own" not in said


SIGMOID = """\
import numpy as np
X = np.random.randn(40, 3); y = (X[:, 0] > 0).astype(float)
def loss(w, b):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
def fit(w, b):
    for step in range(9):
        p = 1 / (1 + np.exp(-(X @ w + b)))
        d = SLOPE
        w, b = w - 0.1 * X.T @ d / 40, b - 0.1 * d.mean()
        print(loss(w, b))
fit(np.zeros(3), 0.0)
"""


def test_the_other_labels_of_a_binary_loss_are_the_same_and_a_bias_that_is_an_argument_is_judged(tmp_path):
    """1 - y meets 1 - p; and 0.0 is what the bias begins with."""
    found = seen(tmp_path, SIGMOID, ("SLOPE", "p - y"))
    assert settled(found) is True
    assert [row.truth[0].shape for row in found.rows] == [(3,), ()]
    assert not any(SAID in line for line in cautions(found))
    half = seen(tmp_path, SIGMOID, ("SLOPE", "p - y"), ("d.mean()", "d.sum()"))
    assert settled(half) is False


def test_slopes_of_another_loss_are_wrong_where_that_of_the_file_is_computed_of_the_next_outputs(tmp_path):
    """(p - y) p (1 - p) is the slope of a squared error; what is printed after the step is the cross-entropy."""
    found = seen(tmp_path, SIGMOID, ("SLOPE", "(p - y) * p * (1 - p)"))
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith("line 9")
    dropped = (
        "    p = 1 / (1 + np.exp(-(X @ w + b)))\n    return",
        "    p = 1 / (1 + np.exp(-(X @ w + 0.9 * b)))\n    return",
    )
    assert settled(seen(tmp_path, SIGMOID, ("SLOPE", "(p - y) * p * (1 - p)"), dropped)) is not False


def test_a_squared_error_that_is_looked_at_beside_the_slopes_of_a_cross_entropy_is_cautioned(tmp_path):
    looked = ("-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))", "np.mean((p - y) ** 2)")
    found = seen(tmp_path, SIGMOID, ("SLOPE", "p - y"), looked)
    assert settled(found) is True
    assert any(SAID in line for line in cautions(found))


def test_a_decay_that_the_loss_after_the_step_has_is_right_and_one_that_it_has_not_is_none(tmp_path):
    decay = ("    return -np", "    return 0.05 * w @ w - np")
    w = ("X.T @ d / 40", "(X.T @ d / 40 + 0.1 * w)")
    found = seen(tmp_path, SIGMOID, ("SLOPE", "p - y"), decay, w)
    assert settled(found) is True
    assert not any("decay" in line for line in cautions(found))
    assert settled(seen(tmp_path, SIGMOID, ("SLOPE", "p - y"), decay)) is False
    assert settled(seen(tmp_path, SIGMOID, ("SLOPE", "p - y"), decay, (w[0], w[1].replace("0.1", "0.2")))) is False


def test_a_bias_whose_first_value_was_not_seen_is_no_loss_whose_slopes_are_others(tmp_path):
    """A 1 that is an argument may be a size, and is no leaf; its new value meets the new weights."""
    found = seen(tmp_path, SIGMOID, ("SLOPE", "p - y"), ("fit(np.zeros(3), 0.0)", "fit(np.zeros(3), 1)"))
    assert settled(found) is not False
