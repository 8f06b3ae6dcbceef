"""A Keras model as layers and parameters of the handbook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnref import avg_pool, conv2d, network
from nnref.examples import takes_words
from nnref.layer import Layer, chain, residual
from nnref.network import Layers, Parameters
from nnref.positions import images
from nnref.shapes import Array
from nnref.tensorflow.kinds import Called, layers_of, numbers
from nnref.tensorflow.layouts import swapped, tree


def from_keras(model: Any, training: bool = False) -> tuple[tuple[Layer, ...], Parameters]:
    """The layers of a Keras model and its parameters, in its dtype: nnref.forward then gives its logits.

    The model is a Sequential, or a functional one whose branches are added to what they began with. A softmax at its
    end is left out: it belongs to the loss. training is that of model(X, training=…): where it is False, dropout does
    nothing and a batch normalisation uses the statistics that it has gathered. `columns` turns examples.
    Errors: ValueError naming a layer that is none of the handbook's, or has a setting that the handbook's has not.
    """
    reading = Reading(model, training)
    layers = tuple(reading.layers)
    if not layers:
        raise ValueError("from_keras: the model has no layer that computes something.")
    trained, kept = [id(v) for v in model.trainable_variables], reading.variables
    if trained != [id(v) for v in kept]:
        raise ValueError("from_keras: the model keeps its variables in another order than it uses them in.")
    return layers, parameters_of(model, layers, [numbers(v) for v in kept])


def parameters_of(model: Any, layers: Layers, arrays: Sequence[Any]) -> Parameters:
    """The tree of parameters from a list like model.trainable_variables: these, or what a tape returns for them.

    Errors: ValueError for a list of another length.
    """
    shape = model.inputs[0].shape[1:]
    ours = (shape[-1], *shape[:-1]) if len(shape) else ()
    if takes_words(layers[0]):
        words = layers[0].init(np.random.default_rng(0)).E.shape[1]
        ours = (words, *shape)
    return tree(layers, [numbers(A) for A in arrays], tuple(1 if n is None else int(n) for n in ours))


def columns(layers: Layers, X: Array) -> Array:
    """Examples as a Keras model takes them, an example a row, as nnref has them: a column each, words as one-hot.

    Shapes: X (N, n), (N, T, n), (N, H, B, C) or words (N,), (N, T) -> (n, N), (n, T, N), (C, H, B, N)
    """
    if not takes_words(layers[0]):
        return swapped(np.asarray(X))
    theta = layers[0].init(np.random.default_rng(0))
    words = np.moveaxis(np.asarray(X), 0, -1)
    hot = network.one_hot(words.reshape(-1), theta.E.shape[1], "float64")
    return hot.reshape(-1, *words.shape)


class Reading:
    """A model read from its output back to its input."""

    def __init__(self, model: Any, training: bool) -> None:
        self.training, self.seen = training, set[int]()
        self.variables: list[Any] = []
        self.dtype: str | None = None
        if not getattr(model, "outputs", None):
            raise ValueError("from_keras: the model is not built: give it an Input, or call it once.")
        if len(model.outputs) != 1 or len(model.inputs) != 1:
            raise ValueError("from_keras: a model of one input and one output can be read.")
        calls = self.back(model.outputs[0], model.inputs[0])
        if calls is None:
            raise ValueError("from_keras: the output does not come from the input.")
        if calls and not isinstance(calls[-1], list):
            calls[-1].last = True
        self.layers = self.read(calls)

    def back(self, tensor: Any, start: Any) -> list[Any] | None:
        """The calls that lead from one tensor to another, a list for the branch of a residual; None if none do."""
        calls: list[Any] = []
        while tensor is not start:
            operation, index, _ = tensor._keras_history
            node = operation._inbound_nodes[index]
            given = list({id(t): t for t in node.input_tensors}.values())
            if not given:
                return None
            if type(operation).__name__ == "Add" and len(given) == 2:
                a, b = given if id(given[1]) in before(given[0]) else given[::-1]
                if id(b) not in before(a):
                    raise ValueError(f"from_keras: Add {operation.name!r} should add a branch to what it began with.")
                calls, tensor = [self.back(a, b), *calls], b
                continue
            if len(given) == 1 and hasattr(operation, "outputs"):  # a model within the model
                calls, tensor = [*(self.back(operation.outputs[0], operation.inputs[0]) or []), *calls], given[0]
                continue
            if len(given) > 1:
                raise ValueError(
                    f"from_keras: {type(operation).__name__} {operation.name!r} has several inputs, and is no residual."
                )
            options = dict(node.arguments.kwargs)
            calls, tensor = [Called(operation, tuple(given[0].shape), options, self.training), *calls], given[0]
        return calls

    def read(self, calls: Sequence[Any]) -> list[Layer]:
        """The layers of these calls, and their variables in the order in which they are used."""
        found: list[Layer] = []
        left = list(calls)
        while left:
            call = left.pop(0)
            if isinstance(call, list):
                branch = self.read(call)
                if not branch:
                    raise ValueError("from_keras: Add adds what it began with to itself, and no branch.")
                found.append(residual(chain(*branch)))
                continue
            self.once(call)
            kind = type(call.layer).__name__
            if kind == "Reshape":
                found.append(self.images(call, left))
            elif kind == "ZeroPadding2D":
                found += self.zeros_around(call, left)
            else:
                found += layers_of(call)
                self.variables += call.layer.trainable_variables
        return found

    def once(self, call: Called) -> None:
        """Refuse a layer that is used a second time, or that computes in another precision than those before it."""
        if id(call.layer) in self.seen:
            raise call.refuse("it is used twice, and its parameters are shared.")
        self.seen.add(id(call.layer))
        precision = call.layer.compute_dtype
        self.dtype = self.dtype or precision
        if precision != self.dtype:
            raise call.refuse(f"it computes in {precision}, and the other layers in {self.dtype}; give it their dtype.")

    def images(self, call: Called, left: list[Any]) -> Layer:
        """Columns as images: (H, B, 1), or (C, H, B) with the channels put last by what follows."""
        shape = tuple(call.layer.target_shape)
        follows: Any = left[0] if left else None
        if len(call.shape) == 2 and len(shape) == 3 and -1 not in shape:
            if shape[2] == 1:
                return images(1, *shape[:2])
            if type(getattr(follows, "layer", None)).__name__ == "Permute" and tuple(follows.layer.dims) == (2, 3, 1):
                self.once(left.pop(0))
                return images(*shape)
        raise call.refuse("rows of pixels can be read as (H, B, 1), or as (C, H, B) and then Permute((2, 3, 1)).")

    def zeros_around(self, call: Called, left: list[Any]) -> list[Layer]:
        """Zeros around images, with the layer that follows and that has a padding of its own."""
        call.need(data_format="channels_last")
        widths = set(np.ravel(call.layer.padding).tolist())
        follows: Any = left.pop(0) if left and not isinstance(left[0], list) else None
        kind = type(getattr(follows, "layer", None)).__name__
        if len(widths) != 1 or kind not in ("Conv2D", "AveragePooling2D") or follows.layer.padding != "valid":
            raise call.refuse("it should be as wide on every side, before a Conv2D or a mean with padding='valid'.")
        self.once(follows)
        layer, *rest = layers_of(follows)
        self.variables += follows.layer.trainable_variables
        return [padded(layer, widths.pop()), *rest]


def before(tensor: Any) -> set[int]:
    """The tensors that lead to one, by their identity."""
    found, left = set[int](), [tensor]
    while left:
        operation, index, _ = left.pop()._keras_history
        new = [t for t in operation._inbound_nodes[index].input_tensors if id(t) not in found]
        found |= {id(t) for t in new}
        left += new
    return found


def padded(layer: Layer, padding: int) -> Layer:
    """The same convolution or mean pooling with this padding."""
    at = layer.settings
    if layer.name == "avg_pool":
        return avg_pool.layer(at["I"], at["J"], at["stride"], padding, at["dilation"])
    D, C, I, J = layer.init(np.random.default_rng(0)).W.shape
    return conv2d.layer(C, D, I, J, at["stride"], padding, at["dilation"])
