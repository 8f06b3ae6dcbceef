import numpy as np
rng = np.random.default_rng(42)
sizes = [20, 16, 14, 12, 9, 5]

def relu(x):
    return x * (x > 0)

def init_network():
    net = {}
    for i in range(1, len(sizes)):
        net['W' + str(i)] = rng.normal(0, np.sqrt(2 / sizes[i-1]), (sizes[i-1], sizes[i]))
        net['b' + str(i)] = np.zeros((1, sizes[i]))
    return net

def forward_propagation(X, net):
    cache = {'A0': X}
    A = X
    L = len(net) // 2
    for i in range(1, L):
        Z = A @ net['W' + str(i)] + net['b' + str(i)]
        A = relu(Z)
        cache['Z' + str(i)] = Z
        cache['A' + str(i)] = A
    Z = A @ net['W' + str(L)] + net['b' + str(L)]
    Z -= Z.max(axis=1, keepdims=True)
    ex = np.exp(Z)
    cache['A' + str(L)] = ex / ex.sum(axis=1, keepdims=True)
    return cache['A' + str(L)], cache

def cross_entropy(Y_hat, Y):
    m = Y.shape[0]
    return -(1/m) * np.sum(Y * np.log(Y_hat))

def backward_propagation(Y, net, cache):
    grads = {}
    m = Y.shape[0]
    L = len(net) // 2
    dZ = cache['A' + str(L)] - Y
    for i in reversed(range(1, L + 1)):
        grads['dW' + str(i)] = cache['A' + str(i-1)].T @ dZ / m
        grads['db' + str(i)] = np.sum(dZ, axis=0, keepdims=True) / m
        if i > 1:
            dA = -dZ @ net['W' + str(i)].T
            dZ = dA * (cache['Z' + str(i-1)] > 0)
    return grads
