"""Kinds of programs that were called wrong though right, or not read: each is read, and a mistake is caught."""

import pytest

from nnref.checking.watching.telling.cautions import cautions
from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import seen

VALUES = """\
import numpy as np
class Value:
    def __init__(self, data, parents=()):
        self.data = np.asarray(data, dtype=float)
        self.grad, self.parents, self.back = np.zeros_like(self.data), parents, lambda: None
    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))
        def back():
            for v in (self, other):
                v.grad += out.grad if v.data.ndim == 2 else out.grad.sum(0)
        out.back = back
        return out
    def __mul__(self, other):
        other = Value(other)
        out = Value(self.data * other.data, (self,))
        def back():
            self.grad += other.data * out.grad
        out.back = back
        return out
    def __matmul__(self, other):
        out = Value(self.data @ other.data, (self, other))
        def back():
            self.grad += out.grad @ other.data.T
            other.grad += self.data.T @ out.grad
        out.back = back
        return out
    def tanh(self):
        out = Value(np.tanh(self.data), (self,))
        def back():
            self.grad += (1 - out.data ** 2) * out.grad
        out.back = back
        return out
    def square(self):
        out = Value(self.data ** 2, (self,))
        def back():
            self.grad += 2 * self.data * out.grad
        out.back = back
        return out
    def mean(self):
        out = Value(self.data.mean(), (self,))
        def back():
            self.grad += out.grad / self.data.size
        out.back = back
        return out
    def backward(self):
        order = []
        def visit(v):
            if v not in order:
                for p in v.parents: visit(p)
                order.append(v)
        visit(self)
        self.grad = np.ones_like(self.data)
        for v in reversed(order): v.back()
X = np.random.randn(40, 2)
y = ((X ** 2).sum(1) > 1.2).reshape(-1, 1) * 2.0 - 1
W, b = Value(np.random.randn(2, 6)), Value(np.zeros(6))
V, c = Value(np.random.randn(6, 1)), Value(np.zeros(1))
for step in range(9):
    loss = (((X_ := Value(X)) @ W + b).tanh() @ V + c + Value(y) * -1).square().mean()
    for p in (W, b, V, c): p.grad = np.zeros_like(p.data)
    loss.backward()
    for p in (W, b, V, c): p.data += -0.1 * p.grad
"""

FLAT = """\
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(30, 4)), np.eye(3)[np.arange(30) % 3]
theta = np.zeros(4 * 6 + 6 * 3)
def views(v): return v[:24].reshape(4, 6), v[24:].reshape(6, 3)
for p in views(theta): p[...] = rng.normal(size=p.shape) / 2
slope = np.zeros_like(theta)
for step in range(9):
    (W, V), (gW, gV) = views(theta), views(slope)
    h = np.tanh(X @ W)
    E = np.exp(h @ V)
    p = E / E.sum(1, keepdims=True)
    loss = -(Y * np.log(p)).sum() / 30
    d = (p - Y) / 30
    gV[...] = h.T @ d
    gW[...] = X.T @ (d @ V.T * (1 - h ** 2))
    theta -= 0.1 * slope
"""

HALF = """\
import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(64, 8)).astype(np.float16), np.arange(64) % 4
P = {"W": rng.normal(size=(8, 12)) / 3, "b": np.zeros(12), "V": rng.normal(size=(12, 4)) / 3, "c": np.zeros(4)}
for step in range(9):
    H = {k: v.astype(np.float16) for k, v in P.items()}
    z = X @ H["W"] + H["b"]
    a = np.maximum(z, 0)
    s = (a @ H["V"] + H["c"]).astype(np.float64)
    E = np.exp(s - s.max(1, keepdims=True))
    p = E / E.sum(1, keepdims=True)
    loss = -np.log(p[np.arange(64), y]).mean()
    p[np.arange(64), y] -= 1
    d = (p * 128 / 64).astype(np.float16)
    e = d @ H["V"].T * (z > 0)
    G = {"W": X.T @ e, "b": e.sum(0), "V": a.T @ d, "c": d.sum(0)}
    for k in P: P[k] = P[k] - 0.1 * G[k].astype(np.float64) / 128
"""

TASKS = """\
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 5))
classes, sizes = (X @ rng.normal(size=(5, 3)) + rng.normal(size=(60, 3))).argmax(1), np.sin(X[:, :1]) + X[:, 1:2] ** 2
W, V, U = rng.normal(size=(5, 9)) / 2, rng.normal(size=(9, 3)) / 2, rng.normal(size=(9, 1)) / 2
for step in range(9):
    h = np.tanh(X @ W)
    E = np.exp(h @ V)
    p = E / E.sum(1, keepdims=True)
    e = h @ U - sizes
    loss = -np.log(p[np.arange(60), classes]).mean() + 0.3 * (e ** 2).mean()
    d = p.copy()
    d[np.arange(60), classes] -= 1
    d, e = d / 60, 0.6 * e / 60
    g = d @ V.T + e @ U.T
    gU, gV, gW = h.T @ e, h.T @ d, X.T @ (g * (1 - h ** 2))
    W -= 0.1 * gW
    V -= 0.1 * gV
    U -= 0.1 * gU
"""

STATES = """\
import numpy as np
rng = np.random.default_rng(0)
A = np.array([[-0.1, 2.0], [-2.0, -0.1]])
def followed(z):
    states = [z]
    for k in range(4):
        z = z + 0.1 * z @ A
        states.append(z)
    return np.stack(states)
W, b, V = rng.normal(size=(2, 8)) / 3, np.zeros(8), rng.normal(size=(8, 2)) / 3
for step in range(200):
    z = rng.normal(size=(10, 2))
    wanted = followed(z)
    zs, hs = [z], []
    for k in range(4):
        hs.append(np.tanh(zs[-1] @ W + b))
        zs.append(zs[-1] + 0.1 * hs[-1] @ V)
    out = np.stack(zs)
    loss = np.mean((out - wanted) ** 2)
    d = 2 * (out - wanted) / out.size
    g, gW, gb, gV = d[-1], np.zeros_like(W), np.zeros_like(b), np.zeros_like(V)
    for k in (3, 2, 1, 0):
        gV += 0.1 * hs[k].T @ g
        e = 0.1 * (g @ V.T) * (1 - hs[k] ** 2)
        gW += zs[k].T @ e
        gb += e.sum(0)
        g = g + e @ W.T + d[k]
    W -= 0.5 * gW
    b -= 0.5 * gb
    V -= 0.5 * gV
"""

ACTOR = """\
import numpy as np
rng = np.random.default_rng(0)
worth = rng.normal(size=(4, 3))
W, V, U = rng.normal(size=(4, 8)) / 2, rng.normal(size=(8, 3)) / 2, rng.normal(size=(8, 1)) / 2
for step in range(9):
    s = rng.normal(size=(20, 4))
    h = np.tanh(s @ W)
    E = np.exp(h @ V)
    p = E / E.sum(1, keepdims=True)
    v = h @ U
    a = np.array([rng.choice(3, p=q) for q in p])
    advantage = (s @ worth)[np.arange(20), a] - v[:, 0]
    loss = np.mean(-np.log(p[np.arange(20), a]) * advantage + 0.5 * advantage ** 2)
    d = (p - np.eye(3)[a]) * advantage[:, None] / 20
    e = -advantage[:, None] / 20
    g = d @ V.T + e @ U.T
    gU, gV, gW = h.T @ e, h.T @ d, s.T @ (g * (1 - h ** 2))
    W -= 0.1 * gW
    V -= 0.1 * gV
    U -= 0.1 * gU
"""

RIGHT = {
    "values that know their slopes, of arrays; a - b is a + b * -1": (
        VALUES,
        ("(1 - out.data ** 2)", "(1 - out.data)"),
    ),
    "all parameters are views of one vector": (FLAT, ("(1 - h ** 2)", "(1 - h)")),
    "in half precision": (HALF, ("(z > 0)", "(z < 0)")),
    "two tasks, whose labels are both computed": (TASKS, ("d @ V.T + e @ U.T", "d @ V.T")),
    "a system's states, which begin anew in each step": (STATES, ("+ d[k]", "+ d[k + 1]")),
    "an actor and its critic": (ACTOR, ("d @ V.T + e @ U.T", "d @ V.T - e @ U.T")),
}


@pytest.mark.parametrize("kind", RIGHT)
def test_it_is_right_and_a_mistake_in_it_is_one(kind, tmp_path):
    text, wrong = RIGHT[kind]
    found = seen(tmp_path, text)
    assert settled(found) is True, found.why
    assert not found.unjudged
    assert settled(seen(tmp_path, text, wrong)) is False


def test_of_an_actor_it_is_said_what_is_held_fixed(tmp_path):
    found = seen(tmp_path, ACTOR)
    assert any("advantage is held fixed" in line for line in cautions(found))


MAP = """\
import numpy as np
rng = np.random.default_rng(0)
X = rng.random((40, 3))
w = rng.random((4, 4, 3))
for t in range(60):
    x = X[rng.integers(40)]
    best, at = 1e9, (0, 0)
    for i in range(4):
        for j in range(4):
            d = np.sqrt(np.sum((w[i, j] - x) ** 2))
            if d < best:
                best, at = d, (i, j)
    for i in range(4):
        for j in range(4):
            if abs(i - at[0]) + abs(j - at[1]) < 3:
                w[i, j] = w[i, j] + 0.3 * (x - w[i, j])
"""


def test_of_a_map_that_organises_itself_nothing_is_told(tmp_path):
    """The distance to one unit is no loss, and no data meet an output."""
    found = seen(tmp_path, MAP)
    assert found.steps
    assert settled(found) is None


HEADS = """\
import numpy as np
rng = np.random.default_rng(0)
class Layer:
    def __init__(self, n, m):
        self.W, self.dW = rng.normal(size=(n, m)) / 2, np.zeros((n, m))
    def __call__(self, x):
        self.x = x
        return x @ self.W
    def backward(self, g):
        self.dW += self.x.T @ g
        return g @ self.W.T
X, Y, Z = rng.normal(size=(20, 3)), rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
trunk, one, other = Layer(3, 6), Layer(6, 2), Layer(6, 1)
for step in range(9):
    for layer in (trunk, one, other): layer.dW = np.zeros_like(layer.W)
    h = np.tanh(trunk(X))
    e, f = one(h) - Y, other(h) - Z
    loss = (e ** 2).mean() + (f ** 2).mean()
    dh = one.backward(2 * e / e.size) + other.backward(2 * f / f.size)
    dz = dh * (1 - h ** 2)
    trunk.backward(dz)
    for layer in (trunk, one, other): layer.W -= 0.1 * layer.dW
"""

TRIPLETS = """\
import numpy as np
X, y = np.random.randn(60, 4), np.arange(60) % 3
W, b = np.random.randn(4, 3) / 2, np.zeros(3)
def f(x): return np.tanh(x @ W + b)
for step in range(99):
    a = np.random.randint(60, size=20)
    p = np.array([np.random.choice(np.where(y == y[i])[0]) for i in a])
    n = np.array([np.random.choice(np.where(y != y[i])[0]) for i in a])
    A, P, N = f(X[a]), f(X[p]), f(X[n])
    margin = ((A - P) ** 2).sum(1) - ((A - N) ** 2).sum(1) + 1
    loss = np.maximum(margin, 0).mean()
    active = (margin > 0)[:, None] / 20
    dA = 2 * (N - P) * active * (1 - A ** 2)
    dP = -2 * (A - P) * active * (1 - P ** 2)
    dN = 2 * (A - N) * active * (1 - N ** 2)
    W = W - 0.02 * (X[a].T @ dA + X[p].T @ dP + X[n].T @ dN)
    b = b - 0.02 * (dA.sum(0) + dP.sum(0) + dN.sum(0))
"""

PAIRS = """\
import numpy as np
rng = np.random.RandomState(0)
X = rng.randn(90, 6)
W = rng.randn(6, 4) / 3
for step in range(99):
    x = X[rng.choice(90, 12, replace=False)]
    a, b = x + 0.1 * rng.randn(12, 6), x + 0.1 * rng.randn(12, 6)
    za, zb = a @ W, b @ W
    na, nb = np.linalg.norm(za, axis=1, keepdims=True), np.linalg.norm(zb, axis=1, keepdims=True)
    ua, ub = za / na, zb / nb
    S = ua @ ub.T / 0.5
    P = np.exp(S - S.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    loss = -np.log(np.diag(P)).mean()
    dS = (P - np.eye(12)) / 12
    da, db = dS @ ub / 0.5, dS.T @ ua / 0.5
    ga = (da - ua * np.sum(da * ua, axis=1, keepdims=True)) / na
    gb = (db - ub * np.sum(db * ub, axis=1, keepdims=True)) / nb
    W -= 0.1 * (a.T @ ga + b.T @ gb)
"""

WORTH = """\
import numpy as np
W, V = np.random.randn(4, 8) / 2, np.random.randn(8, 2) / 2
old, older = W.copy(), V.copy()
for step in range(99):
    s, t, r = np.random.randn(16, 4), np.random.randn(16, 4), np.random.randn(16)
    a = np.random.randint(2, size=16)
    target = np.tanh(s @ W) @ V
    target[np.arange(16), a] = r + 0.9 * (np.tanh(t @ old) @ older).max(axis=1)
    h = np.tanh(s @ W)
    q = h @ V
    loss = np.mean((q - target) ** 2)
    d = 2 * (q - target) / q.size
    gV = h.T @ d
    gW = s.T @ (d @ V.T * (1 - h ** 2))
    V -= 0.1 * gV
    W -= 0.1 * gW
"""

DIVERGENCE = """\
import numpy as np
rng = np.random.default_rng(0)
X = rng.random((64, 6))
W, M, L, V = [rng.normal(size=s) / 2 for s in ((6, 8), (8, 2), (8, 2), (2, 6))]
for epoch in range(9):
    total = 0
    for i in range(0, 64, 16):
        x = X[i:i + 16]
        h = np.tanh(x @ W)
        m, l = h @ M, h @ L
        e = rng.normal(size=m.shape)
        z = m + np.exp(l / 2) * e
        o = z @ V
        loss = 0.5 * np.sum((o - x) ** 2) / 16 - 0.5 * np.sum(1 + l - m ** 2 - np.exp(l)) / 16
        d = (o - x) / 16
        dz = d @ V.T
        dm = dz + m / 16
        dl = dz * e * np.exp(l / 2) / 2 + 0.5 * (np.exp(l) - 1) / 16
        g = (dm @ M.T + dl @ L.T) * (1 - h ** 2)
        gW, gM, gL, gV = x.T @ g, h.T @ dm, h.T @ dl, z.T @ d
        W -= 0.1 * gW
        M -= 0.1 * gM
        L -= 0.1 * gL
        V -= 0.1 * gV
        total += loss * 16
"""

LINES = {
    "a divergence's term is not divided as the others are": (DIVERGENCE, ("dz + m / 16", "dz + m"), "line 17:"),
    "a width is left out of one gradient alone": (STATES, ("gV += 0.1 * hs", "gV += hs"), "line 23:"),
    "a mean in the place of a sum, behind a mean": (ACTOR, ("h.T @ e, h.T @ d", "h.T @ e / 20, h.T @ d"), "line 17:"),
    "the slope by one of two heads is left out": (
        HEADS,
        (
            "one.backward(2 * e / e.size) + other.backward(2 * f / f.size)",
            "one.backward(2 * e / e.size)\n    other.backward(2 * f / f.size)",
        ),
        "at or after line 11:",
    ),
    "a sign in triplets that all gradients have a part of": (TRIPLETS, ("dP = -2", "dP = 2"), "line 14:"),
    "a norm is left out behind scores without a loss that labels go into": (
        PAIRS,
        ("axis=1, keepdims=True)) / na", "axis=1, keepdims=True))"),
        "line 17:",
    ),
    "the sign where targets are outputs too": (WORTH, ("2 * (q - target)", "2 * (target - q)"), "line 12:"),
}


@pytest.mark.parametrize("kind", LINES)
def test_the_line_is_named(kind, tmp_path):
    text, wrong, place = LINES[kind]
    assert settled(seen(tmp_path, text)) is True
    found = seen(tmp_path, text, wrong)
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith(place)
