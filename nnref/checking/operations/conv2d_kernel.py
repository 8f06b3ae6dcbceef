"""Convolution of images (N, C, H, W) with kernels (D, C, I, J), at any stride, padding and dilation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

from nnref import conv2d
from nnref.arrays import namespace
from nnref.checking.operations.kernel_arithmetic import flags
from nnref.checking.operations.kernel_form import Change, ClosedForm, KernelMistake, Settings, Summed, Values
from nnref.shapes import Array


def windows(
    shapes: Mapping[str, tuple[int, ...]], output: tuple[int, ...], numbers: list[Any]
) -> Iterator[dict[str, Any]]:
    """Every stride to 4, padding to the kernel's size and dilation to 3 that gives an output of this shape."""
    X, W, b = shapes["X"], shapes["W"], shapes.get("b")
    if len(X) == len(W) == len(output) == 4 and X[1] == W[1] and (X[0], W[0]) == output[:2] and b in (None, W[:1]):
        for dilation, stride, padding in product((1, 2, 3), (1, 2, 3, 4), range(max(W[2:]) + 1)):
            reaches = [n + 2 * padding - dilation * (k - 1) - 1 for n, k in zip(X[2:], W[2:], strict=True)]
            if min(reaches) >= 0 and tuple(reach // stride + 1 for reach in reaches) == output[2:]:
                yield {"stride": stride, "padding": padding, "dilation": dilation}


def last(A: Array) -> Array:
    """Images with the examples as their last axis, as nnref has them."""
    return namespace(A).permute_dims(A, (1, 2, 3, 0))


def first(A: Array) -> Array:
    """Images with the examples as their first axis."""
    return namespace(A).permute_dims(A, (3, 0, 1, 2))


def moved(settings: Settings) -> tuple[int, int, int]:
    """How the window moves."""
    return settings["stride"], settings["padding"], settings["dilation"]


def forward(ar: Any, values: Values, settings: Settings) -> Any:
    """The sums over windows, and the bias."""
    W = values["W"]
    none = 0 * W[:, 0, 0, :1]

    def made(X: Array, W: Array) -> Array:
        return first(conv2d.forward(last(X), W, none, *moved(settings)))

    Y = ar.bilinear(made, values["X"], W, W.shape[1] * W.shape[2] * W.shape[3])
    return Y + namespace(W).reshape(values["b"], (1, -1, 1, 1)) if "b" in values else Y


def gradients(ar: Any, values: Values, dY: Array, settings: Settings, change: Change) -> dict[str, Any]:
    """Both are sums of products: over outputs and taps, and over places and images."""
    X, W, which, how = values["X"], values["W"], change.which, moved(settings)
    if which == "no border":
        dY = dY * inside(dY, 2, settings["padding"]) * inside(dY, 3, settings["padding"])
    turn = turned(which, W)
    share, kept = X.shape[0] if which == "averaged" else 1, dY * change.kept("images")
    D, _, I, J = W.shape
    dX = ar.bilinear(lambda G, V: first(conv2d.dX(last(X), V, last(G), *how)), dY, turn(W), D * I * J)
    places = X.shape[0] * dY.shape[2] * dY.shape[3]
    dW = ar.bilinear(lambda A, G: conv2d.dW(last(A), W, last(G), *how), X, kept, places, split=True)
    found = {"X": dX, "W": ar.moved(dW, turn) / share}
    if "b" in values:
        found["b"] = ar.sum(ar.given(namespace(X).reshape(last(kept), (D, -1))), 1, split=True) / share
    return found


def inside(dY: Array, axis: int, padding: int) -> Array:
    """0 at the first and last windows along an axis, as many as the padding, else 1."""
    n = dY.shape[axis]
    line = flags(dY, [float(padding <= k < n - padding) for k in range(n)])
    return namespace(dY).reshape(line, tuple(n if k == axis else 1 for k in range(4)))


def turned(which: str, W: Array) -> Callable[[Array], Array]:
    """What a mistake does to a filter."""
    xp = namespace(W)
    if which == "flipped":
        return lambda A: xp.flip(A, axis=(2, 3))
    if which == "taps turned" and W.shape[2] == W.shape[3]:
        return lambda A: xp.matrix_transpose(A)
    return lambda A: A


def truth(values: Values, dY: Array, settings: Settings) -> dict[str, Array]:
    """By nnref.conv2d."""
    X, D, W, how = last(values["X"]), last(dY), values["W"], moved(settings)
    found = {"X": first(conv2d.dX(X, W, D, *how)), "W": conv2d.dW(X, W, D, *how)}
    if "b" in values:
        found["b"] = namespace(D).reshape(conv2d.db(D), (-1,))
    return found


FORMS = (
    ClosedForm(
        "conv2d",
        ("X", "W", "b"),
        windows,
        forward,
        gradients,
        truth,
        mistakes=(
            KernelMistake("flipped", "the filter is flipped", ("X", "W")),
            KernelMistake("taps turned", "the filter's rows and columns are exchanged", ("X", "W")),
            KernelMistake("averaged", "averaged over the images where it should be summed", ("W", "b")),
            KernelMistake("no border", "windows that reach into the padding are left out"),
        ),
        sums=(Summed("images", "images", ("W", "b"), "X", 0, "the sum over images"),),
        optional=1,
        axes={
            "X": ("images", "channels", "rows", "columns"),
            "W": ("output channels", "input channels", "rows", "columns"),
            "b": ("channels",),
        },
    ),
)
