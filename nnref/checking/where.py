"""Where a gradient is wrong, and how: findings as data, each with the sentence that says it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnref.shapes import Array

ALIKE = 1e-4
"""Two entries are the same up to a pattern if they differ by less than this share of the larger: no common mistake
is that small, and every error bar that decides is smaller."""

BLOCKS = (128, 64, 32, 16, 8)
"""Widths in which kernels are tiled: what is left over after whole tiles is where they go wrong."""


@dataclass(frozen=True)
class Finding:
    """One pattern: its kind, such as "ratio" or "tail", and the sentence for a person."""

    kind: str
    says: str


def shapes(yours: tuple[int, ...], expected: tuple[int, ...]) -> Finding:
    """What a wrong shape suggests."""
    if yours == expected[::-1]:
        return Finding("transposed", f"shape {yours} for {expected}: transposed")
    if len(yours) == len(expected) and any(n == 1 for n in expected):
        return Finding("unreduced", f"shape {yours} for {expected}: an axis not summed")
    return Finding("shape", f"shape {yours} for {expected}")


def patterns(a: Array, t: Array, checked: Array, wrong: Array) -> tuple[Finding, ...]:
    """The findings for a tensor: a yours, t the truth, and masks of what was checked and what was wrong.

    Shapes: all alike.
    """
    if np.isnan(a).any():
        return (Finding("nan", f"{int(np.isnan(a).sum())} entries are NaN"),)
    if not a[checked].any():
        return (Finding("zeros", "all zero"),)
    found = ratio(a[checked], t[checked])
    if found:
        return (found,)
    whole = bool(checked.all())
    if whole and a.ndim == 2 and a.shape[0] == a.shape[1] and alike(a.T, t):
        return (Finding("transposed", "the transpose of the truth"),)
    if whole and not wrong.all():
        return region(wrong)
    return ()


def alike(a: Array, b: Array) -> bool:
    """Are all entries the same, beside the largest?"""
    return bool(np.abs(a - b).max() <= ALIKE * np.abs(b).max())


def ratio(a: Array, t: Array) -> Finding | None:
    """The one factor between yours and the truth, if there is one and it is not 1."""
    if a.size < 2 or not (t * t).sum() > 0:
        return None
    r = float((a * t).sum() / (t * t).sum())
    if abs(r) <= ALIKE or abs(r - 1) <= ALIKE or not alike(a / r, t):
        return None
    text = f"1/{round(1 / r)}" if abs(r) < 1 and abs(1 / r - round(1 / r)) < ALIKE / abs(r) else f"{r:.6g}"
    return Finding("ratio", f"{text} times the truth everywhere")


def region(wrong: Array) -> tuple[Finding, ...]:
    """The smallest box that holds every wrong entry, axis by axis, if it is wrong throughout."""
    places = np.nonzero(wrong)
    if len(places[0]) == 1:
        return (Finding("entry", f"only entry {tuple(int(p[0]) for p in places)}"),)
    box = [(int(p.min()), int(p.max())) for p in places]
    if int(np.prod([last - first + 1 for first, last in box])) != len(places[0]):
        return ()
    names = ("rows", "columns") if wrong.ndim == 2 else tuple(f"axis {k}," for k in range(wrong.ndim))
    found = []
    for name, (first, last), n in zip(names, box, wrong.shape, strict=True):
        if (first, last) == (0, n - 1):
            continue
        span = f"{name} {first}..{last}" if last > first else f"{name.removesuffix('s')} {first}"
        tile = next((b for b in BLOCKS if first == n - n % b and first > 0 and last == n - 1), None)
        tail = f", the remainder after a multiple of {tile}" if tile else ""
        found.append(Finding("tail" if tile else "block", f"{span}{tail}"))
    return tuple(found)
