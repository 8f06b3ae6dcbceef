# dropout 0.5 always on while training
import numpy as np

class DropNet:
    def __init__(self, n=14, h=40, c=4):
        self.W1 = np.random.randn(h, n) * np.sqrt(2/n)
        self.b1 = np.zeros((h, 1))
        self.W2 = np.random.randn(c, h) * np.sqrt(2/h)
        self.b2 = np.zeros((c, 1))

    def forward(self, X):
        self.A0 = X
        self.Z1 = self.W1 @ X + self.b1
        self.A1 = np.maximum(0, self.Z1)
        self.D1 = np.random.rand(*self.A1.shape) < 0.5
        self.A1 = self.A1 * self.D1 / 0.5
        self.Z2 = self.W2 @ self.A1 + self.b2
        e = np.exp(self.Z2 - self.Z2.max(axis=0, keepdims=True))
        self.A2 = e / e.sum(axis=0, keepdims=True)
        return self.A2

    def backward(self, Y):
        m = Y.shape[1]
        dZ2 = (self.A2 - Y) / m
        self.dW2 = dZ2 @ self.A1.T
        self.db2 = dZ2.sum(axis=1, keepdims=True)
        dA1 = self.W2.T @ dZ2
        dA1 = dA1 * self.D1
        dZ1 = dA1 * (self.Z1 > 0)
        self.dW1 = dZ1 @ self.A0.T
        self.db1 = dZ1.sum(axis=1, keepdims=True)
