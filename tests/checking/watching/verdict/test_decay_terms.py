"""A part of a parameter that decays, as all weights but the first do: however it is added to the slope."""

import numpy as np
import pytest

from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict.decay_terms import made_alone, made_of_it_alone, per_weight
from tests.support.programs import fault_apart, seen
from tests.support.quick import some
from tests.support.recordings import roles_of

RIDGE = """\
import numpy as np
X = np.c_[np.ones(40), np.random.randn(40, 3)]
y = np.random.randn(40)
w, lam = np.random.randn(4), 0.3
for epoch in range(9):
    for k in range(0, 40, 10):
        x, t = X[k:k + 10], y[k:k + 10]
        r = x @ w - t
        g = x.T @ r / 10
        g[1:] += lam * w[1:]
        w = w - 0.05 * g
    cost = np.sum((X @ w - y) ** 2) / 80 + lam * np.sum(w[1:] ** 2) / 2
"""

LOSS = ("        w = w", "        cost = r @ r / 20 + lam * np.sum(w[1:] ** 2) / 2\n        w = w")
"""The loss of the step is computed in it."""

WAYS = [
    "g[1:] += lam * w[1:]",
    "g[1:] = g[1:] + lam * w[1:]",
    "g = g + lam * np.concatenate([[0], w[1:]])",
    "g += lam * np.r_[0, w[1:]]",
    "rest = w.copy(); rest[0] = 0; g += lam * rest",
    "g += lam * np.array([0.0, 1.0, 1.0, 1.0]) * w",
    "g = np.hstack([g[0], g[1:] + lam * w[1:]])",
    "for j in range(1, 4): g[j] += lam * w[j]",
    "g += lam * np.sign(w)",
]
"""The last is the slope of another decay, λ Σ|w|."""


@pytest.mark.parametrize("way", some(WAYS, 2))
def test_a_part_that_decays_is_right_where_no_loss_says_otherwise(way, tmp_path):
    found = seen(tmp_path, RIDGE, (WAYS[0], way))
    assert settled(found) is True
    assert fault_apart(found, tmp_path) == ""
    assert "no loss was seen that says which" in " ".join(str(certificate(found)).split())


@pytest.mark.parametrize("way", some(WAYS[:-1], 2))
def test_a_part_that_grows_is_wrong_without_any_loss(way, tmp_path):
    turned = way.replace("+= lam", "-= lam").replace("+ lam", "- lam")
    assert turned != way
    assert settled(seen(tmp_path, RIDGE, (WAYS[0], turned))) is False


WRONG = [
    ("g[1:] += lam * w[1:]", "g += lam * w", 10),
    ("g[1:] += lam * w[1:]", "g[1:] += 2 * lam * w[1:]", 10),
    ("g[1:] += lam * w[1:]", "g[1:] -= lam * w[1:]", 10),
    ("g[1:] += lam * w[1:]", "g[1:] += lam * np.sign(w[1:])", 10),
    ("g[1:] += lam * w[1:]", "g[1:] += lam * w[:-1]", 10),
    ("x.T @ r / 10", "2 * x.T @ r / 10", 9),
    ("x.T @ r / 10", "x.T @ r / 40", 9),
    ("x.T @ r / 10", "-x.T @ r / 10", 9),
]


@pytest.mark.parametrize(("old", "new", "line"), some(WRONG, 2, ids=lambda case: case[1]))
def test_a_loss_says_which_decay_is_meant_and_what_beside_it_is_wrong(old, new, line, tmp_path):
    assert settled(seen(tmp_path, RIDGE, LOSS)) is True
    found = seen(tmp_path, RIDGE, LOSS, (old, new))
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.removeprefix("at or after ").startswith(f"line {line}")


def test_weights_that_begin_as_zeros_decay_by_nothing_at_first(tmp_path):
    zeros = ("w, lam = np.random.randn(4), 0.3", "w, lam = np.zeros(4), 0.3")
    assert settled(seen(tmp_path, RIDGE, zeros)) is True
    assert settled(seen(tmp_path, RIDGE, zeros, ("x.T @ r", "x.T @ abs(r)"))) is False


def test_what_is_made_of_data_too_is_no_decay(tmp_path):
    role, run = roles_of(tmp_path, RIDGE.replace(WAYS[0], "g[1:] += lam * w[1:] + x[0, 1:]"))
    update = role.updates[0]
    assert made_of_it_alone(role, update.base, update.step, run.tape) is None
    assert not any(made_alone(role, n, update.base) for n in role.graph.tape if n.op == "matmul")


def test_a_part_is_all_that_is_left_where_what_is_made_of_labels_is_zero(tmp_path):
    role, run = roles_of(tmp_path, RIDGE)
    update = role.updates[0]
    w = run.tape[update.old.index].value
    left = made_of_it_alone(role, update.base, update.step, run.tape)
    assert left == pytest.approx(0.05 * 0.3 * np.r_[0, w[1:]])
    assert per_weight([left], [w]) == pytest.approx(0.05 * 0.3)


FROM_ZERO = """\
import numpy as np
X = np.linspace(0, 2, 9)[:, None]
Y = np.sin(X)
W, b, V = np.random.randn(1, 5), np.zeros((1, 5)), np.random.randn(5, 1)
for k in range(3):
    for x, y in zip(X, Y):
        h = np.tanh(x[None] @ W + b)
        d = h @ V - y
        e = d @ V.T * (1 - h * h)
        dW, dV = x[:, None] @ e + 0.01 * W, h.T @ d + 0.01 * V
        W, b, V = W - 0.05 * dW, b - 0.05 * e, V - 0.05 * dV
"""


def test_where_an_example_of_zeros_leaves_only_a_decay_the_next_step_decides(tmp_path):
    """The true slope is 0 there, and the step is not: a right program was called wrong."""
    assert settled(seen(tmp_path, FROM_ZERO)) is True
    assert settled(seen(tmp_path, FROM_ZERO, ("x[:, None] @ e + 0.01", "x[:, None] @ (e * h) + 0.01"))) is False
