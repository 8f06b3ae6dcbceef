"""A layer of Keras as layers of the handbook: which they are, and when there are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnref import (
    avg_pool,
    batch_norm,
    batch_norm_inference,
    conv2d,
    embedding,
    flatten,
    layer_norm,
    max_pool,
    multi_head,
    rms_norm,
)
from nnref.layer import Layer, affine_layer
from nnref.layer import activation as named_activation
from nnref.positions import mean_over_positions, per_position
from nnref.shapes import Array
from nnref.tensorflow.exact import exact_layer
from nnref.tensorflow.outward import same_padding

Kind = Callable[["Called"], list[Layer]]
"""The layers of the handbook that compute what one call of a Keras layer does."""


class Called:
    """One call of a Keras layer in a model: the layer, its input's shape, and what it was called with.

    training says whether the model is read as it trains; last, whether it is the model's last, whose softmax belongs to
    the loss.
    """

    def __init__(self, layer: Any, shape: tuple[int | None, ...], options: dict[str, Any], training: bool) -> None:
        self.layer, self.shape, self.options = layer, shape, options
        self.training, self.last = training, False

    def refuse(self, why: str) -> ValueError:
        """An error that names the layer."""
        return ValueError(f"from_keras: {type(self.layer).__name__} {self.layer.name!r}: {why}")

    def need(self, **settings: Any) -> None:
        """Refuse settings that the handbook's layer has not, by name."""
        for name, value in settings.items():
            if (came := getattr(self.layer, name, value)) != value:
                raise self.refuse(f"{name} should be {value!r}; {came!r} came.")

    def one(self, name: str) -> int:
        """A setting of rows and columns, which should be alike."""
        rows, *others = np.atleast_1d(getattr(self.layer, name)).tolist()
        if any(other != rows for other in others):
            raise self.refuse(f"{name} should be the same for rows and columns; {getattr(self.layer, name)} came.")
        return int(rows)

    @property
    def features(self) -> int:
        """How many features the input has."""
        if self.shape[-1] is None:
            raise self.refuse("the number of its features is not known.")
        return int(self.shape[-1])

    def everywhere(self, layer: Layer) -> Layer:
        """The layer, at every position where there are any."""
        return layer if len(self.shape) == 2 else per_position(layer)


def activation(call: Called, function: Any) -> list[Layer]:
    """The layer of an activation, by the function itself; none for the identity.

    Errors: ValueError naming a function that is no activation of the handbook.
    """
    import keras

    of = keras.activations
    if function in (None, of.linear) or (call.last and function is of.softmax):
        return []
    named = {"relu", "relu6", "elu", "tanh", "sigmoid", "silu", "gelu", "softplus"}
    for name in named:
        if function is getattr(of, name):
            return [call.everywhere(named_activation(name))]
    if function is of.leaky_relu:
        return [call.everywhere(named_activation("leaky_relu 0.2"))]
    name = getattr(function, "__name__", str(function))
    there = ", ".join(sorted(named | {"leaky_relu"}))
    raise call.refuse(f"its activation {name!r} is none of the handbook's, which are {there}.")


def dense(call: Called) -> list[Layer]:
    """An affine layer and its activation."""
    call.need(use_bias=True, lora_enabled=False)
    return [call.everywhere(affine_layer(call.features, call.layer.units)), *activation(call, call.layer.activation)]


def convolution(call: Called) -> list[Layer]:
    """A convolution and its activation. Its padding is that of Keras where both put as much before and behind."""
    call.need(use_bias=True, data_format="channels_last", groups=1, lora_enabled=False)
    stride, dilation, (I, J) = call.one("strides"), call.one("dilation_rate"), call.layer.kernel_size
    padding = padded(call, (I, J), stride, dilation)
    made = conv2d.layer(call.features, call.layer.filters, I, J, stride, padding, dilation)
    return [made, *activation(call, call.layer.activation)]


def padded(call: Called, kernel: tuple[int, ...], stride: int, dilation: int) -> int:
    """The rows and columns of padding around an image."""
    if call.layer.padding == "valid":
        return 0
    image = call.shape[1:3]
    if call.layer.padding != "same" or None in image:
        raise call.refuse(f"padding {call.layer.padding!r} can be read of images of a fixed size, as 'same'.")
    found = same_padding(tuple(int(n) for n in image if n is not None), kernel, stride, dilation)
    if found is None:
        raise call.refuse(f"padding='same' lies unevenly around images of {image}; use ZeroPadding2D and 'valid'.")
    return found


def pooling(call: Called) -> list[Layer]:
    """The largest or the mean of each window. Keras leaves what is around an image out of a mean."""
    call.need(data_format="channels_last")
    stride, (I, J) = call.one("strides"), call.layer.pool_size
    largest = type(call.layer).__name__ == "MaxPooling2D"
    padding = padded(call, (I, J), stride, 1)
    if not largest and call.layer.padding == "same" and (padding or uneven(call, (I, J), stride)):
        raise call.refuse("a mean with padding='same' leaves the padding out, which the handbook's counts as zeros.")
    return [(max_pool if largest else avg_pool).layer(I, J, stride, padding)]


def uneven(call: Called, kernel: tuple[int, ...], stride: int) -> bool:
    """Do windows that begin in the image end beyond it?"""
    sizes = zip(call.shape[1:3], kernel, strict=True)
    return any(n is None or (-(-n // stride) - 1) * stride + taps > n for n, taps in sizes)


def global_pooling(call: Called) -> list[Layer]:
    """A window as large as the image, and its numbers as a column."""
    call.need(data_format="channels_last", keepdims=False)
    rows, columns = call.shape[1:3]
    if rows is None or columns is None:
        raise call.refuse("the size of its images is not known.")
    made = max_pool if "Max" in type(call.layer).__name__ else avg_pool
    return [made.layer(rows, columns), flatten.layer()]


def norm(call: Called) -> list[Layer]:
    """A layer normalisation, or one by root mean squares, over features."""
    last = {-1, len(call.shape) - 1}
    axis = np.atleast_1d(call.layer.axis).tolist()
    if len(axis) > 1 or axis[0] not in last:
        raise call.refuse(f"axis should be -1, the features; {call.layer.axis!r} came.")
    if type(call.layer).__name__ == "RMSNormalization":
        return [call.everywhere(rms_norm.layer(call.features, call.layer.epsilon))]
    call.need(center=True, scale=True, rms_scaling=False)
    return [call.everywhere(layer_norm.layer(call.features, call.layer.epsilon))]


def batch_normalisation(call: Called) -> list[Layer]:
    """A normalisation over the batch as in training, or by the statistics that were gathered."""
    if call.layer.axis not in (-1, len(call.shape) - 1):
        raise call.refuse(f"axis should be -1, the features; {call.layer.axis!r} came.")
    call.need(center=True, scale=True, renorm=False, synchronized=False)
    if call.training:
        return [call.everywhere(batch_norm.layer(call.features, call.layer.epsilon))]
    mean, variance = (numbers(v)[:, None] for v in (call.layer.moving_mean, call.layer.moving_variance))
    return [call.everywhere(batch_norm_inference.layer(mean, variance, call.layer.epsilon))]


def numbers(variable: Any) -> Array:
    """A variable of Keras, or a tensor, as a numpy array."""
    return np.array(variable.numpy() if hasattr(variable, "numpy") else variable)


def heads(call: Called) -> list[Layer]:
    """Self-attention of several heads, without biases."""
    call.need(use_bias=False, dropout=0.0)
    it, D = call.layer, call.features
    if len(call.shape) != 3 or it.key_dim * it.num_heads != D or it.value_dim not in (None, it.key_dim):
        raise call.refuse(f"its heads should share the {D} features of a sequence; num_heads × key_dim should be {D}.")
    known = {"training", "use_causal_mask", "query_mask", "value_mask", "key_mask"}
    if strange := [name for name, value in call.options.items() if name not in known and value is not None]:
        raise call.refuse(f"it is called with {', '.join(strange)}, which self-attention of the handbook has not.")
    return [multi_head.layer(D, it.num_heads, causal=bool(call.options.get("use_causal_mask")))]


def words(call: Called) -> list[Layer]:
    """An embedding: at the one place of an example, or at every place of a text."""
    call.need(mask_zero=False)
    made = embedding.layer(call.layer.input_dim, call.layer.output_dim)
    return [made if len(call.shape) == 1 else per_position(made)]


def exact(call: Called) -> list[Layer]:
    """An activation that nnref wrote, since Keras's own has constants of single precision."""
    name = " ".join([call.layer.function, *(repr(float(number)) for number in call.layer.numbers)])
    return [call.everywhere(named_activation(name))]


def rectifier(call: Called) -> list[Layer]:
    """Keras's ReLU: a rectifier, a leaky one, or one that is cut off at 6."""
    slope, top = float(call.layer.negative_slope), call.layer.max_value
    call.need(threshold=0.0)
    if top is not None and (top != 6 or slope):
        raise call.refuse(f"max_value should be None, or 6 without a negative slope; {top} came.")
    name = f"leaky_relu {slope!r}" if slope else "relu6" if top else "relu"
    return [call.everywhere(named_activation(name))]


def softmax(call: Called) -> list[Layer]:
    """Nothing at the end of a model."""
    if not call.last or call.layer.axis not in (-1, len(call.shape) - 1):
        raise call.refuse("a softmax over features can be read at the end of a model, where it belongs to the loss.")
    return []


def dropped(call: Called) -> list[Layer]:
    """Nothing, as the model predicts; what is dropped in training is random."""
    if call.training and call.layer.rate:
        raise call.refuse("what it drops in training is random. Read the model as it predicts: training=False.")
    return []


def flattened(call: Called) -> list[Layer]:
    """Images as columns; nothing where there are columns already."""
    if len(call.shape) == 2:
        return []
    if len(call.shape) != 4:
        raise call.refuse(f"flatten of the handbook takes images; an input of {len(call.shape)} axes came.")
    call.need(data_format="channels_last")
    return [flatten.layer()]


KINDS: dict[str, Kind] = {
    "Dense": dense,
    "Conv2D": convolution,
    "MaxPooling2D": pooling,
    "AveragePooling2D": pooling,
    "GlobalMaxPooling2D": global_pooling,
    "GlobalAveragePooling2D": global_pooling,
    "GlobalAveragePooling1D": lambda call: [mean_over_positions()],
    "LayerNormalization": norm,
    "RMSNormalization": norm,
    "BatchNormalization": batch_normalisation,
    "MultiHeadAttention": heads,
    "Embedding": words,
    "Exact": exact,
    "Flatten": flattened,
    "Softmax": softmax,
    "Dropout": dropped,
    "Activation": lambda call: activation(call, call.layer.activation),
    "ReLU": rectifier,
    "LeakyReLU": lambda call: [call.everywhere(named_activation(f"leaky_relu {float(call.layer.negative_slope)!r}"))],
    "ELU": lambda call: [call.everywhere(named_activation(f"elu {float(call.layer.alpha)!r}"))],
}
"""By the class of a Keras layer: what reads it."""


def layers_of(call: Called) -> list[Layer]:
    """The layers of the handbook that compute what a call does.

    Errors: ValueError naming the layer and what about it the handbook has not.
    """
    it, name = call.layer, type(call.layer).__name__
    own = type(it).__module__.split(".")[0] == "keras" or type(it) is exact_layer()
    if not own or name not in KINDS:
        whose = "" if own else "a class of your own; "
        raise call.refuse(f"{whose}the handbook's layers that Keras has are {', '.join(sorted(KINDS))}.")
    for penalty in (key for key in vars(it) if key.endswith("_regularizer")):
        call.need(**{penalty: None})
    call.need(trainable=True)
    if it.dtype_policy.compute_dtype != it.dtype_policy.variable_dtype:
        raise call.refuse(f"its policy {it.dtype_policy.name!r} computes in another precision than it keeps.")
    return KINDS[name](call)
