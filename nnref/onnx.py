"""A network as an ONNX graph: examples are the first axis, and channels of images the second, as ONNX has them."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np

from nnref.examples import after, dtype_of, shape_of, takes_words
from nnref.layer import Layer
from nnref.leaky_relu import SLOPE
from nnref.network import Layers, Parameters
from nnref.shapes import Array

OPSET, IR = 20, 9
"""The version of the operators, of 2023, and that of the format which came with it: what runs them is as old."""


def to_onnx(layers: Layers, theta: Parameters, shape: tuple[int, ...] | None = None, softmax: bool = False) -> Any:
    """The network as an onnx.ModelProto in the dtype of its parameters, from "X" to "logits", or to "probabilities".

    X holds examples as `rows` gives them, any number at a time. shape is that of one example as nnref has it, such as
    (3, 32, 32); it is asked for where the first layer does not say it. The graph is checked against ONNX's own rules.
    Errors: ValueError for a layer that a graph for prediction cannot have, by name; ImportError without onnx.
    """
    import onnx
    from onnx import TensorProto, helper

    shape = shape_of(layers, theta, shape)
    dtype = dtype_of(theta)
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"to_onnx: parameters should be float32 or float64; {dtype} came.")
    graph, of_words = Graph(dtype), takes_words(layers[0])
    out, _ = graph.through(layers, theta, "X", shape)
    name = "probabilities" if softmax else "logits"
    graph.add(*(("Softmax", out) if softmax else ("Identity", out)), into=name)
    number = helper.np_dtype_to_tensor_dtype(dtype)
    given = ["N", *(shape[1:] if of_words else of_rows(shape))]
    made = helper.make_graph(
        graph.nodes,
        "nnref",
        [helper.make_tensor_value_info("X", TensorProto.INT64 if of_words else number, given)],
        [helper.make_tensor_value_info(name, number, ["N", None])],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="nnref")
    model.ir_version = IR
    onnx.checker.check_model(model, full_check=True)
    return model


def rows(layers: Layers, X: Array) -> Array:
    """X as the graph takes it: an example a row; words as whole numbers, where they are one-hot.

    Shapes: X (n, N), (n, T, N) or (C, H, B, N) -> (N, n), (N, T, n) or (N, C, H, B)
    """
    if takes_words(layers[0]):
        return np.moveaxis(X.argmax(axis=0), -1, 0).astype("int64")
    return np.ascontiguousarray(np.moveaxis(X, -1, 0) if X.ndim == 4 else np.swapaxes(X, 0, -1))


def of_rows(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of one example in the graph: the features of a sequence come last."""
    return shape[::-1] if len(shape) == 2 else shape


class Graph:
    """Nodes and constants as they are added, each under a name of its own."""

    def __init__(self, dtype: Any) -> None:
        self.dtype, self.nodes, self.constants = dtype, list[Any](), list[Any]()

    def add(self, operator: str, *given: str | Array | float, into: str | None = None, **settings: Any) -> str:
        """Add a node, whose arrays and numbers become constants; the name of what comes out."""
        from onnx import helper

        names = [self.constant(A) if not isinstance(A, str) else A for A in given]
        out = into or f"{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, names, [out], **settings))
        return out

    def constant(self, A: Any) -> str:
        """The name of a constant: whole numbers are shapes and axes, all else is in the dtype of the network."""
        from onnx import numpy_helper

        array = np.asarray(A)
        array = array.astype("int64" if array.dtype.kind in "iu" else self.dtype)
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def through(self, layers: Layers, theta: Parameters, x: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """The name of what comes out of the layers, and the shape of an example there."""
        for layer, theta_l in zip(layers, theta, strict=True):
            if layer.name == "chain":
                x, behind = self.through(layer.within, theta_l, x, shape)
            elif layer.name == "residual":
                branch, behind = self.through(layer.within, (theta_l,), x, shape)
                x = self.add("Add", x, branch)
            elif layer.name == "per_position":
                x, behind = self.everywhere(layer, theta_l, x, shape)
            else:
                x, behind = maker(layer)(self, layer, theta_l, x, shape), after(layer, shape)
            shape = behind
        return x, shape

    def everywhere(self, layer: Layer, theta: Any, x: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """A layer at every position, with the features last: those of images are moved there and back."""
        pictures = len(shape) == 3
        if pictures:
            x = self.add("Transpose", x, perm=[0, 2, 3, 1])
        x, behind = self.through(layer.within, (theta,), x, shape[:1])
        if pictures:
            x = self.add("Transpose", x, perm=[0, 3, 1, 2])
        return x, (*behind, *shape[1:])


Maker = Callable[[Graph, Layer, Any, str, tuple[int, ...]], str]
"""Adds a layer with these parameters behind x, of examples of this shape; the name of what comes out."""


def maker(layer: Layer) -> Maker:
    """What makes the nodes of a layer.

    Errors: ValueError naming a layer that no graph for prediction can have, and those that it can.
    """
    name = layer.name.split()[0]
    if name == "batch_norm":
        raise ValueError(
            "to_onnx: batch_norm is the layer in training, whose output depends on the batch. For prediction put "
            "batch_norm_inference.layer(mean, variance) in its place, with the statistics that were gathered."
        )
    if name in MAKERS:
        return MAKERS[name]
    if name in ACTIVATIONS_OF_ONNX:
        return activation
    there = ", ".join(sorted({*MAKERS, *ACTIVATIONS_OF_ONNX, "chain", "residual", "per_position"}))
    raise ValueError(f"to_onnx: no operators are known for {layer.name!r}. Known are {there}.")


def affine(graph: Graph, layer: Layer, theta: Any, x: str, shape: tuple[int, ...]) -> str:
    """A row times Wᵀ, and b."""
    return graph.add("Add", graph.add("MatMul", x, theta[0].T), theta[1][:, 0])


def convolution(graph: Graph, layer: Layer, theta: Any, x: str, shape: tuple[int, ...]) -> str:
    """A convolution with the same zeros on every side."""
    W, b = theta
    return graph.add("Conv", x, W, b[:, 0], **windows(layer, W.shape[2:]))


def windows(layer: Layer, kernel: tuple[int, ...]) -> dict[str, Any]:
    """How windows move, as ONNX says it."""
    at = layer.settings
    moved = {"strides": [at["stride"]] * 2, "pads": [at["padding"]] * 4, "dilations": [at["dilation"]] * 2}
    return {"kernel_shape": list(kernel), **moved}


def pooling(graph: Graph, layer: Layer, theta: Any, x: str, shape: tuple[int, ...]) -> str:
    """The largest of each window, or its mean, in which zeros around the image count."""
    at = layer.settings
    if at["padding"] >= min(at["I"], at["J"]):
        raise ValueError(
            f"to_onnx: {layer.name} has windows of {at['I']} × {at['J']} and padding={at['padding']}: onnxruntime runs "
            f"pooling with less padding than rows and columns only, so that every window sees a pixel."
        )
    moved = windows(layer, (at["I"], at["J"]))
    if layer.name == "max_pool":
        return graph.add("MaxPool", x, **moved)
    return graph.add("AveragePool", x, count_include_pad=1, **moved)


def layer_norm(graph: Graph, layer: Layer, theta: Any, x: str, shape: tuple[int, ...]) -> str:
    """A normalisation of the last axis, with gain and shift."""
    gamma, beta = (p[:, 0] for p in theta)
    return graph.add("LayerNormalization", x, gamma, beta, axis=-1, epsilon=layer.settings["eps"])


def rms_norm(graph: Graph, layer: Layer, theta: Any, x: str, shape: tuple[int, ...]) -> str:
    """The gain times x over the root of the mean of its squares."""
    squares = graph.add("ReduceMean", graph.add("Mul", x, x), np.array([-1]), keepdims=1)
    root = graph.add("Sqrt", graph.add("Add", squares, layer.settings["eps"]))
    return graph.add("Mul", graph.add("Div", x, root), theta[0][:, 0])


def batch_norm_inference(graph: Graph, layer: Layer, theta: Any, x: str, shape: tuple[int, ...]) -> str:
    """Features less their mean, over their deviation, with gain and shift."""
    at = layer.settings
    mean, r = at["mean"][:, 0], 1 / np.sqrt(at["variance"][:, 0] + at["eps"])
    scaled = graph.add("Mul", graph.add("Sub", x, mean), theta[0][:, 0] * r)
    return graph.add("Add", scaled, theta[1][:, 0])


def heads(graph: Graph, layer: Layer, theta: Any, x: str, shape: tuple[int, ...]) -> str:
    """Self-attention: in each head, every query's mean of the values by the softmax of its scores."""
    (D, T), G = shape, layer.settings["heads"]

    def split(W: Array, axes: list[int]) -> str:
        whole = graph.add("MatMul", x, W.T)
        return graph.add("Transpose", graph.add("Reshape", whole, np.array([0, 0, G, D // G])), perm=axes)

    Q, K, V = split(theta[0], [0, 2, 1, 3]), split(theta[1], [0, 2, 3, 1]), split(theta[2], [0, 2, 1, 3])
    S = graph.add("Div", graph.add("MatMul", Q, K), sqrt(D // G))
    if layer.settings["causal"]:
        S = graph.add("Add", S, np.where(np.tri(T) > 0, 0.0, -np.inf))
    H = graph.add("MatMul", graph.add("Softmax", S, axis=-1), V)
    joined = graph.add("Reshape", graph.add("Transpose", H, perm=[0, 2, 1, 3]), np.array([0, 0, D]))
    return graph.add("MatMul", joined, theta[3].T)


def patches(graph: Graph, layer: Layer, theta: Any, x: str, shape: tuple[int, ...]) -> str:
    """Patches as a convolution whose windows do not overlap, and what each position has of its own."""
    W, E = theta
    whole = graph.add("Conv", x, W, kernel_shape=list(W.shape[2:]), strides=list(W.shape[2:]))
    sequence = graph.add("Reshape", graph.add("Add", whole, E[None]), np.array([0, len(W), E[0].size]))
    return graph.add("Transpose", sequence, perm=[0, 2, 1])


def recurrent(graph: Graph, layer: Layer, theta: Any, x: str, shape: tuple[int, ...]) -> str:
    """The states of a recurrent layer, the steps first as ONNX has them, and then second again."""
    W, U, b = theta
    biases = np.concatenate([b[:, 0], np.zeros(len(b))])[None]
    steps = graph.add("Transpose", x, perm=[1, 0, 2])
    states = graph.add("RNN", steps, U[None], W[None], biases, hidden_size=len(b))
    return graph.add("Transpose", graph.add("Squeeze", states, np.array([1])), perm=[1, 0, 2])


def images(graph: Graph, layer: Layer, theta: Any, x: str, shape: tuple[int, ...]) -> str:
    """Rows of pixels as images."""
    return graph.add("Reshape", x, np.array([-1, *(layer.settings[size] for size in "CHB")]))


def activation(graph: Graph, layer: Layer, theta: Any, x: str, shape: tuple[int, ...]) -> str:
    """An activation, with its parameters."""
    name, *values = layer.name.split()
    return ACTIVATIONS_OF_ONNX[name](graph, x, *layer.settings.values(), *map(float, values))


def gelu(graph: Graph, x: str) -> str:
    """Half of x times 1 and erf(x/√2)."""
    error = graph.add("Erf", graph.add("Mul", x, sqrt(0.5)))
    return graph.add("Mul", graph.add("Mul", x, 0.5), graph.add("Add", error, 1.0))


ACTIVATIONS_OF_ONNX: dict[str, Callable[..., str]] = {
    "relu": lambda graph, x: graph.add("Relu", x),
    "tanh": lambda graph, x: graph.add("Tanh", x),
    "sigmoid": lambda graph, x: graph.add("Sigmoid", x),
    "softplus": lambda graph, x: graph.add("Softplus", x),
    "silu": lambda graph, x: graph.add("Mul", x, graph.add("Sigmoid", x)),
    "gelu": gelu,
    "gelu_tanh": lambda graph, x: graph.add("Gelu", x, approximate="tanh"),
    "relu6": lambda graph, x: graph.add("Clip", x, 0.0, 6.0),
    "leaky_relu": lambda graph, x, slope=SLOPE: graph.add("LeakyRelu", x, alpha=slope),
    "elu": lambda graph, x, alpha=1.0: graph.add("Elu", x, alpha=alpha),
}
"""By name: the nodes of an activation, from what chooses its parameters."""

MAKERS: dict[str, Maker] = {
    "affine": affine,
    "conv2d": convolution,
    "max_pool": pooling,
    "avg_pool": pooling,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "batch_norm_inference": batch_norm_inference,
    "multi_head": heads,
    "patch_embedding": patches,
    "rnn": recurrent,
    "images": images,
    "embedding": lambda graph, layer, theta, x, shape: graph.add("Gather", theta[0].T, x),
    "flatten": lambda graph, layer, theta, x, shape: graph.add("Flatten", x),
    "mean_over_positions": lambda graph, layer, theta, x, shape: graph.add("ReduceMean", x, np.array([1]), keepdims=0),
}
"""By the name of a layer: what makes its nodes."""
