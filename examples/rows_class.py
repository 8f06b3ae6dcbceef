"""A small network as one class; the update is made inside backward."""

import numpy as np


class NeuralNetwork:
    def __init__(self, input_size, hidden_size, output_size, learning_rate=0.05):
        rng = np.random.default_rng(1)
        self.W1 = rng.normal(0, np.sqrt(2 / input_size), (input_size, hidden_size))
        self.b1 = np.zeros((1, hidden_size))
        self.W2 = rng.normal(0, np.sqrt(2 / hidden_size), (hidden_size, output_size))
        self.b2 = np.zeros((1, output_size))
        self.learning_rate = learning_rate

    def relu(self, z):
        return np.maximum(0, z)

    def softmax(self, z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def forward(self, X):
        self.z1 = X @ self.W1 + self.b1
        self.a1 = self.relu(self.z1)
        self.z2 = self.a1 @ self.W2 + self.b2
        self.a2 = self.softmax(self.z2)
        return self.a2

    def backward(self, X, y):
        n = X.shape[0]
        delta2 = (self.a2 - y) / n
        delta1 = (delta2 @ self.W2.T) * (self.z1 > 0)

        self.W2 -= self.learning_rate * (self.a1.T @ delta2)
        self.b2 -= self.learning_rate * delta2.sum(axis=0, keepdims=True)
        self.W1 -= self.learning_rate * (X.T @ delta1)
        self.b1 -= self.learning_rate * delta1.sum(axis=0, keepdims=True)

    def train(self, X, y, epochs):
        for epoch in range(epochs):
            self.forward(X)
            self.backward(X, y)


if __name__ == "__main__":
    X = np.load("images.npy") / 255
    y = np.load("labels_one_hot.npy")
    net = NeuralNetwork(784, 64, 10)
    net.train(X, y, epochs=int(input("epochs? ")))
