"""Arrays that go into the outputs as parameters do, and that no line updates."""

import pytest

from nnref.checking.watching.meaning.parameters import may_be_labels, step
from nnref.checking.watching.telling.forgetting import called, left_alone
from nnref.checking.watching.telling.report import certificate, settled, unfinished
from nnref.checking.watching.verdict.never_updated import coming_in, entries_left, never_updated
from tests.support.programs import seen

LOOP = """\
import numpy as np
X = np.random.randn(40, 4)
y = (X[:, :1] > 0).astype(float)
v, c = np.random.randn(4, 6) / np.sqrt(4), np.zeros(6)
w, b = np.random.randn(6, 1), np.zeros(1)
for k in range(30):
    h = np.tanh(X @ v + c)
    p = 1 / (1 + np.exp(-(h @ w + b)))
    loss = np.mean((p - y) ** 2)
    dz = 2 * (p - y) / y.size * p * (1 - p)
    dw = h.T @ dz
    db = dz.sum(axis=0)
    ds = dz @ w.T * (1 - h ** 2)
    dv = X.T @ ds
    dc = ds.sum(axis=0)
    v -= 0.5 * dv
    c -= 0.5 * dc
    w -= 0.5 * dw
    b -= 0.5 * db
"""
LINE = {"dw": 11, "db": 12, "dv": 14, "dc": 15}


def without(name: str) -> tuple[str, str]:
    return (f"    {name} -= 0.5 * d{name}\n", "")


@pytest.mark.parametrize("name", ["v", "c", "w", "b"])
def test_the_gradient_that_nothing_uses_is_named_on_its_line(tmp_path, name):
    found = seen(tmp_path, LOOP, without(name))
    assert settled(found) is False
    first = certificate(found, mend=False).first
    assert first.place.startswith(f"line {LINE[f'd{name}']}:")
    assert first.says == f"d{name} is the gradient of {name}, and nothing uses it: no line updates {name}."


@pytest.mark.parametrize("name", ["v", "c", "w", "b"])
def test_of_an_array_that_no_line_computes_a_gradient_of_it_is_said_that_nothing_changes_it(tmp_path, name):
    (line,) = (line for line in LOOP.splitlines(keepends=True) if line.startswith(f"    d{name} ="))
    found = seen(tmp_path, LOOP, without(name), (line, ""))
    assert settled(found) is None
    assert any(f"no step that was seen changes {name}, which" in note for note in unfinished(found))


def test_a_gradient_that_is_added_to_itself_changes_nothing(tmp_path):
    found = seen(tmp_path, LOOP, ("    b -= 0.5 * db\n", "    db -= 0.5 * db\n"))
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith("line 12:")


def test_an_update_that_no_step_came_to_is_no_forgotten_one(tmp_path):
    found = seen(tmp_path, LOOP, ("    b -=", "    if loss < 1e-9: b -="))
    assert settled(found) is None
    assert any("changes b, which" in note and "nothing uses db" in note for note in unfinished(found))


RIGHT = {
    "as it is": [],
    "no bias": [without("b"), (" + b)))", ")))"), ("    db = dz.sum(axis=0)\n", "")],
    "noise": [
        ("h = np.tanh(X @", "x = X + 0.1 * np.random.randn(40, 4)\n    h = np.tanh(x @"),
        ("dv = X.T", "dx = ds @ v.T\n    dv = x.T"),
    ],
    "a slope of the data": [("    v -=", "    dX = ds @ v.T\n    v -=")],
    "one example": [
        ("np.random.randn(40, 4)", "np.random.randn(1, 4)"),
        ("(X[:, :1] > 0).astype(float)", "np.array([[1.0]])"),
        ("    v -=", "    dX = ds @ v.T\n    v -="),
    ],
    "columns": [
        ("X = np.random.randn(40, 4)\ny = (X[:, :1] > 0)", "Q = np.random.randn(4, 40)\ny = (Q[:1] > 0)"),
        ("h = np.tanh(X", "X, t = Q.T, y.T\n    h = np.tanh(X"),
        ("(p - y) ** 2", "(p - t) ** 2"),
        ("2 * (p - y) / y.size", "2 * (p - t) / y.size"),
        ("    v -=", "    dQ = v @ ds.T\n    v -="),
    ],
    "a point ahead": [
        ("for k in range(30):\n", "m = np.zeros_like(v)\nfor k in range(30):\n    u = v + 0.9 * m\n"),
        ("X @ v", "X @ u"),
        ("v -= 0.5 * dv", "m = 0.9 * m - 0.5 * dv\n    v += m"),
    ],
    "row by row": [
        ("h = np.tanh(X", "h = np.tanh(X[k : k + 1]"),
        ("(p - y) ** 2", "(p - y[k]) ** 2"),
        ("2 * (p - y) / y.size", "2 * (p - y[k])"),
        ("dv = X.T", "dx = ds @ v.T\n    dv = X[k : k + 1].T"),
    ],
}


@pytest.mark.parametrize("changes", RIGHT.values(), ids=list(RIGHT))
def test_data_and_noise_that_are_drawn_need_no_update(tmp_path, changes):
    found = seen(tmp_path, LOOP, *changes)
    assert settled(found) is True
    step = found.steps[0]
    assert not never_updated(step.roles, found.tapes, step.readings[0])


def test_weights_and_biases_come_in_and_data_do_not(tmp_path):
    found = seen(tmp_path, LOOP, without("v"), without("b"))
    assert {array.names[0] for array, _, _ in coming_in(found.steps[0].roles)} == {"v", "b"}


TABLE = """\
import numpy as np
pairs = [(0, 3), (2, 1), (4, 0), (1, 2), (3, 4)] * 4
V, U = np.random.randn(6, 3), np.random.randn(3, 6)
for word, near in pairs:
    h = V[word]
    e = np.exp(h @ U)
    p = e / e.sum()
    loss = -np.log(p[near])
    g = p.copy()
    g[near] -= 1
    dU = np.outer(h, g)
    dh = U @ g
    U -= 0.1 * dU
    V[word] -= 0.1 * dh
"""


def test_rows_of_a_table_that_are_never_updated_are_named_where_their_slope_is_there(tmp_path):
    assert settled(seen(tmp_path, TABLE)) is True
    found = seen(tmp_path, TABLE, ("    V[word] -= 0.1 * dh\n", ""))
    assert settled(found) is None
    assert any("nothing uses dh, its gradient in line 12" in note for note in unfinished(found))
    assert settled(seen(tmp_path, TABLE, ("    U -= 0.1 * dU\n", ""))) is False


ONE_BY_ONE = """\
import numpy as np
X = np.random.randn(30, 4)
y = X @ np.random.randn(4) + 1
w = np.zeros(4)
for k in range(20):
    e = X @ w - y
    loss = (e ** 2).mean() / 2
    g = X.T @ e / 30
    for j in range(0, 4):
        w[j] -= 0.1 * g[j]
"""


@pytest.mark.parametrize(
    ("change", "left"),
    [(("range(0, 4)", "range(1, 4)"), "1 entry"), (("range(0, 4)", "range(0, 2)"), "2 entries")],
    ids=["without the first", "half of them"],
)
def test_entries_that_no_step_updates_are_counted(tmp_path, change, left):
    found = seen(tmp_path, ONE_BY_ONE, change)
    assert settled(found) is None
    assert any(note.startswith(f"{left} of w with a slope that is not 0") for note in unfinished(found))


def test_all_entries_or_another_one_each_step_are_enough(tmp_path):
    assert settled(seen(tmp_path, ONE_BY_ONE)) is True
    in_turn = ("    for j in range(0, 4):\n        w[j] -= 0.1 * g[j]\n", "    w[k % 4] -= 0.1 * g[k % 4]\n")
    found = seen(tmp_path, ONE_BY_ONE, in_turn)
    assert not entries_left(found.steps[0].roles, found.steps[0].readings[0])


NUMBERS = """\
import math, random
X = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(12)]
y = [1.0 if x[0] > x[1] else 0.0 for x in X]
w, b = [2 * random.random() - 1 for _ in range(3)], 0.0
for epoch in range(20):
    total, gb, gw = 0.0, 0.0, [0.0, 0.0, 0.0]
    for x, t in zip(X, y):
        z = 0.0
        for j in range(3):
            z += w[j] * x[j]
        p = 1 / (1 + math.exp(-(z + b)))
        total -= t * math.log(p) + (1 - t) * math.log(1 - p)
        for j in range(0, 3):
            gw[j] += (p - t) * x[j]
        gb += p - t
    for j in range(0, 3):
        w[j] -= 0.1 * gw[j]
    b -= 0.1 * gb
"""


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (("    b -= 0.1 * gb\n", ""), ["b"]),
        (("in range(0, 3):\n        w", "in range(1, 3):\n        w"), ["w[0]"]),
        (("        w[j] -= 0.1 * gw[j]\n", "        pass\n"), ["w[0]", "w[1]", "w[2]"]),
    ],
    ids=["the bias", "the first weight", "all weights"],
)
def test_numbers_in_lists_that_no_line_updates_are_told(tmp_path, change, names):
    """The data are drawn too; but each meets the weights once, and they meet all data."""
    assert settled(seen(tmp_path, NUMBERS)) is True
    found = seen(tmp_path, NUMBERS, change)
    assert [f"{left.gradient.names[0]} of {called(left)}" for left in left_alone(found)] == [
        f"g{n} of {n}" for n in names
    ]
    assert settled(found) is False


NEURONS = """\
import numpy as np
def squash(z):
    return 1 / (1 + np.exp(-z))
def slope(z):
    return squash(z) * (1 - squash(z))
class Net:
    def __init__(self):
        self.u, self.v, self.a, self.b = np.random.normal(), np.random.normal(), np.random.normal(), np.random.normal()
        self.c, self.e, self.f = np.random.normal(), np.random.normal(), np.random.normal()
    def train(self, data, targets):
        for k in range(30):
            for x, t in zip(data, targets):
                y, z = self.u * x[0] + self.a, self.v * x[0] + self.b
                s = self.c * squash(y) + self.e * squash(z) + self.f
                p = squash(s)
                d = -2 * (t - p)
                dy, dz = self.c * slope(s), self.e * slope(s)
                self.u -= 0.1 * d * dy * slope(y) * x[0]
                self.a -= 0.1 * d * dy * slope(y)
                self.v -= 0.1 * d * dz * slope(z) * x[0]
                self.b -= 0.1 * d * dz * slope(z)
                self.c -= 0.1 * d * squash(y) * slope(s)
                self.e -= 0.1 * d * squash(z) * slope(s)
                self.f -= 0.1 * d * slope(s)
Net().train(np.array([[0.5], [-1.5], [2.0]]), np.array([1, 0, 1]))
"""


def test_a_drawn_bias_that_no_line_updates_is_not_taken_for_the_labels(tmp_path):
    """It meets what the other parameters made, as labels do; but it is added to it."""
    found = seen(tmp_path, NEURONS, ("                self.f -= 0.1 * d * slope(s)\n", ""))
    assert settled(found) is None
    assert any("changes f, which" in note for note in unfinished(found))
    graph = found.steps[0].roles.graph
    bias = next(n for n in graph.tape if n.leaf == "random" and "self.f" in n.names)
    as_labels = step(graph, (bias,))
    assert as_labels is not None
    assert len(as_labels.updates) == 6
    assert not may_be_labels(as_labels)
    assert may_be_labels(found.steps[0].roles)


WORDS = """\
import numpy as np
words = np.random.randint(0, 9, (30, 4))
y = np.random.randn(30, 2)
E, W, c = np.random.randn(9, 5), np.random.randn(5, 2), np.linspace(0, 1, 5)
for k in range(20):
    x = E[words] + c
    h = x.sum(axis=1)
    D = h @ W - y
    loss = (D ** 2).mean()
    d = 2 * D / D.size
    dW = h.T @ d
    dx = np.repeat((d @ W.T)[:, None], 4, axis=1)
    dE = np.zeros_like(E)
    np.add.at(dE, words, dx)
    W -= 0.1 * dW
    E -= 0.1 * dE
"""


def test_a_table_of_which_many_rows_are_looked_up_at_once_is_told_where_their_slope_is_there(tmp_path):
    assert settled(seen(tmp_path, WORDS)) is True
    found = seen(tmp_path, WORDS, ("    E -= 0.1 * dE\n", ""))
    assert settled(found) is None
    assert any("changes E, which" in note and "nothing uses dx" in note for note in unfinished(found))


def test_a_weight_that_meets_rows_of_a_table_is_told(tmp_path):
    change = (
        ("h = x.sum(axis=1)", "h = (x @ V).sum(axis=1)"),
        ("E, W", "V, E, W"),
        ("= np.random.randn(9, 5)", "= np.eye(5) + np.random.randn(5, 5), np.random.randn(9, 5)"),
    )
    found = seen(tmp_path, WORDS, *change, ("dx = np.repeat((d @ W.T)", "dx = np.repeat((d @ W.T @ V.T)"))
    assert settled(found) is None
    assert any("changes V, which" in note for note in unfinished(found))


def test_a_gradient_that_another_parameter_steps_along_is_not_said_to_be_unused(tmp_path):
    """Two biases that are added have one gradient."""
    found = seen(tmp_path, LOOP, ("(h @ w + b)", "(h @ w + b + e)"), ("for k", "e = np.zeros(1)\nfor k"))
    assert settled(found) is None
    assert any("changes e, which" in note and "nothing uses" not in note for note in unfinished(found))


WINDOWS = """\
import numpy as np
X, y = np.random.randn(30, 6), np.random.randn(30)
F, V = np.random.randn(2, 3), np.random.randn(8)
for k in range(30):
    h = np.zeros((4, 2))
    for i in range(4): h[i] = np.sum(X[k, i:i + 3] * F, axis=1)
    a = np.tanh(h).ravel()
    p = a @ V
    loss = (p - y[k]) ** 2
    d = 2 * (p - y[k])
    V -= 0.1 * d * a
"""


def test_filters_that_are_multiplied_by_windows_are_missed(tmp_path):
    found = seen(tmp_path, WINDOWS)
    assert settled(found) is None
    assert any("changes F, which goes into the outputs in line 6" in says for says in unfinished(found))


ADDED = """\
import numpy as np
X, y = np.random.randn(40, 6, 2), np.random.randn(40)
W, U, V = np.random.randn(3, 2), np.random.randn(3, 3) * 0.5, np.random.randn(3)
W_update, U_update = np.zeros((3, 2)), np.zeros((3, 3))
for k in range(30):
    h = [np.zeros(3)]
    for x in X[k]:
        h.append(np.tanh(W @ x + U @ h[-1]))
    error = y[k] - V @ h[-1]
    dh = error * V
    for t in range(5, -1, -1):
        dz = dh * (1 - h[t + 1] ** 2)
        W_update += np.outer(dz, X[k, t])
        U_update += np.outer(dz, h[t])
        dh = U.T @ dz
    V += 0.1 * error * h[-1]
    W += 0.1 * W_update
    U += 0.1 * U_update
    W_update *= 0
    U_update *= 0
"""


@pytest.mark.parametrize("name", ["W", "U"])
def test_a_sum_over_time_that_is_to_be_added_is_named_where_nothing_uses_it(tmp_path, name):
    """It has the sign of minus the slope, as what the file adds has, and is only set to 0 again."""
    found = seen(tmp_path, ADDED, (f"    {name} += 0.1 * {name}_update\n", ""))
    assert certificate(found, mend=False).first.place.startswith(f"line {13 if name == 'W' else 14}:")
    assert settled(seen(tmp_path, ADDED)) is True
