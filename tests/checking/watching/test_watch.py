"""Programs, run as they stand: right ones are right, planted mistakes are found, and on their line."""

from pathlib import Path

import pytest

from nnref.checking.watching.recording import values
from nnref.checking.watching.telling.report import certificate, settled, step_shown
from nnref.checking.watching.verdict.first_wrong import mistakes, of_failure
from nnref.checking.watching.watch import watch
from tests.support.programs import PLANTED, RIGHT, fault_apart, seen
from tests.support.quick import some


@pytest.mark.parametrize("program", some(RIGHT.values(), 4, ids={text: name for name, text in RIGHT.items()}.get))
def test_a_right_program_is_right_and_every_parameter_was_judged(program, tmp_path):
    found = seen(tmp_path, program)
    assert settled(found) is True, certificate(found)
    assert found.runs[0].error is None


@pytest.mark.parametrize("mistake", some(PLANTED, 4))
def test_a_planted_mistake_is_found_on_its_line(mistake, tmp_path):
    name, old, new, line = PLANTED[mistake]
    assert RIGHT[name].count(old) == 1
    assert RIGHT[name][: RIGHT[name].index(old)].count("\n") + 1 == line
    found = seen(tmp_path, RIGHT[name].replace(old, new))
    assert settled(found) is False, certificate(found, mend=False)
    step = step_shown(found)
    told = mistakes(step.roles, found.tapes, step.readings[0])
    if found.broken is not None:
        told = [of_failure(step.roles, found.tapes, step.readings[0], found.broken)]
    assert line in [m.site.line for m in told] or line in [m.used.line for m in told if m.used]


@pytest.mark.parametrize("name", ["momentum", "deep"])
def test_a_costly_program_is_stopped_after_two_steps_and_judged_as_before(name, tmp_path, monkeypatch):
    monkeypatch.setattr(values, "COSTLY", (0.0, 0.0))
    monkeypatch.setattr(values, "REST", 0)
    found = seen(tmp_path, RIGHT[name])
    assert settled(found) is True, certificate(found)
    assert len(found.steps) == 2
    assert found.runs[0].recorder.sufficed
    assert len(found.runs[0].tape) < 3 * (found.steps[0].roles.last + 1)


CORRELATED = """\
import numpy as np
from scipy import signal
x, y = np.random.randn(7, 7), np.random.randn(5, 5)
K, b = np.random.randn(3, 3), np.random.randn(5, 5)
for step in range(4):
    out = signal.correlate2d(x, K, "valid") + b
    d = (out - y) / 25
    K -= 0.1 * signal.correlate2d(x, d, "valid")
    b -= 0.1 * d
"""


def test_a_program_whose_second_step_is_not_seen_is_not_recorded_to_its_end():
    """Its parameters are handed on under new names: 500 steps were recorded, which took six seconds."""
    found = watch(Path(__file__).parents[3] / "examples" / "digits_columns.py")
    assert settled(found) is True
    assert max(len(run.tape) for run in found.runs) < 5000  # a look waits where the one before took long


def test_a_filter_whose_library_conjugates_is_right_and_its_negative_is_wrong(tmp_path):
    """scipy's correlate2d conjugates its second argument: a complex step alone has the wrong sign there."""
    assert settled(seen(tmp_path, CORRELATED)) is True
    assert settled(seen(tmp_path, CORRELATED.replace("K -= 0.1", "K += 0.1"))) is False


LABELS_APART = """\
import numpy as np
p = np.random.rand(4, 1); y = np.array([[1], [0], [0], [1]])
W, b = np.random.randn(3, 4), np.random.randn(3, 1); V, c = np.random.randn(1, 3), np.zeros((1, 1))
X = np.random.randn(4, 4)
for epoch in range(3):
    error = 0
    for k in range(4):
        h = np.tanh(W @ X[:, k:k + 1] + b)
        out = 1 / (1 + np.exp(-(V @ h + c)))
        t = y[k:k + 1]
        error += np.mean(-t * np.log(out) - (1 - t) * np.log(1 - out))
        d = ((1 - t) / (1 - out) - t / out) * out * (1 - out)
        dh = V.T @ d * (1 - h ** 2)
        V -= 0.1 * d @ h.T
        c -= 0.1 * d
        W -= 0.1 * dh @ X[:, k:k + 1].T
        b -= 0.1 * dh
"""


def test_the_loss_that_a_program_adds_up_is_its_own_though_a_bias_is_as_large_as_the_labels(tmp_path):
    found = seen(tmp_path, LABELS_APART)
    assert settled(found) is True, certificate(found)
    assert found.reading.loss.node is not None


PERCEPTRON = """\
import numpy as np
X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 0, 0, 1])
w, b = np.zeros(2), 0.0
for epoch in range(9):
    for k in range(4):
        error = y[k] - (1 if X[k] @ w + b > 0 else 0)
        w += 0.1 * error * X[k]
        b += 0.1 * error
"""


def test_a_rule_without_a_slope_is_judged_by_the_error_that_it_begins_with(tmp_path):
    """The perceptron's rule is right, and the gradient of nothing that its step lets through."""
    found = seen(tmp_path, PERCEPTRON)
    assert settled(found) is True
    assert found.reading.loss.given is not None


ONE_HOT_IN_A_LOOP = """\
import numpy as np
X, y = np.random.randn(12, 3), np.random.randint(0, 2, 12)
T = np.zeros((12, 2))
for k in range(12):
    T[k, y[k]] = 1
W, b = np.random.randn(3, 2), np.zeros(2)
for step in range(9):
    E = np.exp(X @ W + b)
    d = (E / E.sum(axis=1, keepdims=True) - T) / 12
    W -= 0.1 * X.T @ d
    b -= 0.1 * d.sum(axis=0)
"""


def test_labels_that_only_say_where_a_one_is_written_are_the_labels(tmp_path):
    found = seen(tmp_path, ONE_HOT_IN_A_LOOP)
    assert settled(found) is True, certificate(found)
    assert any("y" in node.names and node.deps & found.roles.labels[0].deps for node in found.runs[0].tape)


ZEROS_AND_ONES = """\
import numpy as np
from keras.datasets import mnist
(X, y), _ = mnist.load_data()
zero, one = np.where(y == 0)[0], np.where(y == 1)[0]
X = np.concatenate([X[zero], X[one]]).reshape(-1, 784) / 255
y = np.concatenate([y[zero], y[one]])
order = np.random.permutation(len(y))
X, y = X[order].T, y[order].reshape(1, -1)
W, m, v = 0.01 * np.random.randn(1, 784), 0, 0
for step in range(1, 9):
    p = 1 / (1 + np.exp(-(W @ X)))
    loss = -np.mean(np.multiply(y, np.log(p + 1e-7)) + np.multiply(1 - y, np.log(1 - p + 1e-7)))
    dp = -(np.divide(y, p + 1e-7) - np.divide(1 - y, 1 - p + 1e-7))
    dz = dp * p * (1 - p)
    dW = np.dot(dz, X.T) / y.size + 0.3 * W
    m = 0.9 * m + 0.1 * dW
    v = 0.99 * v + 0.01 * dW ** 2
    W -= 0.01 * (m / (1 - 0.9 ** step)) / (np.sqrt(v / (1 - 0.99 ** step)) + 1e-8)
"""


def test_labels_may_choose_the_rows_and_a_decay_may_enter_an_optimiser(tmp_path):
    found = seen(tmp_path, ZEROS_AND_ONES)
    assert settled(found) is True, certificate(found)
    assert [round(row.decay, 6) for row in found.rows] == [0.3]
    assert not fault_apart(found, tmp_path)
    assert settled(seen(tmp_path, ZEROS_AND_ONES.replace("p * (1 - p)\n", "p * (1 + p)\n"))) is False


TWICE = """\
import numpy as np
from sklearn.utils import shuffle
X, T = np.random.randn(40, 3), np.eye(2)[np.arange(40) % 2]
def outputs(X, W, b):
    E = np.exp(X @ W + b)
    return E / E.sum(1, keepdims=True)
W0, b0 = np.random.randn(3, 2), np.zeros(2)
for rate in (0.1, 0.2):
    W, b = W0.copy(), b0.copy()
    for epoch in range(2):
        X, T = shuffle(X, T)
        P = outputs(X, W, b)
        gW, gb = X.T @ (P - T) + 0.01 * W, (P - T).sum(0) + 0.01 * b
        W -= rate * gW
        b -= rate * gb
        print(-np.mean(T[:9] * np.log(outputs(X[:9], W, b))))
"""


def test_a_second_training_from_the_same_beginning_is_no_part_of_the_first(tmp_path):
    """Its loss is not that of the first step, and its updates are not added to those of the first."""
    found = seen(tmp_path, TWICE)
    assert settled(found) is True, certificate(found)
    assert len(found.rows) == 2
    assert settled(seen(tmp_path, TWICE.replace("(P - T).sum(0)", "(P - T).mean(0)"))) is False


LIST_OF_LABELS = """\
import numpy as np
np.random.seed(0)
W, U, b = np.random.rand(4, 3) - 0.5, np.random.rand(4, 4) - 0.5, np.random.rand(4) - 0.5
xs, ys = [np.random.random(3) for _ in range(3)], [-0.5, 0.2, 0.1]
for epoch in range(20):
    h, hs = np.zeros(4), []
    for x in xs:
        hs.append(h)
        h = np.tanh(W @ x + b + U @ h)
    hs.append(h)
    loss, dh = 0, np.zeros(4)
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
    for t in (2, 1, 0):
        loss += (hs[t + 1][0] - ys[t]) ** 2
        diff = np.zeros(4)
        diff[0] = 2 * (hs[t + 1][0] - ys[t])
        da = (dh + diff) * (1 - hs[t + 1] ** 2)
        dW += np.outer(da, xs[t])
        dU += np.outer(da, hs[t])
        db += da
        dh = U.T @ da
    W -= 0.1 * dW
    U -= 0.1 * dU
    b -= 0.1 * db
"""


def test_numbers_written_out_are_the_labels_and_not_the_last_input_that_was_drawn(tmp_path):
    found = seen(tmp_path, LIST_OF_LABELS)
    assert settled(found) is True, certificate(found)
    assert [node.leaf for node in found.roles.labels] == ["written"]
    assert settled(seen(tmp_path, LIST_OF_LABELS.replace("dh = U.T @ da", "dh = U @ da"))) is False


MINIMISED = """\
import numpy as np
from scipy.optimize import {name}
X, y = np.random.randn(30, 4), (np.arange(30) % 2).astype(float)
def cost(theta, X, y):
    p = 1 / (1 + np.exp(-X @ theta))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + 0.1 * np.sum(theta[1:] ** 2) / 60
def gradient(theta, X, y):
    p = 1 / (1 + np.exp(-X @ theta))
    g = X.T @ (p - y) / 30
    g[1:] += 0.1 * theta[1:] / 30
    return g
{call}
"""

SEARCHES = {
    "minimize": "found = minimize(cost, np.zeros(4), args=(X, y), jac=gradient); print(found.x, found.fun)",
    "fmin_tnc": "theta, count, code = fmin_tnc(func=cost, x0=np.zeros(4), fprime=gradient, args=(X, y))",
    "fmin_cg": "theta = fmin_cg(cost, np.zeros((4, 1)), gradient, (X, y), maxiter=50)",
}


@pytest.mark.parametrize("name", SEARCHES)
def test_the_gradient_that_a_search_for_a_minimum_is_given_is_judged(name, tmp_path):
    text = MINIMISED.format(name=name, call=SEARCHES[name])
    found = seen(tmp_path, text)
    assert settled(found) is True, certificate(found)
    assert found.reading.loss.node is not None
    assert not fault_apart(found, tmp_path)
    assert settled(seen(tmp_path, text.replace("0.1 * theta[1:] / 30", "0.2 * theta[1:] / 30"))) is False


LABELS_ANEW = """\
import numpy as np
X, y = np.random.randn(12, 3), np.random.randint(0, 2, 12)
W, b = np.random.randn(3, 2), np.zeros(2)
for step in range(9999):
    T = np.zeros((12, 2))
    T[np.arange(12), y] = 1
    E = np.exp(X @ W + b)
    d = (E / E.sum(axis=1, keepdims=True) - T) / 12
    W -= 0.1 * X.T @ d
    b -= 0.1 * d.sum(axis=0)
"""


def test_a_program_that_makes_its_labels_anew_in_each_step_is_stopped_early(tmp_path):
    found = seen(tmp_path, LABELS_ANEW)
    assert settled(found) is True, certificate(found)
    assert len(found.runs[0].tape) < 1500


ABSOLUTE = """\
import numpy as np
X, t = np.random.randn(30, 3), np.random.randn(30, 1)
W, b, V = np.random.randn(3, 4), np.zeros(4), np.random.randn(4, 1)
for step in range(9):
    h = np.tanh(X @ W + b)
    e = h @ V - t
    loss = {loss}
    d = {slope}
    dh = d @ V.T * (1 - h ** 2)
    V -= 0.1 * h.T @ d
    W -= 0.1 * X.T @ dh
    b -= 0.1 * dh.sum(0)
"""

DISTANCES = {
    "absolute error": ("np.mean(np.abs(e))", "np.sign(e) / 30", "np.sign(e) / 30 + 0.1 * e"),
    "huber": (
        "np.mean(np.where(np.abs(e) < 1, e ** 2 / 2, np.abs(e) - 0.5))",
        "np.where(np.abs(e) < 1, e, np.sign(e)) / 30",
        "np.where(np.abs(e) < 1, 2 * e, np.sign(e)) / 30",
    ),
}


@pytest.mark.parametrize("name", DISTANCES)
def test_a_loss_of_absolute_values_is_the_programs_own(name, tmp_path):
    loss, slope, wrong = DISTANCES[name]
    found = seen(tmp_path, ABSOLUTE.format(loss=loss, slope=slope))
    assert settled(found) is True, certificate(found)
    assert found.reading.loss.node is not None
    assert "line 7" in certificate(found).settings["loss"]
    assert settled(seen(tmp_path, ABSOLUTE.format(loss=loss, slope=wrong))) is False


def test_a_mean_distance_that_is_printed_is_no_loss(tmp_path):
    found = seen(tmp_path, ABSOLUTE.format(loss="np.mean(np.abs(e))", slope="2 * e / 30"))
    assert settled(found) is True, certificate(found)
    assert found.reading.loss.name == "squared error"


def test_a_value_that_is_no_number_is_not_told_and_keeps_nothing_from_being_borne_out(tmp_path):
    found = seen(
        tmp_path, TWICE.replace("import numpy as np\n", "import numpy as np\nbegin = np.datetime64('2020-01-01')\n")
    )
    assert settled(found) is True, certificate(found)
    assert any(node.site.line == 2 for node in found.runs[0].tape)
    assert not fault_apart(found, tmp_path)


@pytest.mark.parametrize("entry", ["np.nan", "np.inf"])
def test_of_data_that_are_no_numbers_it_is_said_and_no_threshold_is_blamed(tmp_path, entry):
    text = "import numpy as np\nX, y, w = np.full((9, 3), ENTRY), np.ones((9, 1)), np.ones((3, 1))\n"
    loop = "for k in range(3):\n    d = X @ w - y\n    w = w - 0.1 * X.T @ d\n"
    found = seen(tmp_path, text.replace("ENTRY", entry) + loop)
    assert not found.steps
    assert found.why.endswith("are such entries in the data?")
