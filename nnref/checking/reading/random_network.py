"""A random network with random data, at which no mistake can hide."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from nnref.layer import Affine
from nnref.network import Parameters, one_hot
from nnref.shapes import Array

PRIMES = (5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79)
"""Batch sizes tried: the first that divides no layer width is taken."""


def drawn_network(sizes: list[int], N: int | None = None, seed: int = 0) -> tuple[Parameters, Array, Array]:
    """A network and data at which nothing is zero, symmetric or equal by chance.

    N examples, or five, or the next prime that divides none of the sizes: no axis is then taken for another, and no
    quotient of sizes for another.
    Shapes: X (n0, N), Y (nL, N)
    """
    rng = np.random.default_rng(seed)
    N = N or next(n for n in PRIMES if all(size % n for size in sizes))
    theta: list[Any] = []
    for l, (n, m) in enumerate(pairwise(sizes)):
        # Scaled to keep sums of moderate size: logits near ±2 leave every probability well away from 0 and 1.
        W, b = rng.standard_normal((m, n)) * np.sqrt(2 / n), 0.5 * rng.standard_normal((m, 1))
        theta += [()] * bool(l) + [Affine(W, b)]
    X = rng.standard_normal((sizes[0], N))
    labels = rng.permutation(np.arange(N) % max(1, sizes[-1]))
    return tuple(theta), X, one_hot(labels, sizes[-1], "float64")
