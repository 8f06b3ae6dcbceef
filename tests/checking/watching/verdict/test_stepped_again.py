"""A step by a gradient of the step before, which is no longer that of the parameters."""

from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict.stepped_again import stepped_again
from tests.support.programs import seen

LAYERS = """\
import numpy as np
class Dense:
    def __init__(self, m, n):
        self.w, self.b = np.random.randn(m, n) * 0.5, np.zeros(n)
    def forward(self, x):
        self.x = x
        return x @ self.w + self.b
    def backward(self, d):
        self.dw, self.db = self.x.T @ d, d.sum(axis=0)
        return d @ self.w.T
    def step(self):
        self.w -= 0.1 * self.dw
        self.b -= 0.1 * self.db
X, Y = np.random.randn(20, 4), np.random.randn(20, 2)
layers = [Dense(4, 5), Dense(5, 2)]
for k in range(9):
    p = layers[1].forward(layers[0].forward(X))
    loss = ((p - Y) ** 2).sum() / 20
    d = 2 * (p - Y) / 20
    for layer in layers[::-1]:
        d = layer.backward(d)
    for layer in layers:
        layer.step()
"""
ONCE_MORE = ("        d = layer.backward(d)\n", "        if k: layer.step()\n        d = layer.backward(d)\n")


def test_a_step_with_the_gradient_of_the_step_before_is_wrong_and_no_line_for_certain(tmp_path):
    found = seen(tmp_path, LAYERS, ONCE_MORE)
    assert settled(found) is False
    first = certificate(found, mend=False).first
    assert first.place.startswith("at or after line 12:")
    assert "gradient of the step before" in first.says


def test_each_step_with_a_gradient_of_its_own_is_right(tmp_path):
    found = seen(tmp_path, LAYERS)
    assert settled(found) is True
    assert not list(stepped_again(found.steps[0].roles))
