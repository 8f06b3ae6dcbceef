"""The held-out examples through a network: all at once through matrices, some at a time through general layers."""

from __future__ import annotations

import numpy as np

from nnref import network
from nnref.checking.reference import trees
from nnref.running.data import Dataset
from nnref.running.run import TrainingRun
from nnref.shapes import Array

PART = 1000
"""Held-out examples at a time through general layers: a convolution holds what every window sees."""


def held_out_logits(run: TrainingRun, data: Dataset) -> Array:
    """The logits of the held-out examples, (classes, examples)."""
    size = PART if trees.general(run.layers) else len(data.rows_test)
    parts = (data.rows_test[k : k + size] for k in range(0, len(data.rows_test), size))
    columns = (data.columns(rows, run.settings.dtype) for rows in parts)
    return np.concatenate([network.forward(run.layers, run.parameters, X) for X in columns], axis=1)
