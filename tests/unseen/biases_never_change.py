# Ten classes and a rate of a tenth: the one is no number of examples beside the other. The update forgets the biases.
import numpy as np


def init_params():
    V = np.random.rand(12, 784) - 0.5
    c = np.random.rand(12, 1) - 0.5
    U = np.random.rand(10, 12) - 0.5
    d = np.random.rand(10, 1) - 0.5
    return V, c, U, d


def squash(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


def forward(V, c, U, d, X):
    S = V @ X + c
    H = np.maximum(S, 0)
    O = U @ H + d
    P = squash(O)
    return S, H, O, P


def backward(S, H, P, V, c, U, d, X, Y):
    n = Y.size
    hot = np.zeros((10, n))
    hot[Y, np.arange(n)] = 1
    dO = P - hot
    dU = dO @ H.T
    dd = dO.sum(axis=1, keepdims=True) / n
    dS = (U.T @ dO) * (S > 0)
    dV = dS @ X.T / n
    dc = dS.sum(axis=1, keepdims=True) / n
    return dV, dc, dU, dd


def update_params(V, c, U, d, dV, dc, dU, dd, rate):
    V = V - rate * dV
    dc = c - rate * dc
    U = U - rate * dU
    dd = d - rate * dd
    return V, c, U, d


def gradient_descent(X, Y, rate, steps):
    V, c, U, d = init_params()
    for _ in range(steps):
        S, H, O, P = forward(V, c, U, d, X)
        dV, dc, dU, dd = backward(S, H, P, V, c, U, d, X, Y)
        V, c, U, d = update_params(V, c, U, d, dV, dc, dU, dd, rate)
    return V, c, U, d
