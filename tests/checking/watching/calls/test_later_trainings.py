"""A program that trains again after the watched steps is right only if that is right too."""

import ast

import pytest

from nnref.checking.homework.watched_file import judged_file
from nnref.checking.reading.source import read_source
from nnref.checking.watching.calls.later_trainings import split, training, updates, without
from tests.support.programs import written

TWICE = """\
import numpy as np
X, y = np.random.randn(30, 4), np.random.randn(30)
w = np.zeros(4)
for k in range(200):
    r = X @ w - y
    loss = r @ r / 60
    w -= 0.1 * X.T @ r / 30
print(loss)
def gradient(w, decay):
    r = X @ w - y
    loss = r @ r / 60 + decay * w @ w / 2
    return loss, X.T @ r / 30 + decay * w
def fit(decay):
    w = np.zeros(4)
    for k in range(200):
        loss, dw = gradient(w, decay)
        w = w - 0.1 * dw
    return w
w = fit(0.1)
print(w @ np.ones(4))
V, c = np.random.randn(4, 5), np.zeros(5)
u = np.random.randn(5)
for k in range(200):
    h = np.tanh(X @ V + c)
    d = (h @ u - y) / 30
    loss = 15 * d @ d
    dh = np.outer(d, u) * (1 - h ** 2)
    u, V, c = u - 0.1 * h.T @ d, V - 0.1 * X.T @ dh, c - 0.1 * dh.sum(0)
"""


def judged_all(tmp_path, text, *changes):
    """The verdict on a program."""
    return judged_file(written(tmp_path, text, *changes))


def test_each_later_training_is_judged(tmp_path):
    found = judged_all(tmp_path, TWICE)
    assert found.gradient_of_own_loss is True
    later = [note for note in found.notes if note.endswith("is right too")]
    assert [note.split(" (")[0] for note in later] == ["what is trained in line 19", "what is trained in line 23"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("w -= 0.1 * X.T @ r / 30", "w -= 0.1 * X.T @ (r + 1) / 30", 7),
        ("return loss, X.T @ r / 30", "return loss, X.T @ (r * r) / 30", 12),
        ("* (1 - h ** 2)", "* (1 - h)", 27),
    ],
)
def test_a_mistake_in_a_later_training_is_named_on_its_line(tmp_path, old, new, line):
    found = judged_all(tmp_path, TWICE, (old, new))
    assert found.gradient_of_own_loss is False
    assert found.first.place.startswith(f"line {line}:")


def test_what_trains_later_and_cannot_be_judged_is_named(tmp_path):
    """The last network's data are read from a file that is not there."""
    found = judged_all(tmp_path, TWICE, ("h = np.tanh(X @ V + c)", "h = np.tanh(missing @ V + c)"))
    assert found.gradient_of_own_loss is None
    assert any(note.startswith("line 28: trains after what was watched") for note in found.notes)


def test_what_counts_is_no_update():
    said = {
        "W -= lr * dW": True,
        "W -= step": True,
        "X -= X.mean(axis=0)": False,
        "X -= mean_image": False,
        "W = W - dW": True,
        "W += lr * x": True,
        "W, b = W - dW, b - db": True,
        "i, j = 1, i - 1": False,
        "n -= 1": False,
        "loss += r @ r": False,
        "W = V - dW": False,
    }
    assert {text: updates(ast.parse(text).body[0]) for text in said} == said


def test_of_a_source_one_statement_is_left_out_and_the_lines_keep_their_numbers(tmp_path):
    source = read_source(written(tmp_path, TWICE))
    watched, after = split(source.tree.body, 5)
    assert (watched.lineno, [node.lineno for node in after][:2]) == (4, [8, 9])
    assert training(source, after) >= {17}
    other = without(source, watched)
    assert other.lines[3:8] == ["pass", "", "", "", "print(loss)"]
    assert [node.lineno for node in other.tree.body] == [node.lineno for node in source.tree.body]
    assert ast.dump(source.tree) == ast.dump(read_source(tmp_path / "program.py").tree)
