"""A training run as it stands: what decides it, what was learned so far, and how it went."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nnref.network import Layers, Parameters, named
from nnref.shapes import Array

if TYPE_CHECKING:
    from nnref.running.gate import Gate

DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Settings:
    """What decides a run, besides the data and the layers: the same settings give the same parameters."""

    epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 0.1
    seed: int = 0
    dtype: str = "float32"
    engine: str = "numpy"
    device: str = "cpu"
    workers: int = 1

    def check(self, examples: int) -> None:
        """Refuse settings under which nothing could be learned, saying what to try."""
        for name in ("epochs", "batch_size", "seed"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < (0 if name == "seed" else 1):
                raise ValueError(f"{name} should be a whole number from {0 if name == 'seed' else 1}; {value!r} came.")
        if not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"learning_rate should be positive and finite; {self.learning_rate!r} came. Try 0.1.")
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype should be one of {', '.join(DTYPES)}; {self.dtype!r} came.")
        if self.batch_size > examples:
            raise ValueError(
                f"batch_size is {self.batch_size}, more than the {examples} training examples. Try {min(64, examples)}."
            )


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
