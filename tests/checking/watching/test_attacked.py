"""Programs on which a verdict was wrong, or was silent about a part: right ones and one mistake in each."""

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

WORD_VECTORS = """\
import numpy as np
corpus = "the quick brown fox jumps over the lazy dog and the quick cat sleeps".split()
ix = {w: i for i, w in enumerate(sorted(set(corpus)))}
A, B = np.random.randn(len(ix), 5) * 0.1, np.random.randn(5, len(ix)) * 0.1
pairs = [(ix[a], ix[b]) for a, b in zip(corpus, corpus[1:])]
for epoch in range(3):
    total = 0
    for c, o in pairs:
        h = A[c]
        u = h @ B
        p = np.exp(u - u.max())
        p /= p.sum()
        total += -np.log(p[o])
        e = p.copy()
        e[o] -= 1
        dB = np.outer(h, e)
        dh = B @ e
        B -= 0.05 * dB
        A[c] -= 0.05 * dh
"""


def test_a_row_that_is_written_into_its_table_is_updated_though_it_has_no_name(tmp_path):
    found = seen(tmp_path, WORD_VECTORS)
    assert settled(found) is True, certificate(found)
    assert len(found.rows) == 2


def test_a_parameter_that_is_changed_without_the_labels_is_named_and_the_rest_is_no_verdict(tmp_path):
    found = seen(tmp_path, WORD_VECTORS.replace("dh = B @ e", "dh = B @ p"))
    assert settled(found) is None
    assert "A is changed in line 19 by something that does not depend on the labels" in str(certificate(found))


NORMALISED = """\
import numpy as np
X, y = np.random.randn(30, 4), np.random.randn(30, 1)
W, V, mean, steps = np.random.randn(4, 5), np.random.randn(5, 1), np.zeros(4), 0
for step in range(4):
    mean += 0.1 * (X.mean(0) - mean)
    x = X - mean
    h = np.tanh(x @ W)
    d = h @ V - y
    dV, dW = h.T @ d / 30, x.T @ (d @ V.T * (1 - h ** 2)) / 30
    steps += 1
    W -= 0.1 * dW
    V -= 0.1 * dV
"""


def test_a_running_mean_and_a_counter_are_no_parameters(tmp_path):
    assert settled(seen(tmp_path, NORMALISED)) is True
    late = NORMALISED.replace("    mean += 0.1 * (X.mean(0) - mean)\n", "")
    assert settled(seen(tmp_path, late + "    mean += 0.1 * (X.mean(0) - mean)\n")) is True


MEMORY_CELL = """\
import numpy as np
n = 4
W, V = np.random.randn(4 * n, n + 2) * 0.4, np.random.randn(1, n)
s = lambda z: 1 / (1 + np.exp(-z))
X, t = np.random.randn(4, 2, 1), np.random.randn(1, 1)
for step in range(3):
    h, c, kept = np.zeros((n, 1)), np.zeros((n, 1)), []
    for x in X:
        z = np.vstack([h, x])
        a = W @ z
        i, f, o, g = s(a[:n]), s(a[n:2*n]), s(a[2*n:3*n]), np.tanh(a[3*n:])
        m = f * c + i * g
        k = np.tanh(m)
        kept.append((z, i, f, o, g, c, k))
        h, c = o * k, m
    d = V @ h - t
    loss = 0.5 * (d ** 2).sum()
    dV, dW, dh, dc = d @ h.T, np.zeros_like(W), V.T @ d, np.zeros((n, 1))
    for z, i, f, o, g, c, k in reversed(kept):
        dc = dc + dh * o * (1 - k ** 2)
        da = np.vstack([dc * g * i * (1 - i), dc * c * f * (1 - f), dh * k * o * (1 - o), dc * i * (1 - g ** 2)])
        dW += da @ z.T
        dh = (W.T @ da)[:n]
        dc = dc * f
    W -= 0.1 * dW
    V -= 0.1 * dV
"""


def test_a_slope_of_one_gate_that_is_added_to_the_cells_is_named_where_it_is_made(tmp_path):
    assert settled(seen(tmp_path, MEMORY_CELL)) is True
    found = seen(tmp_path, MEMORY_CELL.replace("dc = dc * f\n", "dc = dc * i\n"))
    assert settled(found) is False
    assert certificate(found, mend=False).first.place == "line 24:  dc = dc * i"


FACTORS = """\
import numpy as np
R, M = np.random.rand(8, 6), np.random.rand(8, 6) < 0.6
P, Q = np.random.rand(8, 3), np.random.rand(6, 3)
for step in range(3):
    E = M * (R - P @ Q.T)
    loss = (E ** 2).sum() + 0.02 * ((P ** 2).sum() + (Q ** 2).sum())
    gP = -2 * E @ Q + 0.04 * P
    gQ = -2 * E.T @ P + 0.04 * Q
    P -= 0.01 * gP
    Q -= 0.01 * gQ
"""


def test_the_decay_of_another_parameter_is_named_where_it_is_added(tmp_path):
    assert settled(seen(tmp_path, FACTORS)) is True
    found = seen(tmp_path, FACTORS.replace("0.04 * Q", "0.04 * P[:6]"))
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith("line 8")


BANDIT = """\
import numpy as np
theta = np.zeros(3)
for t in range(9):
    p = np.exp(theta) / np.exp(theta).sum()
    a = np.random.choice(3, p=p)
    r = float(np.random.rand() < [0.2, 0.5, 0.8][a])
    grad = -p
    grad[a] += 1
    theta += 0.1 * r * grad
"""

ARCTANGENT = """\
import numpy as np
X, y = np.random.randn(40, 3), np.random.randn(40, 1) * 3
W, V = np.random.randn(3, 5), np.random.randn(5, 1)
for step in range(4):
    h = np.tanh(X @ W)
    e = h @ V - y
    d = np.arctan(e) / 40
    dV, dW = h.T @ d, X.T @ (d @ V.T * (1 - h ** 2))
    V -= 0.1 * dV
    W -= 0.1 * dW
"""


def test_a_loss_that_nobody_thought_of_is_no_mistake_where_the_file_computes_none(tmp_path):
    for text in (BANDIT, ARCTANGENT):
        found = seen(tmp_path, text)
        assert settled(found) is None
        assert "the slope of none of squared error, " in str(certificate(found)).replace("\n  ", " ")


ONE_LAYER = """\
import numpy as np
X, Y = np.random.randn(40, 3), np.eye(4)[np.random.randint(0, 4, 40)]
W, b = np.random.randn(3, 4), np.zeros(4)
for step in range(4):
    Z = X @ W + b
    P = np.exp(Z - Z.max(1, keepdims=True))
    P /= P.sum(1, keepdims=True)
    dZ = (P - Y) / 40
    dW, db = X.T @ dZ, dZ.sum(0)
    W -= 0.1 * dW
    b -= 0.1 * db
"""


def test_a_mistake_is_found_without_a_loss_where_another_part_bears_out_the_guess(tmp_path):
    assert settled(seen(tmp_path, ONE_LAYER)) is True
    alone = ONE_LAYER.replace("    b -= 0.1 * db\n", "").replace(" + b", "")
    assert settled(seen(tmp_path, alone)) is True
    for right, wrong in (("X.T @ dZ", "(X ** 2).T @ dZ"), ("W -= ", "W += ")):
        assert settled(seen(tmp_path, ONE_LAYER.replace(right, wrong))) is False
        assert settled(seen(tmp_path, alone.replace(right, wrong))) is False


ADVERSARIES = """\
import numpy as np
real = np.random.randn(40, 2) + 2
G, D = np.random.randn(3, 2), np.random.randn(2, 1)
for step in range(4):
    z = np.random.randn(8, 3)
    fake = z @ G
    both, y = np.vstack([real[:8], fake]), np.vstack([np.ones((8, 1)), np.zeros((8, 1))])
    p = 1 / (1 + np.exp(-both @ D))
    D -= 0.1 * both.T @ (p - y) / 16
    p = 1 / (1 + np.exp(-fake @ D))
    G -= 0.1 * z.T @ ((p - 1) / 8 @ D.T)
"""


def test_a_generator_is_not_judged_by_the_loss_of_its_critic(tmp_path):
    assert settled(seen(tmp_path, ADVERSARIES)) is None
    assert settled(seen(tmp_path, ADVERSARIES.replace("both.T @ (p - y)", "both.T @ (p - y) ** 2"))) is not True


STALE = """\
import numpy as np
X, y = np.random.randn(40, 3), np.random.randn(40, 1)
W, V = np.random.randn(3, 5), np.random.randn(5, 1)
for step in range(4):
    h = np.tanh(X @ W)
    d = (h @ V - y) / 40
    V -= 0.1 * h.T @ d
    W -= 0.1 * X.T @ (d @ V.T * (1 - h ** 2))
"""


def test_weights_that_are_updated_before_the_backward_pass_uses_them_are_no_second_forward_pass(tmp_path):
    assert settled(seen(tmp_path, STALE)) is False


SMOOTHED = """\
import numpy as np
X = np.random.randn(30, 4)
y = (X[:, 0] > 0).astype(int)
W, b = np.random.randn(4, 2), np.zeros(2)
for step in range(4):
    Z = X @ W + b
    logp = Z - np.log(np.exp(Z).sum(1, keepdims=True))
    T = np.full((30, 2), 0.05)
    T[np.arange(30), y] += 0.9
    loss = -(T * logp).sum(1).mean()
    d = (np.exp(logp) - T) / 30
    W -= 0.1 * X.T @ d
    b -= 0.1 * d.sum(0)
"""


def test_rows_of_an_identity_matrix_are_labels_by_their_classes_and_so_is_what_the_loss_is_made_of(tmp_path):
    assert settled(seen(tmp_path, SMOOTHED)) is True
    assert settled(seen(tmp_path, SMOOTHED.replace("(np.exp(logp) - T)", "(np.exp(logp) - np.eye(2)[y])"))) is False


def test_a_gradient_times_a_value_of_the_forward_pass_is_none_that_an_optimiser_has_made(tmp_path):
    for right, wrong in (("d.sum(0)", "d.sum(0) * np.exp(logp).max()"), ("X.T @ d", "X.T @ d * np.exp(logp).max()")):
        assert settled(seen(tmp_path, SMOOTHED.replace(right, wrong))) is False


REVERSED = """\
import numpy as np
E, U = np.random.randn(5, 6), np.random.randn(6, 6)
D, O = np.random.randn(6, 6), np.random.randn(6, 5)
data = [np.random.randint(0, 5, 2) for _ in range(5)]
for source in data:
    target = source[::-1]
    h = np.tanh(E[source[0]] @ U + E[source[1]])
    k = np.tanh(h @ D)
    e = [np.exp(h @ O), np.exp(k @ O)]
    p = [part / part.sum() for part in e]
    loss = -sum(np.log(part[t]) for part, t in zip(p, target))
    back, gO = np.zeros(6), np.zeros_like(O)
    d = [part.copy() for part in p]
    d[1][target[1]] -= 1
    d[0][target[0]] -= 1
    gO = np.outer(h, d[0]) + np.outer(k, d[1])
    dk = (O @ d[1] + back) * (1 - k ** 2)
    dh = (O @ d[0] + D @ dk) * (1 - h ** 2)
    gE, gU, gD = np.zeros_like(E), np.outer(E[source[0]], dh), np.outer(h, dk)
    gE[source[0]] += U @ dh
    gE[source[1]] += dh
    for P, g in zip((E, U, D, O), (gE, gU, gD, gO)):
        P -= 0.1 * g
"""


def test_zeros_that_are_added_to_a_slope_are_no_labels_that_accuse_a_program_whose_labels_are_its_data(tmp_path):
    assert settled(seen(tmp_path, REVERSED)) is not False
    assert settled(seen(tmp_path, REVERSED.replace("+ D @ dk", "- D @ dk"))) is not True
