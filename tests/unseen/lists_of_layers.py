import numpy as np
NUM_CLASSES = 10
def relu(z): return (abs(z)+z)/2
def initialise_weights(layer_sizes=[64, 20, NUM_CLASSES]):
    weights, biases = [], []
    for i in range(len(layer_sizes)-1):
        weights.append(np.random.normal(0, 1/np.sqrt(layer_sizes[i]), size=(layer_sizes[i+1], layer_sizes[i])))
        biases.append(np.zeros((layer_sizes[i+1],)))
    return weights, biases
def forward(weights, biases, X):
    activations=[X]; zs=[]
    for W, b in zip(weights[:-1], biases[:-1]):
        zs.append(W @ activations[-1] + b[:, None]); activations.append(relu(zs[-1]))
    z = weights[-1] @ activations[-1] + biases[-1][:, None]
    zs.append(z); e=np.exp(z-z.max(0)); activations.append(e/e.sum(0))
    return zs, activations
def backward(weights, biases, X, y):
    zs, activations = forward(weights, biases, X)
    m = X.shape[1]
    T = np.zeros_like(activations[-1]); T[y, np.arange(m)] = 1
    delta = (activations[-1] - T)/m
    gw, gb = [None]*len(weights), [None]*len(biases)
    for i in range(len(weights)-1, -1, -1):
        gw[i] = delta @ activations[i].T; gb[i] = delta.sum(1)
        if i: delta = weights[i].T @ delta * (zs[i-1] > 0)
    return gw, gb
