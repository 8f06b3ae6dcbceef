"""What is usual among the gradients of a step, and what is not, in a file whose steps compute no loss."""

import numpy as np
import pytest

from nnref.checking.watching.meaning.updates import Update
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.recording.values import NOWHERE
from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict.usual_factor import Usual, most_common
from nnref.checking.watching.verdict.verdicts import Judged
from tests.support.programs import seen
from tests.support.recordings import STEP, judged

COLUMNS = """\
import numpy as np
rng = np.random.default_rng(0)
X, labels = rng.normal(size=(6, 90)), rng.integers(0, 4, 90)
T = np.eye(4)[labels].T
sizes = [6, 8, 7, 4]
p = {}
for k in (1, 2, 3):
    p[f"W{k}"] = rng.normal(size=(sizes[k], sizes[k - 1])) * 0.5
    p[f"b{k}"] = np.zeros((sizes[k], 1))
for epoch in range(3):
    for s in range(0, 90, 30):
        A = {0: X[:, s : s + 30]}
        for k in (1, 2, 3):
            Z = p[f"W{k}"] @ A[k - 1] + p[f"b{k}"]
            A[k] = np.tanh(Z) if k < 3 else np.exp(Z) / np.exp(Z).sum(0)
        m = 30
        g = {}
        dZ = A[3] - T[:, s : s + 30]
        for k in (3, 2, 1):
            g[f"W{k}"] = dZ @ A[k - 1].T / m
            g[f"b{k}"] = dZ.sum(1, keepdims=True) / m
            dA = p[f"W{k}"].T @ dZ
            dZ = dA * (1 - A[k - 1] ** 2)
        for name in p:
            p[name] = p[name] - 0.1 * g[name]
"""

PLANTED = {
    "biases that are summed beside weights of the mean": (
        ("dZ.sum(1, keepdims=True) / m", "dZ.sum(1, keepdims=True)"),
        "line 21",
        "30 times the truth",
    ),
    "weights that are summed beside biases of the mean": (
        ("dZ @ A[k - 1].T / m", "dZ @ A[k - 1].T"),
        "line 20",
        "30 times the truth",
    ),
    "half of a slope in every layer": (('p[f"W{k}"].T @ dZ', '0.5 * p[f"W{k}"].T @ dZ'), "line 22", "0.5 times"),
    "one line that goes up the loss": (("p[name] - 0.1", "p[name] + 0.1"), "line 25", "are added"),
    "a slope of the other sign": (("A[3] - T[:, s : s + 30]", "T[:, s : s + 30] - A[3]"), "line 18", "up the loss"),
}


def test_a_step_without_a_loss_is_right_where_all_gradients_are_of_one_mean(tmp_path):
    assert settled(seen(tmp_path, COLUMNS)) is True


@pytest.mark.parametrize("name", PLANTED)
def test_the_line_is_named_that_the_others_speak_against(tmp_path, name):
    change, line, says = PLANTED[name]
    first = certificate(seen(tmp_path, COLUMNS, change), mend=False).first
    assert first is not None
    assert (first.place.startswith(line), says in first.says) == (True, True), (first.place, first.says)


@pytest.mark.parametrize(
    ("factors", "usual"), [((0.1, 0.1, 3.0), 0.1), ((0.1, 3.0, 3.0), 3.0), ((-0.1, -0.1, 0.2), -0.1), ((), None)]
)
def test_the_most_common_factor_is_that_of_most_gradients(factors, usual):
    truth = (np.arange(1.0, 4.0),)
    nodes = [Node(k, "leaf", None, (), {}, truth[0], NOWHERE, dims=(3,)) for k, _ in enumerate(factors)]
    rows = [Judged(Update(n, n, n, 1), "ok", truth, truth, factor=f) for n, f in zip(nodes, factors, strict=True)]
    assert most_common(rows) == usual


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [("X.T @ d", "2 * X.T @ d")],
        [("d.sum(0)", "d.sum(0) / 4 * 4 * 3")],
        [("(Z - Y) / 6", "Z - Y"), ("X.T @ d", "X.T @ d / 6")],
        [("(Z - Y) / 6", "Z - Y"), ("d.sum(0)", "d.mean(0)")],
        [("b - 0.1", "b + 0.1")],
    ],
    ids=["one", "a bias", "fewer factors", "weights of the mean", "biases of the mean", "down the loss"],
)
def test_of_two_factors_the_likelier_is_usual(tmp_path, changes):
    role, tapes, reading = judged(tmp_path, STEP, *changes)
    factor = Usual(role, tapes, reading.loss, reading.rows).factor(reading.rows)
    assert factor == pytest.approx(1 / 6)


def test_a_bias_belongs_to_the_layer_of_the_weights_that_it_is_added_to(tmp_path):
    role, tapes, reading = judged(tmp_path, STEP)
    usual = Usual(role, tapes, reading.loss, reading.rows)
    weights, bias = reading.rows
    assert usual.layer(weights) == usual.layer(bias) < usual.first_use(bias).index


ADALINE = """\
import numpy as np
rng = np.random.RandomState(1)
X, y = rng.randn(12, 5), rng.randn(12)
w, b = rng.normal(0, 0.01, 5), np.float64(0.)
for i in range(9):
    e = y - (X.dot(w) + b)
    w += 0.05 * 2.0 * X.T.dot(e) / 12
    b += 0.05 * 2.0 * e.mean()
    loss = (e ** 2).mean()
"""


@pytest.mark.parametrize(("change", "line"), [(("e.mean()", "e.sum()"), 8), (("2.0 * X.T", "X.T"), 7)])
def test_a_step_as_long_as_a_number_says_that_is_written_out_is_believed(tmp_path, change, line):
    assert certificate(seen(tmp_path, ADALINE, change), mend=False).first.place.startswith(f"line {line}:")


def test_where_nothing_says_which_is_right_both_are_said_and_no_line_is(tmp_path):
    """(2 X)ᵀ d beside the sum of d, without a loss: the other one may miss a 2."""
    found = certificate(seen(tmp_path, STEP, ("X.T @ d", "(2 * X.T) @ d")), mend=False)
    assert found.first.place.startswith("at or after line 7:")
    assert "he gradients of W and of b are not of one loss" in found.first.says
    assert [e.verdict for e in found.entries] == ["WRONG", "WRONG"]


RETURNED = """\
import numpy as np
class Net:
    def __init__(self):
        rng = np.random.default_rng(0)
        self.W, self.b = rng.normal(size=(3, 4)), rng.normal(size=(3, 1))
    def loss(self, x, y):
        return 0.5 * np.sum((self.W @ x + self.b - y) ** 2) / x.shape[1]
    def backward(self, x, y):
        d = (self.W @ x + self.b - y) / x.shape[1]
        return d @ x.T, d.sum(axis=1, keepdims=True)
net, rng = Net(), np.random.default_rng(1)
for step in range(4):
    x, y = rng.normal(size=(4, 9)), rng.normal(size=(3, 9))
    loss = net.loss(x, y)
    dW, db = net.backward(x, y)
    net.W -= 0.3 * dW / 2
    net.b -= 0.3 * db / 2
"""


@pytest.mark.parametrize("change", [("d @ x.T,", "5 * (d @ x.T),"), (", d.sum", ", 5 * d.sum")])
def test_a_gradient_that_is_the_slope_itself_is_believed_at_any_rate(tmp_path, change):
    wrong = [e.name for e in certificate(seen(tmp_path, RETURNED, change), mend=False).entries if e.verdict == "WRONG"]
    assert wrong == (["W"] if "x.T" in change[0] else ["b"])


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("unit[2] -= rate * delta", "unit[2] -= 2 * (rate * delta)"), 27),
        (("pull += after[j] * d", "pull += 2 * (after[j] * d)"), 19),
    ],
)
def test_a_rate_within_a_product_of_numbers_is_a_rate(change, line, tmp_path):
    """rate * delta * x is made at a rate: beside it, 2 * rate * delta is the one that is wrong."""
    text = """\
import math, random
def squash(x): return 1 / (1 + math.exp(-x))
rows = [([0.3, 0.1], [0.2, 0.9]), ([0.2, 1.0], [0.8, 0.1]), ([1.0, 0.4], [0.7, 0.3])]
layers = [[[random.uniform(-1, 1) for _ in range(3)] for _ in range(2)] for _ in range(2)]
def learn(rate):
    for x, y in rows:
        outs = [x]
        for layer in layers:
            outs.append([squash(u[0] * outs[-1][0] + u[1] * outs[-1][1] + u[2]) for u in layer])
        loss = sum((p - t) ** 2 for p, t in zip(outs[2], y)) / 2
        deltas = [[], []]
        for k in (1, 0):
            for j in range(2):
                if k == 1:
                    pull = outs[2][j] - y[j]
                else:
                    pull = 0.0
                    for after, d in zip(layers[1], deltas[1]):
                        pull += after[j] * d
                deltas[k].append(pull * outs[k + 1][j] * (1 - outs[k + 1][j]))
        for k in (0, 1):
            for j in range(2):
                unit = layers[k][j]
                delta = deltas[k][j]
                for i in range(2):
                    unit[i] -= rate * delta * outs[k][i]
                unit[2] -= rate * delta
for epoch in range(3):
    learn(0.5)
"""
    assert settled(seen(tmp_path, text)) is True
    assert certificate(seen(tmp_path, text, change), mend=False).first.place.startswith(f"line {line}:")


TWO_RATES = """\
import numpy as np
X, y = np.random.randn(50, 3), np.random.randint(0, 2, 50)
w, b, lr = np.zeros(3), 0.0, 0.1
for k in range(5):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    loss = -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)) / 50
    dw = X.T @ (p - y) / 50
    db = (1 / 50) * np.sum(p - y)
    w -= lr * dw
    b -= lr * db
"""


@pytest.mark.parametrize(("change", "line"), [(("= X.T", "= 2 * X.T"), 7), (("w -= lr", "w -= 2 * (lr"), 9)])
def test_a_gradient_that_is_the_slope_itself_is_right_though_its_parameter_is_smaller(tmp_path, change, line):
    changes = [change, *([("* dw", "* dw)")] if line == 9 else [])]
    assert certificate(seen(tmp_path, TWO_RATES, *changes), mend=False).first.place.startswith(f"line {line}:")
