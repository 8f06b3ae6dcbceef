"""Layers as people write them, each with one mistake in its backward pass; `python -m nnref check` names them."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x.dot(Wx) + prev_h.dot(Wh) + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    dz = dnext_h * (1 - next_h**2)
    return dz.dot(Wx.T), dz.dot(Wh.T), x.T.dot(dz), prev_h.T.dot(dz), dz.sum(axis=0)


def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    h = np.zeros((N, T, h0.shape[1]))
    prev = h0
    caches = []
    for t in range(T):
        prev, c = rnn_step_forward(x[:, t], prev, Wx, Wh, b)
        h[:, t] = prev
        caches.append(c)
    return h, caches


def rnn_backward(dh, cache):
    N, T, H = dh.shape
    x, prev_h, Wx, Wh, next_h = cache[0]
    dx = np.zeros((N, T, x.shape[1]))
    dWx = 0
    dWh = 0
    db = 0
    for t in reversed(range(T)):
        dx[:, t], dprev, a, b, c = rnn_step_backward(dh[:, t], cache[t])
        dWx = dWx + a
        dWh = dWh + b
        db = db + c
    return dx, dprev, dWx, dWh, db


def lstm_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    h, c = h0, np.zeros_like(h0)
    out = np.zeros((N, T, H))
    caches = []
    for t in range(T):
        a = x[:, t] @ Wx + h @ Wh + b
        i, f, o, g = sigmoid(a[:, :H]), sigmoid(a[:, H : 2 * H]), sigmoid(a[:, 2 * H : 3 * H]), np.tanh(a[:, 3 * H :])
        nc = f * c + i * g
        caches.append((x[:, t], h, c, i, f, o, g, nc, Wx, Wh))
        h, c = o * np.tanh(nc), nc
        out[:, t] = h
    return out, caches


def lstm_backward(dh, cache):
    N, T, H = dh.shape
    dnext, dc = 0, 0
    dx = []
    dWx = dWh = db = 0
    for t in reversed(range(T)):
        x, h, c, i, f, o, g, nc, Wx, Wh = cache[t]
        d = dh[:, t] + dnext
        dc = dc + d * o * (1 - np.tanh(nc) ** 2)
        da = np.hstack([dc * g * i * (1 - i), dc * c * f, d * np.tanh(nc) * o * (1 - o), dc * i * (1 - g * g)])
        dx.append(da @ Wx.T)
        dnext = da @ Wh.T
        dWx = dWx + x.T @ da
        dWh = dWh + h.T @ da
        db = db + da.sum(0)
        dc = dc * f
    return np.stack(dx[::-1], 1), dnext, dWx, dWh, db


def groupnorm_forward(x, gamma, beta, G, gn_param):
    N, C, H, W = x.shape
    xg = x.reshape(N, G, C // G, H, W)
    m = xg.mean(axis=(2, 3, 4), keepdims=True)
    v = xg.var(axis=(2, 3, 4), keepdims=True)
    s = np.sqrt(v + 1e-5)
    xh = ((xg - m) / s).reshape(x.shape)
    return gamma * xh + beta, (xh, s, gamma, G)


def groupnorm_backward(dout, cache):
    xh, s, gamma, G = cache
    N, C, H, W = xh.shape
    d = (dout * gamma).reshape(N, G, C // G, H, W)
    xg = xh.reshape(d.shape)
    dx = (d - d.mean(axis=(2, 3, 4), keepdims=True)) / s
    return dx.reshape(xh.shape), (dout * xh).sum(axis=(0, 2, 3), keepdims=True), dout.sum(axis=(0, 2, 3), keepdims=True)


class AvgPool:
    def __init__(self, size=2):
        self.size = size

    def forward(self, x):
        N, C, H, W = x.shape
        self.shape = x.shape
        s = self.size
        return x.reshape(N, C, H // s, s, W // s, s).mean(axis=(3, 5))

    def backward(self, dout):
        s = self.size
        return np.repeat(np.repeat(dout, s, 2), s, 3)


class SelfAttention:
    def __init__(self, dim):
        self.Wq = np.random.randn(dim, dim)
        self.Wk = np.random.randn(dim, dim)
        self.Wv = np.random.randn(dim, dim)

    def forward(self, x):
        self.x = x
        self.q = x @ self.Wq
        self.k = x @ self.Wk
        self.v = x @ self.Wv
        s = self.q @ self.k.swapaxes(-1, -2) / np.sqrt(x.shape[-1])
        e = np.exp(s - s.max(-1, keepdims=True))
        self.p = e / e.sum(-1, keepdims=True)
        return self.p @ self.v

    def backward(self, dout):
        dv = self.p.swapaxes(-1, -2) @ dout
        dp = dout @ self.v.swapaxes(-1, -2)
        ds = self.p * (dp - (dp * self.p).sum(-1, keepdims=True))
        dq, dk = ds @ self.k, ds.swapaxes(-1, -2) @ self.q
        f = lambda a: a.reshape(-1, a.shape[-1])
        self.dWq, self.dWk, self.dWv = f(self.x).T @ f(dq), f(self.x).T @ f(dk), f(self.x).T @ f(dv)
        return dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T


class Embedding:
    def __init__(self, vocab_size, embed_dim):
        self.W = np.random.randn(vocab_size, embed_dim)

    def forward(self, ids):
        self.ids = ids
        return self.W[ids]

    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        self.dW[self.ids] = dout


def gru_step_forward(x, prev_h, Wx, Wh, b):
    H = prev_h.shape[1]
    a, u = x @ Wx + b, prev_h @ Wh
    r, z = sigmoid(a[:, :H] + u[:, :H]), sigmoid(a[:, H : 2 * H] + u[:, H : 2 * H])
    n = np.tanh(a[:, 2 * H :] + r * u[:, 2 * H :])
    return (1 - z) * n + z * prev_h, (x, prev_h, Wx, Wh, r, z, n, u[:, 2 * H :])


def gru_step_backward(dnext_h, cache):
    x, h, Wx, Wh, r, z, n, un = cache
    da = dnext_h * (1 - z) * (1 - n * n)
    dr = da * un * r * (1 - r)
    dz = dnext_h * (h - n) * z * (1 - z)
    dx = np.hstack([dr, dz, da])
    du = np.hstack([dr, dz, da * r])
    return dx @ Wx.T, du @ Wh.T, x.T @ dx, h.T @ du, dx.sum(0)


def depthwise_forward(x, w, b):
    X = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    v = np.lib.stride_tricks.sliding_window_view(X, w.shape[-2:], axis=(2, 3))
    return np.einsum("ncpqij,cij->ncpq", v, w.reshape(-1, *w.shape[-2:])) + b[:, None, None], (x, w)


def depthwise_backward(dout, cache):
    x, w = cache
    X = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    dX, dw = np.zeros_like(X), np.zeros_like(w)
    K = w.reshape(-1, *w.shape[-2:])
    for p, q in np.ndindex(dout.shape[2:]):
        d = dout[:, :, p, q, None, None]
        dX[:, :, p : p + 3, q : q + 3] += d * K[:, ::-1, ::-1]
        dw += (d * X[:, :, p : p + 3, q : q + 3]).sum(0).reshape(w.shape)
    return dX[:, :, 1:-1, 1:-1], dw, dout.sum((0, 2, 3))


class RMSNorm:
    def __init__(self, dim, eps=1e-6):
        self.weight = np.ones(dim)
        self.eps = eps

    def forward(self, x):
        self.x = x
        self.r = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + self.eps)
        return self.weight * x * self.r

    def backward(self, dout):
        self.dweight = (dout * self.x * self.r).sum(0)
        d = dout * self.weight
        return self.r * d - self.x * self.r**3 * (d * self.x).sum(-1, keepdims=True)


class SwiGLU:
    def __init__(self, dim, hidden):
        self.w1 = np.random.randn(dim, hidden)
        self.w2 = np.random.randn(dim, hidden)
        self.w3 = np.random.randn(hidden, dim)

    def forward(self, x):
        self.x = x
        self.g = x @ self.w1
        self.f = x @ self.w2
        self.s = sigmoid(self.g)
        self.a = self.g * self.s * self.f
        return self.a @ self.w3

    def backward(self, dout):
        da = dout @ self.w3.T
        self.dw3 = self.a.T @ dout
        dg = da * self.f * self.s * (1 - self.s)
        df = da * self.g * self.s
        self.dw1 = self.x.T @ dg
        self.dw2 = self.x.T @ df
        return dg @ self.w1.T + df @ self.w2.T
