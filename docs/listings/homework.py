import numpy as np

import nnref

rng = np.random.default_rng(1)
X = rng.standard_normal((6, 5))
Y = np.eye(3)[:, rng.integers(0, 3, 5)]
params = {
    "W1": rng.standard_normal((4, 6)),
    "b1": rng.standard_normal((4, 1)),
    "W2": rng.standard_normal((3, 4)),
    "b2": rng.standard_normal((3, 1)),
}


def forward(p):
    Z1 = p["W1"] @ X + p["b1"]
    A1 = np.tanh(Z1)
    Z2 = p["W2"] @ A1 + p["b2"]
    expZ = np.exp(Z2)
    return A1, expZ / np.sum(expZ, axis=0)


def loss(p):
    A2 = forward(p)[1]
    return -np.sum(Y * np.log(A2)) / 5


def backward(p):
    m = X.shape[1]
    A1, A2 = forward(p)
    dZ2 = A2 - Y
    dW2 = 1 / m * dZ2 @ A1.T
    db2 = 1 / m * np.sum(dZ2)
    dZ1 = p["W2"].T @ dZ2 * (1 - A1**2)
    dW1 = 1 / m * dZ1 @ X.T
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


if __name__ == "__main__":
    print(nnref.gradcheck(loss, params, backward))
