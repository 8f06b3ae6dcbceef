"""The network: layers composed, the loss on top, and its gradient by going back through them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnref import softmax_cross_entropy
from nnref.layer import Affine, Layer, LayerParameters, affine_layer
from nnref.layer import activation as named_activation
from nnref.shapes import Array, ShapeError

Layers = Sequence[Layer]
Parameters = tuple[LayerParameters, ...]
Gradients = Parameters

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
    return tuple(rounded(layer.init(rng), dtype) for layer in layers)


def rounded(theta: LayerParameters, dtype: DTypeLike) -> LayerParameters:
    """The same parameters in another dtype."""
    return Affine(*(p.astype(dtype) for p in theta)) if isinstance(theta, Affine) else ()


def activations(layers: Layers, theta: Parameters, X: Array) -> list[Array]:
    """X, then the output of every layer in turn: all that the backward pass needs. The last are the logits."""
    if len(theta) != len(layers):
        raise ShapeError(
            f"theta should have one entry a layer, {len(layers)} (activations have ()); {len(theta)} came. "
            f"nnref.initialise(layers) makes one."
        )
    A = [X]
    for layer, theta_l in zip(layers, theta, strict=True):
        A.append(layer.forward(theta_l, A[-1]))
    return A


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
    dA = softmax_cross_entropy.dZ(A[-1], Y)
    dtheta: list[LayerParameters] = []
    for layer, theta_l, before, after in reversed(list(zip(layers, theta, A, A[1:], strict=False))):
        dtheta_l, dA = layer.vjp(theta_l, before, after, dA)
        dtheta.append(dtheta_l)
    return softmax_cross_entropy.forward(A[-1], Y), tuple(reversed(dtheta))


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


def named(theta: Parameters) -> dict[str, Array]:
    """The parameters, or gradients, by the article's names: W1, b1, W2, b2, …, counting affine layers from 1."""
    affines = [theta_l for theta_l in theta if isinstance(theta_l, Affine)]
    return {f"{p}{l}": getattr(theta_l, p) for l, theta_l in enumerate(affines, 1) for p in Affine._fields}


def unnamed(arrays: dict[str, Array], layers: Layers) -> Parameters:
    """Parameters for the layers from arrays named W1, b1, …: the inverse of `named`."""
    affines: Any = iter(
        Affine(arrays[f"W{l}"], arrays[f"b{l}"]) for l in range(1, sum(layer.name == "affine" for layer in layers) + 1)
    )
    return tuple(next(affines) if layer.name == "affine" else () for layer in layers)
