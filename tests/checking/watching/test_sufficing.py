"""When is enough of a program recorded: after two steps, or after one that is long and keeps nothing for the next?"""

import pytest

from nnref.checking.watching import sufficing
from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.watch import watch
from tests.support.programs import seen

LONG = """\
import numpy as np
np.random.seed(0)
X, Y = np.random.randn(30, 3), np.random.randn(30, 2)
class Layer:
    def __init__(self):
        self.W = np.random.randn(3, 2)
        self.kept = np.zeros((3, 2))
    def forward(self, X):
        self.X = X
        out = np.zeros((len(X), 2))
        for i in range(len(X)):
            out[i] = X[i] @ self.W
        return out
    def backward(self, d):
        dW = np.zeros((3, 2))
        for i in range(len(d)):
            for j in range(2):
                dW[:, j] += d[i, j] * self.X[i]
        self.W -= 0.01 * dW
layer = Layer()
for epoch in range(40):
    layer.backward(layer.forward(X) - Y)
"""

KEPT = ("dW = np.zeros((3, 2))", "dW = self.kept")
LAZY = ("dW = np.zeros((3, 2))", "if epoch < 1: self.later = np.zeros((3, 2))\n        dW = self.later")


def recorded(tmp_path, monkeypatch, *changes, long=200):
    """What is seen of the program where a step of so many values is long."""
    monkeypatch.setattr(sufficing, "LONG", long)
    monkeypatch.setattr("nnref.checking.watching.recording.values.COSTLY", (0.0, 0.0))
    monkeypatch.setattr("nnref.checking.watching.recording.values.REST", 0)
    text = LONG
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (path := tmp_path / "program.py").write_text(text, encoding="utf-8")
    return watch(path)


def test_one_long_step_is_enough_where_its_sums_begin_anew(tmp_path, monkeypatch):
    found = recorded(tmp_path, monkeypatch)
    assert settled(found) is True
    assert len(found.steps) == 1
    assert found.runs[0].recorder.sufficed


@pytest.mark.parametrize("change", [KEPT, LAZY], ids=["made before the step", "made when it is first used"])
def test_a_sum_that_may_be_kept_is_seen_in_two_steps(change, tmp_path, monkeypatch):
    """It is never set back to zero: the first step alone is right."""
    found = recorded(tmp_path, monkeypatch, change)
    assert settled(found) is False
    assert "add up" in " ".join(row.note for step in found.steps for row in step.readings[0].rows)


def test_a_step_that_is_not_long_is_followed_by_another(tmp_path, monkeypatch):
    found = recorded(tmp_path, monkeypatch, long=5000)
    assert len(found.steps) == 2
    assert found.steps[1].roles.last < len(found.tapes[0])


SHIFTED = """\
import numpy as np
X, y = np.random.randn(4, 3), np.array([[0.0], [1], [1], [0]])
V, W = 2 * np.random.random((3, 4)) - 1, np.random.random((4, 1)) - 0.5
for step in range(20):
    h = np.tanh(X @ V)
    d = h @ W - y
    loss = (d ** 2).sum() / 2
    e = d.dot(W.T) * (1 - h ** 2)
    W -= 0.1 * h.T.dot(d)
    V -= 0.1 * X.dot(e)
"""


def test_a_program_that_stops_before_it_updates_what_was_drawn_and_shifted_is_not_right(tmp_path):
    """2 * random - 1 is a parameter that was drawn; the line that stops is named, and no slope before it."""
    found = seen(tmp_path, SHIFTED)
    assert found.broken is not None
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith("line 10:")
    assert settled(seen(tmp_path, SHIFTED, ("X.dot(e)", "X.T.dot(e)"))) is True
