"""A network as a Keras model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnref.examples import after, dtype_of, shape_of, takes_words
from nnref.layer import Layer, all_names
from nnref.leaky_relu import SLOPE
from nnref.network import Layers, Parameters
from nnref.shapes import Array, ShapeError
from nnref.tensorflow.exact import exact_layer
from nnref.tensorflow.layouts import swapped, weights_of
from nnref.windows import Windows


def to_keras(layers: Layers, theta: Parameters, shape: tuple[int, ...] | None = None) -> Any:
    """The network as a Keras model with the same parameters, in their dtype; it gives logits, as nnref.forward does.

    The model takes the examples as `rows` gives them. With batch_norm it is called as model(rows, training=True), with
    batch_norm_inference as model(rows, training=False): Keras has one layer for both. shape is that of one example as
    nnref has it, such as (3, 32, 32) for images of three channels; it is asked for where the first layer does not say
    it.
    Errors: ValueError for a layer that Keras has not, by its name; ImportError without TensorFlow.
    """
    import keras

    if {"batch_norm", "batch_norm_inference"} <= set(all_names(layers)):
        raise ValueError("to_keras: batch_norm and batch_norm_inference are one layer in Keras; use one of them.")
    shape = shape_of(layers, theta, shape)
    dtype = str(dtype_of(theta))
    weights = weights_of(layers, theta, shape)
    words = takes_words(layers[0])
    given = keras.Input(shape[1:] if words else (*shape[1:], shape[0]), dtype="int32" if words else dtype)
    x, _ = built(keras, layers, given, shape, dtype)
    model = keras.Model(given, x)
    for variable, A in zip(model.trainable_variables, weights, strict=True):
        variable.assign(A)
    return model


def rows(layers: Layers, X: Array) -> Array:
    """X as the Keras model takes it: an example a row, the features last; words as numbers, where they are one-hot.

    Shapes: X (n, N), (n, T, N) or (C, H, B, N) -> (N, n), (N, T, n) or (N, H, B, C)
    """
    return np.moveaxis(X.argmax(axis=0), -1, 0) if takes_words(layers[0]) else swapped(X)


def built(keras: Any, layers: Layers, x: Any, shape: tuple[int, ...], dtype: str) -> tuple[Any, tuple[int, ...]]:
    """Keras's tensor behind the layers, and the shape of an example there."""
    for layer in layers:
        if layer.name in ("chain", "per_position"):
            x, _ = built(keras, layer.within, x, shape[:1] if layer.name == "per_position" else shape, dtype)
        elif layer.name == "residual":
            x = keras.layers.Add(dtype=dtype)([x, built(keras, layer.within, x, shape, dtype)[0]])
        else:
            x = maker(layer)(keras, layer, x, shape, dtype)
        shape = after(layer, shape)
    return x, shape


Maker = Callable[[Any, Layer, Any, tuple[int, ...], str], Any]
"""Adds a layer to Keras's tensor x, of examples of this shape."""


def maker(layer: Layer) -> Maker:
    """What makes Keras's layer.

    Errors: ValueError naming a layer that Keras has not, and those that it has.
    """
    name = layer.name.split()[0]
    if name in MAKERS:
        return MAKERS[name]
    if name in ACTIVATIONS_OF_KERAS:
        return activation
    there = ", ".join(sorted({*MAKERS, *ACTIVATIONS_OF_KERAS, "chain", "residual", "per_position"}))
    raise ValueError(f"to_keras: Keras has no layer that computes {layer.name!r}. Those it has are {there}.")


def dense(keras: Any, layer: Layer, x: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """An affine layer."""
    return keras.layers.Dense(after(layer, shape)[0], dtype=dtype)(x)


def convolution(keras: Any, layer: Layer, x: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """A convolution, with zeros around the image where there are any."""
    at, W = layer.settings, layer.init(np.random.default_rng(0)).W
    if at["padding"]:
        x = keras.layers.ZeroPadding2D(at["padding"], dtype=dtype)(x)
    steps = {"strides": at["stride"], "dilation_rate": at["dilation"]}
    if min(steps.values()) < max(steps.values()) and min(steps.values()) > 1:
        raise ValueError("to_keras: Keras has no convolution with both a stride and a dilation.")
    return keras.layers.Conv2D(len(W), W.shape[2:], **steps, dtype=dtype)(x)


def pooling(keras: Any, layer: Layer, x: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """The largest, or the mean, of each window."""
    at = layer.settings
    kernel, largest = (at["I"], at["J"]), layer.name == "max_pool"
    if at["dilation"] != 1:
        raise ValueError(f"to_keras: Keras has no pooling with a dilation; {layer.name} has {at['dilation']}.")
    if at["padding"] and not largest:
        x = keras.layers.ZeroPadding2D(at["padding"], dtype=dtype)(x)
    if at["padding"] and largest and same_padding(shape[1:], kernel, at["stride"], 1) != at["padding"]:
        raise ValueError("to_keras: Keras pads a max pooling only so that the output keeps the size ('same').")
    made = keras.layers.MaxPooling2D if largest else keras.layers.AveragePooling2D
    padding = "same" if at["padding"] and largest else "valid"
    return made(kernel, at["stride"], padding=padding, dtype=dtype)(x)


def same_padding(image: tuple[int, ...], kernel: tuple[int, ...], stride: int, dilation: int) -> int | None:
    """The padding with which windows lie where those of Keras's "same" do; None if there is none.

    Keras puts half of what is missing before the image, rounded down, and leaves ⌈n / stride⌉ windows.
    """
    before, counts = [], []
    for n, taps in zip(image, kernel, strict=True):
        counts.append(-(-n // stride))
        before.append(max((counts[-1] - 1) * stride + dilation * (taps - 1) + 1 - n, 0) // 2)
    if len(set(before)) > 1:
        return None
    try:
        at = Windows((1, *image, 1), tuple(kernel), stride, before[0], dilation)
    except ShapeError:  # what Keras adds behind is needed for a single window
        return None
    return before[0] if list(at.places) == counts else None


def norm(keras: Any, layer: Layer, x: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """A normalisation over features."""
    made = keras.layers.LayerNormalization if layer.name == "layer_norm" else keras.layers.RMSNormalization
    return made(epsilon=layer.settings["eps"], dtype=dtype)(x)


def batch_norm(keras: Any, layer: Layer, x: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """A normalisation over the batch, or by statistics of its own: which of them, the call of the model says."""
    made = keras.layers.BatchNormalization(epsilon=layer.settings["eps"], dtype=dtype)
    x = made(x)
    if layer.name == "batch_norm_inference":
        made.moving_mean.assign(layer.settings["mean"][:, 0])
        made.moving_variance.assign(layer.settings["variance"][:, 0])
    return x


def heads(keras: Any, layer: Layer, x: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Self-attention without biases."""
    G, D = layer.settings["heads"], shape[0]
    if dtype != "float32" and (scale := (D // G) ** -0.5) != float(np.float32(scale)):
        raise ValueError(
            f"to_keras: Keras scales scores by 1/√{D // G} in single precision, whatever the dtype; use float32, or "
            f"heads of a width whose root is a power of two, such as 4 or 16."
        )
    made = keras.layers.MultiHeadAttention(G, D // G, use_bias=False, dtype=dtype)
    return made(x, x, use_causal_mask=layer.settings["causal"])


def images(keras: Any, layer: Layer, x: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Rows of pixels as images: channel by channel, as nnref keeps them."""
    C, H, B = (layer.settings[size] for size in "CHB")
    if C == 1:
        return keras.layers.Reshape((H, B, 1), dtype=dtype)(x)
    return keras.layers.Permute((2, 3, 1), dtype=dtype)(keras.layers.Reshape((C, H, B), dtype=dtype)(x))


def words(keras: Any, layer: Layer, x: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """An embedding of words, which are numbers."""
    if "int" not in str(x.dtype):
        raise ValueError("to_keras: an embedding takes words, and so should be the first layer.")
    d, n = layer.init(np.random.default_rng(0)).E.shape
    return keras.layers.Embedding(n, d, dtype=dtype)(x)


def activation(keras: Any, layer: Layer, x: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """An activation, with its parameters."""
    name, *values = layer.name.split()
    numbers = [*layer.settings.values(), *map(float, values)]
    return ACTIVATIONS_OF_KERAS[name](keras, dtype, *numbers)(x)


def plain(name: str) -> Callable[..., Any]:
    """An activation that Keras knows by this name."""
    return lambda keras, dtype: keras.layers.Activation(name, dtype=dtype)


def leaky(keras: Any, dtype: str, slope: float = SLOPE) -> Any:
    """Keras's leaky rectifier keeps its slope in single precision."""
    if dtype == "float32" or slope == float(np.float32(slope)):
        return keras.layers.LeakyReLU(slope, dtype=dtype)
    return exact_layer()("leaky_relu", [slope], dtype=dtype)


def gelu(keras: Any, dtype: str) -> Any:
    """Keras's GELU keeps the root of 2 in single precision."""
    return plain("gelu")(keras, dtype) if dtype == "float32" else exact_layer()("gelu", dtype=dtype)


ACTIVATIONS_OF_KERAS: dict[str, Callable[..., Any]] = {
    **{name: plain(name) for name in ("relu", "tanh", "sigmoid", "silu", "softplus", "relu6")},
    "gelu": gelu,
    "gelu_tanh": lambda keras, dtype: exact_layer()("gelu_tanh", dtype=dtype),
    "leaky_relu": leaky,
    "elu": lambda keras, dtype, alpha=1.0: keras.layers.ELU(alpha, dtype=dtype),
}
"""By name: Keras's activation, from what chooses its parameters."""


MAKERS: dict[str, Maker] = {
    "affine": dense,
    "conv2d": convolution,
    "max_pool": pooling,
    "avg_pool": pooling,
    "layer_norm": norm,
    "rms_norm": norm,
    "batch_norm": batch_norm,
    "batch_norm_inference": batch_norm,
    "multi_head": heads,
    "images": images,
    "embedding": words,
    "flatten": lambda keras, layer, x, shape, dtype: keras.layers.Flatten(dtype=dtype)(x),
    "mean_over_positions": lambda keras, layer, x, shape, dtype: keras.layers.GlobalAveragePooling1D(dtype=dtype)(x),
}
"""By the name of a layer: what makes Keras's."""
