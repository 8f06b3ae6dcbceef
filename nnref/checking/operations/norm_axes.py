"""The possible axes of a norm, from the shapes alone: those of statistics, of gains and of groups."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations
from typing import NamedTuple

import numpy as np

from nnref.shapes import Array


def subsets(k: int) -> Iterator[tuple[int, ...]]:
    """The nonempty sets of axes."""
    return chain.from_iterable(combinations(range(k), size) for size in range(1, k + 1))


def spans(parameter: Array, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The axes of an input along which a parameter of this shape may lie."""
    own = tuple(n for n in parameter.shape if n > 1)
    return [
        axes
        for axes in subsets(len(shape))
        if tuple(shape[k] for k in axes if shape[k] > 1) == own and all(shape[k] > 1 for k in axes)
    ] or ([()] if not own else [])


def splits(shape: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], int | None]]:
    """The input as it is, and with one axis split into groups: the new shape, and the axis of groups."""
    yield shape, None
    for axis in (1, len(shape) - 1) if len(shape) > 2 else (1,) if len(shape) == 2 else ():
        for G in range(2, shape[axis] // 2 + 1):
            if shape[axis] % G == 0:
                yield (*shape[:axis], G, shape[axis] // G, *shape[axis + 1 :]), axis


class Along(NamedTuple):
    """An input, maybe with one axis split: the axes of its statistics, of its gains, and of groups.

    bare says that there are no gains; ones are used, along what is normalised.
    """

    split: tuple[int, ...]
    over: tuple[int, ...]
    gains: tuple[int, ...]
    groups: int | None
    bare: bool

    @property
    def order(self) -> tuple[int, ...]:
        """The axes as G, K, P, N."""
        every = range(len(self.split))
        inside = [k in self.over for k in every], [k in self.gains for k in every]
        kinds = ((False, True), (True, True), (True, False), (False, False))
        return tuple(k for kind in kinds for k in every if (inside[0][k], inside[1][k]) == kind)

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of G, K, P and N."""
        over, gains = set(self.over), set(self.gains)
        every = set(range(len(self.split)))
        sets = (gains - over, gains & over, over - gains, every - over - gains)
        return tuple(int(np.prod([self.split[k] for k in axes])) for axes in sets)

    @property
    def name(self) -> str:
        """The usual name of such a norm: with separate channels, batch norm if its statistics include all examples."""
        apart = len(self.split) - len(self.over)
        if self.groups is not None:
            return "group_norm"
        if self.bare:
            return "batch_norm" if 0 in self.over else "instance_norm" if apart > 1 < len(self.over) else "layer_norm"
        if set(self.gains) & set(self.over):
            return "layer_norm"
        return "batch_norm" if 0 in self.over or apart == len(self.gains) else "instance_norm"

    @property
    def counts(self) -> dict[str, tuple[int, ...]]:
        """The lengths of the axes of a statistic, where there are several; of those that a gain is summed over."""
        lengths = [self.split[k] for k in self.over]
        summed = [n for k, n in enumerate(self.split) if k not in self.gains]
        counts = {"lengths": lengths if len(lengths) > 1 else [], "summed": [int(np.prod(summed)), *summed]}
        return {name: tuple(sorted({n for n in several if n > 1})) for name, several in counts.items()}


def axes_to_normalise(shape: tuple[int, ...], parameters: list[Array]) -> Iterator[Along]:
    """Every way to normalise an input whose gain and shift have these shapes."""
    for split, axis in splits(shape):
        for over in subsets(len(split)):
            if axis is not None and (axis in over or axis + 1 not in over):
                continue  # statistics are separate for groups, and cover a group
            if int(np.prod([split[k] for k in over])) == 1:
                continue
            if not parameters:
                yield Along(split, over, over, axis, True)
            for gains in spans(parameters[0], shape) if parameters else ():
                yield Along(split, over, regrouped(gains, axis), axis, False)


def regrouped(gains: tuple[int, ...], axis: int | None) -> tuple[int, ...]:
    """The axes of the gains in the input with one axis split."""
    if axis is None:
        return gains
    return tuple(k for g in gains for k in ((g, g + 1) if g == axis else (g + (g > axis),)))
