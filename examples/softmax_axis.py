import numpy as np


class Net:
    def __init__(self, layer_sizes):
        self.weights = [np.random.randn(n, m) * 0.1 for n, m in zip(layer_sizes, layer_sizes[1:])]
        self.biases = [np.zeros((1, m)) for m in layer_sizes[1:]]

    def softmax(self, x):
        e = np.exp(x - np.max(x))
        return e / np.sum(e, axis=0)

    def feed_forward(self, x):
        self.activations = [x]
        self.zs = []
        for i, (w, b) in enumerate(zip(self.weights, self.biases)):
            z = self.activations[-1] @ w + b
            self.zs.append(z)
            last = i == len(self.weights) - 1
            self.activations.append(self.softmax(z) if last else np.maximum(z, 0))
        return self.activations[-1]

    def back_prop(self, x, y):
        out = self.feed_forward(x)
        delta = (out - y) / len(x)
        grads_w, grads_b = [], []
        for i in reversed(range(len(self.weights))):
            grads_w.insert(0, self.activations[i].T @ delta)
            grads_b.insert(0, delta.sum(axis=0, keepdims=True))
            if i:
                delta = (delta @ self.weights[i].T) * (self.zs[i - 1] > 0)
        return grads_w, grads_b

    def update(self, x, y, eta):
        grads_w, grads_b = self.back_prop(x, y)
        self.weights = [w - eta * g for w, g in zip(self.weights, grads_w)]
        self.biases = [b - eta * g for b, g in zip(self.biases, grads_b)]


net = Net([16, 9, 8, 3])
