"""The same training by everyone: 784-128-64-10, rectifiers, the same start, batches, order and rate.

Each class is made from the initial W, b (float32, columns), the digits as uint8 rows (N, 784), their labels (N,), the
batch size B and the learning rate. run(indices (steps, B)) starts from the initial parameters and makes these steps;
logits(rows) gives rows of logits (N, 10) after them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import nnref
from nnref.running.engines import engine
from nnref.running.settings import Settings
from nnref.shapes import trusted

SIZES = (784, 128, 64, 10)


def pixels(rows: Any) -> Any:
    """Float32 rows in [0, 1], as all but nnref keep them."""
    return rows.astype("float32") / np.float32(255)


class Nnref:
    """nnref's own loop, as `nnref.train` runs it, in one of its engines."""

    name, dtype = "numpy", "float32"
    device: str | None = None

    def __init__(self, W: Any, b: Any, rows: Any, y: Any, B: int, rate: float) -> None:
        self.layers = nnref.mlp(SIZES)
        settings = Settings(batch_size=B, learning_rate=rate)
        made = engine(self.name, self.device)
        self.thread = made.one_thread()
        self.thread.__enter__()
        self.loop = made.loop(self.layers, rows, np.ascontiguousarray(nnref.one_hot(y).T), settings)
        self.start = self.loop.put(nnref.network.unnamed(named(W, b), self.layers))

    def run(self, indices: Any) -> None:
        """The steps, unchecked as in training: the first batch was checked there."""
        with trusted():
            for after, _ in self.loop.steps(self.start, indices):
                self.theta = after

    def logits(self, rows: Any) -> Any:
        """One row an example."""
        return nnref.forward(self.layers, self.loop.get(self.theta), pixels(rows).T).T


class NnrefJax(Nnref):
    """The same functions, compiled: an epoch is one lax.scan."""

    name = "jax"


class NnrefTorch(Nnref):
    """The same functions on PyTorch's arrays."""

    name = "torch"


def named(W: Any, b: Any) -> dict[str, Any]:
    """W1, b1, W2, …."""
    return {f"{p}{l}": A for l, pair in enumerate(zip(W, b, strict=True), 1) for p, A in zip("Wb", pair, strict=True)}


class Tutorial:
    """What tutorials write: float64 columns, one-hot labels, softmax and its gradient by hand, no shape checks."""

    dtype = "float64"

    def __init__(self, W: Any, b: Any, rows: Any, y: Any, B: int, rate: float) -> None:
        self.start = [w.astype("float64") for w in W], [c.astype("float64") for c in b]
        self.X, self.Y, self.rate = (rows / 255).T, np.eye(10)[y].T, rate

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

    def run(self, indices: Any) -> None:
        """One step a batch."""
        self.W, self.b = list(self.start[0]), list(self.start[1])
        for index in indices:
            X, Y = self.X[:, index], self.Y[:, index]
            m = X.shape[1]
            Z1, A1, Z2, A2, _, A3 = self.forward(X)
            dZ3 = A3 - Y
            dZ2 = self.W[2].T.dot(dZ3) * (Z2 > 0)
            dZ1 = self.W[1].T.dot(dZ2) * (Z1 > 0)
            for l, (dZ, A) in enumerate(((dZ1, X), (dZ2, A1), (dZ3, A2))):
                self.W[l] = self.W[l] - self.rate * (1 / m * dZ.dot(A.T))
                self.b[l] = self.b[l] - self.rate * (1 / m * dZ.sum(axis=1, keepdims=True))

    def logits(self, rows: Any) -> Any:
        """One row an example."""
        return self.forward((rows / 255).T)[4].T


def transposed(W: Any, b: Any) -> list[Any]:
    """W1, b1, W2, … as frameworks keep them for examples in rows: W transposed, b flat."""
    return [A for w, c in zip(W, b, strict=True) for A in (np.ascontiguousarray(w.T), c[:, 0].copy())]


class Autograd:
    """HIPS autograd: numpy with a tape."""

    dtype = "float32"

    def __init__(self, W: Any, b: Any, rows: Any, y: Any, B: int, rate: float) -> None:
        import autograd
        import autograd.numpy as anp

        def forward(p: Any, X: Any) -> Any:
            A = anp.maximum(anp.dot(X, p[0]) + p[1], 0)
            return anp.dot(anp.maximum(anp.dot(A, p[2]) + p[3], 0), p[4]) + p[5]

        def loss(p: Any, X: Any, Y: Any) -> Any:
            Z = forward(p, X)
            Z = Z - anp.max(Z, axis=1, keepdims=True)
            return anp.mean(anp.log(anp.sum(anp.exp(Z), axis=1)) - anp.sum(Y * Z, axis=1))

        self.forward, self.grad = forward, autograd.grad(loss)
        self.start, self.X, self.Y, self.rate = transposed(W, b), pixels(rows), np.eye(10, dtype="f4")[y], rate

    def run(self, indices: Any) -> None:
        """One step a batch."""
        self.p = self.start
        for index in indices:
            g = self.grad(self.p, self.X[index], self.Y[index])
            self.p = [v - np.float32(self.rate) * d for v, d in zip(self.p, g, strict=True)]

    def logits(self, rows: Any) -> Any:
        """One row an example."""
        return self.forward(self.p, pixels(rows))


class ScikitLearn:
    """MLPClassifier with plain SGD: no momentum, no weight decay, no shuffling."""

    dtype = "float32"

    def __init__(self, W: Any, b: Any, rows: Any, y: Any, B: int, rate: float) -> None:
        from sklearn.neural_network import MLPClassifier

        self.model = MLPClassifier(
            SIZES[1:-1], solver="sgd", alpha=0.0, batch_size=B, learning_rate_init=rate, momentum=0.0,
            nesterovs_momentum=False, shuffle=False, max_iter=1,
        )  # fmt: skip
        self.X, self.y, self.W, self.b = pixels(rows), y, W, b
        self.model.partial_fit(self.X[: 2 * B], y[: 2 * B], classes=np.arange(10))

    def run(self, indices: Any) -> None:
        """One pass over the examples in order."""
        for l in range(3):
            self.model.coefs_[l][...] = self.W[l].T
            self.model.intercepts_[l][...] = self.b[l][:, 0]
        index = indices.ravel()
        self.model.partial_fit(self.X[index], self.y[index])

    def logits(self, rows: Any) -> Any:
        """One row an example: the logarithm of the probabilities, which differs by a number a row."""
        return np.log(self.model.predict_proba(pixels(rows)).astype("float64") + 1e-300)


class Keras:
    """Keras as its guides use it: compile, then fit, without shuffling so that the order is the same."""

    dtype = "float32"

    def __init__(self, W: Any, b: Any, rows: Any, y: Any, B: int, rate: float) -> None:
        import keras

        layers = [keras.layers.Dense(128, "relu"), keras.layers.Dense(64, "relu"), keras.layers.Dense(10)]
        self.model = keras.Sequential([keras.Input((784,)), *layers])
        self.model.compile(keras.optimizers.SGD(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        self.start, self.X, self.y, self.B = transposed(W, b), pixels(rows), y, B

    def run(self, indices: Any) -> None:
        """One epoch."""
        self.model.set_weights(self.start)
        index = indices.ravel()
        self.model.fit(self.X[index], self.y[index], batch_size=self.B, epochs=1, shuffle=False, verbose=0)

    def logits(self, rows: Any) -> Any:
        """One row an example."""
        return self.model.predict(pixels(rows), batch_size=1000, verbose=0)


class TensorFlow:
    """TensorFlow below Keras: a compiled loop over the batches, with a tape."""

    dtype = "float32"

    def __init__(self, W: Any, b: Any, rows: Any, y: Any, B: int, rate: float) -> None:
        import tensorflow as tf

        self.tf, self.start = tf, transposed(W, b)
        self.V = [tf.Variable(A) for A in self.start]
        X, targets = tf.constant(pixels(rows)), tf.constant(y)

        def forward(X: Any) -> Any:
            A = tf.nn.relu(X @ self.V[0] + self.V[1])
            return tf.nn.relu(A @ self.V[2] + self.V[3]) @ self.V[4] + self.V[5]

        def step(X: Any, y: Any) -> None:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, forward(X)))
            for v, g in zip(self.V, tape.gradient(loss, self.V), strict=True):
                v.assign_sub(rate * g)

        @tf.function(jit_compile=True)
        def epoch(indices: Any) -> None:
            for k in tf.range(tf.shape(indices)[0]):
                index = tf.gather(indices, k)
                step(tf.gather(X, index), tf.gather(targets, index))

        self.forward, self.epoch = forward, epoch

    def run(self, indices: Any) -> None:
        """One compiled pass; reading a weight waits for the last step."""
        for v, A in zip(self.V, self.start, strict=True):
            v.assign(A)
        self.epoch(self.tf.constant(indices, "int32"))
        self.V[0].numpy()

    def logits(self, rows: Any) -> Any:
        """One row an example."""
        return self.forward(pixels(rows)).numpy()


class Torch:
    """PyTorch as its guides use it: nn.Sequential, cross_entropy, SGD."""

    dtype, compiled, device = "float32", False, "cpu"

    def __init__(self, W: Any, b: Any, rows: Any, y: Any, B: int, rate: float) -> None:
        import torch

        torch.set_num_threads(1)
        nn, self.torch, self.rate = torch.nn, torch, rate
        model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
        self.model = model.to(self.device)
        self.W, self.b = W, b
        self.X = torch.from_numpy(pixels(rows)).to(self.device)
        self.y = torch.from_numpy(y.astype("int64")).to(self.device)
        self.optimiser = torch.optim.SGD(self.model.parameters(), lr=rate)

        def loss(X: Any, y: Any) -> Any:
            return nn.functional.cross_entropy(self.model(X), y)

        self.loss = torch.compile(loss) if self.compiled else loss

    def run(self, indices: Any) -> None:
        """One step a batch."""
        torch = self.torch
        with torch.no_grad():
            for layer, w, c in zip(list(self.model)[::2], self.W, self.b, strict=True):
                layer.weight.copy_(torch.from_numpy(w))
                layer.bias.copy_(torch.from_numpy(c[:, 0].copy()))
        for index in torch.from_numpy(indices).to(self.device):
            self.optimiser.zero_grad()
            self.loss(self.X[index], self.y[index]).backward()
            self.optimiser.step()
        if self.device != "cpu":
            torch.cuda.synchronize()

    def logits(self, rows: Any) -> Any:
        """One row an example."""
        with self.torch.no_grad():
            return self.model(self.torch.from_numpy(pixels(rows)).to(self.device)).cpu().numpy()


class TorchCompiled(Torch):
    """PyTorch with torch.compile."""

    compiled = True


class Jax:
    """JAX written by hand for speed: an epoch as one compiled lax.scan, gradients by jax.value_and_grad.

    On a GPU its products round their factors to 11 bits, which is JAX's default, unless precision is "highest".
    """

    dtype = "float32"
    precision: str | None = None

    def __init__(self, W: Any, b: Any, rows: Any, y: Any, B: int, rate: float) -> None:
        import jax
        import jax.numpy as jnp

        def forward(p: Any, X: Any) -> Any:
            A = jax.nn.relu(X @ p[0] + p[1])
            return jax.nn.relu(A @ p[2] + p[3]) @ p[4] + p[5]

        def loss(p: Any, X: Any, Y: Any) -> Any:
            return -(Y * jax.nn.log_softmax(forward(p, X))).sum() / len(X)

        def step(p: Any, X: Any, Y: Any) -> Any:
            L, g = jax.value_and_grad(loss)(p, X, Y)
            return [v - rate * d for v, d in zip(p, g, strict=True)], L

        def epoch(p: Any, X: Any, Y: Any, indices: Any) -> Any:
            return jax.lax.scan(lambda p, index: step(p, X[index], Y[index]), p, indices)

        self.jax, self.forward, self.epoch = jax, jax.jit(forward), jax.jit(epoch)
        self.start = [jnp.asarray(A) for A in transposed(W, b)]
        self.X, self.Y = jnp.asarray(pixels(rows)), jnp.eye(10, dtype="float32")[y]

    def run(self, indices: Any) -> None:
        """One compiled pass."""
        with self.jax.default_matmul_precision(self.precision):
            self.p, _ = self.epoch(self.start, self.X, self.Y, indices)
        self.jax.block_until_ready(self.p)

    def logits(self, rows: Any) -> Any:
        """One row an example."""
        return np.asarray(self.forward(self.p, pixels(rows)))


class JaxExact(Jax):
    """The same with float32 products that keep their 24 bits, as nnref's and PyTorch's do."""

    precision = "highest"


IMPLEMENTATIONS = {
    "nnref": (Nnref, "numpy"),
    "nnref, engine jax": (NnrefJax, "jax"),
    "nnref, engine torch": (NnrefTorch, "torch"),
    "numpy tutorial": (Tutorial, "numpy"),
    "scikit-learn": (ScikitLearn, "sklearn"),
    "autograd": (Autograd, "autograd"),
    "Keras fit": (Keras, "tensorflow"),
    "TensorFlow jit": (TensorFlow, "tensorflow"),
    "PyTorch": (Torch, "torch"),
    "PyTorch compiled": (TorchCompiled, "torch"),
    "JAX by hand": (Jax, "jax"),
}
"""By name: the class, and the package it needs."""

WITHOUT_PEERS = ("nnref", "numpy tutorial", "Keras fit", "TensorFlow jit")
"""What is measured where the peers are not asked for."""
