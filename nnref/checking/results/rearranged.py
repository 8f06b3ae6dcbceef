"""Is a wrong gradient the truth in another order: transposed, reversed, shifted or permuted, and times one factor?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

import numpy as np

from nnref.shapes import Array

AXES = 4
"""Axes up to which orders are tried: batch, channel, row and column."""

EFFORT = 10_000_000
"""Most numbers that are compared to find a shift: tens of milliseconds."""


def orders(a: Array, t: Array) -> Iterator[tuple[str, Array]]:
    """The truth t in other orders that have the shape of a, each with its name, the simplest first."""
    if not 1 <= t.ndim <= AXES:
        return
    axes = range(t.ndim)
    for order in permutations(axes):
        if order != tuple(axes) and (moved := t.transpose(order)).shape == a.shape:
            swapped = [k for k in axes if order[k] != k]
            pair = f"transposed in axes {swapped[0]}, {swapped[1]}" if len(swapped) == 2 else f"axes {order}"
            yield (pair if t.ndim > 2 else "transposed"), moved
    for some in (chosen for n in range(1, t.ndim + 1) for chosen in combinations(axes, n)):
        yield f"reversed along {along(some)}", np.flip(t, some)
    for k in axes:
        yield from shifted(t, k)
        yield from sorted_alike(a, t, k)


def along(axes: tuple[int, ...]) -> str:
    """Axes in words.

    >>> along((1,)), along((0, 2))
    ('axis 1', 'axes 0, 2')
    """
    return f"{'axis' if len(axes) == 1 else 'axes'} {', '.join(map(str, axes))}"


def shifted(t: Array, axis: int) -> Iterator[tuple[str, Array]]:
    """The truth shifted along one axis, cyclically or with zeros."""
    n = t.shape[axis]
    for by in (k for s in range(1, n) for k in (s, -s)) if n * t.size <= EFFORT else ():
        round_ = np.roll(t, by, axis)
        yield f"shifted by {by} along axis {axis}", round_
        empty = round_.copy()
        np.moveaxis(empty, axis, 0)[slice(0, by) if by > 0 else slice(by, None)] = 0
        yield f"shifted by {by} along axis {axis}, zeros moved in", empty


def sorted_alike(a: Array, t: Array, axis: int) -> Iterator[tuple[str, Array]]:
    """The truth with its slices along one axis permuted as in a, matched by one number for each slice."""
    rows, wanted = (np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1) for x in (t, a))
    if len(rows) < 3:  # two are reversed
        return
    weights = np.random.default_rng(0).standard_normal(rows.shape[1])
    for sign in (1, -1):
        moved = np.empty_like(rows)
        moved[np.argsort(sign * wanted @ weights)] = rows[np.argsort(rows @ weights)]
        shape = (t.shape[axis], *np.delete(t.shape, axis))
        yield f"permuted along axis {axis}", np.moveaxis(moved.reshape(shape), 0, axis)
