"""The data of the course modules: marked, in the course's shapes, with other numbers in each run."""

from __future__ import annotations

import numpy as np

from nnref.checking.watching.recording.recorder import current, leaf
from nnref.checking.watching.world.digits import clusters
from nnref.shapes import Array

SIDE = 64
"""Width and height of a picture in pixels."""


def points(rows: int) -> tuple[Array, Array]:
    """Points of two classes as the columns of X (2, rows), and their classes Y (1, rows)."""
    X, y = clusters(np.random.RandomState(current().seed + 5), rows, 2, 2)
    return leaf(np.ascontiguousarray(X.T), "data"), leaf(y[None].copy(), "labels")


def pictures(rows: int) -> tuple[Array, Array]:
    """Pictures (rows, 64, 64, 3) of whole numbers 0 to 255, and their classes, 0 or 1, (1, rows)."""
    random = np.random.RandomState(current().seed + rows)
    X = random.randint(0, 256, (rows, SIDE, SIDE, 3)).astype(np.uint8)
    return leaf(X, "data"), leaf(random.permutation(np.arange(rows) % 2)[None], "labels")
