"""What decides a run, besides the data and the layers; in plain Python, for the command line asks for it first."""

from __future__ import annotations

from dataclasses import dataclass

DTYPES = ("float32", "float64")

TIMEOUT = 60.0
"""Seconds that a worker waits for the others before it ends the run."""


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
    decay: bool = False

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch: with decay, each epoch has a step less, and the last but one step is left."""
        return self.learning_rate * (1 - epoch / self.epochs) if self.decay else self.learning_rate

    def check(self, examples: int) -> None:
        """Refuse settings under which nothing could be learned, saying what to try."""
        for name in ("epochs", "batch_size", "seed"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < (0 if name == "seed" else 1):
                raise ValueError(f"{name} should be a whole number from {0 if name == 'seed' else 1}; {value!r} came.")
        if not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"learning_rate should be positive and finite; {self.learning_rate!r} came. Try 0.1.")
        if self.decay and self.workers > 1:
            raise ValueError("decay=True is for one process; workers keep one learning rate. Try decay=False.")
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype should be one of {', '.join(DTYPES)}; {self.dtype!r} came.")
        if self.batch_size > examples:
            raise ValueError(
                f"batch_size is {self.batch_size}, more than the {examples} training examples. Try {min(64, examples)}."
            )
