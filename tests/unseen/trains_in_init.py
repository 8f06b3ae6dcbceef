import numpy as np

class NN:
    def __init__(self, x, y, hidden=6, epochs=5):
        self.x = x
        self.y = y
        self.lr = 0.5
        np.random.seed(0)
        self.w1 = np.random.randn(x.shape[1], hidden)
        self.b1 = np.zeros((1, hidden))
        self.w2 = np.random.randn(hidden, y.shape[1])
        self.b2 = np.zeros((1, y.shape[1]))
        for _ in range(epochs):
            self.forward()
            self.backprop()

    def forward(self):
        self.z1 = np.dot(self.x, self.w1) + self.b1
        self.a1 = 1/(1+np.exp(-self.z1))
        self.z2 = np.dot(self.a1, self.w2) + self.b2
        e = np.exp(self.z2 - np.max(self.z2, axis=1, keepdims=True))
        self.a2 = e / np.sum(e, axis=1, keepdims=True)

    def backprop(self):
        m = self.x.shape[0]
        a2_delta = (self.a2 - self.y) / m
        z1_delta = np.dot(a2_delta, self.w2.T)
        a1_delta = z1_delta * self.z1 * (1 - self.z1)
        self.w2 -= self.lr * np.dot(self.a1.T, a2_delta)
        self.b2 -= self.lr * np.sum(a2_delta, axis=0, keepdims=True)
        self.w1 -= self.lr * np.dot(self.x.T, a1_delta)
        self.b1 -= self.lr * np.sum(a1_delta, axis=0)
