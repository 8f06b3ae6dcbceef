"""Right programs that were once called wrong, or judged in part: each kind, and a mistake in it that is found."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

SHUFFLED_LIST = """\
import numpy as np
X, T = np.random.randn(20, 3, 1), np.eye(2)[np.arange(20) % 2].reshape(20, 2, 1)
data = list(zip(X, T))
W, b, V, c = np.random.randn(4, 3), np.random.randn(4, 1), np.random.randn(2, 4), np.random.randn(2, 1)
for epoch in range(9):
    np.random.shuffle(data)
    for k in range(0, 20, 5):
        gW, gb, gV, gc = 0, 0, 0, 0
        for x, y in data[k:k + 5]:
            a = np.tanh(W @ x + b)
            d = V @ a + c - y
            da = V.T @ d * (1 - a ** 2)
            gV, gc, gW, gb = gV + d @ a.T, gc + d, gW + da @ x.T, gb + da
        W, b, V, c = W - 0.1 * gW / 5, b - 0.1 * gb / 5, V - 0.1 * gV / 5, c - 0.1 * gc / 5
"""


def test_a_list_of_examples_that_is_shuffled_is_judged_with_the_labels_of_each_run(tmp_path):
    found = seen(tmp_path, SHUFFLED_LIST)
    assert settled(found) is True, certificate(found)
    assert settled(seen(tmp_path, SHUFFLED_LIST.replace("(1 - a ** 2)", "(1 - a)"))) is False


AUTOENCODER = """\
import numpy as np
X = np.random.rand(40, 6)
W, b, V = np.random.randn(6, 3) / np.sqrt(6), np.zeros(3), np.random.randn(3, 6) / np.sqrt(3)
for step in range(9):
    x = X[np.random.permutation(40)[:9]]
    noisy = np.maximum(x, 0.1)
    h = np.tanh(noisy @ W + b)
    d = h @ V - x
    dh = d @ V.T * (1 - h ** 2)
    V -= 0.1 * h.T @ d
    W -= 0.1 * noisy.T @ dh
    b -= 0.1 * dh.sum(0)
"""


def test_weights_that_are_updated_are_no_labels_whose_parameter_would_be_one_bias(tmp_path):
    """An autoencoder's labels are its data: rather no verdict than one on a part of it."""
    found = seen(tmp_path, AUTOENCODER)
    assert settled(found) is None or len(found.rows) == 3, certificate(found)


ONCE_ACCUSED = {
    "a norm of all gradients is limited": (
        """\
import numpy as np
X, Y = np.random.randn(30, 4), np.eye(3)[np.arange(30) % 3]
W1, W2 = np.random.randn(4, 6), np.random.randn(6, 3)
for step in range(9):
    h = np.tanh(X @ W1)
    E = np.exp(h @ W2)
    p = E / E.sum(1, keepdims=True)
    loss = -(Y * np.log(p)).sum() / 30
    d = (p - Y) / 30
    g2, g1 = h.T @ d, X.T @ ((d @ W2.T) * (1 - h * h))
    norm = np.sqrt(sum((g ** 2).sum() for g in (g1, g2)))
    g1, g2 = [g * min(1, 0.5 / (norm + 1e-6)) for g in (g1, g2)]
    W1 -= 0.1 * g1
    W2 -= 0.1 * g2
""",
        ("(1 - h * h)", "(1 - h)"),
    ),
    "each example has labels of its own": (
        """\
import random
import numpy as np
data = [([random.random() for _ in range(3)], random.choice([0, 1])) for _ in range(20)]
w, b = [random.uniform(-1, 1) for _ in range(3)], 0.0
for epoch in range(5):
    random.shuffle(data)
    for i in range(0, 20, 4):
        gw, gb = [0.0] * 3, 0.0
        for x, y in data[i:i + 4]:
            e = 1 / (1 + np.exp(-sum(a * c for a, c in zip(w, x)) - b)) - y
            for j in range(3):
                gw[j] += e * x[j]
            gb += e
        for j in range(3):
            w[j] -= 0.1 * gw[j] / 4
        b -= 0.1 * gb / 4
""",
        ("e * x[j]", "e * x[j - 1]"),
    ),
    "the gradient is that of a point ahead": (
        """\
import numpy as np
X = np.random.randn(50, 4)
t = np.sin(X.sum(1, keepdims=True))
P = {"W": np.random.randn(4, 7) / 2, "V": np.random.randn(7, 1) / 2}
velocity = {k: np.zeros_like(p) for k, p in P.items()}
for step in range(9):
    A = {k: P[k] + 0.9 * velocity[k] for k in P}
    h = np.tanh(X @ A["W"])
    loss = np.mean((h @ A["V"] - t) ** 2)
    d = 2 * (h @ A["V"] - t) / len(X)
    G = {"V": h.T @ d, "W": X.T @ (d @ A["V"].T * (1 - h ** 2))}
    for k in P:
        velocity[k] = 0.9 * velocity[k] - 0.05 * G[k]
        P[k] = P[k] + velocity[k]
""",
        ("(1 - h ** 2)", "(1 + h ** 2)"),
    ),
}


@pytest.mark.parametrize("program", ONCE_ACCUSED.values(), ids=ONCE_ACCUSED)
def test_what_a_step_does_beside_the_gradient_is_no_mistake(program, tmp_path):
    text, (right, wrong) = program
    found = seen(tmp_path, text)
    assert settled(found) is True, certificate(found)
    assert settled(seen(tmp_path, text.replace(right, wrong))) is False


TRUE_OR_FALSE = """\
import numpy as np
data = {"a": True, "b": False, "c": True, "d": False}
W, U, b = np.random.randn(5, 3) / 2, np.random.randn(2, 5) / 2, np.zeros((2, 1))
X = {k: np.random.randn(3, 1) for k in data}
for epoch in range(9):
    for k, y in data.items():
        target = int(y)
        h = np.tanh(W @ X[k])
        E = np.exp(U @ h + b)
        p = E / sum(E)
        loss = -np.log(p[target])
        d = p
        d[target] -= 1
        dh = U.T @ d * (1 - h ** 2)
        U -= 0.1 * d @ h.T
        W -= 0.1 * dh @ X[k].T
        b -= 0.1 * d
"""


def test_a_label_that_is_true_or_false_and_says_which_row_is_the_label(tmp_path):
    """p[int(y)] of a column is a view of it: which row it is depends on y."""
    found = seen(tmp_path, TRUE_OR_FALSE)
    assert settled(found) is True, certificate(found)
    assert len(found.rows) == 3
    assert settled(seen(tmp_path, TRUE_OR_FALSE.replace("(1 - h ** 2)", "(1 - h)"))) is False


ONE_THEN_BATCHES = """\
import numpy as np
X, Y = np.random.rand(40, 5), np.eye(3)[np.arange(40) % 3]
W, b = np.random.randn(5, 3) * 0.3, np.zeros((1, 3))
def probabilities(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
def of_one(y, p): return -np.sum(y * np.log(p))
def of_batch(y, p): return np.mean(-np.sum(y * np.log(p), axis=1))
one, label = X[:1], Y[:1]
p = probabilities(one @ W + b)
loss = of_one(label, p)
d = p - label
W -= 0.1 * one.T @ d
b -= 0.1 * d
p = probabilities(one @ W + b)
loss = of_one(label, p)
for epoch in range(3):
    order = np.random.permutation(40)
    X, Y = X[order], Y[order]
    for k in range(0, 40, 8):
        xb, yb = X[k:k + 8], Y[k:k + 8]
        p = probabilities(xb @ W + b)
        cost = of_batch(yb, p)
        d = p - yb
        dW = xb.T @ d / len(xb)
        db = d.mean(axis=0, keepdims=True)
        W -= 0.1 * dW
        b -= 0.1 * db
"""


def test_the_loss_of_one_example_says_nothing_of_the_batches_that_come_after_it(tmp_path):
    """A notebook that does one image by hand, prints its loss again, and then trains."""
    assert settled(seen(tmp_path, ONE_THEN_BATCHES)) is True
    assert settled(seen(tmp_path, ONE_THEN_BATCHES, ("xb.T @ d / len(xb)", "xb.T @ d"))) is False


MANY_INPUTS = """\
import numpy as np
X, Y = np.random.rand(4000, 30), np.random.randint(0, 2, (1, 30))
w, b = np.zeros((4000, 1)), 0
for step in range(20):
    A = 1 / (1 + np.exp(-(w.T @ X + b)))
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / 30
    dw = X @ (A - Y).T / 30
    db = np.sum(A - Y) / 30
    w = w - 0.05 * dw
    b = b - 0.05 * db
"""


def test_thousands_of_inputs_from_zero_weights_do_not_saturate_the_output_and_a_step_that_does_accuses_nobody(tmp_path):
    assert settled(seen(tmp_path, MANY_INPUTS)) is True
    assert settled(seen(tmp_path, MANY_INPUTS, ("np.sum(A - Y) / 30", "np.sum(A - Y)"))) is False


BEST_OUTPUT = """\
import numpy as np
W, b = np.random.randn(4, 9) * 0.3, np.zeros(9)
V, c = np.random.randn(9, 2) * 0.3, np.zeros(2)
def values(s):
    h = np.maximum(0, s @ W + b)
    return h, h @ V + c
for episode in range(9):
    s, a = np.random.randn(32, 4), np.random.randint(0, 2, 32)
    reward, after = np.random.randn(32), np.random.randn(32, 4)
    target = reward + 0.9 * values(after)[1].max(1)
    h, q = values(s)
    off = q[np.arange(32), a] - target
    loss = np.mean(off ** 2)
    d = np.zeros_like(q)
    d[np.arange(32), a] = 2 * off / 32
    dh = d @ V.T * (h > 0)
    V -= 0.01 * h.T @ d
    c -= 0.01 * d.sum(0)
    W -= 0.01 * s.T @ dh
    b -= 0.01 * dh.sum(0)
"""


def test_a_target_that_is_the_largest_output_of_the_network_itself_is_held_fixed_and_said_to_be(tmp_path):
    found = seen(tmp_path, BEST_OUTPUT)
    assert settled(found) is True
    assert "line 10: the largest output is a target that is held fixed" in " ".join(certificate(found).notes)
    wrong = seen(tmp_path, BEST_OUTPUT, ("* (h > 0)", ""))
    assert settled(wrong) is False
    assert certificate(wrong, mend=False).first.place.startswith("line 16")


LARGEST_OF_TIME = """\
import numpy as np
X, Y = np.random.randn(20, 6, 4), np.random.randn(20, 2)
W, V = np.random.randn(4, 5), np.random.randn(5, 2)
for step in range(5):
    H = X @ W
    pooled = H.max(axis=1)
    d = pooled @ V - Y
    loss = (d ** 2).sum() / 2 + 0.05 * (W ** 2).sum()
    first = H.argmax(axis=1)
    dpooled = d @ V.T
    dW = 0.1 * W
    for i in range(20):
        for k in range(5):
            dW[:, k] += X[i, first[i, k]] * dpooled[i, k]
    V -= 0.01 * pooled.T @ d
    W -= 0.01 * dW
"""


def test_the_largest_value_of_a_layer_is_no_target_and_its_slope_is_not_left_out(tmp_path):
    """W goes into the output through the largest values alone: a decay without them is no right gradient of it."""
    decay_alone = ("X[i, first[i, k]] * dpooled[i, k]", "0 * dpooled[i, k]")
    assert settled(seen(tmp_path, LARGEST_OF_TIME, decay_alone)) is False
