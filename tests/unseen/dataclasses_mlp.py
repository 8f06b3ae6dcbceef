from dataclasses import dataclass, field
import numpy as np

@dataclass
class Layer:
    W: np.ndarray
    b: np.ndarray
    dW: np.ndarray = None
    db: np.ndarray = None

@dataclass
class MLP:
    sizes: tuple = (6, 5, 4, 3)
    layers: list = field(default_factory=list)
    seed: int = 0

    def __post_init__(self):
        r = np.random.default_rng(self.seed)
        for i, o in zip(self.sizes, self.sizes[1:]):
            self.layers.append(Layer(r.normal(size=(o, i)), r.normal(size=(o, 1))))

    def forward(self, X):
        self.acts = [X]
        for layer in self.layers[:-1]:
            X = np.tanh(layer.W @ X + layer.b)
            self.acts.append(X)
        Z = self.layers[-1].W @ X + self.layers[-1].b
        E = np.exp(Z - Z.max(0))
        return E / E.sum(0)

    def backward(self, P, Y):
        delta = (P - Y) / Y.shape[1]
        for layer, A in zip(self.layers[::-1], self.acts[::-1]):
            layer.dW = delta @ A.T
            layer.db = delta.sum(1, keepdims=True)
            delta = (layer.W.T @ delta) * (1 - A ** 2)
