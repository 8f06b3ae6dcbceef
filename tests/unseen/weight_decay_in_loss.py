import numpy as np
lambd = 0.7

def initialize(layers=[12, 8, 3]):
    np.random.seed(3)
    return {"W1": np.random.randn(layers[1], layers[0]), "b1": np.zeros((layers[1], 1)),
            "W2": np.random.randn(layers[2], layers[1]), "b2": np.zeros((layers[2], 1))}

def forward_propagation(X, parameters):
    Z1 = parameters["W1"] @ X + parameters["b1"]
    A1 = np.maximum(0, Z1)
    Z2 = parameters["W2"] @ A1 + parameters["b2"]
    e = np.exp(Z2 - Z2.max(axis=0, keepdims=True))
    A2 = e / e.sum(axis=0, keepdims=True)
    return A2, (Z1, A1, Z2, A2)

def compute_cost_with_regularization(A2, Y, parameters):
    m = Y.shape[1]
    W1, W2 = parameters["W1"], parameters["W2"]
    cross_entropy_cost = -np.sum(Y * np.log(A2)) / m
    L2_cost = lambd / (2 * m) * (np.sum(np.square(W1)) + np.sum(np.square(W2)))
    return cross_entropy_cost + L2_cost

def backward_propagation_with_regularization(X, Y, cache, parameters):
    m = X.shape[1]
    Z1, A1, Z2, A2 = cache
    W1, W2 = parameters["W1"], parameters["W2"]
    dZ2 = A2 - Y
    dW2 = 1./m * np.dot(dZ2, A1.T) + lambd / m * W2
    db2 = 1./m * np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    dW1 = 1./m * np.dot(dZ1, X.T) + lambd / m * W1
    db1 = 1./m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW2": dW2, "db2": db2, "dW1": dW1, "db1": db1}
