"""Which of many arrays of one size an array may be a multiple of, found by one matrix product with samples of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.factors import joined
from nnref.checking.watching.calculus.graph import Array

SAMPLED = 128
"""Sample size: entries of each run that are compared; of larger arrays, equally spaced ones."""

SLACK = 64 * float(np.finfo(float).eps)
"""Rounding error of the squared residual, per entry and relative to the squared length."""


class Multiples:
    """Arrays of one size in every run, by key; the candidates found are then compared entry by entry.

    If x = c g to a tolerance in every entry, the best multiple of a sample of g is near the same sample of x.
    """

    def __init__(self, arrays: Sequence[tuple[int, Sequence[Array]]], tolerance: float) -> None:
        self.tolerance = tolerance
        self.size = arrays[0][1][0].size
        self.keys = np.array([k for k, _ in arrays])
        ways = [[sampled(runs) for _, runs in arrays]]
        if any(turned(runs[0]) for _, runs in arrays):
            ways.append([sampled([A.T if turned(A) else A for A in runs]) for _, runs in arrays])
        with np.errstate(all="ignore"):
            self.ways = [of_length_one(np.array(rows)) for rows in ways]

    def of(self, values: Sequence[Array]) -> list[int]:
        """The keys of the arrays that the values may be a multiple of, as they are or transposed, in order."""
        x = sampled(values)
        largest = max(float(np.abs(v).max(initial=0.0)) for v in values)
        if x.size != self.ways[0].shape[1]:
            return [int(k) for k in self.keys]
        if not np.isfinite(largest):
            return []
        x = x / (largest or 1.0)
        square = float(x @ x)
        allowed = x.size * (self.tolerance**2 + SLACK * square)
        likely = np.zeros(len(self.keys), bool)
        with np.errstate(all="ignore"):
            for G in self.ways:
                likely |= square - (G @ x) ** 2 <= allowed
        return [int(k) for k in self.keys[likely]]


def of_length_one(G: Array) -> Array:
    """Each row divided by its length; a row of zeros as it is."""
    G = G / np.maximum(np.abs(G).max(1, keepdims=True, initial=0.0), np.finfo(float).tiny)
    lengths = np.linalg.norm(G, axis=1, keepdims=True)
    return np.asarray(G / np.where(lengths == 0, 1.0, lengths))


def turned(A: Any) -> bool:
    """Does transposing change an array: a matrix with several rows and columns?"""
    return A.ndim == 2 and 1 not in A.shape


def sampled(runs: Sequence[Any]) -> Array:
    """A sample of an array's entries in all runs, joined; at the same places in every array of its size."""
    return joined([np.ravel(A)[:: max(1, np.size(A) // SAMPLED)] for A in runs])
