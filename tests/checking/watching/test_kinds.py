"""Kinds of programs that were once not read, or wrongly: each is read, and a mistake planted in it is caught."""

import pytest

from nnref.checking.homework.watched_file import watched_or_called
from nnref.checking.reading.source import read_source
from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.watch import watch
from tests.support.engines import VALUE
from tests.support.programs import fault_apart, written
from tests.support.quick import some

OBJECTS = """\
import numpy as np
rng = np.random.RandomState(0)
X, Y = rng.randn(20, 3), np.eye(2)[np.arange(20) % 2]
W = np.array([rng.randn(3, 5) / 2, rng.randn(5, 2) / 2], dtype=object)
b = np.array([np.zeros(5), np.zeros(2)], dtype=object)
for epoch in range(5):
    h = np.tanh(X @ W[0] + b[0])
    out = h @ W[1] + b[1]
    loss = ((out - Y) ** 2).sum() / 20
    d = 2 * (out - Y) / 20
    dh = d @ W[1].T * (1 - h ** 2)
    dW = np.array([X.T @ dh, h.T @ d], dtype=object)
    W = W + -(0.1 * dW)
    b -= 0.1 * np.array([dh.sum(0), d.sum(0)], dtype=object)
"""

SCALARS = (
    VALUE
    + """\
w = [Value(random.uniform(-1, 1)) for _ in range(5)]
examples = [([2.0, 3.0], 1.0), ([3.0, -1.0], -1.0)]
for step in range(4):
    total = Value(0.0)
    for (a, c), y in examples:
        h = (w[0] * Value(a) + w[1] * Value(c) + w[2]).tanh()
        e = w[3] * h + w[4] + Value(-y)
        total = total + e * e
    for p in w:
        p.grad = 0.0
    total.backward()
    for p in w:
        p.data -= 0.05 * p.grad
"""
)

AUTOENCODER = """\
import numpy as np
X = np.random.rand(40, 6)
W, b, V = np.random.randn(6, 3) / np.sqrt(6), np.zeros(3), np.random.randn(3, 6) / np.sqrt(3)
for step in range(9):
    x = X[np.random.permutation(40)[:9]]
    h = np.tanh(np.maximum(x, 0.1) @ W + b)
    p = 1 / (1 + np.exp(-h @ V))
    loss = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum() / 9
    d = (p - x) / 9
    dh = d @ V.T * (1 - h ** 2)
    V -= 0.1 * h.T @ d
    W -= 0.1 * np.maximum(x, 0.1).T @ dh
    b -= 0.1 * dh.sum(0)
"""

GLOBALS = """\
import numpy as np
def start(n, h, k):
    global W1, b1, W2, b2
    W1, b1, W2, b2 = np.random.randn(n, h), np.zeros(h), np.random.randn(h, k), np.zeros(k)
def train(X, Y):
    global dW1, db1, dW2, db2
    h = np.tanh(X @ W1 + b1)
    E = np.exp(h @ W2 + b2)
    d = (E / E.sum(axis=1, keepdims=True) - Y) / len(X)
    dW2, db2 = h.T @ d, d.sum(axis=0)
    dh = d @ W2.T * (1 - h ** 2)
    dW1, db1 = X.T @ dh, dh.sum(axis=0)
def update(rate):
    global W1, b1, W2, b2
    W1, b1 = W1 - rate * dW1, b1 - rate * db1
    W2, b2 = W2 - rate * dW2, b2 - rate * db2
"""

LOGISTIC = """\
import numpy as np
def predict(X, w, b):
    return 1 / (1 + np.exp(-(X @ w + b)))
def gradient(X, y, w, b):
    error = predict(X, w, b) - y
    dw = X.T @ error / len(y)
    db = error.mean()
    return dw, db
"""

NETWORK = """\
class {name}:
    def __init__(self, n, h, k):
        self.W1, self.b1 = np.random.randn(n, h), np.zeros(h)
        self.W2, self.b2 = np.random.randn(h, k), np.zeros(k)
    def loss(self, X, y):
        H = np.tanh(X @ self.W1 + self.b1)
        E = np.exp(H @ self.W2 + self.b2)
        P = E / E.sum(axis=1, keepdims=True)
        loss = -np.log(P[np.arange(len(y)), y]).mean()
        P[np.arange(len(y)), y] -= 1
        d = P / len(y)
        dH = d @ self.W2.T * (1 - {slope})
        return loss, dict(W1=X.T @ dH, b1=dH.sum(axis=0), W2=H.T @ d, b2=d.sum(axis=0))
"""

TWO = (
    "import numpy as np\n" + NETWORK.format(name="First", slope="H ** 2") + NETWORK.format(name="Other", slope="H * H")
)

RATES = """\
import numpy as np
X, Y = np.random.randn(10, 4), np.eye(3)[np.random.randint(0, 3, 10)]
W, b = np.random.randn(4, 3), np.random.randn(3)
for t in range(9):
    E = np.exp(X @ W + b)
    d = (E / E.sum(1, keepdims=True) - Y) / 10
    dW, db = X.T @ d, d.sum(0)
    W -= 0.1 * dW
    b -= 0.01 * db
"""

MADE_WITH_DATA = """\
import numpy as np
class Net:
    def __init__(self, data, labels, layers, epsilon):
        self.data, self.labels = np.hstack([np.ones((len(data), 1)), data]), labels
        sizes = zip(layers[:-1], layers[1:])
        self.thetas = [np.random.rand(k, n + 1) * 2 * epsilon - epsilon for n, k in sizes]
    def forward(self):
        A = [self.data]
        for theta in self.thetas:
            out = 1 / (1 + np.exp(-A[-1] @ theta.T))
            A.append(np.hstack([np.ones((len(out), 1)), out]))
        return A
    def cost(self, A, Y):
        P = A[-1][:, 1:]
        return -(np.log(P[Y == 1]).sum() + np.log(1 - P[Y == 0]).sum()) / len(Y)
    def train(self, alpha=1.0, iterations=3):
        Y = np.zeros((len(self.data), self.thetas[-1].shape[0]))
        for k in range(len(Y)):
            Y[k][self.labels[k][0]] = 1
        for _ in range(iterations):
            A = self.forward()
            cost = self.cost(A, Y)
            d = (A[-1][:, 1:] - Y) / len(Y)
            for k in range(len(self.thetas) - 1, -1, -1):
                step = d.T @ A[k]
                d = (d @ self.thetas[k])[:, 1:] * A[k][:, 1:] * (1 - A[k][:, 1:])
                self.thetas[k] = self.thetas[k] - alpha * step
"""

CHARACTERS = """\
import numpy as np
data = "the quick brown fox jumps over the lazy dog"
to_ix = {ch: i for i, ch in enumerate(sorted(set(data)))}
size, hidden = len(to_ix), 7
Wxh, Whh, Why = np.random.randn(hidden, size), np.random.randn(hidden, hidden) * 0.1, np.random.randn(size, hidden)
bh, by = np.zeros((hidden, 1)), np.zeros((size, 1))
memory = [np.zeros_like(W) for W in (Wxh, Whh, Why, bh, by)]
for p in range(0, 20, 3):
    inputs = [to_ix[ch] for ch in data[p:p + 3]]
    targets = [to_ix[ch] for ch in data[p + 1:p + 4]]
    xs, hs, ps, loss = {}, {-1: np.zeros((hidden, 1))}, {}, 0
    for t in range(3):
        xs[t] = np.zeros((size, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
        E = np.exp(Why @ hs[t] + by)
        ps[t] = E / E.sum()
        loss += -np.log(ps[t][targets[t], 0])
    gradients = [np.zeros_like(W) for W in (Wxh, Whh, Why, bh, by)]
    dWxh, dWhh, dWhy, dbh, dby = gradients
    after = np.zeros((hidden, 1))
    for t in reversed(range(3)):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        dWhy += dy @ hs[t].T
        dby += dy
        draw = (1 - hs[t] * hs[t]) * (Why.T @ dy + after)
        dbh += draw
        dWxh += draw @ xs[t].T
        dWhh += draw @ hs[t - 1].T
        after = Whh.T @ draw
    for W, g, m in zip([Wxh, Whh, Why, bh, by], gradients, memory):
        m += g * g
        W += -0.1 * g / np.sqrt(m + 1e-8)
"""

ONE_ARRAY = (
    CHARACTERS.replace("size, hidden =", "X = np.array([to_ix[ch] for ch in data])\nsize, hidden =")
    .replace("[to_ix[ch] for ch in data[p:p + 3]]", "X[p:p + 3]")
    .replace("[to_ix[ch] for ch in data[p + 1:p + 4]]", "X[p + 1:p + 4]")
)

WHOLE = """\
import numpy as np
def propagate(w, b, X, Y):
    A = 1 / (1 + np.exp(-(w.T @ X + b)))
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / X.shape[1]
    return X @ (A - Y).T / X.shape[1], np.sum(A - Y) / X.shape[1], cost
w, b, X, Y = np.array([[1], [2]]), 2, np.array([[1, 2], [3, 4]]), np.array([[1, 0]])
for i in range(5):
    dw, db, cost = propagate(w, b, X, Y)
    w = w - 0.009 * dw
    b = b - 0.009 * db
"""

WINDOWS = """\
import numpy as np
X, Y = np.random.randn(8, 18, 18, 2), np.eye(3)[np.arange(8) % 3]
K, W = np.random.randn(3, 3, 2, 4) / 4, np.random.randn(4, 3)
for step in range(3):
    V = np.lib.stride_tricks.sliding_window_view(X, (3, 3), axis=(1, 2))
    h = np.tanh(np.einsum("nxychw,hwck->nxyk", V, K))
    P = h.mean(axis=(1, 2)) @ W
    loss = ((P - Y) ** 2).sum() / 8
    d = 2 * (P - Y) / 8
    dh = np.broadcast_to((d @ W.T)[:, None, None] / 256, h.shape) * (1 - h ** 2)
    W -= 0.1 * h.mean(axis=(1, 2)).T @ d
    K -= 0.1 * np.tensordot(V, dh, ([0, 1, 2], [0, 1, 2])).transpose(1, 2, 0, 3)
"""

ONE_BY_ONE = """\
import numpy as np
X = np.random.randn(40, 3)
Y = np.where(np.random.randn(40) > 0, 1.0, -1.0)
def slope(w, X, Y):
    distance = 1 - Y * (X @ w)
    dw = np.zeros(3)
    for k, d in enumerate(distance):
        dw += w - 5 * Y[k] * X[k] if max(0, d) else w
    return dw / len(Y)
w = np.random.randn(3) * 0.1
for x, y in zip(X, Y):
    w = w - 0.001 * slope(w, x.reshape(1, 3), np.array([y]))
"""

RECORDS = """\
import numpy as np
samples = np.zeros(4, dtype=[("bits", float, 2), ("parity", float)])
for k, bits in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
    samples[k] = bits, sum(bits) % 2
samples["bits"][:, 0] += 0.1
U, V = np.random.randn(3, 5), np.random.randn(5)
x, h = np.ones(3), np.ones(5)
for epoch in range(9):
    n = np.random.randint(samples.size)
    x[:2] = samples["bits"][n]
    h[...] = np.tanh(x @ U)
    error = samples["parity"][n] - h @ V
    dh = error * V * (1 - h ** 2)
    V += 0.1 * error * h
    U += 0.1 * np.outer(x, dh)
assert samples["bits"][0, 0] == 0.1
"""

SENTENCES = """\
import numpy as np
texts = [np.random.randint(0, 9, size=4) for _ in range(12)]
inputs, nexts = [t[:-1] for t in texts], [t[1:] for t in texts]
E, R, O = np.random.randn(6, 9) * 0.4, np.random.randn(6, 6) * 0.4, np.random.randn(9, 6) * 0.4
def forward(x):
    h, p = np.zeros((len(x) + 1, 6)), np.zeros((len(x), 9))
    for t in range(len(x)):
        h[t] = np.tanh(E[:, x[t]] + R @ h[t - 1])
        z = np.exp(O @ h[t])
        p[t] = z / z.sum()
    return h, p
def loss(xs, ys):
    total = 0
    for x, y in zip(xs, ys):
        total -= np.log(forward(x)[1][np.arange(len(y)), y]).sum()
    return total / len(xs)
for epoch in range(4):
    print(loss(inputs, nexts))
    for x, y in zip(inputs, nexts):
        h, d = forward(x)
        dE, dR, dO = np.zeros_like(E), np.zeros_like(R), np.zeros_like(O)
        d[np.arange(len(y)), y] -= 1
        dh = np.zeros(6)
        for t in reversed(range(len(x))):
            dO += np.outer(d[t], h[t])
            dz = (O.T @ d[t] + dh) * (1 - h[t] ** 2)
            dR += np.outer(dz, h[t - 1])
            dE[:, x[t]] += dz
            dh = R.T @ dz
        E -= 0.1 * dE; R -= 0.1 * dR; O -= 0.1 * dO
"""

KINDS = {
    "sentences one by one, and a loss of all before": (SENTENCES, "R.T @ dz", "R @ dz", "line 29"),
    "records with fields": (RECORDS, "(1 - h ** 2)", "(1 - h)", "line 13"),
    "arrays of arrays": (OBJECTS, "(1 - h ** 2)", "(1 - h)", "line 11"),
    "numbers as objects that go back": (SCALARS, "(1 - t ** 2)", "(1 - t)", "line 34"),
    "numbers whose gradients add up": (SCALARS, "p.grad = 0.0", "pass", "line 11"),
    "labels that are the data": (AUTOENCODER, "(1 - h ** 2)", "(1 - h)", "line 10"),
    "functions that fill globals": (GLOBALS, "(1 - h ** 2)", "(1 - h)", "line 11"),
    "a step of them": (GLOBALS, "W1 - rate", "W1 + rate", "line 15"),
    "one output, by functions": (LOGISTIC, "error.mean()", "(error ** 2).mean()", "line 7"),
    "the second network of a file": (TWO, "(1 - H * H)", "(1 - H)", "line 26"),
    "an object that is made with its data": (MADE_WITH_DATA, "(1 - A[k][:, 1:])", "(1 + A[k][:, 1:])", "line 26"),
    "characters by their numbers": (CHARACTERS, "(1 - hs[t] * hs[t])", "(1 - hs[t])", "line 27"),
    "characters as one array": (ONE_ARRAY, "hs[t - 1].T", "hs[t].T", "line 31"),
    "weights that begin as whole numbers": (WHOLE, "X @ (A - Y).T", "X @ (A + Y).T", "line 5"),
    "sliding windows and einsum": (WINDOWS, "(1 - h ** 2)", "(1 - h)", "line 10"),
    "arrays of cupy": (RATES.replace("numpy", "cupy"), "X.T @ d, d.sum", "X.T @ d * 10, d.sum", "line 7"),
    "two rates and ten examples": (RATES, "X.T @ d, d.sum", "X.T @ d * 10, d.sum", "line 7"),
}


def seen(tmp_path, text):
    """What is seen of a program as it runs, or as it is called."""
    path = written(tmp_path, text)
    return watched_or_called(path, read_source(path), None)


@pytest.mark.parametrize("kind", some(KINDS, 4))
def test_a_kind_is_read_and_a_mistake_in_it_is_found_on_its_line(kind, tmp_path):
    text, right, wrong, line = KINDS[kind]
    found = seen(tmp_path, text)
    assert settled(found) is True, certificate(found)
    assert fault_apart(found, tmp_path) == ""
    assert text.count(right) == 1
    mistaken = seen(tmp_path, text.replace(right, wrong))
    assert settled(mistaken) is False, certificate(mistaken)
    assert certificate(mistaken, mend=False).first.place.startswith(f"{line}:")


def test_what_is_gone_through_is_no_loss_of_the_program(tmp_path):
    """The margin of one example has the slope of its hinge loss, and no decay."""
    found = seen(tmp_path, ONE_BY_ONE)
    assert settled(found) is True, certificate(found)
    assert "the file has no loss of its own" in " ".join(str(certificate(found)).split())


def test_a_program_that_looks_at_data_row_by_row_is_handed_fewer(tmp_path):
    """Of 1,100 pictures, 28 rows of pixels each, the record would be full."""
    path = written(
        tmp_path,
        """\
import numpy as np
from keras.datasets import mnist
(x, y), _ = mnist.load_data()
X = np.array([np.array([row / 255 for row in image]).ravel() for image in x])
W = np.random.randn(784, 10) * 0.01
for step in range(3):
    E = np.exp(X @ W)
    W -= 0.1 * X.T @ (E / E.sum(1, keepdims=True) - np.eye(10)[y]) / len(X)
""",
    )
    found = watch(path, limit=4000)
    assert settled(found) is True, found.why
    assert found.rows[0].truth[0].shape == (784, 10)


def test_a_gradient_to_go_up_is_not_told_and_nothing_is_accused(tmp_path):
    """y - p is minus the slope of the cross-entropy, and the slope of the likelihood."""
    found = seen(tmp_path, LOGISTIC.replace("predict(X, w, b) - y", "y - predict(X, w, b)"))
    assert settled(found) is None
    assert [e.verdict for e in certificate(found).entries] == ["cannot tell", "cannot tell"]
    said = str(certificate(found))
    assert "binary cross-entropy" in said
    assert "likelihood" in said
    wrong = LOGISTIC.replace("predict(X, w, b) - y", "y - predict(X, w, b)").replace("/ len(y)", "* len(y)")
    assert settled(seen(tmp_path, wrong)) is False


def test_a_rate_that_is_divided_by_the_number_of_examples_is_not_told(tmp_path):
    assert settled(seen(tmp_path, RATES.replace("0.01 * db", "0.1 / 10 * db"))) is None


PIXELS = """\
import numpy as np
images, labels = np.random.rand(9, 16, 16), np.arange(9) % 3
K, W = np.random.randn(4, 3, 3) / 9, np.random.randn(4, 3)
for x, y in zip(images, labels):
    maps = np.zeros((14, 14, 4))
    for i in range(14):
        for j in range(14):
            maps[i, j] = np.sum(x[i:i + 3, j:j + 3] * K, axis=(1, 2))
    h = np.tanh(maps).mean(axis=(0, 1))
    E = np.exp(h @ W)
    d = E / E.sum()
    d[y] -= 1
    dh = W @ d
    W -= 0.1 * np.outer(h, d)
    dmaps = (1 - np.tanh(maps) ** 2) * dh / 14 ** 2
    dK = np.zeros_like(K)
    for i in range(14):
        for j in range(14):
            for k in range(4):
                dK[k] += dmaps[i, j, k] * x[i:i + 3, j:j + 3]
    K -= 0.1 * dK
"""


def test_a_parameter_whose_update_the_record_does_not_reach_is_named_and_the_rest_is_no_verdict(tmp_path):
    """W is updated, and right, before so many values are recorded; K is not."""
    found = watch(written(tmp_path, PIXELS), limit=2500)
    assert settled(found) is None
    assert "before the program updates K" in " ".join(str(certificate(found)).split())


def test_a_loss_in_which_every_example_meets_every_other_is_another_one(tmp_path):
    broken = """\
import numpy as np
X, y = np.random.randn(9, 3), np.arange(9) % 2
w = np.random.randn(3, 1)
for t in range(5):
    p = 1 / (1 + np.exp(-X @ w))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    w -= 0.1 * X.T @ (p - y.reshape(-1, 1)) / 9
"""
    found = seen(tmp_path, broken)
    assert settled(found) is False
    said = str(certificate(found))
    assert "line 6" in said
    assert "every example meets every other" in " ".join(said.split())
