"""Windows that move over images: what is around them, what each tap sees, and how that goes back.

Images are (channels, rows, columns, examples). Output row a sees row a · stride + u · dilation − padding at tap u, all
counted from 0, and zeros around the image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import product
from operator import add
from typing import Any

import numpy as np

from nnref.arrays import device_of, namespace, real
from nnref.shapes import Array, ShapeError, formula, no_number, of_shape

AXES = "channels, rows, columns, examples"


@dataclass(frozen=True)
class Windows:
    """Windows of so many rows and columns over images of a shape, and how they move.

    Errors: ValueError if a number is no whole number in its range; ShapeError if a window is larger than the padded
    image.
    """

    image: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: int
    padding: int
    dilation: int

    def __post_init__(self) -> None:
        """Refuse what leaves no window."""
        for name, least in (("stride", 1), ("padding", 0), ("dilation", 1)):
            number = getattr(self, name)
            if no_number(number) or int(number) != number or number < least:
                raise ValueError(f"{formula()}{name} should be a whole number, {least} or more; {number} came.")
            object.__setattr__(self, name, int(number))
        for name, pixels, taps in zip(("rows", "columns"), self.image[1:3], self.kernel, strict=True):
            reach, wide = self.dilation * (taps - 1) + 1, pixels + 2 * self.padding
            if reach > wide:
                raise ShapeError(
                    f"a window of {taps} {name} reaches over {reach}, and the padded image has {wide}; "
                    f"try padding={self.padding + -(-(reach - wide) // 2)}, or a smaller kernel."
                )

    @property
    def places(self) -> tuple[int, int]:
        """The rows and columns of the output: how many windows fit."""
        reaches = (self.dilation * (taps - 1) + 1 for taps in self.kernel)
        sizes = zip(self.image[1:3], reaches, strict=True)
        rows, columns = ((pixels + 2 * self.padding - reach) // self.stride + 1 for pixels, reach in sizes)
        return rows, columns

    @property
    def taps(self) -> Iterator[tuple[int, int]]:
        """The row and column of every tap."""
        rows, columns = self.kernel
        return product(range(rows), range(columns))

    def padded(self, X: Array) -> Array:
        """The images with zeros around them."""
        return _widened(_widened(X, 1, self.padding, self.padding), 2, self.padding, self.padding)

    def seen(self, padded: Array, tap: tuple[int, int]) -> Array:
        """What one tap sees, window by window: (channels, rows of the output, its columns, examples)."""
        slices = (
            slice(u * self.dilation, u * self.dilation + (places - 1) * self.stride + 1, self.stride)
            for u, places in zip(tap, self.places, strict=True)
        )
        rows, columns = slices
        return padded[:, rows, columns, :]

    def patches(self, X: Array) -> Array:
        """What every window sees, as a column: (C I J, P Q N). One product with all kernels is then a convolution.

        A product a tap, added up, was slower: it reads and writes the whole output once a tap.
        """
        xp, padded = namespace(X), self.padded(X)
        seen = xp.stack([self.seen(padded, tap) for tap in self.taps], axis=1)
        return xp.reshape(seen, (X.shape[0] * seen.shape[1], -1))

    def spread(self, columns: Array) -> Array:
        """The transpose of patches: what each window has for its pixels, added up at every pixel of the images."""
        taps, (P, Q) = list(self.taps), self.places
        parts = namespace(columns).reshape(columns, (self.image[0], len(taps), P, Q, self.image[3]))
        return self.sent([parts[:, k, :, :, :] for k in range(len(taps))])

    def sent(self, parts: Iterable[Array]) -> Array:
        """What goes back through all taps, a part each in their order, added up at every pixel of the images."""
        pairs = zip(parts, self.taps, strict=True)
        first, *others = pairs
        if type(first[0]) is not np.ndarray:
            return self.cropped(added(self.sent_back(*pair) for pair in (first, *others)))
        # numpy alone can add into one array of its own; concatenating zeros a tap took most of a training step.
        rows, columns = (pixels + 2 * self.padding for pixels in self.image[1:3])
        padded = np.zeros((first[0].shape[0], rows, columns, first[0].shape[3]), first[0].dtype)
        for part, tap in (first, *others):
            self.seen(padded, tap)[...] += part
        return self.cropped(padded)

    def sent_back(self, part: Array, tap: tuple[int, int]) -> Array:
        """What goes back through one tap, each number at the pixel that it saw, and zeros elsewhere: padded images."""
        for axis, (u, pixels) in enumerate(zip(tap, self.image[1:3], strict=True), 1):
            part = _spaced(part, axis, self.stride)
            before = u * self.dilation
            part = _widened(part, axis, before, pixels + 2 * self.padding - before - part.shape[axis])
        return part

    def cropped(self, padded: Array) -> Array:
        """The images without what is around them."""
        rows, columns = (slice(self.padding, self.padding + pixels) for pixels in self.image[1:3])
        return padded[:, rows, columns, :]

    def of_output(self, channels: int, dY: Array) -> None:
        """Refuse a gradient that has not the shape of the output."""
        of_shape((channels, *self.places, self.image[3]), dY=dY)


def largest(X: Array, I: int, J: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """The choice of max pooling: 1 at the tap of each window that sees the largest pixel, the first of those alike.

    What is around the image is never chosen, whatever is in it, as in PyTorch and TensorFlow.

    Shapes: X (C, H, B, N) -> (C, P, Q, N, I, J). Complex pixels are compared by their real part.
    """
    at = Windows(tuple(X.shape), (I, J), stride, padding, dilation)
    xp = namespace(X)
    pixels = at.padded(real(X))
    inside = at.padded(xp.ones_like(real(X))) > 0
    padded = xp.where(inside, pixels, 0 * pixels - xp.inf) if at.padding else pixels
    seen = [at.seen(padded, tap) for tap in at.taps]
    best = reduce(xp.maximum, seen)
    left, choice = ~xp.isnan(best), []
    for pixel in seen:
        first = left & (pixel == best)
        choice.append(xp.astype(first, pixels.dtype))
        left = left & ~first
    # A tap at a time in memory, as it is used; the axes of the formula are a view of that.
    return xp.permute_dims(xp.reshape(xp.stack(choice), (I, J, *best.shape)), (2, 3, 4, 5, 0, 1))


def added(parts: Iterable[Array]) -> Array:
    """The sum of arrays of one shape."""
    return reduce(add, parts)


def mixed(M: Array, A: Array) -> Array:
    """The channels of A mixed at every place: M times A along the first axis."""
    xp = namespace(A)
    return xp.reshape(M @ xp.reshape(A, (A.shape[0], -1)), (M.shape[0], *A.shape[1:]))


def _zeros(A: Array, axis: int, count: int) -> Any:
    """So many slices of zeros along an axis, in the library and dtype of A, where A is."""
    shape = tuple(count if place == axis else size for place, size in enumerate(A.shape))
    xp = namespace(A)
    return xp.zeros(shape, dtype=A.dtype, **device_of(A))


def _widened(A: Array, axis: int, before: int, after: int) -> Array:
    """A with slices of zeros before and after."""
    parts = [*([_zeros(A, axis, before)] if before else []), A, *([_zeros(A, axis, after)] if after else [])]
    return namespace(A).concat(parts, axis=axis) if len(parts) > 1 else A


def _spaced(A: Array, axis: int, stride: int) -> Array:
    """A with stride − 1 slices of zeros between its own."""
    if stride == 1:
        return A
    xp = namespace(A)
    apart = xp.expand_dims(A, axis=axis + 1)
    apart = xp.concat([apart, _zeros(apart, axis + 1, stride - 1)], axis=axis + 1)
    joined = xp.reshape(apart, (*A.shape[:axis], A.shape[axis] * stride, *A.shape[axis + 1 :]))
    kept = [slice(None)] * A.ndim
    kept[axis] = slice(0, (A.shape[axis] - 1) * stride + 1)
    return joined[tuple(kept)]
