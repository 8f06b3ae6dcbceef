import numpy as np
import h5py
import matplotlib.pyplot as plt


def initialize_parameters(n_x, n_h1, n_h2, n_y):
    np.random.seed(3)
    parameters = {}
    parameters["W1"] = np.random.randn(n_h1, n_x) * 0.01
    parameters["b1"] = np.zeros((n_h1, 1))
    parameters["W2"] = np.random.randn(n_h2, n_h1) * 0.01
    parameters["b2"] = np.zeros((n_h2, 1))
    parameters["W3"] = np.random.randn(n_y, n_h2) * 0.01
    parameters["b3"] = np.zeros((n_y, 1))
    return parameters


def softmax(Z):
    t = np.exp(Z - np.max(Z, axis=0))
    return t / np.sum(t, axis=0)


def forward_propagation(X, parameters):
    W1, b1 = parameters["W1"], parameters["b1"]
    W2, b2 = parameters["W2"], parameters["b2"]
    W3, b3 = parameters["W3"], parameters["b3"]
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = np.tanh(Z2)
    Z3 = np.dot(W3, A2) + b3
    A3 = softmax(Z3)
    cache = {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2, "Z3": Z3, "A3": A3}
    return A3, cache


def compute_cost(A3, Y):
    m = Y.shape[1]
    return -np.sum(Y * np.log(A3)) / m


def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    grads = {}
    dZ3 = cache["A3"] - Y
    grads["dW3"] = np.dot(dZ3, cache["Z2"].T) / m
    grads["db3"] = np.sum(dZ3, axis=1, keepdims=True) / m
    dZ2 = np.dot(parameters["W3"].T, dZ3) * (1 - np.power(cache["A2"], 2))
    grads["dW2"] = np.dot(dZ2, cache["A1"].T) / m
    grads["db2"] = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (1 - np.power(cache["A1"], 2))
    grads["dW1"] = np.dot(dZ1, X.T) / m
    grads["db1"] = np.sum(dZ1, axis=1, keepdims=True) / m
    return grads


def update_parameters(parameters, grads, learning_rate=1.2):
    for key in parameters:
        parameters[key] = parameters[key] - learning_rate * grads["d" + key]
    return parameters


def nn_model(X, Y, num_iterations=10000):
    parameters = initialize_parameters(X.shape[0], 16, 8, Y.shape[0])
    for i in range(num_iterations):
        A3, cache = forward_propagation(X, parameters)
        cost = compute_cost(A3, Y)
        grads = backward_propagation(parameters, cache, X, Y)
        parameters = update_parameters(parameters, grads)
    return parameters


train = h5py.File("datasets/signs.h5")
parameters = nn_model(train["x"][:], train["y"][:])
