"""The least squares used by all checks: the factors with which predictions give an array, and their accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10

import numpy as np

from nnref.shapes import Array

COLLINEAR = 1e-10
"""Two columns whose squared cosine is within this of 1 cannot be told apart."""

WRITTEN = 6
"""Digits of a factor that are written, where so many are known."""


@dataclass(frozen=True)
class Fitted:
    """A factor, its largest error if every entry is off by its room, and its standard error from the scatter of the
    entries."""

    value: float
    bound: float
    scatter: float


def nearest_factor(a: Array, t: Array) -> float:
    """The factor c for which c t is nearest to a, every entry alike; t is not 0 throughout.

    >>> nearest_factor(np.array([2.0, 4.0]), np.array([1.0, 2.0]))
    2.0
    """
    return float((a * t).sum() / (t * t).sum())


def fitted(a: Array, made: list[Array], room: Array) -> list[Fitted] | None:
    """The numbers c for which Σ c made is nearest to a, in units of the room that each entry has; None where a column
    is within its room of 0, or two columns cannot be told apart.

    With every entry off by at most its room, c is off by at most √n rooms over the norm of its column.
    Shapes: all alike
    """
    # In units of the largest room, so that no square overflows; where there is none, what is equal must be exactly so.
    largest = max(float(abs(M).max(initial=0)) for M in made)
    scale = max(float(room[np.isfinite(room)].max(initial=0)), 1e-20 * largest) or 1.0
    weight = 1 / np.maximum(room / scale, 1e-30)
    columns = np.stack([(M / scale * weight).ravel() for M in made], axis=1)
    size = np.linalg.norm(columns, axis=0)
    if not (size > 1).all():  # the column is no larger than its rounding
        return None
    columns = columns / size
    gram = columns.T @ columns
    if len(made) > 1 and 1 - gram[0, 1] ** 2 < COLLINEAR:
        return None
    inverse = np.linalg.inv(gram)
    wanted = (a / scale * weight).ravel()
    found = inverse @ (columns.T @ wanted)
    found += inverse @ (columns.T @ (wanted - columns @ found))  # accuracy lost by the squared condition number
    values, each = found / size, np.sqrt(np.diag(inverse)) / size
    bounds = max(1.0, float(abs(values).max())) * np.sqrt(len(wanted)) * each
    scatter = np.linalg.norm(wanted - columns @ found) / np.sqrt(max(len(wanted) - len(made), 1)) * each
    return [Fitted(*numbers) for numbers in np.stack([values, bounds, scatter], axis=1).tolist()]


def digits_known(value: float, error: float) -> int:
    """How many digits of a number are known, from one to as many as are written.

    >>> digits_known(0.8984, 1e-3), digits_known(0.8984, 1e-12), digits_known(0.8984, 0.0), digits_known(1.0, 3.0)
    (2, 6, 6, 1)
    """
    if not error or not value:
        return WRITTEN
    return min(max(floor(log10(abs(value) / error)), 1), WRITTEN)


def known_digits(value: float, error: float) -> str:
    """The number in the digits that are known of it.

    >>> known_digits(0.8984375, 1e-3), known_digits(1.2345678, 1e-12)
    ('0.9', '1.23457')
    """
    return f"{value:.{digits_known(value, error)}g}"
