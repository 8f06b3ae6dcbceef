"""How people write a convolution: any order of axes, stride, padding, dilation, flipped or not; and its mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nnref import conv2d
from nnref.arrays import namespace
from nnref.checking.operations.images import Moved, image, images, movements, overwritten, windows
from nnref.checking.operations.known import KnownLayer, LayerReading, Layout, Slip, Symbols, Tried
from nnref.shapes import Array
from nnref.windows import Windows, added

Settings = Mapping[str, Any]

KERNELS = {2: ("IJ",), 3: ("DIJ", "CIJ", "IJD", "DCI"), 4: ("DCIJ", "IJCD", "IJDC", "CDIJ", "DIJC")}
"""How the axes of kernels may follow each other: output channels, channels, rows, columns."""

TURNED = (2, 3)
"""The axes of a kernel that run backwards in what mathematicians call convolution."""


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Every convolution of one array with another, and maybe a bias."""
    floats = tried.floats
    if len(floats) not in (2, 3):
        return
    for x, X in floats.items():
        for w, W in floats.items():
            rest = [name for name in floats if name not in (x, w)]
            if x != w and X.ndim == tried.Y.ndim:
                yield from of_arrays(tried, x, w, rest[0] if rest else None, X, W)


def of_arrays(tried: Tried, x: str, w: str, b: str | None, X: Array, W: Array) -> Iterator[LayerReading]:
    """Every convolution of these two, the output lying as the images do or as the kernels say."""
    for axes, layout in images(X.shape):
        for kinds in KERNELS.get(W.ndim, ()):
            kernels = kernel(W.shape, kinds)
            D, C, *taps = kernels.shape
            if layout.shape[0] != C or (len(axes) == 3 and "W" not in axes) != (kinds == "DCI"):
                continue
            for out in (axes, *(a for a in ("CHW",) if axes == "HW")):
                if len(out) != tried.Y.ndim:
                    continue
                output = image(tried.Y.shape, out)
                if output.shape[0] != D or output.shape[3] != layout.shape[3]:
                    continue
                for moved in movements(layout.shape, (taps[0], taps[1]), output.shape[1:3]):
                    yield from turned(x, w, b, layout, kernels, output, moved, tried)


def turned(
    x: str, w: str, b: str | None, images_: Layout, kernels: Layout, output: Layout, moved: Moved, tried: Tried
) -> Iterator[LayerReading]:
    """The kernels as they are, and turned round."""
    D = kernels.shape[0]
    roles, layouts, given = {x: "X", w: "W"}, {"X": images_, "W": kernels}, {"b": np.zeros((D, 1))}
    if b is not None:
        if tried.floats[b].size != D:
            return
        roles, layouts, given = roles | {b: "b"}, layouts | {"b": Layout.reshaped(tried.floats[b].shape, (D, 1))}, {}
    says = f"conv2d, {moved}"
    yield LayerReading("conv2d", says, roles, layouts, output, given, moved._asdict())
    if max(kernels.shape[2:]) > 1:
        round_ = layouts | {"W": replace(kernels, flipped=TURNED)}
        yield LayerReading(
            "conv2d", f"{says}, of the kernel turned round", roles, round_, output, given, moved._asdict()
        )


def kernel(shape: tuple[int, ...], axes: str) -> Layout:
    """Kernels as (output channels, channels, rows, columns)."""
    order = tuple(axes.index(a) for a in "DCIJ" if a in axes)
    return Layout.of(shape, order, tuple(shape[axes.index(a)] if a in axes else 1 for a in "DCIJ"))


def forward(at: Symbols, settings: Settings) -> Any:
    """The convolution."""
    return conv2d.forward(at["X"], at["W"], at["b"], **settings)


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """The proved gradients."""
    X, W = at["X"], at["W"]
    return {"X": conv2d.dX(X, W, dY, **settings), "W": conv2d.dW(X, W, dY, **settings), "b": conv2d.db(dY)}


def with_kernel(change: Callable[[Any], Any]) -> Callable[[Symbols, Any, Settings], Symbols]:
    """The gradient of the images with another kernel."""
    return lambda at, dY, settings: {"X": conv2d.dX(at["X"], change(at["W"]), dY, **settings)}


def with_gradient(change: Callable[[Any], Any]) -> Callable[[Symbols, Any, Settings], Symbols]:
    """The gradient of the kernels, put elsewhere."""
    return lambda at, dY, settings: {"W": change(conv2d.dW(at["X"], at["W"], dY, **settings))}


def with_images(change: Callable[[Any], Any]) -> Callable[[Symbols, Any, Settings], Symbols]:
    """The gradient of the kernels from other images."""
    return lambda at, dY, settings: {"W": conv2d.dW(change(at["X"]), at["W"], dY, **settings)}


def around(A: Any) -> Any:
    """Kernels turned round."""
    return namespace(A).flip(A, axis=TURNED)


def swapped(i: int, j: int) -> Callable[[Any], Any]:
    """Two axes of one length swapped."""

    def swap(A: Any) -> Any:
        order = list(range(4))
        order[i], order[j] = j, i
        if A.shape[i] != A.shape[j]:
            raise ValueError("axes of two lengths")
        return namespace(A).permute_dims(A, tuple(order))

    return swap


def as_if(stride: int | None = None, padding: int | None = None, dilation: int | None = None) -> Callable[..., Symbols]:
    """Both gradients with another stride, padding or dilation than the forward pass has."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Symbols:
        changed = {"stride": stride, "padding": padding, "dilation": dilation}
        other = Moved(**dict(settings) | {k: v for k, v in changed.items() if v is not None})
        if other == Moved(**settings):
            raise ValueError("no other")
        return moved_otherwise(at, dY, Moved(**settings), other)

    return of


def moved_otherwise(at: Symbols, dY: Any, right: Moved, wrong: Moved) -> Symbols:
    """The gradients where output place a is taken to have seen pixels from a · stride + u · dilation − padding on."""
    X, W = at["X"], at["W"]
    xp = namespace(X)
    C, H, B, N = X.shape
    P, Q = dY.shape[1:3]
    # Wide enough for whatever the wrong places are; what is beyond the image is zero, and what goes there is lost.
    reach = [
        max(n, wrong.stride * (p - 1) + wrong.dilation * (k - 1) + 1)
        for n, p, k in zip((H, B), (P, Q), W.shape[2:], strict=True)
    ]
    wide = Windows((C, H + 2 * reach[0], B + 2 * reach[1], N), tuple(W.shape[2:]), wrong.stride, 0, wrong.dilation)
    row, column = reach[0] - wrong.padding, reach[1] - wrong.padding
    framed = framed_by(X, reach)[:, row:, column:, :]
    sent, taps = [], []
    for u, v in wide.taps:
        rows = slice(u * wrong.dilation, u * wrong.dilation + (P - 1) * wrong.stride + 1, wrong.stride)
        columns = slice(v * wrong.dilation, v * wrong.dilation + (Q - 1) * wrong.stride + 1, wrong.stride)
        taps.append(xp.reshape(dY, (W.shape[0], -1)) @ xp.reshape(framed[:, rows, columns, :], (C, -1)).T)
        back = xp.reshape(W[:, :, u, v].T @ xp.reshape(dY, (W.shape[0], -1)), (C, P, Q, N))
        sent.append(wide.sent_back(back, (u, v)))
    dX = added(sent)[:, wrong.padding : wrong.padding + H, wrong.padding : wrong.padding + B, :]
    return {"X": dX, "W": xp.reshape(xp.stack(taps, axis=-1), W.shape)}


def framed_by(X: Any, reach: list[int]) -> Any:
    """Images with so many rows and columns of zeros on every side."""
    xp = namespace(X)
    rows = np.zeros((X.shape[0], reach[0], *X.shape[2:]))
    X = xp.concat([rows, X, rows], axis=1)
    columns = np.zeros((*X.shape[:2], reach[1], X.shape[3]))
    return xp.concat([columns, X, columns], axis=2)


def only(symbol: str, way: Callable[..., Symbols]) -> Callable[..., Symbols]:
    """One of the gradients alone."""
    return lambda at, dY, settings: {symbol: way(at, dY, settings)[symbol]}


def written_over(last: bool) -> Callable[..., Symbols]:
    """The gradient of the images where windows overlap and the last, or the first, wins."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Symbols:
        W, view = at["W"], windows(at["X"].shape, at["W"].shape[2:], Moved(**settings))
        xp = namespace(dY)
        flat = xp.reshape(dY, (W.shape[0], -1))
        sent = {(u, v): xp.reshape(W[:, :, u, v].T @ flat, (W.shape[1], *dY.shape[1:])) for u, v in view.taps}
        return {"X": view.cropped(overwritten(view, sent, last))}

    return of


def example(which: int) -> Callable[..., Symbols]:
    """The gradients of kernels and biases from one example alone."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Symbols:
        n = which % dY.shape[3]
        X, D = at["X"][:, :, :, n : n + 1], dY[:, :, :, n : n + 1]
        if dY.shape[3] == 1:
            raise ValueError("one example")
        return {"W": conv2d.dW(X, at["W"], D, **settings)}

    return of


def slip(key: str, says: str, *ways: Callable[[Symbols, Any, Settings], Symbols]) -> Slip:
    """A mistake, in so many ways; a way that these shapes do not have is left out."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        for way in ways:
            try:
                made = way(at, dY, settings)
            except ValueError:
                made = {}
            yield made

    return Slip(key, says, of)


def both(way: Callable[..., Symbols]) -> tuple[Callable[..., Symbols], ...]:
    """A mistake in both gradients, or in one of them."""
    return way, only("X", way), only("W", way)


SLIPS = (
    slip("conv.dW_turned", "the gradient of the filter is turned round: it comes out reversed", with_gradient(around)),
    slip(
        "conv.dX_not_turned",
        "the filter is turned round in the gradient of the images: its taps go back to the wrong pixels",
        with_kernel(around),
    ),
    slip("conv.stride_missing", "the stride is missing in the backward pass", *both(as_if(stride=1))),
    slip("conv.padding_missing", "the padding is missing in the backward pass", *both(as_if(padding=0))),
    slip("conv.dilation_missing", "the dilation is missing in the backward pass", *both(as_if(dilation=1))),
    slip(
        "conv.overwritten",
        "windows overlap, and each writes over what the ones before gave: dX[…] = should be dX[…] +=",
        written_over(True),
        written_over(False),
    ),
    slip(
        "conv.rows_for_columns",
        "rows and columns are mixed up",
        with_gradient(swapped(2, 3)),
        with_kernel(swapped(2, 3)),
        with_images(swapped(1, 2)),
    ),
    slip(
        "conv.channels_swapped",
        "input and output channels are mixed up",
        with_kernel(swapped(0, 1)),
        with_gradient(swapped(0, 1)),
    ),
    slip(
        "conv.one_example",
        "the gradient of the filter comes from one example: the sum over the batch is missing",
        example(-1),
        example(0),
    ),
)

KNOWN = KnownLayer("conv2d", readings, forward, gradients, SLIPS)
