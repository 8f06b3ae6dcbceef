"""Losses that nobody thought of, in files that compute none: the slope that they begin with is taken as given."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict.taken_as_given import beginnings
from tests.support.programs import seen
from tests.support.quick import some

FOCAL = """\
import numpy as np
X = np.random.randn(30, 5); y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(float).reshape(-1, 1)
W, c = np.random.randn(5, 7) * 0.5, np.zeros((1, 7))
V, e = np.random.randn(7, 1) * 0.5, np.zeros((1, 1))
for epoch in range(9):
    h = np.tanh(X @ W + c)
    p = 1 / (1 + np.exp(-(h @ V + e)))
    pos = 0.25 * (1 - p) ** 2 * (2 * p * np.log(p) - (1 - p))
    neg = 0.75 * p ** 2 * (p - 2 * (1 - p) * np.log(1 - p))
    dz = np.where(y == 1, pos, neg) / len(X)
    dV, de = h.T @ dz, dz.sum(axis=0, keepdims=True)
    da = dz @ V.T * (1 - h ** 2)
    dW, dc = X.T @ da, da.sum(axis=0, keepdims=True)
    W -= 0.5 * dW; c -= 0.5 * dc; V -= 0.5 * dV; e -= 0.5 * de
"""

REWARDED = """\
import numpy as np
W, c = np.random.randn(4, 8) * 0.5, np.zeros(8)
V, e = np.random.randn(8, 3) * 0.5, np.zeros(3)
best = np.array([0, 2, 1, 2])
for episode in range(9):
    kinds = np.random.randint(0, 4, 30)
    s = np.random.randn(30, 4) + 2 * np.eye(4)[kinds]
    h = np.maximum(0, s @ W + c)
    z = h @ V + e
    p = np.exp(z - z.max(axis=1, keepdims=True)); p /= p.sum(axis=1, keepdims=True)
    a = np.array([np.random.choice(3, p=q) for q in p])
    r = (a == best[kinds]).astype(float) + 0.1 * np.random.randn(30)
    d = p.copy()
    d[np.arange(30), a] -= 1
    d *= (r - r.mean())[:, None] / 30
    dV, de = h.T @ d, d.sum(0)
    dh = d @ V.T
    dh[h <= 0] = 0
    dW, dc = s.T @ dh, dh.sum(0)
    W -= 0.1 * dW; c -= 0.1 * dc; V -= 0.1 * dV; e -= 0.1 * de
"""

PERCEPTRON = """\
import numpy as np
X = np.random.randn(20, 3)
y = np.where(X @ np.array([1.0, -2.0, 0.5]) > 0, 1, 0)
w, b = np.zeros(3), 0.0
for epoch in range(9):
    for x, target in zip(X, y):
        p = 1 if np.dot(w, x) + b > 0 else 0
        error = target - p
        w += 0.1 * error * x
        b += 0.1 * error
"""


@pytest.mark.parametrize(("text", "line"), [(FOCAL, 10), (REWARDED, 15)], ids=["focal", "reward"])
def test_what_is_behind_the_slope_of_an_unknown_loss_is_judged_and_that_slope_leaves_the_verdict_open(
    text, line, tmp_path
):
    found = seen(tmp_path, text)
    assert settled(found) is None
    assert all(row.verdict == "ok" for row in found.rows)
    assert any(f"the slope at line {line} is taken as given" in note for note in certificate(found).notes)


NO_SLOPE = """\
import numpy as np
X = np.random.randn(30, 5); Y = np.eye(3)[np.random.randint(0, 3, 30)]
W, V = np.random.randn(5, 7) * 0.5, np.random.randn(7, 3) * 0.5
for epoch in range(9):
    h = np.tanh(X @ W)
    e = np.exp(h @ V)
    p = e / e.sum(axis=1, keepdims=True)
    d = -Y / p / 30
    dW = X.T @ (d @ V.T * (1 - h ** 2))
    V -= 0.5 * h.T @ d
    W -= 0.5 * dW
"""


@pytest.mark.parametrize("slope", ["-Y / p / 30", "p * Y / 30"])
def test_a_slope_of_the_output_that_is_taken_for_one_of_the_scores_is_never_right(slope, tmp_path):
    """All behind it is right by it, and the softmax has no slope."""
    assert settled(seen(tmp_path, NO_SLOPE, ("-Y / p / 30", slope))) is not True


@pytest.mark.parametrize("step", ["1 if np.dot(w, x) + b > 0 else 0", "np.where(np.dot(w, x) + b > 0, 1, 0)"])
def test_the_perceptrons_rule_is_told_by_the_outputs_of_a_step_and_is_right(step, tmp_path):
    found = seen(tmp_path, PERCEPTRON, ("1 if np.dot(w, x) + b > 0 else 0", step))
    assert settled(found) is True
    assert "the perceptron's rule" in str(certificate(found))
    up = seen(tmp_path, PERCEPTRON, ("1 if np.dot(w, x) + b > 0 else 0", step), ("b += 0.1", "b -= 0.1"))
    assert settled(up) is False
    assert certificate(up, mend=False).first.place.startswith("line 10:")


MISTAKES = [
    (FOCAL, "(1 - h ** 2)", "(1 - h)", "line 12:"),
    (FOCAL, "de = h.T @ dz, dz.sum", "de = h.T @ dz, dz.mean", "line 11:"),
    (FOCAL, "V -= 0.5 * dV", "V += 0.5 * dV", "line 14:"),
    (REWARDED, "dh[h <= 0]", "dh[h > 0]", "line 18:"),
    (PERCEPTRON, "target - p", "p - target", "at or after line 8:"),
    (PERCEPTRON, "0.1 * error * x", "0.1 * error * x ** 2", "line 9:"),
]


@pytest.mark.parametrize(("text", "old", "new", "place"), some(MISTAKES, 2))
def test_a_mistake_behind_it_is_found_on_its_line(text, old, new, place, tmp_path):
    found = seen(tmp_path, text, (old, new))
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith(place)


def test_a_step_that_leads_away_from_all_labels_is_wrong(tmp_path):
    up = [(f"{name} -= 0.5", f"{name} += 0.5") for name in "WcVe"]
    assert settled(seen(tmp_path, FOCAL, *up)) is False


XOR = """\
import numpy as np
X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]]); y = np.array([[0], [1], [1], [0]])
W, V = np.random.randn(3, 4), np.random.randn(4, 1)
sig = lambda z: 1 / (1 + np.exp(-z))
for i in range(9):
    h = sig(X @ W); a = sig(h @ V)
    error = y - a
    d = error * a * (1 - a)
    dh = d @ V.T * h * (1 - h)
    V += h.T @ d
    W += X.T @ dh
"""


@pytest.mark.parametrize("slope", some(["a * (1 + a)", "(1 - a)", "a", "sig(a) * (1 - sig(a))"], 4))
def test_the_difference_times_what_is_no_slope_of_the_activation_is_a_mistake_and_no_other_loss(slope, tmp_path):
    """No loss that people mean has such a slope, though all behind it is as if one had."""
    found = seen(tmp_path, XOR, ("a * (1 - a)", slope))
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith("line 8:")


@pytest.mark.parametrize("slope", ["np.arctan(error)", "y - 0.9 * a", "error ** 3"])
def test_what_may_be_a_mistake_in_a_known_slope_is_not_taken_as_given(slope, tmp_path):
    assert settled(seen(tmp_path, XOR, ("error * a * (1 - a)", slope))) is not True


EXAMPLES = """\
import numpy as np
X, Y, w, v = np.random.randn(4, 3), np.random.randn(4), np.random.randn(3), 0.5
for k in range(5):
    dw = dv = 0
    for x, y in zip(X, Y):
        p = v * np.tanh(x @ w)
        d = (p - y) ** 3
        dw = dw + d * v * (1 - np.tanh(x @ w) ** 2) * x
        dv = dv + d * np.tanh(x @ w)
    w, v = w - 0.1 * dw, v - 0.1 * dv
"""


def test_each_example_of_a_step_has_a_slope_of_its_own(tmp_path):
    found = seen(tmp_path, EXAMPLES)
    several = [b for b in beginnings(found.roles) if b.more]
    together = [b for b in several if {"d"} == {name for part in (b, *b.more) for name in part.slope.names}]
    assert together
    assert len(together[0].seeds(found.tapes[0])) == 4
    places = {(part.bare.site, part.slope.site) for part in (together[0], *together[0].more)}
    assert len(places) == 1
