# two layers, biases as columns, gradients in a tuple
import numpy as np
from sklearn.datasets import load_digits


def initialise(n_inputs, n_hidden, n_classes):
    w1 = 0.1 * np.random.randn(n_hidden, n_inputs)
    b1 = np.zeros((n_hidden, 1))
    w2 = 0.1 * np.random.randn(n_classes, n_hidden)
    b2 = np.zeros((n_classes, 1))
    return w1, b1, w2, b2


def feedforward(x, w1, b1, w2, b2):
    z1 = w1 @ x + b1
    a1 = np.where(z1 > 0, z1, 0.01 * z1)
    z2 = w2 @ a1 + b2
    e = np.exp(z2 - z2.max(axis=0))
    return z1, a1, e / e.sum(axis=0)


def backpropagate(x, y, z1, a1, p, w2):
    dz2 = p - y
    dw2 = dz2 @ a1.T
    db2 = dz2.sum(axis=1, keepdims=True)
    da1 = w2.T @ dz2
    dz1 = np.where(z1 > 0, da1, 0.01 * da1)
    dw1 = dz1 @ x.T
    db1 = dz1.sum(axis=1, keepdims=True)
    return dw1, db1, dw2, db2


digits = load_digits()
x = digits.data.T / 16
y = np.eye(10)[digits.target].T
w1, b1, w2, b2 = initialise(64, 32, 10)
for _ in range(1000):
    z1, a1, p = feedforward(x, w1, b1, w2, b2)
    dw1, db1, dw2, db2 = backpropagate(x, y, z1, a1, p, w2)
    w1, b1 = w1 - 0.1 * dw1, b1 - 0.1 * db1
    w2, b2 = w2 - 0.1 * dw2, b2 - 0.1 * db2
