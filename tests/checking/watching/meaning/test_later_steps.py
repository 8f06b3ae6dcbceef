"""Lists that begin with numbers alike hold parameters: they are judged, be it from the second step on."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen
from tests.support.quick import pairs, some

LISTED = """\
import math, random
X = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(12)]
Y = [1.0 if sum(x) > 0 else 0.0 for x in X]
W = [[random.uniform(-1, 1) for _ in range(4)] for _ in range(3)]
V = [random.uniform(-1, 1) for _ in range(4)]
b, c = [0.1] * 4, [0.2]
for epoch in range(4):
    dW, db, dV, dc = [[0] * 4 for _ in range(3)], [0] * 4, [0] * 4, 0
    loss = 0
    for x, y in zip(X, Y):
        h = [math.tanh(sum(x[i] * W[i][j] for i in range(3)) + b[j]) for j in range(4)]
        p = 1 / (1 + math.exp(-(sum(h[j] * V[j] for j in range(4)) + c[0])))
        loss += -(y * math.log(p) + (1 - y) * math.log(1 - p))
        d = p - y
        dc += d
        for j in range(4):
            e = d * V[j] * (1 - h[j] ** 2)
            dV[j] += d * h[j]
            db[j] += e
            for i in range(3):
                dW[i][j] += e * x[i]
    for i in range(3):
        for j in range(4):
            W[i][j] -= 0.1 * dW[i][j]
    for j in range(4):
        b[j] -= 0.1 * db[j]
        V[j] -= 0.1 * dV[j]
    c[0] -= 0.1 * dc
"""

BEGINNINGS = ["[0.1] * 4", "4 * [0.0]", "[0] * 4", "[0.1 for _ in range(4)]", "[0 for _ in range(4)]"]

MISTAKES = [("", ""), ("db[j] += e", "db[j] += d"), ("dc += d", "dc += d * p")]


@pytest.mark.parametrize(("beginning", "mistake"), pairs(BEGINNINGS, MISTAKES, 4))
def test_biases_in_a_list_are_judged_however_they_begin(tmp_path, beginning, mistake):
    found = seen(tmp_path, LISTED, ("[0.1] * 4", beginning), *([mistake] if mistake[0] else []))
    assert len(found.rows) == 12 + 4 + 4 + 1
    assert settled(found) is (not mistake[0])
    if mistake[0].startswith("db"):  # of one number, the line may be said to be at or after the one before
        line = LISTED[: LISTED.index(mistake[0])].count("\n") + 1
        assert f"line {line}:" in certificate(found, mend=False).diagnoses[0].place


ONE_BY_ONE = """\
import math, random
rows = [[random.uniform(-1, 1) for _ in range(2)] for _ in range(10)]
rows = [x + [1 if x[0] + 0.3 * x[1] > 0 else 0] for x in rows]
def predict(row, coef):
    z = coef[0]
    for i in range(2):
        z += coef[i + 1] * row[i]
    return 1 / (1 + math.exp(-z))
def train(rows, rate):
    coef = [0.0 for _ in range(3)]
    for epoch in range(3):
        total = 0
        for row in rows:
            p = predict(row, coef)
            error = row[-1] - p
            total += error ** 2
            coef[0] = coef[0] + rate * error * p * (1 - p)
            for i in range(2):
                coef[i + 1] = coef[i + 1] + rate * error * p * (1 - p) * row[i]
train(rows, 0.3)
"""


@pytest.mark.parametrize("beginning", ["[0.0 for _ in range(3)]", "[0.0] * 3"])
def test_all_of_a_model_may_begin_so(tmp_path, beginning):
    """The numbers are known from the beginning, and the rate is moved in no run."""
    assert settled(seen(tmp_path, ONE_BY_ONE, ("[0.0 for _ in range(3)]", beginning))) is True


@pytest.mark.parametrize(
    ("right", "wrong"),
    some(
        [
            ("* p * (1 - p) * row[i]", "* row[i]"),
            ("coef[0] + rate", "coef[0] - rate"),
            ("* (1 - p) * row[i]", "* (1 - p)"),
        ],
        3,
    ),
)
def test_a_wrong_step_of_such_a_model_is_found(tmp_path, right, wrong):
    assert settled(seen(tmp_path, ONE_BY_ONE, (right, wrong))) is False


HOT = """\
import numpy as np
X, y = np.random.randn(30, 5), np.random.randint(0, 3, 30)
W = np.array([[0.0 for _ in range(3)] for _ in range(5)])
for k in range(3):
    T = []
    for n in range(30):
        t = [0.0] * 3
        t[y[n]] = 1.0
        T.append(t)
    E = np.exp(X @ W)
    P = E / E.sum(1, keepdims=True)
    loss = -np.sum(np.array(T) * np.log(P)) / 30
    W -= 0.1 * X.T @ (P - np.array(T)) / 30
"""


def test_labels_that_are_made_in_such_lists_are_labels_and_an_array_of_them_is_a_parameter(tmp_path):
    assert settled(seen(tmp_path, HOT)) is True
    assert settled(seen(tmp_path, HOT, ("(P - np", "(P + np"))) is False
