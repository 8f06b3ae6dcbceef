"""Many arrays of one size, and which of them an array may be a multiple of: found by one product with all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.factors import joined
from nnref.checking.watching.calculus.graph import Array

SAMPLED = 128
"""Entries of each run that are looked at, of larger arrays those at equal distances."""

SLACK = 64 * float(np.finfo(float).eps)
"""What rounding may add to the part of a squared length that no multiple takes up, an entry and beside that length."""


class Multiples:
    """Arrays of one size in every run, by their keys: those that remain are looked at one by one.

    x = c g to a tolerance in every entry bounds how far the best multiple of a sample of g is from that sample of x.
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
        """The keys of the arrays of which the values may be a multiple, as they lie or transposed, in their order."""
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
    """May an array lie in two ways: a matrix of more than one row and column?"""
    return A.ndim == 2 and 1 not in A.shape


def sampled(runs: Sequence[Any]) -> Array:
    """Some entries of an array in each run, in a row, at the same places in every array of its size."""
    return joined([np.ravel(A)[:: max(1, np.size(A) // SAMPLED)] for A in runs])
