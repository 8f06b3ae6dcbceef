"""A program that trains two networks one after the other is right only if both are."""

import pytest

from nnref.checking.homework.watched_file import judged_file
from tests.support.programs import written

TWO_NETWORKS = """\
import numpy as np
X = np.random.rand(300, 12)
Y = np.eye(4)[np.random.randint(0, 4, 300)]
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
class Flat:
    def __init__(self, inputs, classes, rate):
        self.W = np.random.randn(inputs, classes) * 0.01
        self.b = np.zeros(classes)
        self.rate = rate
    def forward(self, X):
        return softmax(X @ self.W + self.b)
    def backward(self, X, Y, P):
        D = (P - Y) / len(X)
        self.W -= self.rate * X.T @ D
        self.b -= self.rate * D.sum(axis=0)
class Deep:
    def __init__(self, inputs, hidden, classes, rate):
        self.W1 = np.random.randn(inputs, hidden) * 0.1
        self.b1 = np.zeros(hidden)
        self.W2 = np.random.randn(hidden, classes) * 0.1
        self.b2 = np.zeros(classes)
        self.rate = rate
    def forward(self, X):
        self.H = np.maximum(0, X @ self.W1 + self.b1)
        return softmax(self.H @ self.W2 + self.b2)
    def backward(self, X, Y, P):
        D = (P - Y) / len(X)
        E = D @ self.W2.T * (self.H > 0)
        self.W2 -= self.rate * self.H.T @ D
        self.b2 -= self.rate * D.sum(axis=0)
        self.W1 -= self.rate * X.T @ E
        self.b1 -= self.rate * E.sum(axis=0)
def train(model):
    for epoch in range(20):
        for k in range(0, 300, 25):
            P = model.forward(X[k:k + 25])
            model.backward(X[k:k + 25], Y[k:k + 25], P)
def main():
    train(Flat(12, 4, 0.1))
    train(Deep(12, 8, 4, 0.1))
main()
"""

NOWHERE_MADE = ("    train(Deep(12, 8, 4, 0.1))\n", "")
WRONG = ("self.W1 -= self.rate * X.T @ E", "self.W1 += self.rate * X.T @ E")
UNCALLABLE = ("def forward(self, X):\n        self.H", "def forward(self, X, secret):\n        self.H")


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ((), 0, "Deep is right too"),
        ((WRONG,), 1, "line 33"),
        ((UNCALLABLE,), 3, "class Deep is not judged"),
        ((NOWHERE_MADE, WRONG), 0, ""),
    ],
    ids=["right", "wrong", "no way to call it", "never made"],
)
def test_a_network_that_is_trained_after_the_one_that_was_watched_is_judged_too(tmp_path, changes, status, says):
    found = judged_file(written(tmp_path, TWO_NETWORKS, *changes))
    assert found.status == status, found
    assert says in str(found) + str(found.notes)
