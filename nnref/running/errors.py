"""What ends a run before its time: data that cannot be used, a gradient that is wrong, a loss that is no number."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnref.running.gate import Gate
    from nnref.running.run import TrainingRun


class DataError(ValueError):
    """Data that cannot be used; the message names the file and the field."""


class GateError(ArithmeticError):
    """A gradient or a shape is not what forward passes and the derivation say. Carries the report as .gate."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(f"the gradients failed the check before training:\n{gate}")
        self.gate = gate


class Diverged(ArithmeticError):
    """The loss is no longer a finite number. Carries the run, with the last good parameters, as .run."""

    def __init__(self, run: TrainingRun) -> None:
        super().__init__(f"{run.stopped}. The parameters before it are kept. Try a smaller learning_rate.")
        self.run = run


class WorkerLost(RuntimeError):
    """Another worker of the run is gone, or its gradients are wrong. What was learned until then is kept."""
