# everything inside one train_step: gradients never leave it, Adam updates in place
import numpy as np

class Net:
    def __init__(self, n=6, h=5, c=3):
        self.W1 = np.random.randn(n, h); self.b1 = np.zeros(h)
        self.W2 = np.random.randn(h, c); self.b2 = np.zeros(c)
        self.state = {}
        self.t = 0

    def forward(self, x):
        self.x = x
        self.a = np.tanh(x @ self.W1 + self.b1)
        s = self.a @ self.W2 + self.b2
        e = np.exp(s - s.max(1, keepdims=True))
        self.q = e / e.sum(1, keepdims=True)
        return self.q

    def adam(self, name, g, lr):
        m, v = self.state.get(name, (0, 0))
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        self.state[name] = (m, v)
        w = getattr(self, name)
        w -= lr * (m / (1 - 0.9 ** self.t)) / (np.sqrt(v / (1 - 0.999 ** self.t)) + 1e-8)

    def backward(self, y, lr=0.001):
        self.t += 1
        d2 = (self.q - y) / len(y)
        d1 = (d2 @ self.W2.T) * (1 - self.a ** 2)
        self.adam("W2", self.a.T @ d2, lr)
        self.adam("b2", d2.sum(0), lr)
        self.adam("W1", self.x.T @ d1, lr)
        self.adam("b1", d1.sum(0), lr)
