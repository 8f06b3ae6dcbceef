"""How people write transposed convolution: any order of axes, stride, padding, dilation; and the mistakes made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from nnref import conv_transpose
from nnref.arrays import namespace
from nnref.checking.operations.conv2d import KERNELS, TURNED, around, both, framed_by, kernel, slip, swapped
from nnref.checking.operations.images import Moved, image, images, movements
from nnref.checking.operations.known import KnownLayer, LayerReading, Layout, Symbols, Tried
from nnref.windows import added, mixed

Settings = Mapping[str, Any]


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Every transposed convolution of one array with another, and maybe a bias."""
    floats = tried.floats
    if len(floats) not in (2, 3):
        return
    for (x, X), (w, W) in product(floats.items(), floats.items()):
        if x == w or X.ndim != tried.Y.ndim:
            continue
        for axes, layout in images(X.shape):
            for kinds in KERNELS.get(W.ndim, ()):
                if (len(axes) == 3 and "W" not in axes) != (kinds == "DCI"):
                    continue
                yield from moving(tried, x, w, layout, image(tried.Y.shape, axes), kernel(W.shape, kinds))


def moving(tried: Tried, x: str, w: str, layout: Layout, output: Layout, kernels: Layout) -> Iterator[LayerReading]:
    """Every stride, padding and dilation with which windows over the large images are as many as the small pixels."""
    C, D, *taps = kernels.shape
    rest = [name for name in tried.floats if name not in (x, w)]
    fit = layout.shape[0] == C and output.shape[0] == D and layout.shape[3] == output.shape[3]
    if not fit or any(tried.floats[name].size != D for name in rest):
        return
    roles = {x: "X", w: "W"} | dict.fromkeys(rest, "b")
    layouts = {"X": layout, "W": kernels}
    if rest:
        layouts["b"] = Layout.reshaped(tried.floats[rest[0]].shape, (D, 1))
    given: Symbols = {} if rest else {"b": np.zeros((D, 1))}
    for moved in movements(output.shape, (taps[0], taps[1]), layout.shape[1:3]):
        settings = {"H": output.shape[1], "B": output.shape[2], "moved": moved}
        says = f"conv_transpose, {moved}"
        yield LayerReading("conv_transpose", says, roles, layouts, output, given, settings)
        if max(taps) > 1:
            round_ = layouts | {"W": replace(kernels, flipped=TURNED)}
            yield LayerReading(
                "conv_transpose", f"{says}, of the kernel turned round", roles, round_, output, given, settings
            )


def forward(at: Symbols, settings: Settings) -> Any:
    """Each pixel spread over its window."""
    size = settings["H"], settings["B"]
    return conv_transpose.forward(at["X"], at["W"], at["b"], *size, *settings["moved"])


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """The proved gradients."""
    X, W, moved = at["X"], at["W"], settings["moved"]
    return {
        "X": conv_transpose.dX(X, W, dY, *moved),
        "W": conv_transpose.dW(X, W, dY, *moved),
        "b": conv_transpose.db(dY),
    }


def with_kernel(change: Callable[[Any], Any]) -> Callable[..., Symbols]:
    """The gradient of the images with another kernel."""
    return lambda at, dY, settings: {"X": conv_transpose.dX(at["X"], change(at["W"]), dY, *settings["moved"])}


def with_gradient(change: Callable[[Any], Any]) -> Callable[..., Symbols]:
    """The gradient of the kernels, with this change made to it."""
    return lambda at, dY, settings: {"W": change(conv_transpose.dW(at["X"], at["W"], dY, *settings["moved"]))}


def as_if(**changed: int) -> Callable[..., Symbols]:
    """Both gradients with another stride, padding or dilation than the forward pass has."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Symbols:
        wrong = settings["moved"]._replace(**changed)
        if wrong == settings["moved"]:
            raise ValueError("no other")
        return moved_otherwise(at, dY, wrong)

    return of


def moved_otherwise(at: Symbols, dY: Any, wrong: Moved) -> Symbols:
    """The gradients if pixel a had been spread to a · stride + u · dilation − padding with these wrong numbers."""
    X, W = at["X"], at["W"]
    xp, (P, Q) = namespace(dY), X.shape[1:3]
    reach = [
        max(n, wrong.stride * (p - 1) + wrong.dilation * (k - 1) + 1)
        for n, p, k in zip(dY.shape[1:3], (P, Q), W.shape[2:], strict=True)
    ]
    framed = framed_by(dY, reach)[:, reach[0] - wrong.padding :, reach[1] - wrong.padding :, :]
    back, taps = [], []
    for u, v in product(range(W.shape[2]), range(W.shape[3])):
        rows = slice(u * wrong.dilation, u * wrong.dilation + (P - 1) * wrong.stride + 1, wrong.stride)
        columns = slice(v * wrong.dilation, v * wrong.dilation + (Q - 1) * wrong.stride + 1, wrong.stride)
        seen = framed[:, rows, columns, :]
        back.append(mixed(W[:, :, u, v], seen))
        taps.append(xp.reshape(X, (X.shape[0], -1)) @ xp.reshape(seen, (seen.shape[0], -1)).T)
    return {"X": added(back), "W": xp.reshape(xp.stack(taps, axis=-1), W.shape)}


SLIPS = (
    slip("conv.dW_turned", "the gradient of the filter is turned round: it comes out reversed", with_gradient(around)),
    slip(
        "conv.dX_turned",
        "the filter is turned round in the gradient of the images, which is a convolution with the filter as it is",
        with_kernel(around),
    ),
    slip("conv.stride_missing", "the stride is missing in the backward pass", *both(as_if(stride=1))),
    slip("conv.padding_missing", "the padding is missing in the backward pass", *both(as_if(padding=0))),
    slip("conv.dilation_missing", "the dilation is missing in the backward pass", *both(as_if(dilation=1))),
    slip(
        "conv.rows_for_columns",
        "rows and columns are mixed up",
        with_gradient(swapped(2, 3)),
        with_kernel(swapped(2, 3)),
    ),
    slip(
        "conv.channels_swapped",
        "input and output channels are mixed up",
        with_kernel(swapped(0, 1)),
        with_gradient(swapped(0, 1)),
    ),
)

KNOWN = KnownLayer("conv_transpose", readings, forward, gradients, SLIPS)
