import numpy as np

np.random.seed(0)
learning_rate = 0.5
layer_dims = [30, 11, 6]


def init_params(dims):
    params = {}
    for l in range(1, len(dims)):
        params["w%d" % l] = np.random.randn(dims[l - 1], dims[l]) * np.sqrt(2.0 / dims[l - 1])
        params["b%d" % l] = np.zeros(dims[l])
    return params


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    z = z - np.max(z, axis=1, keepdims=True)
    return np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)


def forward(params, x):
    z1 = np.dot(x, params["w1"]) + params["b1"]
    a1 = sigmoid(z1)
    z2 = np.dot(a1, params["w2"]) + params["b2"]
    return z1, a1, z2, softmax(z2)


def cross_entropy(y_hat, y):
    return -np.mean(np.log(y_hat[range(y.shape[0]), y]))


def backprop(params, x, y):
    n = x.shape[0]
    z1, a1, z2, y_hat = forward(params, x)
    dz2 = y_hat.copy()
    dz2[range(n), y] -= 1
    dz2 /= n
    grads = {}
    grads["w2"] = np.dot(a1.T, dz2)
    grads["b2"] = np.sum(dz2, axis=0)
    dz1 = np.dot(dz2, params["w2"].T) * a1 * (1 - a1)
    grads["w1"] = np.dot(x.T, dz1)
    grads["b1"] = np.sum(dz1, axis=0)
    return grads


params = init_params(layer_dims)
x_train, y_train = np.load("train.npz")["x"], np.load("train.npz")["y"]
for epoch in range(200):
    grads = backprop(params, x_train, y_train)
    for key in params:
        params[key] -= learning_rate * grads[key]
    print(epoch, cross_entropy(forward(params, x_train)[-1], y_train))
