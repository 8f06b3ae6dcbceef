"""Small training programs in unlike styles, all of them right, and mistakes planted in them: (old, new) on one line."""

from pathlib import Path

from nnref.checking.watching.telling.report import settled
from nnref.checking.watching.traces.places import Places
from nnref.checking.watching.traces.replay import watched_again
from nnref.checking.watching.traces.trace import packed, unpacked
from nnref.checking.watching.watch import watch

XOR = """\
import numpy as np
def nonlin(x, deriv=False):
    if deriv: return x * (1 - x)
    return 1 / (1 + np.exp(-x))
X = np.array([[0,0,1],[0,1,1],[1,0,1],[1,1,1]])
y = np.array([[0],[1],[1],[0]])
np.random.seed(1)
syn0 = 2*np.random.random((3,4)) - 1
syn1 = 2*np.random.random((4,1)) - 1
for j in range(60000):
    l1 = nonlin(np.dot(X, syn0))
    l2 = nonlin(np.dot(l1, syn1))
    l2_error = y - l2
    if j % 10000 == 0: print("Error:" + str(np.mean(np.abs(l2_error))))
    l2_delta = l2_error * nonlin(l2, deriv=True)
    l1_error = l2_delta.dot(syn1.T)
    l1_delta = l1_error * nonlin(l1, deriv=True)
    syn1 += l1.T.dot(l2_delta)
    syn0 += X.T.dot(l1_delta)
"""

ADAM = """\
import numpy as np
X = np.random.randn(50, 4)
y = (X[:, :1] * X[:, 1:2] > 0).astype(float)
params = {"W1": np.random.randn(4, 8) * 0.5, "b1": np.zeros(8), "W2": np.random.randn(8, 1) * 0.5, "b2": np.zeros(1)}
m = {k: np.zeros_like(v) for k, v in params.items()}
v = {k: np.zeros_like(w) for k, w in params.items()}
for t in range(1, 200):
    h = np.tanh(X @ params["W1"] + params["b1"])
    p = 1 / (1 + np.exp(-(h @ params["W2"] + params["b2"])))
    loss = -np.mean(y * np.log(p + 1e-8) + (1 - y) * np.log(1 - p + 1e-8))
    d2 = (p - y) / len(X)
    d1 = d2 @ params["W2"].T * (1 - h ** 2)
    grads = {"W1": X.T @ d1, "b1": d1.sum(0), "W2": h.T @ d2, "b2": d2.sum(0)}
    for k in params:
        m[k] = 0.9 * m[k] + 0.1 * grads[k]
        v[k] = 0.999 * v[k] + 0.001 * grads[k] ** 2
        params[k] -= 0.01 * (m[k] / (1 - 0.9 ** t)) / (np.sqrt(v[k] / (1 - 0.999 ** t)) + 1e-8)
"""

MOMENTUM = """\
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3)); t = np.sin(X).sum(1, keepdims=True)
w = rng.normal(size=(3, 10)); c = np.zeros((1, 10)); u = rng.normal(size=(10, 1)); d = np.zeros((1, 1))
vw = vc = vu = vd = 0
for epoch in range(50):
    idx = rng.permutation(60)
    for s in range(0, 60, 20):
        xb, tb = X[idx[s:s+20]], t[idx[s:s+20]]
        a = xb.dot(w) + c
        z = np.maximum(a, 0)
        e = z.dot(u) + d - tb
        gu = z.T.dot(e) / 20; gd = e.mean(0, keepdims=True)
        da = e.dot(u.T) * (a > 0)
        gw = xb.T.dot(da) / 20; gc = da.mean(0, keepdims=True)
        vw = 0.9 * vw - 0.01 * gw; vc = 0.9 * vc - 0.01 * gc
        vu = 0.9 * vu - 0.01 * gu; vd = 0.9 * vd - 0.01 * gd
        w += vw; c += vc; u += vu; d += vd
"""

LISTS = """\
import math, random
def sigmoid(x): return 1.0 / (1.0 + math.exp(-x))
data = [[2.78, 2.55, 0], [1.46, 2.36, 0], [3.39, 4.4, 0], [7.62, 2.75, 1], [5.33, 2.08, 1], [6.92, 1.77, 1]]
hidden = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(2)]
out = [random.uniform(-1, 1) for _ in range(3)]
for epoch in range(100):
    for row in data:
        x, y = row[:2], row[2]
        h = [sigmoid(w[0] * x[0] + w[1] * x[1] + w[2]) for w in hidden]
        o = sigmoid(sum(a * b for a, b in zip(out, h)) + out[2])
        delta = (o - y) * o * (1 - o)
        dh = [delta * out[i] * h[i] * (1 - h[i]) for i in range(2)]
        for i in range(2):
            out[i] -= 0.5 * delta * h[i]
            for j in range(2):
                hidden[i][j] -= 0.5 * dh[i] * x[j]
            hidden[i][2] -= 0.5 * dh[i]
        out[2] -= 0.5 * delta
"""

SOFTMAX = """\
import numpy as np
X = np.random.rand(300, 20); labels = np.random.randint(0, 5, 300)
class Net:
    def __init__(self):
        self.W1 = np.random.randn(20, 16) * np.sqrt(2/20); self.b1 = np.zeros((1, 16))
        self.W2 = np.random.randn(16, 5) * np.sqrt(2/16); self.b2 = np.zeros((1, 5))
    def forward(self, x):
        self.z1 = x @ self.W1 + self.b1; self.a1 = np.maximum(0, self.z1)
        z2 = self.a1 @ self.W2 + self.b2
        e = np.exp(z2 - np.max(z2, axis=1, keepdims=True)); self.p = e / np.sum(e, axis=1, keepdims=True)
        return self.p
    def backward(self, x, y, lr):
        m = x.shape[0]; d = self.p.copy(); d[range(m), y] -= 1; d /= m
        dW2 = self.a1.T @ d; db2 = np.sum(d, axis=0, keepdims=True)
        d1 = d @ self.W2.T
        d1[self.z1 <= 0] = 0
        dW1 = x.T @ d1; db1 = np.sum(d1, axis=0, keepdims=True)
        dW2 += 1e-3 * self.W2
        self.W1 -= lr * dW1; self.b1 -= lr * db1; self.W2 -= lr * dW2; self.b2 -= lr * db2
net = Net()
for ep in range(20):
    perm = np.random.permutation(300)
    for i in range(0, 300, 32):
        j = perm[i:i+32]
        p = net.forward(X[j]); loss = -np.log(p[range(len(j)), labels[j]]).mean()
        net.backward(X[j], labels[j], 0.1)
"""

LINE = """\
import numpy as np
x = np.array([1., 2., 3., 4.]); y = np.array([3., 5., 7., 9.])
m = b = 0
n = len(x)
for i in range(1000):
    y_pred = m * x + b
    cost = (1/n) * sum([v**2 for v in (y - y_pred)])
    md = -(2/n) * sum(x * (y - y_pred))
    bd = -(2/n) * sum(y - y_pred)
    m = m - 0.01 * md
    b = b - 0.01 * bd
"""

NORM = """\
import numpy as np
X = np.random.randn(6, 20); Y = np.eye(4)[np.random.randint(0, 4, 20)].T
p = {"W1": np.random.randn(8, 6) * .5, "b1": np.zeros((8, 1)), "g": np.ones((8, 1)), "s": np.zeros((8, 1)),
     "W2": np.random.randn(4, 8) * .5, "b2": np.zeros((4, 1))}
for step in range(9):
    Z1 = p["W1"] @ X + p["b1"]
    var = Z1.var(axis=1, keepdims=True)
    Zh = (Z1 - Z1.mean(axis=1, keepdims=True)) / np.sqrt(var + 1e-5)
    N1 = p["g"] * Zh + p["s"]
    A1 = np.maximum(0, N1)
    Z2 = p["W2"] @ A1 + p["b2"]
    E = np.exp(Z2 - Z2.max(axis=0)); A2 = E / E.sum(axis=0)
    loss = -np.sum(Y * np.log(A2)) / 20
    dZ2 = (A2 - Y) / 20
    dN1 = p["W2"].T @ dZ2 * (N1 > 0)
    dZh = dN1 * p["g"]
    m = 20
    dZ1 = (m * dZh - dZh.sum(1, keepdims=True) - Zh * (dZh * Zh).sum(1, keepdims=True)) / (m * np.sqrt(var + 1e-5))
    g = {"W1": dZ1 @ X.T, "b1": dZ1.sum(1, keepdims=True), "g": (dN1 * Zh).sum(1, keepdims=True),
         "s": dN1.sum(1, keepdims=True), "W2": dZ2 @ A1.T, "b2": dZ2.sum(1, keepdims=True)}
    for k in p:
        p[k] -= 0.1 * g[k]
"""

DEEP = """\
import numpy as np
X = np.random.randn(5, 11); Y = np.eye(3)[np.random.randint(0, 3, 11)].T
sizes, lam = (5, 7, 6, 3), 0.3
W = [np.random.randn(m, n) * .5 for n, m in zip(sizes, sizes[1:])]
b = [np.zeros((m, 1)) for m in sizes[1:]]
def back(W, dZ):
    return W.T @ dZ
for step in range(9):
    A = [X]
    for k in range(3):
        Z = W[k] @ A[-1] + b[k]
        A.append(np.tanh(Z) if k < 2 else np.exp(Z) / np.exp(Z).sum(0))
    loss = -np.sum(Y * np.log(A[-1])) / 11 + lam / 2 * sum(np.sum(w ** 2) for w in W)
    d = (A[-1] - Y) / 11
    for k in (2, 1, 0):
        dW = d @ A[k].T + lam * W[k]
        db = d.sum(axis=1, keepdims=True)
        d = back(W[k], d)
        d = d * (1 - A[k] ** 2)
        W[k] = W[k] - 0.1 * dW
        b[k] -= 0.1 * db
"""

RECURRENT = """\
import numpy as np
xs = [np.random.randn(4, 1) for _ in range(3)]; y = np.random.randn(2, 1)
Wx, Wh, Wy = np.random.randn(5, 4), np.random.randn(5, 5) * .4, np.random.randn(2, 5)
b = np.random.randn(5, 1)
for step in range(5):
    hs = [np.zeros((5, 1))]
    for x in xs:
        hs.append(np.tanh(Wx @ x + Wh @ hs[-1] + b))
    d_y = Wy @ hs[-1] - y
    d_Wx, d_Wh, d_b = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    d_h = Wy.T @ d_y
    for t in (2, 1, 0):
        temp = (1 - hs[t + 1] ** 2) * d_h
        d_b += temp
        d_Wh += temp @ hs[t].T
        d_Wx += temp @ xs[t].T
        d_h = Wh.T @ temp
    d_Wy = d_y @ hs[3].T
    Wx -= 0.1 * d_Wx
    Wh -= 0.1 * d_Wh
    Wy -= 0.1 * d_Wy
    b -= 0.1 * d_b
"""

SLOPE = """\
import numpy as np
x = np.random.randn(30, 1); y = 3 * np.random.randn(30)
w = np.zeros(1)
b = 0
for step in range(9):
    d = x @ w + b - y
    w = w - 0.1 * x.T @ d / 30
    b -= 0.1 * d.mean()
"""

PAIRS = """\
import math, random
pairs = [[(1, 0), [1]], [(0, 0), [0]], [(0, 1), [1]], [(1, 1), [0]]]
w, v = [random.random(), random.random()], [random.random(), random.random()]
c = 1
for step in range(9):
    for x, t in pairs:
        h = [1 / (1 + math.exp(-(w[k] * x[k] + c))) for k in (0, 1)]
        out = v[0] * h[0] + v[1] * h[1]
        d = out - t[0]
        e = [d * v[k] * h[k] * (1 - h[k]) for k in (0, 1)]
        for k in (0, 1):
            v[k] -= 0.1 * d * h[k]
            w[k] -= 0.1 * e[k] * x[k]
        c -= 0.1 * (e[0] + e[1])
"""

MATRIX = """\
import numpy as np
X, Y = np.asmatrix(np.random.randn(4, 9)), np.asmatrix(np.random.randn(2, 9))
V, W = np.asmatrix(np.random.randn(5, 4)), np.asmatrix(np.random.randn(2, 5))
for step in range(9):
    H = 1 / (1 + np.exp(-(V * X)))
    D = (W * H - Y) / 9
    E = np.multiply(W.T * D, np.multiply(H, 1 - H))
    W = W - 0.1 * D * H.T
    V = V - 0.1 * E * X.T
"""

RIGHT = {
    "xor": XOR, "adam": ADAM, "momentum": MOMENTUM, "lists": LISTS, "softmax": SOFTMAX, "line": LINE, "norm": NORM,
    "deep": DEEP, "recurrent": RECURRENT, "slope": SLOPE, "pairs": PAIRS, "matrix": MATRIX,
}  # fmt: skip

PLANTED = {
    "a slope of the wrong value": ("xor", "nonlin(l1, deriv=True)", "nonlin(X.dot(syn0), deriv=True)", 17),
    "a sign": ("xor", "syn0 += X", "syn0 -= X", 19),
    "a slope forgotten": ("xor", "l2_error * nonlin(l2, deriv=True)", "l2_error * l2 * l2", 15),
    "the derivative itself": ("xor", "return x * (1 - x)", "return x * (1 + x)", 3),
    "a factor on one layer, before Adam": ("adam", '"W1": X.T @ d1', '"W1": 3 * X.T @ d1', 13),
    "tanh's slope, before Adam": ("adam", "(1 - h ** 2)", "(1 - h)", 12),
    "a mask the wrong way round": ("momentum", "(a > 0)", "(a < 0)", 14),
    "a mean for a sum": ("momentum", "gc = da.mean(0, keepdims=True)", "gc = da.sum(0, keepdims=True)", 15),
    "an index": ("lists", "dh[i] * x[j]", "dh[i] * x[1 - j]", 16),
    "a weight of another unit": ("lists", "delta * out[i] * h[i]", "delta * out[1 - i] * h[i]", 12),
    "a mask in place": ("softmax", "d1[self.z1 <= 0] = 0", "d1[self.z1 >= 0] = 0", 16),
    "labels off by one": ("softmax", "d[range(m), y] -= 1", "d[range(m), y - 1] -= 1", 13),
    "a transpose of a square": ("norm", "dZ2 @ A1.T", "(dZ2 + 0.1) @ A1.T", 20),
    "half of batch norm's gradient": ("norm", "- dZh.sum(1, keepdims=True) - Zh", "- Zh", 18),
    "a sign on the way back through three layers": ("deep", "return W.T @ dZ", "return -(W.T @ dZ)", 7),
    "a factor on every bias": ("deep", "db = d.sum(", "db = 2 * d.sum(", 17),
    "a slope too large beside its decay": ("deep", "dW = d @ A[k].T", "dW = 3 * d @ A[k].T", 16),
    "a decay too large": ("deep", "+ lam * W[k]", "+ 2 * lam * W[k]", 16),
    "a step that stops the program": ("deep", "db = d.sum(axis=1, keepdims=True)", "db = d.sum(axis=0)", 17),
    "a transpose on the way back in time": ("recurrent", "d_h = Wh.T @ temp", "d_h = Wh @ temp", 17),
    "a factor between np.matrix": ("matrix", "W.T * D", "2 * W.T * D", 7),
    "a factor of a scalar": ("line", "bd = -(2/n)", "bd = -(3/n)", 9),
}
"""What is planted, in which program, the line's old and new text, and the line that is wrong."""

GATES = """\
import numpy as np
text = "hello world, this is a small text to learn from"
chars = sorted(set(text)); ix = {c: i for i, c in enumerate(chars)}
V, H, T = len(chars), 6, 4
rng = np.random.default_rng(2)
def init(*s): return rng.normal(size=s) * .3
P = dict(Wz=init(H, V), Uz=init(H, H), Wr=init(H, V), Ur=init(H, H), Wh=init(H, V), Uh=init(H, H),
         Wy=init(V, H), by=np.zeros(V))
sig = lambda a: 1 / (1 + np.exp(-a))
h0 = np.zeros(H)
for start in range(0, 16, T):
    xs = [ix[c] for c in text[start:start + T]]; ys = [ix[c] for c in text[start + 1:start + T + 1]]
    hs, zs, rs, cs, ps = [h0], [], [], [], []
    loss = 0
    for x, y in zip(xs, ys):
        h = hs[-1]
        z = sig(P["Wz"][:, x] + P["Uz"] @ h)
        r = sig(P["Wr"][:, x] + P["Ur"] @ h)
        c = np.tanh(P["Wh"][:, x] + P["Uh"] @ (r * h))
        hs.append((1 - z) * h + z * c); zs.append(z); rs.append(r); cs.append(c)
        o = P["Wy"] @ hs[-1] + P["by"]
        p = np.exp(o - o.max()); p /= p.sum(); ps.append(p)
        loss += -np.log(p[y])
    G = {k: np.zeros_like(v) for k, v in P.items()}
    dh = np.zeros(H)
    for t in reversed(range(T)):
        do = ps[t].copy(); do[ys[t]] -= 1
        G["Wy"] += np.outer(do, hs[t + 1]); G["by"] += do
        dh = dh + P["Wy"].T @ do
        h, z, r, c = hs[t], zs[t], rs[t], cs[t]
        dc = dh * z * (1 - c ** 2)
        dz = dh * (c - h) * z * (1 - z)
        drh = P["Uh"].T @ dc
        dr = drh * h * r * (1 - r)
        G["Wh"][:, xs[t]] += dc; G["Uh"] += np.outer(dc, r * h)
        G["Wz"][:, xs[t]] += dz; G["Uz"] += np.outer(dz, h)
        G["Wr"][:, xs[t]] += dr; G["Ur"] += np.outer(dr, h)
        dh = dh * (1 - z) + drh * r + P["Uz"].T @ dz + P["Ur"].T @ dr
    for k in P: P[k] -= .1 * np.clip(G[k], -5, 5)
    h0 = hs[-1]
"""
"""A gated recurrent unit that reads letters, by hand through all of its steps."""

MIXTURE = """\
import numpy as np
rng = np.random.default_rng(53)
X = np.concatenate([rng.normal(-2, 1, 20), rng.normal(2, .5, 20)])
y = None
mu, ls, lw = np.array([-1.0, 0.2, 1.5]), np.zeros(3), np.zeros(3)
for it in range(6):
    w = np.exp(lw) / np.exp(lw).sum()
    var = np.exp(2 * ls)
    u = (X[:, None] - mu)
    N = np.exp(-u ** 2 / (2 * var)) / np.sqrt(2 * np.pi * var)
    mix = (w * N).sum(1)
    nll = -np.log(mix).mean()
    r = w * N / mix[:, None]
    dmu = -(r * u / var).mean(0)
    dls = -(r * (u ** 2 / var - 1)).mean(0)
    dlw = -(r - w).mean(0)
    mu -= .2 * dmu
    ls -= .2 * dls
    lw -= .2 * dlw
"""
"""A density without labels: its data meet means, deviations and weights alone."""


def written(tmp_path, text, *changes):
    """The file of a program, with some of its text changed, each as (old, new)."""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "program.py"
    path.write_text(text, encoding="utf-8")
    return path


def seen(tmp_path, text, *changes, **how):
    """A program, with some of it changed, as it is watched."""
    return watch(written(tmp_path, text, *changes), **how)


def fault_apart(found, tmp_path):
    """Why a right verdict is not borne out where the program never ran, "" if it is: only its own lines bear it out."""
    path = tmp_path / "program.py"
    places = Places(path, found.source, lambda file: path if Path(file) == path else None)
    again, fault = watched_again(unpacked(packed(found)), found.source, places)
    return fault or ("" if settled(again) is True else "it is not right")
