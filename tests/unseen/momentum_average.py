import numpy as np

class MomentumNet:
    """In-place updates with momentum."""
    def __init__(self, n_in=9, n_hid=7, n_out=3, lr=0.1, momentum=0.9):
        self.W1 = np.random.randn(n_in, n_hid) * 0.5
        self.b1 = np.zeros(n_hid)
        self.W2 = np.random.randn(n_hid, n_out) * 0.5
        self.b2 = np.zeros(n_out)
        self.vW1 = np.zeros_like(self.W1)
        self.vb1 = np.zeros_like(self.b1)
        self.vW2 = np.zeros_like(self.W2)
        self.vb2 = np.zeros_like(self.b2)
        self.lr = lr
        self.momentum = momentum

    def forward(self, X):
        self.X = X
        self.h = np.tanh(X @ self.W1 + self.b1)
        s = self.h @ self.W2 + self.b2
        e = np.exp(s - s.max(1, keepdims=True))
        self.p = e / e.sum(1, keepdims=True)
        return self.p

    def backward(self, y):
        d2 = (self.p - y) / len(y)
        d1 = (d2 @ self.W2.T) * (1 - self.h ** 2)
        self.vW2 = self.momentum * self.vW2 + (1 - self.momentum) * self.h.T @ d2
        self.vb2 = self.momentum * self.vb2 + (1 - self.momentum) * d2.sum(0)
        self.vW1 = self.momentum * self.vW1 + (1 - self.momentum) * self.X.T @ d1
        self.vb1 = self.momentum * self.vb1 + (1 - self.momentum) * d1.sum(0)
        self.W2 -= self.lr * self.vW2
        self.b2 -= self.lr * self.vb2
        self.W1 -= self.lr * self.vW1
        self.b1 -= self.lr * self.vb1
