"""A small network as one class; the update is made inside backward, a layer at a time."""

import numpy as np


class MLP:
    def __init__(self, n_in=20, n_hidden=12, n_out=4, lr=0.1):
        self.w1 = np.random.randn(n_in, n_hidden) / np.sqrt(n_in)
        self.b1 = np.zeros(n_hidden)
        self.w2 = np.random.randn(n_hidden, n_out) / np.sqrt(n_hidden)
        self.b2 = np.zeros(n_out)
        self.lr = lr

    def forward(self, x):
        self.x = x
        self.h1 = np.tanh(x @ self.w1 + self.b1)
        scores = self.h1 @ self.w2 + self.b2
        scores = scores - scores.max(axis=1, keepdims=True)
        self.probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        return self.probs

    def loss(self, y):
        return -np.mean(np.log(self.probs[np.arange(len(y)), y]))

    def backward(self, y):
        n = len(y)
        dscores = self.probs.copy()
        dscores[np.arange(n), y] -= 1
        dscores /= n

        self.w2 -= self.lr * self.h1.T @ dscores
        self.b2 -= self.lr * dscores.sum(axis=0)

        dh1 = dscores @ self.w2.T
        dz1 = dh1 * (1 - self.h1**2)
        self.w1 -= self.lr * self.x.T @ dz1
        self.b1 -= self.lr * dz1.sum(axis=0)


net = MLP()
for step in range(1000):
    x, y = next_batch()
    net.forward(x)
    net.backward(y)
