"""The first wrong line, where the one after it or a right one before it was named once."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import GATES, MIXTURE, seen
from tests.support.quick import some

FLAT = """\
import numpy as np
def loss_and_grad(theta, X, Y):
    W = theta[:12].reshape(4, 3); b = theta[12:15]; V = theta[15:21].reshape(3, 2); c = theta[21:]
    H = np.tanh(X @ W + b)
    D = H @ V + c - Y
    loss = 0.5 * np.sum(D * D) / len(X)
    D = D / len(X)
    gV = H.T @ D; gc = D.sum(0)
    dH = (D @ V.T) * (1 - H * H)
    gW = X.T @ dH; gb = dH.sum(0)
    return loss, np.concatenate([gW.ravel(), gb, gV.ravel(), gc])
rng = np.random.RandomState(2)
X, Y = rng.randn(20, 4), rng.randn(20, 2)
theta = rng.randn(23) * 0.3
f, g = loss_and_grad(theta, X, Y)
for k in range(5):
    e = np.zeros(23); e[k] = 1e-5
    num = (loss_and_grad(theta + e, X, Y)[0] - loss_and_grad(theta - e, X, Y)[0]) / 2e-5
    if abs(num - g[k]) > 1e-2: print("bad", k, num, g[k])
for it in range(10):
    f, g = loss_and_grad(theta, X, Y)
    theta = theta - 0.1 * g
"""

TAKEN_EARLY = """\
import numpy as np
class Net:
    def __init__(self, n_in, n_hidden):
        self.w1 = np.random.uniform(-1, 1, (n_in, n_hidden))
        self.b1 = np.random.uniform(-1, 1, n_hidden)
        self.w2 = np.random.uniform(-1, 1, (n_hidden, 2))
        self.b2 = np.random.uniform(-1, 1, 2)
    def predict(self, x):
        self.x = x
        self.h = np.sin(self.x.dot(self.w1) + self.b1)
        self.pre = self.x.dot(self.w1) + self.b1
        return self.h.dot(self.w2) + self.b2
    def fit(self, X, Y, epochs, lr):
        for _ in range(epochs):
            out = self.predict(X)
            err = out - Y
            mse = np.mean(err ** 2)
            n = err.size
            g = 2 * err / n
            gw2 = self.h.T.dot(g)
            gb2 = g.sum(axis=0)
            gh = g.dot(self.w2.T)
            gpre = gh * np.cos(self.pre)
            gw1 = self.x.T.dot(gpre)
            gb1 = gpre.sum(axis=0)
            self.w1 -= lr * gw1
            self.b1 -= lr * gb1
            self.w2 -= lr * gw2
            self.b2 -= lr * gb2
X = np.random.rand(30, 3)
Y = np.stack([X.sum(1), X.prod(1)], axis=1)
Net(3, 6).fit(X, Y, 5, 0.1)
"""

NORMALISED = """\
import numpy as np
rng = np.random.default_rng(13)
X = rng.normal(size=(16, 6)); y = rng.integers(0, 4, 16)
theta = dict(W=rng.normal(size=(6, 9)) * .5, g=np.ones(9) + .1 * rng.normal(size=9), s=np.zeros(9))
theta["V"] = rng.normal(size=(9, 4)) * .5
eps = 1e-6
def gelu(x): return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))
def dgelu(x):
    t = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t ** 2) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x ** 2)
for it in range(5):
    u = X @ theta["W"]
    mu = u.mean(-1, keepdims=True); sd = np.sqrt(((u - mu) ** 2).mean(-1, keepdims=True) + eps)
    n = (u - mu) / sd
    v = theta["g"] * n + theta["s"]
    h = gelu(v)
    z = h @ theta["V"]
    z = z - z.max(-1, keepdims=True)
    lse = np.log(np.exp(z).sum(-1))
    loss = (lse - z[np.arange(16), y]).mean()
    p = np.exp(z - lse[:, None]); p[np.arange(16), y] -= 1; p /= 16
    grad = {}
    grad["V"] = h.T @ p
    dh = p @ theta["V"].T
    dv = dh * dgelu(v)
    grad["g"] = (dv * n).sum(0)
    grad["s"] = dv.sum(0)
    dn = dv * theta["g"]
    du = (dn - dn.mean(-1, keepdims=True) - n * (dn * n).mean(-1, keepdims=True)) / sd
    grad["W"] = X.T @ du
    theta = {k: theta[k] - 0.1 * grad[k] for k in theta}
"""

QUANTILES = """\
import numpy as np
rng = np.random.default_rng(21)
X = rng.uniform(-2, 2, (50, 2)); y = X[:, 0] ** 2 + rng.normal(size=50)
q = np.array([0.1, 0.5, 0.9])
W = rng.normal(size=(2, 8)); b = np.zeros(8); V = rng.normal(size=(8, 3)) * .3; c = np.zeros(3)
for it in range(8):
    H = np.tanh(X @ W + b)
    P = H @ V + c
    U = y[:, None] - P
    pinball = np.maximum(q * U, (q - 1) * U).mean()
    dP = np.where(U > 0, -q, 1 - q) / U.size
    dV = H.T @ dP
    dc = dP.sum(axis=0)
    dA = dP @ V.T * (1 - H ** 2)
    dW = X.T @ dA
    db = dA.sum(axis=0)
    for p, g in [(W, dW), (b, db), (V, dV), (c, dc)]:
        p -= 0.2 * g
"""

ATTENTION = """\
import numpy as np
rng = np.random.default_rng(19)
B, T, D, K = 6, 5, 4, 3
X = rng.normal(size=(B, T, D)); y = rng.integers(0, K, B)
Wq, Wk, Wv = (rng.normal(size=(D, D)) * .5 for _ in range(3))
Wo = rng.normal(size=(D, K)) * .5
def softmax(s):
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)
for it in range(4):
    Q, Ky, V = X @ Wq, X @ Wk, X @ Wv
    S = Q @ Ky.transpose(0, 2, 1) / np.sqrt(D)
    A = softmax(S)
    C = A @ V
    m = C.mean(1)
    P = softmax(m @ Wo)
    loss = -np.log(P[range(B), y]).mean()
    d = P.copy(); d[range(B), y] -= 1; d /= B
    dWo = m.T @ d
    dm = d @ Wo.T
    dC = np.repeat(dm[:, None, :], T, axis=1) / T
    dA = dC @ V.transpose(0, 2, 1)
    dV = A.transpose(0, 2, 1) @ dC
    dS = A * (dA - (dA * A).sum(-1, keepdims=True))
    dS = dS / np.sqrt(D)
    dQ = dS @ Ky
    dK = dS.transpose(0, 2, 1) @ Q
    dWq = np.einsum("btd,bte->de", X, dQ)
    dWk = np.einsum("btd,bte->de", X, dK)
    dWv = np.einsum("btd,bte->de", X, dV)
    for W, g in zip((Wq, Wk, Wv, Wo), (dWq, dWk, dWv, dWo)):
        W -= 0.3 * g
"""

DIVERGENCE = """\
import numpy as np
rng = np.random.default_rng(43)
X = (rng.random((20, 7)) < .5).astype(float)
We, Wm, Ws, Wd = (rng.normal(size=s) * .4 for s in ((7, 6), (6, 2), (6, 2), (2, 7)))
bd = np.zeros(7)
for it in range(5):
    h = np.tanh(X @ We)
    mu, lv = h @ Wm, h @ Ws
    eps = rng.normal(size=mu.shape)
    sd = np.exp(lv / 2)
    z = mu + sd * eps
    logit = z @ Wd + bd
    p = 1 / (1 + np.exp(-logit))
    rec = -(X * np.log(p) + (1 - X) * np.log(1 - p)).sum(1).mean()
    kl = -0.5 * (1 + lv - mu ** 2 - np.exp(lv)).sum(1).mean()
    loss = rec + kl
    n = len(X)
    dl = (p - X) / n
    dWd = z.T @ dl
    dbd = dl.sum(0)
    dz = dl @ Wd.T
    dmu = dz + mu / n
    dlv = dz * eps * sd / 2 + 0.5 * (np.exp(lv) - 1) / n
    dWm = h.T @ dmu
    dWs = h.T @ dlv
    dh = dmu @ Wm.T + dlv @ Ws.T
    dWe = X.T @ (dh * (1 - h ** 2))
    We -= .1 * dWe; Wm -= .1 * dWm; Ws -= .1 * dWs; Wd -= .1 * dWd; bd -= .1 * dbd
"""

POLYNOMIAL = """\
import numpy as np
x = np.linspace(-3, 3, 200); y = np.sin(x)
a, b, c = np.random.randn(), np.random.randn(), np.random.randn()
for t in range(9):
    d = a + b * x + c * x ** 2 - y
    loss = np.square(d).sum()
    g = 2.0 * d
    grad_a = g.sum()
    grad_b = (g * x).sum()
    grad_c = (g * x ** 2).sum()
    a -= 1e-4 * grad_a
    b -= 1e-4 * grad_b
    c -= 1e-4 * grad_c
"""

ADALINE = """\
import numpy as np
rng = np.random.RandomState(1)
X, y = rng.randn(12, 5), rng.randn(12)
w, b = rng.normal(0, 0.01, 5), np.float64(0.)
for i in range(9):
    errors = y - (X.dot(w) + b)
    w += 0.05 * 2.0 * X.T.dot(errors) / X.shape[0]
    b += 0.05 * 2.0 * errors.mean()
    loss = (errors ** 2).mean()
"""

MOMENTS = """\
import numpy as np
rng = np.random.default_rng(4)
X, Y = rng.normal(size=(30, 5)), rng.normal(size=(30, 2))
P = {"W": rng.normal(size=(5, 2)), "b": np.zeros(2)}
m, v = {k: 0 * p for k, p in P.items()}, {k: 0 * p for k, p in P.items()}
for t in range(1, 9):
    D = X @ P["W"] + P["b"] - Y
    loss = np.mean(np.sum(D ** 2, axis=1))
    G = {"W": X.T @ D * 2 / len(X), "b": D.mean(0) * 2}
    for k in P:
        m[k] = 0.9 * m[k] + 0.1 * G[k]
        v[k] = 0.999 * v[k] + 0.001 * G[k] ** 2
        vh = v[k] / (1 - 0.999 ** t)
        P[k] -= 0.01 * m[k] / (1 - 0.9 ** t) / (np.sqrt(vh) + 1e-8)
"""

BY_LAYER = """\
import numpy as np
rng = np.random.default_rng(3)
def act(z): return 1 / (1 + np.exp(-z))
def act_slope(z): return act(z) * (1 - act(z))
X = rng.normal(size=(30, 5)); Y = np.eye(3)[rng.integers(0, 3, 30)]
sizes = [5, 7, 7, 3]
Ws = [rng.normal(size=pair) for pair in zip(sizes, sizes[1:])]
bs = [np.zeros(n) for n in sizes[1:]]
for it in range(6):
    a, zs, outs = X, [], [X]
    for W, b in zip(Ws, bs):
        zs.append(a @ W + b)
        a = act(zs[-1])
        outs.append(a)
    gW, gb = [None] * 3, [None] * 3
    delta = (a - Y) * act_slope(zs[-1]) / len(X)
    gW[-1], gb[-1] = outs[-2].T @ delta, delta.sum(0)
    for l in (2, 3):
        slope = act_slope(zs[-l])
        delta = delta @ Ws[1 - l].T * slope
        gW[-l], gb[-l] = outs[-l - 1].T @ delta, delta.sum(0)
    for k in range(3):
        Ws[k] -= 0.5 * gW[k]
        bs[k] -= 0.5 * gb[k]
"""

AT_ZERO = """\
import numpy as np
rng = np.random.default_rng(5)
X = np.vstack([np.zeros((3, 2)), rng.normal(size=(27, 2))])
y = np.concatenate([[0, 1, 2], rng.integers(0, 3, 27)])
p = {"W": rng.normal(size=(2, 9)), "b": np.zeros(9), "V": rng.normal(size=(9, 9)), "c": np.zeros(9)}
p |= {"U": rng.normal(size=(9, 3)), "d": np.zeros(3)}
for it in range(6):
    h = np.maximum(0, X @ p["W"] + p["b"])
    k = np.maximum(0, h @ p["V"] + p["c"])
    e = np.exp(k @ p["U"] + p["d"])
    probs = e / e.sum(1, keepdims=True)
    loss = -np.log(probs[range(30), y]).mean()
    dscores = probs
    dscores[range(30), y] -= 1
    dscores /= 30
    g = {"U": k.T @ dscores, "d": dscores.sum(0)}
    dk = dscores @ p["U"].T
    dk[k <= 0] = 0
    g["V"] = h.T @ dk
    g["c"] = dk.sum(0)
    dh = dk @ p["V"].T
    dh[h <= 0] = 0
    g["W"] = X.T @ dh
    g["b"] = dh.sum(0)
    for name in p: p[name] += -0.5 * g[name]
"""

BLOCKS = """\
import numpy as np
rng = np.random.default_rng(6)
class Dense:
    def __init__(self, n, m): self.w, self.b = rng.normal(size=(n, m)) * .4, np.zeros(m)
    def forward(self, x):
        self.x = x
        return x @ self.w + self.b
    def backward(self, grad):
        self.dw, self.db = self.x.T @ grad, grad.sum(0)
        return grad @ self.w.T
class Rectifier:
    def forward(self, x):
        self.on = x > 0
        return x * self.on
    def backward(self, grad):
        return grad * self.on
X, Y = rng.normal(size=(20, 5)), rng.normal(size=(20, 2))
layers = [Dense(5, 6), Rectifier(), Dense(6, 6), Rectifier(), Dense(6, 2)]
for it in range(5):
    out = X
    for layer in layers: out = layer.forward(out)
    loss = ((out - Y) ** 2).mean()
    grad = 2 * (out - Y) / Y.size
    for layer in layers[::-1]: grad = layer.backward(grad)
    for layer in layers[::2]:
        layer.w -= 0.1 * layer.dw
        layer.b -= 0.1 * layer.db
"""

BACK_IN_TIME = """\
import numpy as np
rng = np.random.default_rng(6)
xs, y = [rng.normal(size=3) for _ in range(3)], rng.normal(size=2)
U, V, O = rng.normal(size=(4, 4)) * .5, rng.normal(size=(4, 3)), rng.normal(size=(2, 4))
for it in range(4):
    h = [np.zeros(4)]
    for x in xs: h.append(np.tanh(U @ h[-1] + V @ x))
    e = O @ h[-1] - y
    loss = 0.5 * np.sum(e ** 2)
    gO = np.outer(e, h[-1])
    gU, gV = np.zeros_like(U), np.zeros_like(V)
    d = O.T @ e
    for t in (2, 1, 0):
        a = d * (1 - h[t + 1] ** 2)
        gU += np.outer(a, h[t])
        gV += np.outer(a, xs[t])
        d = U.T @ a
    U -= 0.1 * gU; V -= 0.1 * gV; O -= 0.1 * gO
"""

NUMBERS = """\
import math, random
random.seed(1)
X = [[random.gauss(0, 1) for _ in range(2)] for _ in range(5)]
Y = [random.randrange(3) for _ in range(5)]
W = [[random.gauss(0, .5) for _ in range(2)] for _ in range(3)]
b = [0.1, -0.2, 0.05]
for epoch in range(3):
    dW, db = [[0.0] * 2 for _ in range(3)], [0.0] * 3
    for x, y in zip(X, Y):
        e = [math.exp(sum(W[k][j] * x[j] for j in range(2)) + b[k]) for k in range(3)]
        for k in range(3):
            g = e[k] / sum(e) - (1.0 if k == y else 0.0)
            db[k] += g
            for j in range(2):
                dW[k][j] += g * x[j]
    for k in range(3):
        b[k] -= 0.1 * db[k]
        for j in range(2):
            W[k][j] -= 0.1 * dW[k][j]
"""

CASES = [
    (BACK_IN_TIME, "a = d * (1 - h[t + 1] ** 2)", "a = 2 * (d * (1 - h[t + 1] ** 2))", "line 14"),
    (BACK_IN_TIME, "        d = U.T @ a", "        d = -(U.T @ a)", "line 17"),
    (NUMBERS, "dW[k][j] += g * x[j]", "dW[k][j] += 2 * (g * x[j])", "at or after line 13"),
    (NUMBERS, "b[k] -= 0.1 * db[k]", "b[k] -= -(0.1 * db[k])", "line 17"),
    (AT_ZERO, "dh[h <= 0] = 0", "dh[h >= 0] = 0", "line 22"),
    (AT_ZERO, 'g["b"] = dh.sum(0)', 'g["b"] = dk.sum(0)', "line 24"),
    (AT_ZERO, "0.5 * g[name]", '0.5 * g[{"b": "c"}.get(name, name)]', "line 25"),
    (BLOCKS, "return grad * self.on", "return grad", "line 16"),
    (POLYNOMIAL, "(g * x ** 2).sum()", "(g * x).sum()", "line 10"),
    (POLYNOMIAL, "c -= 1e-4 * grad_c", "c -= 1e-4 * grad_b", "line 13"),
    (ADALINE, "errors.mean()", "errors.sum()", "line 8"),
    (ADALINE, "2.0 * X.T", "X.T", "line 7"),
    (MOMENTS, "0.001 * G[k] ** 2", "0.001 * G[k]", "line 12"),
    (MOMENTS, "(np.sqrt(vh)", "(vh", "at or after line 11"),
    (BY_LAYER, "slope = act_slope(zs[-l])", "slope = act_slope(outs[-l])", "line 19"),
    (BY_LAYER, "slope = act_slope(zs[-l])", "slope = act_slope(zs[0])", "line 19"),
    (ATTENTION, "dm = d @ Wo.T", "dm = 2 * (d @ Wo.T)", "line 20"),
    (DIVERGENCE, "dl = (p - X) / n", "dl = -((p - X) / n)", "line 18"),
    (DIVERGENCE, "dWs = h.T @ dlv", "dWs = 2 * (h.T @ dlv)", "line 25"),
    (FLAT, "gV = H.T @ D", "gV = H.T @ D * 2", "line 8"),
    (FLAT, "gW = X.T @ dH;", "gW = X.T @ dH[::-1];", "line 10"),
    (TAKEN_EARLY, "g.dot(self.w2.T)", "err.dot(self.w2.T)", "line 22"),
    (GATES, "dh * (1 - z) + drh * r +", "dh * (1 - z) + drh +", "line 38"),
    (GATES, 'dh = dh + P["Wy"].T @ do', 'dh = P["Wy"].T @ do', "line 29"),
    (
        NORMALISED,
        "- n * (dn * n).mean(-1, keepdims=True)) / sd",
        "- n * (dn * n).mean(-1, keepdims=True)) * sd",
        "line 29",
    ),
    (NORMALISED, "(1 + 3 * 0.044715 * x ** 2)", "(1 + 0.044715 * x ** 2)", "line 10"),
    (MIXTURE, "dmu = -(r * u / var).mean(0)", "dmu = -(w * u / var).mean(0)", "line 14"),
    (QUANTILES, "dV = H.T @ dP", "dV = H.T @ U / 150", "line 12"),
]


@pytest.mark.parametrize(("text", "right", "wrong", "place"), some(CASES, 3, ids=lambda case: case[2]))
def test_the_very_line_is_named(text, right, wrong, place, tmp_path):
    assert text.count(right)
    first = certificate(seen(tmp_path, text.replace(right, wrong, 1)), mend=False).first
    assert first.place.startswith(f"{place}:")


def test_a_line_that_makes_all_right_when_it_is_changed_is_named_for_certain(tmp_path):
    """The line before it only gives an array another name, in which the mistake might be too."""
    found = certificate(seen(tmp_path, AT_ZERO, ("y] -= 1", "y] -= 2"))).first
    assert found.right == "dscores[range(30), y] -= 1"
    assert found.place.startswith("line 14:")


@pytest.mark.parametrize("text", some(dict.fromkeys(text for text, *_ in CASES), 4))
def test_without_the_mistake_all_is_right(text, tmp_path):
    found = seen(tmp_path, text)
    assert settled(found) is True, certificate(found)


ONE_BY_ONE = """\
import numpy as np
x = np.random.randn(6, 4)
t = np.random.randint(0, 3, 6)
W, b = np.random.randn(4, 3), np.zeros(3)
for xi, ti in zip(x, t):
    E = np.exp(xi @ W + b)
    p = E / np.sum(E)
    loss = -np.log(p[ti])
    g = np.zeros(3)
    g[ti] = -1 / p[ti]
    for i, slope in enumerate(g):
        if slope == 0:
            continue
        S = np.sum(E)
        J = -E[i] * E / S ** 2
        J[i] = E[i] * (S - E[i]) / S ** 2
        d = slope * J
        W -= 0.1 * np.outer(xi, d)
        b -= 0.1 * d
"""


@pytest.mark.parametrize(
    ("change", "place"),
    [(("J[i] = E[i]", "J[i] = -E[i]"), "line 16:"), (("S = np.sum(E)", "S = 2 * np.sum(E)"), "at or after line 14:")],
)
def test_what_a_loop_takes_of_a_slope_entry_by_entry_is_right(change, place, tmp_path):
    assert certificate(seen(tmp_path, ONE_BY_ONE, change), mend=False).first.place.startswith(place)
