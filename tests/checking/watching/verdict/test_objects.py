"""Engines of objects, each with a value, its slope and what passes the slope on: the line that passes it wrongly."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.engines import VALUE
from tests.support.programs import seen

ENGINE = (
    VALUE
    + """\
random.seed(5)
W = [[Value(random.uniform(-1, 1)) for _ in range(3)] for _ in range(3)]
V = [Value(random.uniform(-1, 1)) for _ in range(3)]
learnt = [p for row in W for p in row] + V
xs = [[1.5, -2.0], [0.5, 1.0], [-1.0, 0.7]]; ys = [1.0, -1.0, 0.5]
for step in range(2):
    loss = Value(0.0)
    for x, y in zip(xs, ys):
        h = [(w[0] * x[0] + w[1] * x[1] + w[2]).relu() for w in W]
        e = V[0] * h[0] + V[1] * h[1] + V[2] * h[2] - y
        loss = loss + e * e
    for p in learnt: p.grad = 0.0
    loss.backward()
    for p in learnt: p.data -= 0.05 * p.grad
"""
)

TENSORS = """\
import numpy as np
class Tensor:
    def __init__(self, data, before=()):
        self.data = np.asarray(data, float); self.grad = np.zeros_like(self.data)
        self.before = before; self.back = lambda: None
    def __add__(self, other):
        out = Tensor(self.data + other.data, (self, other))
        def back():
            self.grad += fitted(out.grad, self.data.shape)
            other.grad += fitted(out.grad, other.data.shape)
        out.back = back
        return out
    def __matmul__(self, other):
        out = Tensor(self.data @ other.data, (self, other))
        def back():
            self.grad += out.grad @ other.data.T
            other.grad += self.data.T @ out.grad
        out.back = back
        return out
    def tanh(self):
        t = np.tanh(self.data)
        out = Tensor(t, (self,))
        def back(): self.grad += (1 - t ** 2) * out.grad
        out.back = back
        return out
    def nll(self, y):
        p = np.exp(self.data) / np.exp(self.data).sum(axis=1, keepdims=True)
        n = len(y)
        out = Tensor(-np.log(p[np.arange(n), y]).mean(), (self,))
        def back():
            d = p.copy(); d[np.arange(n), y] -= 1
            self.grad += d / n * out.grad
        out.back = back
        return out
    def backward(self):
        self.grad = np.ones_like(self.data)
        todo = [self]
        while todo:
            node = todo.pop(0)
            node.back()
            todo += node.before
def fitted(g, shape):
    for i, size in enumerate(shape):
        if size == 1: g = g.sum(axis=i, keepdims=True)
    return g
rng = np.random.default_rng(3)
X = rng.normal(size=(60, 4)); Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
P = [Tensor(rng.normal(size=s) * .4) for s in ((4, 6), (1, 6), (6, 3), (1, 3))]
for step in range(5):
    rows = rng.choice(60, 20, replace=False)
    loss = ((Tensor(X[rows]) @ P[0] + P[1]).tanh() @ P[2] + P[3]).nll(Y[rows])
    for p in P: p.grad = np.zeros_like(p.data)
    loss.backward()
    for p in P: p.data -= .5 * p.grad
"""

CASES = [
    (ENGINE, "self.grad += (out.data > 0) * out.grad", "self.grad += out.grad * 1.0"),
    (ENGINE, "other.grad += self.data * out.grad", "other.grad += other.data * out.grad"),
    (ENGINE, "        self.grad = 1.0", "        self.grad = self.data"),
    (TENSORS, "fitted(out.grad, other.data.shape)", "out.grad.mean(axis=0, keepdims=True)"),
    (TENSORS, "g.sum(axis=i,", "g.mean(axis=i,"),
    (TENSORS, "self.data.T @ out.grad", "self.data.T @ out.grad / 20"),
    (TENSORS, "(1 - t ** 2) * out.grad", "(1 - t) * out.grad"),
]


@pytest.mark.parametrize(("text", "right", "wrong"), CASES, ids=[wrong for _, _, wrong in CASES])
def test_the_line_that_passes_a_slope_on_wrongly_is_named(text, right, wrong, tmp_path):
    line = text.partition(right)[0].count("\n") + 1
    first = certificate(seen(tmp_path, text, (right, wrong)), mend=False).first
    assert first.place.startswith(f"line {line}:"), first


@pytest.mark.parametrize("text", [ENGINE, TENSORS], ids=["numbers", "arrays"])
def test_an_engine_is_right_whichever_units_are_on(text, tmp_path):
    found = seen(tmp_path, text)
    assert settled(found) is True, certificate(found)
    assert len(found.tapes) == 3  # rectifiers are on in one run and off in another, and it is one program


LAYERS = """\
import numpy as np
class Dense:
    def __init__(self, m, n): self.w, self.b = np.random.randn(m, n) * 0.5, np.zeros((1, n))
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.w) + self.b
    def backward(self, dvalues):
        self.dw = np.dot(self.inputs.T, dvalues)
        self.db = np.sum(dvalues, axis=0, keepdims=True)
        self.dinputs = np.dot(dvalues, self.w.T)
class ReLU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)
    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs <= 0] = 0
class Squares:
    def forward(self, inputs, y):
        self.output = inputs
        return np.mean(np.sum((inputs - y) ** 2, axis=1))
    def backward(self, dvalues, y):
        self.dinputs = 2 * (dvalues - y) / len(dvalues)
X, Y = np.random.randn(20, 4), np.random.randn(20, 2)
one, act, two, last = Dense(4, 6), ReLU(), Dense(6, 2), Squares()
for k in range(9):
    one.forward(X); act.forward(one.output); two.forward(act.output)
    loss = last.forward(two.output, Y)
    last.backward(last.output, Y); two.backward(last.dinputs)
    act.backward(two.dinputs); one.backward(act.dinputs)
    for layer in (one, two): layer.w -= 0.1 * layer.dw; layer.b -= 0.1 * layer.db
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("self.inputs <= 0]", "dvalues <= 0]"),
        ("dvalues.copy()", "-dvalues.copy()"),
        ("(dvalues, self.w.T)", "(dvalues, -self.w.T)"),
    ],
)
def test_layers_that_keep_a_slope_and_add_none_are_no_engine(right, wrong, tmp_path):
    assert settled(seen(tmp_path, LAYERS)) is True
    line = LAYERS.partition(right)[0].count("\n") + 1
    assert certificate(seen(tmp_path, LAYERS, (right, wrong)), mend=False).first.place.startswith(f"line {line}:")


def test_the_slope_of_an_input_is_no_loss_though_labels_and_weights_went_into_it(tmp_path):
    """Under it, all was wrong from the first line on that makes a value."""
    change = ("self.grad += (out.data > 0) * out.grad", "self.grad += (out.data > 0) / out.grad")
    found = certificate(seen(tmp_path, ENGINE, change), mend=False)
    line = ENGINE.partition(change[0])[0].count("\n") + 1
    assert found.first.place.startswith(f"line {line}:"), found.first
