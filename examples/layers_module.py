"""Layers that know their own gradients, put together by a model."""
import numpy as np


class Linear:
    def __init__(self, in_features, out_features):
        self.W = np.random.uniform(-1, 1, (out_features, in_features)) / np.sqrt(in_features)
        self.b = np.zeros(out_features)

    def forward(self, x):
        self.x = x
        return x @ self.W.T + self.b

    def backward(self, grad):
        self.dW = grad.T @ self.x
        self.db = grad.sum(axis=0)
        return grad @ self.W


class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, grad):
        return grad * self.mask


class CrossEntropyLoss:
    def forward(self, logits, labels):
        shifted = logits - logits.max(axis=1, keepdims=True)
        self.p = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
        self.labels = labels
        return -np.log(self.p[np.arange(len(labels)), labels]).mean()

    def backward(self):
        grad = self.p.copy()
        grad[np.arange(len(self.labels)), self.labels] -= 1
        return grad / len(self.labels)


class Model:
    def __init__(self, sizes=(12, 9, 7, 4)):
        self.layers = []
        for i, (n, m) in enumerate(zip(sizes, sizes[1:])):
            self.layers.append(Linear(n, m))
            if i < len(sizes) - 2:
                self.layers.append(ReLU())

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad

    def step(self, lr):
        for layer in self.layers:
            if isinstance(layer, Linear):
                layer.W -= lr * layer.dW
                layer.b -= lr * layer.db


def main():
    from keras.datasets import mnist

    (x, y), _ = mnist.load_data()
    model, criterion = Model((784, 128, 64, 10)), CrossEntropyLoss()
    for epoch in range(5):
        loss = criterion.forward(model.forward(x.reshape(-1, 784) / 255), y)
        model.backward(criterion.backward())
        model.step(0.1)


if __name__ == "__main__":
    main()
