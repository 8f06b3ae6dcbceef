import numpy as np
def elu(z): return np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1)
def elu_prime(z): return np.where(z > 0, 1, np.exp(np.minimum(z, 0)))
def softmax(z):
    e = np.exp(z - z.max(axis=0)); return e / e.sum(axis=0)
def init(n=7, h=6, k=3):
    return {"W1": np.random.randn(h, n), "b1": np.random.randn(h, 1), "W2": np.random.randn(k, h), "b2": np.random.randn(k, 1)}
def forward(params, X):
    Z1 = params["W1"] @ X + params["b1"]
    A1 = elu(Z1)
    Z2 = params["W2"] @ A1 + params["b2"]
    return {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": softmax(Z2)}
def backward(params, cache, X, Y):
    m = X.shape[1]
    dZ2 = (cache["A2"] - Y) / m
    dZ1 = params["W2"].T @ dZ2 * elu_prime(cache["Z1"])
    return {"W1": dZ1 @ X.T, "b1": dZ1.sum(axis=1, keepdims=True), "W2": dZ2 @ cache["A1"].T, "b2": dZ2.sum(axis=1, keepdims=True)}
