import numpy as np

class Net:
    def __init__(self):
        self.w1 = np.random.rand(8, 6) - 0.5
        self.b1 = np.zeros(6)
        self.w2 = np.random.rand(6, 3) - 0.5
        self.b2 = np.zeros(3)
    def forward(self, x):
        self.x = x
        self.z1 = x @ self.w1 + self.b1
        self.a1 = np.maximum(self.z1, 0)
        z2 = self.a1 @ self.w2 + self.b2
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        self.out = e / e.sum(axis=1, keepdims=True)
        return self.out
    def backward(self, y):
        m = len(y)
        dz2 = (self.out - y) / m
        self.w2 -= 0.03 * self.a1.T @ dz2
        dz1 = (dz2 @ self.w2.T) * (self.z1 > 0)
        self.b2 -= 0.03 * dz2.sum(axis=0)
        self.w1 -= 0.03 * self.x.T @ dz1
        self.b1 -= 0.03 * dz1.sum(axis=0)
