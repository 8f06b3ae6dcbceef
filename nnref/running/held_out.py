"""The held-out examples through a network, some at a time."""

from __future__ import annotations

import numpy as np

from nnref import network
from nnref.running.data import Dataset
from nnref.running.run import TrainingRun
from nnref.shapes import Array

PART = 1000
"""Held-out examples at a time: a convolution holds what every window sees, and 10,000 digits as floats take 31 MB."""


def held_out_logits(run: TrainingRun, data: Dataset) -> Array:
    """The logits of the held-out examples, (classes, examples)."""
    parts = (data.rows_test[k : k + PART] for k in range(0, len(data.rows_test), PART))
    columns = (data.columns(rows, run.settings.dtype) for rows in parts)
    return np.concatenate([network.forward(run.layers, run.parameters, X) for X in columns], axis=1)
