"""The numbers that a program reads: real digits where they are installed, and made-up tables of a given shape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from nnref.checking.watching.recording.recorder import leaf
from nnref.checking.watching.world.pictures import FULL, shrunk
from nnref.shapes import Array

CLASSES = 10


@dataclass
class Digits:
    """images (N, side²) uint8 and labels (N,); the seed decides which images of each class come where.

    given is the user's own X, one row per example, and Y, which replace the digits. made says whether the program was
    handed other data than the user's own, of which fewer rows would do.
    """

    images: Array
    labels: Array
    seed: int
    given: tuple[Array, Array] | None = None
    made: bool = False
    side: int = FULL

    def rows(self, count: int, skip: int = 0) -> tuple[Array, Array]:
        """Images (count, side²) and labels (count,), not marked; every class is among the first rows."""
        if self.given is not None:
            X, y = self.given
            at = np.resize(np.arange(len(X)), count)
            return np.array(X[at]), np.array(y[at])
        self.made = True
        order = np.roll(np.random.RandomState(1).permutation(len(self.labels)), -skip)
        firsts = [order[self.labels[order] == k][0] for k in range(CLASSES)]
        rest = order[~np.isin(order, firsts)]
        at = np.resize(np.concatenate([firsts, rest]), count)
        # Each run gets other images of the same classes, so that a selection by label has one shape in all runs.
        for k in range(CLASSES):
            same = np.flatnonzero(self.labels[at] == k)
            at[same] = np.roll(at[same], self.seed)
        return self.images[at], self.labels[at].astype(np.int64)

    def draw(self) -> np.random.RandomState:
        """The random generator of this run, for tables other than the digits."""
        self.made = True
        return np.random.RandomState(self.seed + 5)

    def split(self, rows: int, tests: int) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """((x, y), (x, y)) as Keras gives them: uint8 (N, 28, 28) and labels; marked."""
        return self.square(rows), self.square(tests, skip=rows)

    def square(self, rows: int, skip: int = 0) -> tuple[Array, Array]:
        """uint8 (N, side, side) and labels (N,), marked."""
        X, y = self.rows(rows, skip)
        if X.shape[1:] == (self.side**2,):
            X = X.reshape(-1, self.side, self.side)
        return leaf(X, "data"), leaf(y.astype(np.uint8) if y.dtype.kind in "iu" else y, "labels")


def digits(seed: int, given: tuple[Array, Array] | None = None, side: int = FULL) -> Digits:
    """The digits of this run: the user's own, else the installed ones, else drawn images; all but the first so wide."""
    if given is not None:
        X, y = as_rows(*given)
        return Digits(X, y, seed, (X, y))
    images, labels = found()
    return Digits(shrunk(images, side), labels, seed, side=side)


@cache
def found() -> tuple[Array, Array]:
    """The installed digits, or drawn images where there are none; read once."""
    from nnref.running.data import load_mnist
    from nnref.running.errors import DataError

    try:
        data = load_mnist()
    except DataError:
        return drawn()
    return data.rows_train, data.y_train


def as_rows(X: Array, y: Array) -> tuple[Array, Array]:
    """X and its labels, both with one row per example; the labels keep their encoding."""
    X, y = np.asarray(X), np.asarray(y)
    if y.ndim == 2 and y.shape[0] in (1, CLASSES) and y.shape[1] == X.shape[-1]:
        y = y.T if y.shape[0] > 1 else y[0]
    if X.ndim == 2 and len(X) != len(y) and X.shape[1] == len(y):
        X = X.T
    return X, y


def drawn() -> tuple[Array, Array]:
    """Mostly dark images (600, 784) uint8 of ten classes, each a pattern with noise; and their labels."""
    random = np.random.RandomState(0)
    patterns = 255 * (random.rand(CLASSES, 784) < 0.2)
    labels = np.arange(600) % CLASSES
    dimmed = patterns[labels] * (0.5 + 0.5 * random.rand(600, 784))
    return dimmed.astype(np.uint8), labels


def clusters(random: np.random.RandomState, rows: int, width: int, classes: int) -> tuple[Array, Array]:
    """Points (rows, width) around one centre per class, and their classes (rows,), each among the first rows."""
    y = random.randint(0, classes, rows)
    y[:classes] = np.arange(classes)[:rows]
    centres = 2 * random.randn(classes, width)
    return np.round(centres[y] + random.randn(rows, width), 3), y


def line(random: np.random.RandomState, rows: int, width: int) -> tuple[Array, Array]:
    """Points (rows, width), and for each a number (rows,) that is nearly linear in the point."""
    X = random.randn(rows, width)
    return np.round(X, 3), np.round(X @ random.randn(width) + 0.1 * random.randn(rows), 3)
