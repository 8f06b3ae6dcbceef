"""Is what a program computed one multiple of the truth, in all runs and to half of the digits?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.graph import Array, Graph

ALIKE = 1e-4
"""Relative difference below which two factors are equal: batch sizes and rates differ by far more."""


def half_of_the_digits(graph: Graph) -> float:
    """Tolerance between right values, relative to the largest: half of the digits of the least precise value.

    Rounding costs a few digits; a wrong formula agrees to half of all digits only by accident.
    """
    return float(np.sqrt(graph.roundoff))


def factor_tolerance(graph: Graph) -> float:
    """By what part two factors may differ and be one: by more where a program computes in half precision."""
    return max(ALIKE, ROUNDINGS * graph.roundoff)


ROUNDINGS = 8
"""Units of rounding that two factors may be apart by: each is that of many entries, most of which err by less."""


def joined(parts: Sequence[Any]) -> Array:
    """The entries of all runs in a row."""
    return np.concatenate([np.ravel(np.asarray(part, float)) for part in parts])


def multiple(given: Sequence[Any], truth: Sequence[Any], tolerance: float) -> float | None:
    """C with given = c · truth in all runs; None if there is none, 0.0 if both are zero."""
    if differ(given, truth, tolerance):
        return None
    x, g = joined(given), joined(truth)
    if x.size != g.size or not np.isfinite(x).all() or not np.isfinite(g).all():
        return None
    top = np.abs(g).max(initial=0.0)
    if not top:
        return 0.0 if not x.any() else None
    g = g / top
    c = float(x @ g) / float(g @ g)
    near = np.abs(x - c * g).max(initial=0.0) <= tolerance * np.abs(x).max(initial=0.0)
    return c / top if c and near else None


def differ(given: Sequence[Any], truth: Sequence[Any], tolerance: float) -> bool:
    """Does a sample of large arrays already show that no c has given = c · truth, as its best c does not?

    If c fits all entries, the sum of squares over n of them is at most n times the largest square.
    """
    x, g = (np.ravel(np.asarray(parts[0], float)) for parts in (given, truth))
    if x.size != g.size or x.size < LARGE:
        return False
    a, b = x[:: x.size // SAMPLE], g[:: x.size // SAMPLE]
    if not np.isfinite(a).all() or not np.isfinite(b).all():
        return False
    b = b / (np.abs(b).max() or 1.0)
    rest = a - (a @ b) / (float(b @ b) or 1.0) * b
    largest = max(float(np.abs(part).max(initial=0.0)) for part in given)
    return bool(np.linalg.norm(rest) > 2 * tolerance * largest * np.sqrt(a.size))


LARGE, SAMPLE = 4096, 256
"""Size from which a sample of entries is compared first, and the size of that sample."""


def with_part(
    given: Sequence[Any], truth: Sequence[Any], part: Sequence[Any], tolerance: float
) -> tuple[float, float] | None:
    """(c, d) with given = c · truth + d · part in all runs, or None."""
    x, g, p = joined(given), joined(truth), joined(part)
    if x.size < 3 or x.size != g.size or x.size != p.size or not g.any():
        return None
    if not all(np.isfinite(part).all() for part in (x, g, p)):
        return None
    sides = np.stack([g / np.abs(g).max(), p / (np.abs(p).max() or 1.0)], 1)
    found, *_ = np.linalg.lstsq(sides, x, rcond=None)
    smallest = tolerance * np.abs(x).max()
    fits = np.abs(sides @ found - x).max() <= smallest
    c, d = found[0] / np.abs(g).max(), found[1] / (np.abs(p).max() or 1.0)
    return (float(c), float(d)) if fits and abs(found[0]) > smallest and d else None
