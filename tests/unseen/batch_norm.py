import numpy as np

class BNNet:
    def __init__(self, D=10, H=8, C=3):
        self.W1 = np.random.randn(D, H) * 0.3
        self.b1 = np.zeros(H)
        self.gamma1 = np.ones(H)
        self.beta1 = np.zeros(H)
        self.W2 = np.random.randn(H, C) * 0.3
        self.b2 = np.zeros(C)

    def forward(self, X):
        self.X = X
        a = X @ self.W1 + self.b1
        self.mu = a.mean(axis=0)
        self.var = a.var(axis=0)
        self.xhat = (a - self.mu) / np.sqrt(self.var + 1e-5)
        self.bn = self.gamma1 * self.xhat + self.beta1
        self.h = np.maximum(0, self.bn)
        s = self.h @ self.W2 + self.b2
        e = np.exp(s - s.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def loss(self, p, y):
        return -np.log(p[np.arange(len(y)), y]).mean()

    def backward(self, y):
        N = len(y)
        ds = self.p.copy()
        ds[np.arange(N), y] -= 1
        ds /= N
        self.dW2 = self.h.T @ ds
        self.db2 = ds.sum(axis=0)
        dh = ds @ self.W2.T
        dbn = dh * (self.bn > 0)
        self.dgamma1 = (dbn * self.xhat).sum(axis=0)
        self.dbeta1 = dbn.sum(axis=0)
        dx = dbn * self.gamma1
        da = (N * dx - dx.sum(axis=0) - self.xhat * (dx * self.xhat).sum(axis=0)) / (N * np.sqrt(self.var + 1e-5))
        self.dW1 = self.X.T @ da
        self.db1 = da.sum(axis=0)
