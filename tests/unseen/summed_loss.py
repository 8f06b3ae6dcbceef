import numpy as np

def initialize_parameters(dims=(8, 6, 3)):
    p = {}
    for l in range(1, len(dims)):
        p[f"W{l}"] = np.random.randn(dims[l], dims[l-1]) / np.sqrt(dims[l-1])
        p[f"b{l}"] = np.zeros((dims[l], 1))
    return p

def forward(p, X):
    Z1 = p["W1"] @ X + p["b1"]
    A1 = np.maximum(Z1, 0)
    Z2 = p["W2"] @ A1 + p["b2"]
    T = np.exp(Z2 - np.max(Z2, axis=0))
    A2 = T / np.sum(T, axis=0)
    return A2, (Z1, A1, Z2, A2)

def compute_loss(A2, Y):
    # total, not mean: the learning rate takes care of it
    return -np.sum(Y * np.log(A2))

def backward(p, cache, X, Y):
    Z1, A1, Z2, A2 = cache
    dZ2 = A2 - Y
    dZ1 = p["W2"].T @ dZ2
    dZ1[Z1 <= 0] = 0
    return {"dW1": dZ1 @ X.T, "db1": dZ1.sum(1, keepdims=True), "dW2": dZ2 @ A1.T, "db2": dZ2.sum(1, keepdims=True)}
