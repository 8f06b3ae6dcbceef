"""A training run as it stands: what decides it, what was learned so far, and how it went."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nnref.network import Layers, Parameters, named
from nnref.running.settings import Settings
from nnref.shapes import Array

if TYPE_CHECKING:
    from nnref.running.gate import Gate


@dataclass
class TrainingRun:
    """What was learned, and how. Lists grow as training goes on; parameters are those after the last good step."""

    layers: Layers
    parameters: Parameters
    settings: Settings
    source: str
    gate: Gate | None
    loss_by_step: list[float] = field(default_factory=list)
    loss_by_epoch: list[float] = field(default_factory=list)
    accuracy_by_epoch: list[float] = field(default_factory=list)
    seconds: float = 0.0
    stopped: str | None = None

    @property
    def seed(self) -> int:
        """The seed of the initial parameters and of every shuffle."""
        return self.settings.seed

    @property
    def test_accuracy(self) -> float | None:
        """The share of held-out examples that were right after the last whole epoch, or None before the first."""
        return self.accuracy_by_epoch[-1] if self.accuracy_by_epoch else None

    @property
    def parameters_sha256(self) -> str:
        """SHA-256 over W1, b1, W2, … as little-endian C-order bytes."""
        return parameters_sha256(self.parameters)


def parameters_sha256(theta: Parameters) -> str:
    """SHA-256 over W1, b1, W2, … as little-endian C-order bytes."""
    return arrays_sha256(named(theta).values())


def arrays_sha256(arrays: Iterable[Array]) -> str:
    """SHA-256 over arrays as little-endian C-order bytes, one after the other."""
    digest = hashlib.sha256()
    for p in arrays:
        digest.update(np.ascontiguousarray(p, dtype=p.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
