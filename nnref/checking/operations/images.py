"""The layouts of images, and the movements of windows over them: shared by convolution and pooling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from nnref.arrays import namespace
from nnref.checking.operations.known import Layout
from nnref.windows import Windows

IMAGES = {
    2: ("HW",),
    3: ("CHW", "NHW", "HWC", "HWN", "NCH", "CHN"),
    4: ("NCHW", "NHWC", "CHWN", "HWCN"),
}
"""How the axes of images may follow each other, by their number: channels, rows, columns, examples."""

PADDINGS, STRIDES, DILATIONS = range(6), range(1, 5), range(1, 4)
"""The paddings, strides and dilations that are tried."""


class Moved(NamedTuple):
    """The movement of windows: stride, padding, dilation."""

    stride: int
    padding: int
    dilation: int

    def __str__(self) -> str:
        """In words, leaving out what is usual."""
        said = [f"stride {self.stride}"]
        said += [f"padding {self.padding}"] * (self.padding > 0) + [f"dilation {self.dilation}"] * (self.dilation > 1)
        return ", ".join(said)


def images(shape: tuple[int, ...]) -> Iterator[tuple[str, Layout]]:
    """Every way to read an array as (channels, rows, columns, examples); an axis that is not there has length one."""
    for axes in IMAGES.get(len(shape), ()):
        yield axes, image(shape, axes)


def image(shape: tuple[int, ...], axes: str) -> Layout:
    """One way to read it."""
    order = tuple(axes.index(a) for a in "CHWN" if a in axes)
    return Layout.of(shape, order, tuple(shape[axes.index(a)] if a in axes else 1 for a in "CHWN"))


def movements(X: tuple[int, ...], kernel: tuple[int, ...], places: tuple[int, ...]) -> Iterator[Moved]:
    """Every stride, padding and dilation that gives this number of windows, the simplest first."""
    for dilation, padding, stride in product(DILATIONS, PADDINGS, STRIDES):
        if dilation > 1 and kernel == (1, 1):
            continue
        if padding >= max(2, dilation * (max(kernel) - 1) + 1):
            continue
        reaches = (dilation * (taps - 1) + 1 for taps in kernel)
        wide = [pixels + 2 * padding - reach for pixels, reach in zip(X[1:3], reaches, strict=True)]
        if min(wide) >= 0 and tuple(w // stride + 1 for w in wide) == places:
            yield Moved(stride, padding, dilation)


def windows(X: tuple[int, ...], kernel: tuple[int, ...], moved: Moved) -> Windows:
    """The windows of that size over images of that shape."""
    return Windows(tuple(X), tuple(kernel), *moved)


def overwritten(
    at: Windows,
    sent: Mapping[tuple[int, int], Any],
    last: bool = True,
    chosen: Mapping[tuple[int, int], Any] | None = None,
) -> Any:
    """The gradient of padded images where each window overwrites, instead of adding.

    sent holds, by tap, what each window sends to the pixel that it saw there, (channels, rows, columns, examples);
    chosen, of the same shape, where it writes at all. The last window wins, or the first.
    """
    xp = namespace(next(iter(sent.values())))
    rows, columns = (n + 2 * at.padding for n in at.image[1:3])
    zero = 0 * next(iter(sent.values()))[:, 0, 0, :]
    pixels = {(h, w): zero for h in range(rows) for w in range(columns)}
    order = list(product(range(at.places[0]), range(at.places[1])))
    for a, b in order if last else reversed(order):
        for tap in at.taps:
            pixel = a * at.stride + tap[0] * at.dilation, b * at.stride + tap[1] * at.dilation
            new = sent[tap][:, a, b, :]
            pixels[pixel] = xp.where(chosen[tap][:, a, b, :] > 0, new, pixels[pixel]) if chosen else new
    return xp.stack([xp.stack([pixels[h, w] for w in range(columns)], axis=1) for h in range(rows)], axis=1)
