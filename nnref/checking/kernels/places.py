"""The region of the wrong entries in words: rows, columns, tails, tiles, heads, the causal triangle."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from nnref.checking.results.findings import described
from nnref.shapes import Array

TILES = (128, 64, 32, 16, 8)
"""Sizes of the blocks in which kernels work."""


def axis_names(named: Sequence[str], ndim: int) -> list[str]:
    """The names of the axes of an array, its last ones named: of attention, batch and heads come before.

    >>> axis_names(("positions", "columns"), 4), axis_names(("rows", "columns"), 3)
    (['batch', 'heads', 'positions', 'columns'], ['axis 0, indices', 'rows', 'columns'])
    """
    missing = ndim - len(named)
    if missing <= 0:
        return list(named[len(named) - ndim :])
    if named[:1] == ("positions",) and missing == 2:
        return ["batch", "heads", *named]
    return [*(f"axis {k}, indices" for k in range(missing)), *named]


def region_in_words(wrong: Array, named: Sequence[str]) -> str:
    """The region in words; "" where it is the whole array, or has no simple shape."""
    if not wrong.any() or wrong.mean() > EVERYWHERE:
        return ""
    names = axis_names(named, wrong.ndim)
    return box(wrong, names) or triangle(wrong, names) or tile(wrong, names) or rows_only(wrong, names)


EVERYWHERE = 0.97
"""Share of wrong entries above which the whole array is wrong: some entries are right by chance."""

FULL = 0.6
"""Share of a region that has to be wrong: its other entries may be right by chance, or 0."""


def box(wrong: Array, names: list[str]) -> str:
    """A box: indices along each axis, all combinations of which are wrong."""
    axes = [np.flatnonzero(wrong.any(axis=tuple(j for j in range(wrong.ndim) if j != k))) for k in range(wrong.ndim)]
    if wrong.sum() == 1:
        return f"only entry {tuple(int(axis[0]) for axis in axes)}"
    if wrong[np.ix_(*axes)].mean() < FULL:
        return ""
    parts = zip(names, axes, wrong.shape, strict=True)
    return ", ".join(described(name, axis, n).says for name, axis, n in parts if len(axis) < n)


def triangle(wrong: Array, names: list[str]) -> str:
    """Above or below the diagonal of the last two axes."""
    if wrong.ndim < 2 or min(wrong.shape[-2:]) < 3:
        return ""
    T, U = wrong.shape[-2:]
    flat = wrong.reshape(-1, T, U)
    above, below = np.triu(np.ones((T, U), bool), 1), np.tril(np.ones((T, U), bool), -1)
    for says, mask in (("above", above), ("below", below)):
        if flat[:, mask].mean() >= FULL and not flat[:, ~mask].any():
            return f"{says} the diagonal of {names[-2]} and {names[-1]}, the triangle"
    return ""


def tile(wrong: Array, names: list[str]) -> str:
    """Some blocks of the last two axes."""
    if wrong.ndim < 2:
        return ""
    last: Array = np.any(wrong.reshape(-1, *wrong.shape[-2:]), axis=0)
    for size in TILES:
        if min(last.shape) <= size:
            continue
        hit = [
            (i, j)
            for i, j in product(range(0, last.shape[0], size), range(0, last.shape[1], size))
            if last[i : i + size, j : j + size].any()
        ]
        if len(hit) <= 4 and all(last[i : i + size, j : j + size].mean() > FULL for i, j in hit):
            at = ", ".join(f"[{i}:{i + size}, {j}:{j + size}]" for i, j in hit)
            return f"the {size} × {size} tile{'s' * (len(hit) > 1)} {at}"
    return ""


def rows_only(wrong: Array, names: list[str]) -> str:
    """Scattered entries of some indices of one axis."""
    for k in range(wrong.ndim):
        axis = np.flatnonzero(wrong.any(axis=tuple(j for j in range(wrong.ndim) if j != k)))
        if 0 < len(axis) <= max(1, wrong.shape[k] // 2):
            return f"within {described(names[k], axis, wrong.shape[k]).says}"
    return ""
