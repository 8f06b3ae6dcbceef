import numpy as np

class AdamNet:
    def __init__(self, sizes=(8, 12, 3)):
        self.p = {"W1": np.random.randn(sizes[0], sizes[1]) * .3, "b1": np.zeros(sizes[1]),
                  "W2": np.random.randn(sizes[1], sizes[2]) * .3, "b2": np.zeros(sizes[2])}
        self.m = {k: np.zeros_like(v) for k, v in self.p.items()}
        self.v = {k: np.zeros_like(v) for k, v in self.p.items()}
        self.t = 0

    def forward(self, x):
        z = x @ self.p["W1"] + self.p["b1"]
        a = np.maximum(z, 0)
        s = a @ self.p["W2"] + self.p["b2"]
        e = np.exp(s - s.max(axis=-1, keepdims=True))
        return z, a, e / e.sum(axis=-1, keepdims=True)

    def compute_gradients(self, x, y):
        z, a, q = self.forward(x)
        d = q.copy()
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        g = {"W2": a.T @ d, "b2": d.sum(0)}
        d = (d @ self.p["W2"].T) * (z > 0)
        g["W1"], g["b1"] = x.T @ d, d.sum(0)
        return g

    def train_step(self, x, y, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
        self.t += 1
        g = self.compute_gradients(x, y)
        for k in self.p:
            self.m[k] = b1 * self.m[k] + (1 - b1) * g[k]
            self.v[k] = b2 * self.v[k] + (1 - b2) * g[k] ** 2
            mhat = self.m[k] / (1 - b1 ** self.t)
            vhat = self.v[k] / (1 - b2 ** self.t)
            self.p[k] -= lr * mhat / (np.sqrt(vhat) + eps)
