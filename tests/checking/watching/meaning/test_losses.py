"""Losses of many kinds: the program's own is taken as it stands, and one that is guessed accuses only where it can."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen
from tests.support.quick import some

ONE_HIDDEN_LAYER = """\
import numpy as np
N, K = 50, {outputs}
X = np.random.randn(N, 7)
T = {labels}
W1, b1, W2, b2 = np.random.randn(7, 9) * 0.4, np.zeros(9), np.random.randn(9, K) * 0.4, np.zeros(K)
for k in range(6):
    H = np.maximum(0, X @ W1 + b1)
    Z = H @ W2 + b2
    {forward}
    {loss}
    {slope}
    dW2, db2 = H.T @ dZ, dZ.sum(0)
    dH = dZ @ W2.T * (H > 0)
    dW1, db1 = X.T @ dH, dH.sum(0)
    W1 -= 0.05 * dW1; b1 -= 0.05 * db1; W2 -= 0.05 * dW2; b2 -= 0.05 * db2
"""

NUMBERS, SIGNS = "np.random.randn(N, K) * 2", "np.where(np.random.rand(N, K) < 0.5, -1.0, 1.0)"
ZEROS_AND_ONES, CLASSES = "(np.random.rand(N, K) < 0.5) * 1.0", "np.eye(K)[np.random.randint(0, K, N)]"
SIGMOID = "P = 1 / (1 + np.exp(-Z))"
SOFTMAX = "E = np.exp(Z - Z.max(1, keepdims=True)); P = E / E.sum(1, keepdims=True)"
COSINE = (
    "n, t = np.linalg.norm(Z, axis=1, keepdims=True), T / np.linalg.norm(T, axis=1, keepdims=True); "
    "c = (Z * t).sum(1, keepdims=True) / n"
)

RIGHT = {
    "cosine": (3, NUMBERS, COSINE, "loss = (1 - c).mean()", "dZ = -(t / n - c * Z / n ** 2) / N"),
    "weighted binary": (
        *(1, ZEROS_AND_ONES, SIGMOID, "loss = -(3 * T * np.log(P) + (1 - T) * np.log(1 - P)).mean()"),
        "dZ = (P * (1 + 2 * T) - 3 * T) / N",
    ),
    "huber": (
        *(2, NUMBERS, "r = Z - T; small = abs(r) <= 1"),
        *("loss = np.where(small, r ** 2 / 2, abs(r) - 0.5).mean()", "dZ = np.where(small, r, np.sign(r)) / T.size"),
    ),
    "quantile": (
        *(1, NUMBERS, "r = T - Z", "loss = np.maximum(0.9 * r, -0.1 * r).mean()"),
        "dZ = np.where(r > 0, -0.9, 0.1) / N",
    ),
    "hinge": (1, SIGNS, "m = 1 - T * Z", "loss = np.maximum(0, m).mean()", "dZ = -T * (m > 0) / N"),
    "root mean squared": (*(2, NUMBERS, "r = Z - T", "loss = np.sqrt((r ** 2).mean())", "dZ = r / (T.size * loss)"),),
    "mean squared, and its root is shown": (
        *(2, NUMBERS, "r = Z - T", "loss = np.sqrt(np.mean(r ** 2))", "dZ = r / T.size"),
    ),
    "cross-entropy, and the perplexity is shown": (
        *(4, CLASSES, SOFTMAX, "loss = np.exp(-(T * np.log(P)).sum(1).mean())", "dZ = (P - T) / N"),
    ),
    "focal, of classes that the data have": (
        *(1, "(X[:, :1] > 0) * 1", f"{SIGMOID}; q = np.where(T == 1, P, 1 - P)"),
        "loss = (-(1 - q) ** 2 * np.log(q)).mean()",
        "dZ = np.where(T == 1, 1, -1) * (1 - q) ** 2 * (2 * q * np.log(q) + q - 1) / N",
    ),
    "cross-entropy by hand, no loss": (
        *(4, CLASSES, SOFTMAX, "pass"),
        "dP = -T / P / N; dZ = P * (dP - (dP * P).sum(1, keepdims=True))",
    ),
}


def with_loss(tmp_path, outputs, labels, forward, loss, slope, *changes):
    """The network with this loss and slope, and some of it changed, as it is watched."""
    text = ONE_HIDDEN_LAYER.format(outputs=outputs, labels=labels, forward=forward, loss=loss, slope=slope)
    return seen(tmp_path, text, *changes)


@pytest.mark.parametrize("name", some(RIGHT, 2))
def test_the_slope_of_a_loss_is_right_and_a_layer_without_its_own_is_named(tmp_path, name):
    found = with_loss(tmp_path, *RIGHT[name])
    assert settled(found), certificate(found)
    wrong = with_loss(tmp_path, *RIGHT[name], (" * (H > 0)", ""))
    assert "line 13:" in certificate(wrong, mend=False).diagnoses[0].place


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("huber", "np.where(small, r, np.sign(r))", "r"),
        ("huber", "np.sign(r))", "1)"),
        ("quantile", "r > 0, -0.9, 0.1", "r > 0, -0.1, 0.9"),
        ("hinge", "(m > 0) / N", "(m < 0) / N"),
        ("cosine", " - c * Z / n ** 2", ""),
        ("root mean squared", "loss)", "loss ** 2)"),
        ("focal, of classes that the data have", "2 * q * np.log(q)", "q * np.log(q)"),
    ],
)
def test_the_slope_of_another_loss_than_the_programs_own_is_named_and_no_line_of_the_loss(tmp_path, name, right, wrong):
    first = certificate(with_loss(tmp_path, *RIGHT[name], (right, wrong)), mend=False).diagnoses[0]
    assert "line 11:" in first.place


def test_a_hinge_whose_slope_knows_no_margin_is_wrong(tmp_path):
    """Where a rectifier lets through is an array of ones and zeros, and no probability that rounding made such."""
    assert settled(with_loss(tmp_path, *RIGHT["hinge"], (" * (m > 0)", ""))) is False


def test_two_outputs_in_the_columns_of_one_value_are_accused_by_no_guess(tmp_path):
    """A mean and the logarithm of a deviation, with the slope of their likelihood: no loss that is tried has it."""
    columns = "mu, s = Z[:, :1], Z[:, 1:]; r = (mu - T) / np.exp(2 * s)"
    slope = "dZ = np.hstack([r, 1 - r * (mu - T)]) / N"
    assert settled(with_loss(tmp_path, 2, "np.random.randn(N, 1)", columns, "pass", slope)) is None


ONE_OUTPUT = """\
import numpy as np
X = np.random.randn(30, 3)
y = (X[:, 0] > 0) * 1.0
w = np.random.randn(3)
for k in range(3):
    for x, t in zip(X, y):
        p = 1 / (1 + np.exp(-(w @ x)))
        print(SAID)
        w = w - 0.1 * (p - t) * p * (1 - p) * x
"""


@pytest.mark.parametrize("said", some(["p - t", "2 * (p - t)", "-(t - p)", "(p - t) / 2"], 99))
def test_how_far_one_output_is_off_is_no_loss(tmp_path, said):
    """It has a slope, and one number is a multiple of any other; but it has no least value."""
    found = seen(tmp_path, ONE_OUTPUT, ("SAID", said))
    assert settled(found) is True
    assert found.steps[0].readings[0].loss.name == "squared error"
    assert settled(seen(tmp_path, ONE_OUTPUT, ("SAID", said), (" * (1 - p)", ""))) is not True


ENTRY_BY_ENTRY = """\
import numpy as np
X, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0.0, 1, 1, 1])
theta = np.random.randn(3)
for k in range(5):
    g = np.zeros(3)
    for x, t in zip(X, y):
        x = np.array([1.0, x[0], x[1]])
        p = 1 / (1 + np.exp(-(theta @ x)))
        for j in range(3):
            g[j] += 2 * (p - t) * p * (1 - p) * x[j]
    for j in range(3):
        theta[j] = theta[j] - 0.3 * g[j]
"""


def test_the_step_of_an_entry_is_no_loss(tmp_path):
    """It is one number that depends on labels and parameters, and nothing but the entry is made of it."""
    found = seen(tmp_path, ENTRY_BY_ENTRY)
    assert settled(found) is not False, certificate(found)
    assert all(reading.loss.node is None for step in found.steps for reading in step.readings)


LINE = """\
import numpy as np
x, y = [], []
for row in "1,3.1 2,5.0 3,6.8 4,9.2".split():
    first, second = row.split(",")
    x.append(float(first)); y.append(float(second))
x = np.array(x)
w, b = 0.0, 0.0
print(np.mean((w * x + b - y) * x), np.mean(w * x + b - y))
for step in range(100):
    dw = np.mean((w * x + b - y) * x)
    db = np.mean(w * x + b - y)
    w -= 0.02 * dw
    b -= 0.02 * db
"""


@pytest.mark.parametrize("shown", ["", "print(np.mean((w * x + b - y) * x), np.mean(w * x + b - y))\n"])
def test_a_slope_that_is_computed_once_before_is_no_loss_and_a_list_is_all_its_labels(tmp_path, shown):
    """The slope of one number is a number, made of labels and parameters; y, a list, is met by an array as a whole."""
    found = seen(tmp_path, LINE, (LINE.splitlines()[7] + "\n", shown))
    assert settled(found) is True, certificate(found)
    assert found.steps[0].readings[0].loss.name == "squared error"
    assert (
        settled(seen(tmp_path, LINE, ("    dw = np.mean((w * x + b - y) * x)", "    dw = np.mean(w * x + b - y)")))
        is False
    )
    assert settled(seen(tmp_path, LINE, ("    db = np.mean(", "    db = np.sum("))) is False


MEAN_ERROR = """\
import numpy as np
X = np.random.randn(30, 3)
y = X @ np.array([1.0, -2.0, 0.5]) + 0.3
w, b, shown = np.zeros(3), 0.0, []
for step in range(20):
    error = y - (X @ w + b)
    shown.append(np.mean(error))
    w = w - 0.1 * (-2 / 30) * (X.T @ error)
    b = b - 0.1 * (-2 / 30) * np.sum(error)
"""


def test_how_far_the_outputs_are_off_on_the_average_is_no_loss(tmp_path):
    """It has no least value: errors that are kept to be plotted say nothing of what is trained on."""
    assert settled(seen(tmp_path, MEAN_ERROR)) is True
    assert settled(seen(tmp_path, MEAN_ERROR, ("(X.T @ error)", "(X.T @ error ** 2)"))) is False


SHRUNK = """\
import numpy as np
X = np.hstack((np.ones((20, 1)), np.random.randn(20, 3)))
y = (X[:, 1] > 0) * 1.0
w = np.zeros(4)
for step in range(50):
    p = 1 / (1 + np.exp(-(X @ w)))
    for j in range(4):
        if j == 0:
            w[j] -= 0.1 * np.mean((p - y) * X[:, j])
        else:
            w[j] -= 0.1 * (np.mean((p - y) * X[:, j]) + 0.05 * w[j])
"""


def test_a_part_of_the_step_of_an_entry_is_no_loss(tmp_path):
    found = seen(tmp_path, SHRUNK)
    assert settled(found) is True, certificate(found)
    assert found.steps[0].readings[0].loss.node is None
    assert settled(seen(tmp_path, SHRUNK, ("X[:, j]) +", "X[:, 1]) +"))) is False


ONE_ARRAY_FOR_ALL = """\
import numpy as np
X, y = np.random.randint(0, 2, (6, 3)), np.array([0, 1, 1, 0, 1, 0])
W, V = np.random.randn(4, 3), np.random.randn(2, 4)
hidden, output = np.empty(4), np.empty(2)
for epoch in range(10):
    dV, dW = np.zeros((2, 4)), np.zeros((4, 3))
    for k in range(6):
        for i in range(4):
            hidden[i] = 1 / (1 + np.exp(-(W[i] @ X[k])))
        for i in range(2):
            output[i] = 1 / (1 + np.exp(-(V[i] @ hidden)))
        d = output - y[k]
        e = V.T @ d * hidden * (1 - hidden)
        dV += np.outer(d, hidden)
        dW += np.outer(e, X[k])
    V -= 0.1 * dV
    W -= 0.1 * dW
"""


@pytest.mark.parametrize(("old", "new", "right"), [("", "", True), (" * (1 - hidden)", "", False)])
def test_outputs_that_one_array_holds_one_after_the_other_are_those_of_all_examples(old, new, right, tmp_path):
    """Six examples are written into the same array: a loss of the last one alone has none of the slopes."""
    found = seen(tmp_path, ONE_ARRAY_FOR_ALL, (old, new))
    assert settled(found) is right
    rows = {row.update.base.names[0]: row.verdict for row in found.reading.rows}
    assert rows == {"V": "ok", "W": "ok" if right else "WRONG"}


ONE_INPUT = """\
import numpy as np
x, y = 0.7, np.array([[0.2]])
W, V = np.random.randn(1, 4), np.random.randn(4, 1)
for k in range(5):
    h = np.tanh(x * W)
    p = h @ V
    loss = ((p - y) ** 2).mean()
    print(SHOWN)
    d = 2 * (p - y)
    dh = d @ V.T * (1 - h ** 2)
    dx = dh @ W.T
    V = V - 0.1 * h.T @ d
    W = W - 0.1 * x * dh
"""


@pytest.mark.parametrize("shown", ["round(loss, 4)", "np.round(loss, 3)", "round(float(loss), 2)"])
def test_a_loss_that_is_rounded_to_be_shown_is_the_loss_and_the_slope_of_one_input_is_none(shown, tmp_path):
    found = seen(tmp_path, ONE_INPUT, ("SHOWN", shown))
    assert settled(found) is True, certificate(found)
    owns = [reading.loss.node for reading in found.steps[0].readings if reading.loss.node is not None]
    assert [node.names for node in owns] == [["loss"]]
    assert settled(seen(tmp_path, ONE_INPUT, ("SHOWN", shown), (" * (1 - h ** 2)", ""))) is False


STOPPED = """\
rows = [([0.3, 0.8], 0.9), ([0.1, -0.4], -0.2), ([-0.7, 0.2], 0.4), ([0.5, 0.5], 1.1), ([0.9, -0.1], 0.3),
        ([-0.2, -0.6], -0.8), ([0.4, 0.0], 0.2), ([0.0, 0.7], 0.6), ([0.8, 0.3], 1.0), ([-0.5, -0.5], -0.9)]
def predict(x, w, b): return sum(wi * xi for wi, xi in zip(w, x)) + b
def mse(w, b): return sum((predict(x, w, b) - t) ** 2 for x, t in rows) / len(rows)
w, b, before = [0.1, -0.2], 0.05, float("inf")
for k in range(50):
    dw, db = [0.0, 0.0], 0.0
    for x, t in rows:
        d = predict(x, w, b) - t
        for j in range(2):
            dw[j] += 2 * d * x[j] / len(rows)
        db += 2 * d / len(rows)
    w = [wi - 0.1 * g for wi, g in zip(w, dw)]
    b = b - 0.1 * db
    loss = mse(w, b)
    if abs(before - loss) < 1e-9: break
    before = loss
"""


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("db += 2 * d", "db += d"), 12),
        (("b - 0.1 * db", "b + 0.1 * db"), 14),
        (("dw[j] += 2 * d * x[j] / len(rows)", "dw[j] += 2 * d * x[j]"), 11),
    ],
)
def test_by_how_much_a_loss_has_changed_is_none_and_the_loss_itself_tells_which_line_is_wrong(tmp_path, change, line):
    assert settled(seen(tmp_path, STOPPED)) is True
    found = seen(tmp_path, STOPPED, change)
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith(f"line {line}")


CHECKED = """\
import numpy as np
X, y = np.random.randn(7, 3), np.random.randn(7, 1)
w, b = np.random.randn(3, 1), np.zeros((1, 1))
def cost(w, b): return np.mean((X @ w + b - y) ** 2) / 2
for k in range(4):
    d = (X @ w + b - y) / 7
    dw, db = X.T @ d, d.sum(0, keepdims=True)
    found = np.zeros(w.shape)
    for j in range(3):
        costs = []
        for move in (1e-5, -1e-5):
            moved = w.copy()
            moved[j, 0] += move
            costs.append(cost(moved, b))
        found[j, 0] = (costs[0] - costs[1]) / 2e-5
    apart = np.linalg.norm(found - 2 * dw) / (np.linalg.norm(found) + np.linalg.norm(2 * db))
    w = w - 0.1 * dw
    b = b - 0.1 * db
"""
"""The program compares its gradients with differences of its loss, wrongly: it prints a number that is not small."""


def test_differences_of_a_loss_and_the_size_of_a_gradient_are_no_losses(tmp_path):
    found = seen(tmp_path, CHECKED)
    assert settled(found) is True
    assert settled(seen(tmp_path, CHECKED, ("X.T @ d,", "X.T @ abs(d),"))) is False


LARGEST = """\
import numpy as np
X, y = np.random.rand(120, 6), np.random.randint(0, 4, 120)
W, c, V, b = np.random.randn(6, 9), np.zeros(9), np.random.randn(9, 4), np.zeros(4)
for k in range(0, 120, 20):
    dW, dc, dV, db = 0 * W, 0 * c, 0 * V, 0 * b
    off = 0.0
    for n in range(20):
        t = np.zeros(4)
        t[y[k + n]] = 1
        h = np.maximum(0, X[k + n] @ W + c)
        e = np.exp(h @ V + b)
        d = e / e.sum() - t
        g = V @ d * (h > 0)
        dW += np.outer(X[k + n], g); dc += g; dV += np.outer(h, d); db += d
        off += np.max(np.abs(d))
        average = off / (n + 1)
    W -= 0.01 * dW; c -= 0.01 * dc; V -= 0.01 * dV; b -= 0.01 * db
"""


def test_how_far_the_outputs_of_one_example_are_off_at_most_is_no_loss(tmp_path):
    """Its slope is another factor of that of a cross-entropy for each example, as any one number is of any other."""
    assert settled(seen(tmp_path, LARGEST)) is True
    first = certificate(seen(tmp_path, LARGEST, ("* (h > 0)", "* h")), mend=False).diagnoses[0]
    assert "line 13:" in first.place
