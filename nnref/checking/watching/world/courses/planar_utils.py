"""planar_utils: sigmoid, and points of two classes in the plane."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnref.checking.watching.world.course_data import points
from nnref.shapes import Array


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def load_planar_dataset(*args: Any) -> tuple[Array, Array]:
    """X (2, 400) and Y (1, 400)."""
    return points(400)


def load_extra_datasets() -> list[tuple[Array, Array]]:
    """Five data sets with one row per point: X (200, 2), and classes (200,)."""
    made = [points(200) for _ in range(5)]
    return [(X.T, Y[0]) for X, Y in made]


def plot_decision_boundary(*args: Any) -> None:
    """Do nothing."""
