"""One epoch of the same training by everyone: 784-128-64-10, rectifiers, the same start, batches, order and rate.

Each class is made from the initial W, b (float32, columns), the digits as rows X (N, 784) and labels y (N,), the batch
size B and the learning rate; run() trains on every batch once, in order; logits(X) gives rows of logits (N, 10).
"""

from __future__ import annotations

from typing import Any

import numpy as np

import nnref
from nnref.running.step import updated


class Nnref:
    """nnref's own step, as `nnref.train` takes it."""

    dtype = "float32"

    def __init__(self, W: Any, b: Any, X: Any, y: Any, B: int, rate: float) -> None:
        self.layers = nnref.mnist_mlp()
        affines = iter(nnref.Affine(*pair) for pair in zip(W, b, strict=True))
        self.theta = tuple(next(affines) if layer.name == "affine" else () for layer in self.layers)
        self.X, self.y, self.B, self.rate = X, y, B, rate

    def run(self) -> None:
        """Rows are passed as columns by .T, which moves nothing."""
        for i in range(0, len(self.y), self.B):
            X, Y = self.X[i : i + self.B].T, nnref.one_hot(self.y[i : i + self.B])
            _, dtheta = nnref.loss_and_gradients(self.layers, self.theta, X, Y)
            self.theta = updated(self.theta, dtheta, self.rate)

    def logits(self, X: Any) -> Any:
        """One row an example."""
        return nnref.forward(self.layers, self.theta, X.T).T


class Tutorial:
    """What tutorials write: float64 columns, one-hot labels, softmax and its gradient by hand, no shape checks."""

    dtype = "float64"

    def __init__(self, W: Any, b: Any, X: Any, y: Any, B: int, rate: float) -> None:
        self.W, self.b = [w.astype("float64") for w in W], [c.astype("float64") for c in b]
        self.X, self.Y, self.B, self.rate = X.T.astype("float64"), np.eye(10)[y].T, B, rate

    def forward(self, X: Any) -> Any:
        """Z and A of every layer; the last A is the softmax."""
        (W1, W2, W3), (b1, b2, b3) = self.W, self.b
        Z1 = W1.dot(X) + b1
        A1 = np.maximum(0, Z1)
        Z2 = W2.dot(A1) + b2
        A2 = np.maximum(0, Z2)
        Z3 = W3.dot(A2) + b3
        E = np.exp(Z3 - Z3.max(axis=0))
        return Z1, A1, Z2, A2, Z3, E / E.sum(axis=0)

    def run(self) -> None:
        """One pass over the batches."""
        for i in range(0, self.X.shape[1], self.B):
            X, Y = self.X[:, i : i + self.B], self.Y[:, i : i + self.B]
            m = X.shape[1]
            Z1, A1, Z2, A2, _, A3 = self.forward(X)
            dZ3 = A3 - Y
            dZ2 = self.W[2].T.dot(dZ3) * (Z2 > 0)
            dZ1 = self.W[1].T.dot(dZ2) * (Z1 > 0)
            for l, (dZ, A) in enumerate(((dZ1, X), (dZ2, A1), (dZ3, A2))):
                self.W[l] = self.W[l] - self.rate * (1 / m * dZ.dot(A.T))
                self.b[l] = self.b[l] - self.rate * (1 / m * dZ.sum(axis=1, keepdims=True))

    def logits(self, X: Any) -> Any:
        """One row an example."""
        return self.forward(X.T.astype("float64"))[4].T


def rows(W: Any, b: Any) -> list[Any]:
    """W1, b1, W2, … as frameworks keep them for examples in rows: W transposed, b flat."""
    return [A for w, c in zip(W, b, strict=True) for A in (np.ascontiguousarray(w.T), c[:, 0])]


class Keras:
    """Keras as its guides use it: compile, then fit, without shuffling so that the order is the same."""

    dtype = "float32"

    def __init__(self, W: Any, b: Any, X: Any, y: Any, B: int, rate: float) -> None:
        import keras

        layers = [keras.layers.Dense(128, "relu"), keras.layers.Dense(64, "relu"), keras.layers.Dense(10)]
        self.model = keras.Sequential([keras.Input((784,)), *layers])
        self.model.set_weights(rows(W, b))
        self.model.compile(keras.optimizers.SGD(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        self.X, self.y, self.B = X, y, B

    def run(self) -> None:
        """One epoch."""
        self.model.fit(self.X, self.y, batch_size=self.B, epochs=1, shuffle=False, verbose=0)

    def logits(self, X: Any) -> Any:
        """One row an example."""
        return self.model.predict(X, batch_size=1000, verbose=0)


class TensorFlow:
    """TensorFlow below Keras: a compiled step with a tape."""

    dtype = "float32"

    def __init__(self, W: Any, b: Any, X: Any, y: Any, B: int, rate: float) -> None:
        import tensorflow as tf

        self.V = [tf.Variable(A) for A in rows(W, b)]
        self.X, self.y, self.B = X, y, B

        def forward(X: Any) -> Any:
            A = tf.nn.relu(X @ self.V[0] + self.V[1])
            return tf.nn.relu(A @ self.V[2] + self.V[3]) @ self.V[4] + self.V[5]

        @tf.function
        def step(X: Any, y: Any) -> None:
            with tf.GradientTape() as tape:
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, forward(X))
                loss = tf.reduce_mean(losses)
            for v, g in zip(self.V, tape.gradient(loss, self.V), strict=True):
                v.assign_sub(rate * g)

        self.forward, self.step = forward, step

    def run(self) -> None:
        """One pass over the batches; reading a weight waits for the last step."""
        for i in range(0, len(self.y), self.B):
            self.step(self.X[i : i + self.B], self.y[i : i + self.B])
        self.V[0].numpy()

    def logits(self, X: Any) -> Any:
        """One row an example."""
        return self.forward(X).numpy()


class Torch:
    """PyTorch as its guides use it: nn.Sequential, cross_entropy, SGD."""

    dtype = "float32"

    def __init__(self, W: Any, b: Any, X: Any, y: Any, B: int, rate: float) -> None:
        import torch

        torch.set_num_threads(1)
        nn, self.torch, self.B = torch.nn, torch, B
        self.model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
        with torch.no_grad():
            for layer, w, c in zip(list(self.model)[::2], W, b, strict=True):
                layer.weight.copy_(torch.from_numpy(w))
                layer.bias.copy_(torch.from_numpy(c[:, 0].copy()))
        self.optimiser = torch.optim.SGD(self.model.parameters(), lr=rate)
        self.X, self.y = torch.from_numpy(X), torch.from_numpy(y.astype("int64"))

    def run(self) -> None:
        """One pass over the batches."""
        for i in range(0, len(self.y), self.B):
            self.optimiser.zero_grad()
            logits = self.model(self.X[i : i + self.B])
            self.torch.nn.functional.cross_entropy(logits, self.y[i : i + self.B]).backward()
            self.optimiser.step()

    def logits(self, X: Any) -> Any:
        """One row an example."""
        with self.torch.no_grad():
            return self.model(self.torch.from_numpy(X)).numpy()


class Jax:
    """JAX as its guides use it: a compiled step, gradients by jax.grad."""

    dtype = "float32"

    def __init__(self, W: Any, b: Any, X: Any, y: Any, B: int, rate: float) -> None:
        import jax
        import jax.numpy as jnp

        def forward(p: Any, X: Any) -> Any:
            A = jax.nn.relu(X @ p[0] + p[1])
            return jax.nn.relu(A @ p[2] + p[3]) @ p[4] + p[5]

        def loss(p: Any, X: Any, y: Any) -> Any:
            Z = forward(p, X)
            return jnp.mean(jax.nn.logsumexp(Z, 1) - jnp.take_along_axis(Z, y[:, None], 1)[:, 0])

        def step(p: Any, X: Any, y: Any) -> Any:
            return [v - rate * g for v, g in zip(p, jax.grad(loss)(p, X, y), strict=True)]

        self.jax, self.forward, self.step = jax, jax.jit(forward), jax.jit(step)
        self.p, self.X, self.y, self.B = [jnp.asarray(A) for A in rows(W, b)], X, y, B

    def run(self) -> None:
        """One pass over the batches."""
        for i in range(0, len(self.y), self.B):
            self.p = self.step(self.p, self.X[i : i + self.B], self.y[i : i + self.B])
        self.jax.block_until_ready(self.p)

    def logits(self, X: Any) -> Any:
        """One row an example."""
        return np.asarray(self.forward(self.p, X))


IMPLEMENTATIONS = {
    "nnref": (Nnref, "numpy"),
    "numpy tutorial": (Tutorial, "numpy"),
    "Keras fit": (Keras, "tensorflow"),
    "TensorFlow step": (TensorFlow, "tensorflow"),
    "PyTorch": (Torch, "torch"),
    "JAX jit": (Jax, "jax"),
}
"""By name: the class, and the package it needs."""
