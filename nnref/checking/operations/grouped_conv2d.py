"""How people write convolution in groups, depthwise too; the mistakes are those of a convolution, in every group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from nnref import grouped_conv2d
from nnref.arrays import namespace
from nnref.checking.operations import conv2d
from nnref.checking.operations.images import image, images, movements
from nnref.checking.operations.known import KnownLayer, LayerReading, Layout, Slip, Symbols, Tried
from nnref.shapes import Array

Settings = Mapping[str, Any]

KERNELS = {4: ("DCIJ", "IJCD", "IJDC", "IJGM", "GMIJ"), 3: ("GIJ", "IJG")}
"""How the axes of kernels may follow each other: D are all output channels, C those of a group; G are groups of one
channel, each with M outputs."""

TURNED = (3, 4)
"""The axes of a kernel that run backwards in what mathematicians call convolution."""


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Every convolution in two or more groups, and maybe a bias."""
    floats = tried.floats
    if len(floats) not in (2, 3):
        return
    for (x, X), (w, W) in product(floats.items(), floats.items()):
        if x != w and X.ndim == tried.Y.ndim:
            for axes, layout in images(X.shape):
                for kinds in KERNELS.get(W.ndim, ()) if "C" in axes and "W" in axes else ():
                    kernels = kernel(W.shape, kinds, layout.shape[0])
                    if kernels is not None:
                        yield from moving(tried, x, w, axes, layout, kernels)


def kernel(shape: tuple[int, ...], axes: str, channels: int) -> Layout | None:
    """Kernels as (groups, output channels of a group, channels of a group, rows, columns), for so many channels."""
    size = dict(zip(axes, shape, strict=True))
    G, D, C = size.get("G", 0), size.get("M", 1), 1
    if not G:
        C, D = size["C"], size["D"]
        if channels % C or D % (channels // C):
            return None
        G, D = channels // C, D * C // channels
    if G < 2 or channels != G * C:
        return None
    order = tuple(axes.index(a) for a in "GMDCIJ" if a in axes)
    return Layout.of(shape, order, (G, D, C, size["I"], size["J"]))


def moving(tried: Tried, x: str, w: str, axes: str, layout: Layout, kernels: Layout) -> Iterator[LayerReading]:
    """Every stride, padding and dilation, the kernels as they are and turned round."""
    G, D, C, *taps = kernels.shape
    output = image(tried.Y.shape, axes)
    rest = [name for name in tried.floats if name not in (x, w)]
    if output.shape[0] != G * D or any(tried.floats[name].size != G * D for name in rest):
        return
    roles = {x: "X", w: "W"} | dict.fromkeys(rest, "b")
    layouts = {"X": replace(layout, shape=(G, C, *layout.shape[1:])), "W": kernels}
    if rest:
        layouts["b"] = Layout.reshaped(tried.floats[rest[0]].shape, (G, D))
    given: Symbols = {} if rest else {"b": np.zeros((G, D))}
    out = replace(output, shape=(G, D, *output.shape[1:]))
    kind = "depthwise" if C == 1 else f"in {G} groups"
    for moved in movements(layout.shape, (taps[0], taps[1]), output.shape[1:3]):
        says = f"conv2d {kind}, {moved}"
        yield LayerReading("grouped_conv2d", says, roles, layouts, out, given, moved._asdict())
        round_ = layouts | {"W": replace(kernels, flipped=TURNED)}
        if max(taps) > 1:
            yield LayerReading(
                "grouped_conv2d", f"{says}, of the kernel turned round", roles, round_, out, given, moved._asdict()
            )


def forward(at: Symbols, settings: Settings) -> Any:
    """The convolution of every group."""
    return grouped_conv2d.forward(at["X"], at["W"], at["b"], **settings)


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """The proved gradients."""
    X, W = at["X"], at["W"]
    return {
        "X": grouped_conv2d.dX(X, W, dY, **settings),
        "W": grouped_conv2d.dW(X, W, dY, **settings),
        "b": grouped_conv2d.db(dY),
    }


def in_groups(slip: Slip) -> Slip:
    """A mistake of a convolution, made in every group."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        groups = range(at["X"].shape[0])
        ways = [list(slip.of({s: at[s][g] for s in "XW"}, dY[g], settings)) for g in groups]
        for made in zip(*ways, strict=True):
            yield {s: namespace(dY).stack([of_group[s] for of_group in made], axis=0) for s in made[0]}

    return Slip(slip.key, slip.says, of)


def kernels_summed(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """Every group given the sum of all groups' gradients of their kernels."""
    dW = grouped_conv2d.dW(at["X"], at["W"], dY, **settings)
    yield {"W": namespace(dW).sum(dW, axis=0, keepdims=True) + np.zeros(dW.shape)}


def neighbour(A: Array, by: int) -> Any:
    """The groups in turn."""
    return namespace(A).take(A, np.roll(np.arange(A.shape[0]), by), axis=0)


def other_group(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """The kernels of the group before or after."""
    for by in (1, -1):
        yield {"X": grouped_conv2d.dX(at["X"], neighbour(at["W"], by), dY, **settings)}


SLIPS = (
    *map(in_groups, conv2d.SLIPS),
    Slip(
        "conv.groups_summed",
        "the gradient of the filters is summed over the groups: each group has filters of its own",
        kernels_summed,
    ),
    Slip("conv.other_group", "dY goes back by the filters of another group", other_group),
)

KNOWN = KnownLayer("grouped_conv2d", readings, forward, gradients, SLIPS)
