"""Programs whose labels were once not told from other values: a parameter, a zero, a number that was drawn."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import MIXTURE, seen
from tests.support.quick import some

TRANSLATION = """\
import numpy as np
rng = np.random.default_rng(83)
V, H, T = 7, 6, 4
E, D = rng.normal(size=(V, H)) * .5, rng.normal(size=(V, H)) * .5
U, W, O = rng.normal(size=(H, H)) * .4, rng.normal(size=(H, H)) * .4, rng.normal(size=(H, V)) * .5
pairs = [(rng.integers(0, V, T), rng.integers(0, V, T)) for _ in range(8)]
for src, tgt in pairs:
    enc = [np.zeros(H)]
    for s in src:
        enc.append(np.tanh(E[s] + enc[-1] @ U))
    fed = np.concatenate([[0], tgt[:-1]])
    dec, probs, loss = [enc[-1]], [], 0.0
    for t in range(T):
        dec.append(np.tanh(D[fed[t]] + dec[-1] @ W))
        z = dec[-1] @ O
        p = np.exp(z - z.max())
        p = p / p.sum()
        probs.append(p)
        loss += -np.log(p[tgt[t]])
    gE, gD, gU, gW, gO = [np.zeros_like(a) for a in (E, D, U, W, O)]
    dn = np.zeros(H)
    for t in range(T - 1, -1, -1):
        dz = probs[t].copy()
        dz[tgt[t]] -= 1
        gO += np.outer(dec[t + 1], dz)
        da = (O @ dz + dn) * (1 - dec[t + 1] ** 2)
        gD[fed[t]] += da
        gW += np.outer(dec[t], da)
        dn = W @ da
    for t in range(T - 1, -1, -1):
        da = dn * (1 - enc[t + 1] ** 2)
        gE[src[t]] += da
        gU += np.outer(enc[t], da)
        dn = U @ da
    for p, g in zip((E, D, U, W, O), (gE, gD, gU, gW, gO)):
        p -= .1 * g
"""

RATINGS = """\
import random
import numpy as np
random.seed(5); np.random.seed(5)
ratings = [(u, i, float(random.randint(1, 5))) for u in range(6) for i in range(5) if random.random() < .7]
K, lr, lam = 3, 0.02, 0.05
P = np.random.normal(scale=1 / K, size=(6, K)); Q = np.random.normal(scale=1 / K, size=(5, K))
bu, bi, mean = np.zeros(6), np.zeros(5), 3.0
for epoch in range(2):
    random.shuffle(ratings)
    for u, i, r in ratings:
        e = r - (mean + bu[u] + bi[i] + P[u] @ Q[i])
        bu[u] += lr * (e - lam * bu[u])
        bi[i] += lr * (e - lam * bi[i])
        pu = P[u].copy()
        P[u] += lr * (e * Q[i] - lam * P[u])
        Q[i] += lr * (e * pu - lam * Q[i])
"""

SEARCH = """\
import numpy as np
from scipy.optimize import minimize
rng = np.random.default_rng(61)
X = rng.normal(size=(30, 4)); y = rng.integers(0, 3, 30)
def unpack(t): return t[:20].reshape(4, 5), t[20:35].reshape(5, 3)
def objective(t, X, y, lam):
    A, B = unpack(t)
    h = 1 / (1 + np.exp(-X @ A))
    s = h @ B
    s -= s.max(1, keepdims=True)
    p = np.exp(s); p /= p.sum(1, keepdims=True)
    f = -np.log(p[np.arange(len(y)), y]).mean() + lam / 2 * (t @ t)
    p[np.arange(len(y)), y] -= 1
    p /= len(y)
    gB = h.T @ p
    gA = X.T @ (p @ B.T * h * (1 - h))
    return f, np.r_[gA.ravel(), gB.ravel()] + lam * t
res = minimize(objective, rng.normal(size=35) * .3, args=(X, y, .01), jac=True, method="L-BFGS-B")
"""

LOOPS = """\
import math
import random
random.seed(1)
X = [[random.gauss(0, 1) for _ in range(3)] for _ in range(12)]
Y = [random.randrange(3) for _ in range(12)]
W = [[random.gauss(0, .5) for _ in range(3)] for _ in range(3)]
b = [0.1, -0.2, 0.05]
for epoch in range(3):
    dW = [[0.0] * 3 for _ in range(3)]
    db = [0.0] * 3
    loss = 0.0
    for x, y in zip(X, Y):
        z = [sum(W[k][j] * x[j] for j in range(3)) + b[k] for k in range(3)]
        m = max(z)
        e = [math.exp(v - m) for v in z]
        s = sum(e)
        p = [v / s for v in e]
        loss -= math.log(p[y])
        for k in range(3):
            g = p[k] - (1.0 if k == y else 0.0)
            db[k] += g
            for j in range(3):
                dW[k][j] += g * x[j]
    for k in range(3):
        b[k] -= 0.1 * db[k] / len(X)
        for j in range(3):
            W[k][j] -= 0.1 * dW[k][j] / len(X)
"""

PROGRAMS = {
    "a density, whose data meet parameters alone": (MIXTURE, 3, "-(w * u / var)"),
    "a sequence that is fed its own labels": (TRANSLATION, 5, "(O @ dz) *"),
    "biases of rows beside a mean": (RATINGS, 4, "lr * (e * P[u] - lam * Q[i])"),
    "a slope that np.r_ puts together": (SEARCH, 1, "+ 2 * lam * t"),
    "classes that random draws one by one": (LOOPS, 2, "db[k] = g"),
}
WHAT_IS_RIGHT = ("-(r * u / var)", "(O @ dz + dn) *", "lr * (e * pu - lam * Q[i])", "+ lam * t", "db[k] += g")


CASES = {name: (kind, right) for (name, kind), right in zip(PROGRAMS.items(), WHAT_IS_RIGHT, strict=True)}


@pytest.mark.parametrize("name", some(CASES, 3))
def test_every_parameter_is_judged_and_a_mistake_in_one_is_caught(name, tmp_path):
    (text, parameters, wrong), right = CASES[name]
    found = seen(tmp_path, text)
    assert settled(found) is True, certificate(found)
    assert len(certificate(found).entries) == parameters
    assert right in text
    assert settled(seen(tmp_path, text.replace(right, wrong))) is False


HINGE = """\
import numpy as np
X, y = np.random.randn(9, 3), np.where(np.arange(9) % 2, 1.0, -1.0)
w, b = np.random.randn(3), np.array([0.1])
for step in range(3):
    for i in range(9):
        margin = y[i] * (w @ X[i] + b)
        loss = 0.05 * (w @ w) + np.maximum(0, 1 - margin).sum()
        if margin < 1:
            dw = 0.1 * w - y[i] * X[i]
            db = -y[i] * np.ones(1)
        else:
            dw, db = 0.1 * w, np.zeros(1)
        w = w - 0.1 * dw
        b = b - 0.1 * db
"""


def test_a_bias_whose_slope_an_if_decides_is_judged_too(tmp_path):
    """No value of the bias goes into its step: only the question whether there is one."""
    found = seen(tmp_path, HINGE)
    assert settled(found) is True, certificate(found)
    assert {e.name for e in certificate(found).entries} == {"w", "b"}
    assert settled(seen(tmp_path, HINGE.replace("db = -y[i]", "db = -2 * y[i]"))) is not True


SEQUENCE = """\
import numpy as np
wave = np.sin(np.arange(30) / 3)
P = {"W": np.random.randn(4, 5) * .4, "b": np.zeros((4, 1)), "V": np.random.randn(1, 4) * .4, "c": np.zeros((1, 1))}
def squash(a): return np.tanh(a)
for s in range(0, 20, 4):
    x = [wave[s + k].reshape(1, 1) for k in range(4)]
    t = [wave[s + k + 1].reshape(1, 1) for k in range(4)]
    h, kept, ys = np.zeros((4, 1)), [], []
    for k in range(4):
        z = np.vstack((h, x[k]))
        h = squash(P["W"] @ z + P["b"])
        kept.append((z, h)); ys.append(P["V"] @ h + P["c"])
    loss = sum(0.5 * float((y - u)[0, 0]) ** 2 for y, u in zip(ys, t))
    g, back = {k: np.zeros_like(v) for k, v in P.items()}, np.zeros((4, 1))
    for k in reversed(range(4)):
        z, h = kept[k]
        d = ys[k] - t[k]
        g["V"] += d @ h.T; g["c"] += d
        dz = (P["V"].T @ d + back) * (1 - h ** 2)
        g["W"] += dz @ z.T; g["b"] += dz
        back = (P["W"].T @ dz)[:4]
    for k in P:
        P[k] = P[k] - 0.1 * g[k]
"""


def test_a_series_of_which_each_value_is_the_target_of_the_one_before(tmp_path):
    """The last W z + b before the update, which has no name, is no new b; and the loss goes through float(…)."""
    found = seen(tmp_path, SEQUENCE)
    assert settled(found) is True, certificate(found)
    assert {e.name for e in certificate(found).entries} == {"W", "b", "V", "c"}
    assert found.reading is not None
    assert found.reading.loss.node is not None
    wrong = seen(tmp_path, SEQUENCE.replace("dz)[:4]", "dz)[1:]"))
    assert settled(wrong) is False
    assert certificate(wrong, mend=False).first.place.startswith("line 21")


CORRUPTED = """\
import numpy as np
def f(a): return 1 / (1 + np.exp(-a))
X = (np.random.rand(30, 6) > .5).astype(float)
W, a, b = np.random.uniform(-.4, .4, (6, 4)), np.zeros(4), np.zeros(6)
for step in range(4):
    x = np.random.binomial(1, .7, X.shape) * X
    h = f(x @ W + a)
    z = f(h @ W.T + b)
    e = X - z
    d = e @ W * h * (1 - h)
    W += .1 * (x.T @ d + e.T @ h) / 30
    a += .1 * d.mean(0)
    b += .1 * e.mean(0)
    loss = -np.mean(np.sum(X * np.log(z) + (1 - X) * np.log(1 - z), axis=1))
"""


@pytest.mark.parametrize("error", ["z - X", "(X - z) * z * (1 - z)", "x - z"])
def test_an_autoencoder_of_made_data_is_judged_where_all_of_it_is_wrong(error, tmp_path):
    """Nothing is right then that would say what the labels are."""
    assert settled(seen(tmp_path, CORRUPTED)) is True
    assert settled(seen(tmp_path, CORRUPTED.replace("e = X - z", f"e = {error}"))) is False


VELOCITIES = """\
import numpy as np
rng = np.random.default_rng(5)
class Net:
    def __init__(self):
        self.W, self.b = rng.normal(size=(4, 3)), np.zeros(3)
        self.moved = {"W": 0, "b": 0}
    def learn(self, x, t):
        d = (x @ self.W + self.b - t) / len(x)
        loss = (d ** 2).sum()
        for name, slope in (("W", x.T @ d), ("b", d.sum(0))):
            self.moved[name] = 0.9 * self.moved[name] - 0.1 * slope
            setattr(self, name, getattr(self, name) + self.moved[name])
X = rng.normal(size=(20, 4))
T = np.array([[float(i * j % 7) for j in range(3)] for i in range(20)])
net = Net()
for step in range(6):
    net.learn(X, T)
"""


def test_velocities_that_begin_as_0_in_a_dict_are_no_labels(tmp_path):
    found = seen(tmp_path, VELOCITIES)
    assert settled(found) is True


def test_a_wrong_slope_beside_velocities_of_0_is_wrong_on_its_line(tmp_path):
    found = seen(tmp_path, VELOCITIES, ('("b", d.sum(0))', '("b", d.mean(0))'))
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith("line 10")
