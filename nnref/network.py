"""The network: layers composed, the loss on top, and its gradient by going back through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnref import softmax_cross_entropy
from nnref.layer import Layer, activations, affine_layer, gradients_from
from nnref.layer import activation as named_activation
from nnref.parameters import Gradients, LayerParameters, Parameters, mapped, named, rounded
from nnref.parameters import unnamed as placed
from nnref.shapes import Array, ShapeError, plain

__all__ = [
    "Gradients",
    "Layers",
    "Parameters",
    "accuracy",
    "activations",
    "forward",
    "gradients",
    "initialise",
    "loss",
    "loss_and_gradients",
    "mlp",
    "mnist_mlp",
    "named",
    "one_hot",
    "predict",
    "rounded",
    "unnamed",
]

Layers = Sequence[Layer]

MNIST_SIZES = (784, 128, 64, 10)
"""The article's network: 28 × 28 pixels, two hidden layers, ten digits."""


def mlp(sizes: Sequence[int], activation: str = "relu") -> tuple[Layer, ...]:
    """The layers affine, activation, affine, …, affine for the given widths. Softmax lives in the loss.

    >>> [layer.name for layer in mlp([784, 128, 10])]
    ['affine', 'relu', 'affine']
    """
    if len(sizes) < 2 or any(isinstance(n, bool) or n != int(n) or n < 1 for n in sizes):
        raise ValueError(
            f"sizes should be at least two positive widths, input first; {list(sizes)} came. Try {list(MNIST_SIZES)}."
        )
    between = named_activation(activation)
    first, *rest = (affine_layer(int(n), int(m)) for n, m in pairwise(sizes))
    return (first, *(layer for affine in rest for layer in (between, affine)))


def mnist_mlp() -> tuple[Layer, ...]:
    """The article's network, 784-128-64-10 with rectifiers."""
    return mlp(MNIST_SIZES)


def initialise(layers: Layers, seed: int = 0, dtype: DTypeLike = "float64") -> Parameters:
    """Parameters drawn from one seed: He-normal weights and zero biases, drawn in float64 and rounded to dtype."""
    rng = np.random.default_rng(seed)
    return rounded(tuple(layer.init(rng) for layer in layers), dtype)


def forward(layers: Layers, theta: Parameters, X: Array) -> Array:
    """The logits of every example.

    Shapes: X (n0, N) -> (n_L, N)
    """
    return activations(layers, theta, X)[-1]


def loss(layers: Layers, theta: Parameters, X: Array, Y: Array) -> Array:
    """The mean cross-entropy over the batch, in nats.

    Shapes: X (n0, N), Y (n_L, N) -> ()
    """
    return softmax_cross_entropy.forward(forward(layers, theta, X), Y)


def loss_and_gradients(layers: Layers, theta: Parameters, X: Array, Y: Array) -> tuple[Array, Gradients]:
    """The loss and its gradient with respect to every parameter, from one forward and one backward pass.

    Shapes: X (n0, N), Y (n_L, N) -> (), and a gradient shaped like theta
    """
    A = activations(layers, theta, X)
    dZ = softmax_cross_entropy.dZ(A[-1], Y)
    return softmax_cross_entropy.forward(A[-1], Y), gradients_from(layers, theta, A, dZ)


def gradients(layers: Layers, theta: Parameters, X: Array, Y: Array) -> Gradients:
    """The gradient of the mean loss with respect to every parameter, shaped like theta.

    Shapes: X (n0, N), Y (n_L, N) -> a gradient shaped like theta

    >>> layers = mlp([3, 4, 2])
    >>> theta = initialise(layers, seed=0)
    >>> dtheta = gradients(layers, theta, np.ones((3, 5)), one_hot([0, 1, 1, 0, 1], classes=2))
    >>> {name: g.shape for name, g in named(dtheta).items()}
    {'W1': (4, 3), 'b1': (4, 1), 'W2': (2, 4), 'b2': (2, 1)}
    """
    return loss_and_gradients(layers, theta, X, Y)[1]


def predict(layers: Layers, theta: Parameters, X: Array) -> Array:
    """The most probable class of every example: softmax keeps order, so the largest logit decides.

    Shapes: X (n0, N) -> (N,)
    """
    return forward(layers, theta, X).argmax(axis=0)


def accuracy(layers: Layers, theta: Parameters, X: Array, labels: ArrayLike) -> float:
    """The share of examples whose predicted class is their label.

    Shapes: X (n0, N), labels (N,) -> ()
    """
    plain(labels=labels)
    labels = np.asarray(labels)
    predicted = predict(layers, theta, X)
    if labels.shape != predicted.shape:
        raise ShapeError(
            f"labels should be one class per example, {predicted.shape}; {labels.shape} came. "
            f"For one-hot Y pass Y.argmax(axis=0)."
        )
    return float((predicted == labels).mean())


def one_hot(labels: ArrayLike, classes: int = 10, dtype: DTypeLike = "float32") -> Array:
    """The labels as columns with a single 1. Exact in every dtype; float32 leaves the parameters' dtype as it is.

    Shapes: labels (N,) -> (classes, N)
    Errors: ValueError if a label is not a whole number in 0 … classes − 1.

    >>> one_hot([2, 0], classes=3)
    array([[0., 1.],
           [0., 0.],
           [1., 0.]], dtype=float32)
    """
    plain(labels=labels)
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.size == 0 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels should be a vector of whole numbers, one per example; "
            f"{labels.dtype} of shape {labels.shape} came. Try labels.ravel().astype(int)."
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels should lie in 0 … {classes - 1}; {labels.min()} … {labels.max()} came.")
    Y = np.zeros((classes, labels.size), dtype)
    Y[labels, np.arange(labels.size)] = 1
    return Y


def unnamed(arrays: Mapping[str, Any], layers: Layers) -> Parameters:
    """Parameters for the layers from arrays named W1, b1, …: the inverse of `named`.

    Errors: KeyError naming the array that is missing.
    """
    return placed(arrays, tuple(form(layer) for layer in layers))


@lru_cache(maxsize=256)
def form(layer: Layer) -> LayerParameters:
    """The tree of a layer's parameters, with nothing in its places."""
    return mapped(lambda _: None, layer.init(np.random.default_rng(0)))
