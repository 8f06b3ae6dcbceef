import numpy as np

rng = np.random.RandomState(42)

def make_network(layer_sizes):
    return [{"W": rng.randn(a, b) * np.sqrt(2 / a), "b": np.zeros((1, b))} for a, b in zip(layer_sizes, layer_sizes[1:])]

def softmax(s):
    s = s - s.max(1, keepdims=True)
    return np.exp(s) / np.exp(s).sum(1, keepdims=True)

def forward(network, X):
    activations = [X]
    for layer in network[:-1]:
        X = np.tanh(X @ layer["W"] + layer["b"])
        activations.append(X)
    return softmax(X @ network[-1]["W"] + network[-1]["b"]), activations

def nll(p, y):
    return -np.log(p[np.arange(len(y)), y]).mean()

def backward(network, p, activations, y):
    d = p.copy()
    d[np.arange(len(y)), y] -= 1
    d /= len(y)
    grads = []
    for i in range(len(network) - 1, -1, -1):
        grads.append({"W": activations[i].T @ d, "b": d.mean(0, keepdims=True)})
        if i > 0:
            d = (d @ network[i]["W"].T) * (1 - activations[i] ** 2)
    return grads[::-1]

net = make_network([2, 16, 16, 3])
while True:
    X, y = next(batches)
    p, acts = forward(net, X)
    for layer, g in zip(net, backward(net, p, acts, y)):
        layer["W"] -= 0.1 * g["W"]
        layer["b"] -= 0.1 * g["b"]
