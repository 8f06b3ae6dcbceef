"""What a training run shows while it runs: a bar on a terminal, a line an epoch elsewhere, nothing when asked."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Protocol

from nnref.running.run import TrainingRun


class Progress(Protocol):
    """Told of every step and every epoch."""

    def step(self, epoch: int, step: int, loss: float) -> None:
        """A step was made; loss is that before it."""

    def epoch(self, run: TrainingRun) -> None:
        """An epoch ended; its loss and accuracy are the last in the run's lists."""


class Silent:
    """Shows nothing."""

    def step(self, epoch: int, step: int, loss: float) -> None:
        """Shows nothing."""

    def epoch(self, run: TrainingRun) -> None:
        """Shows nothing."""


class Lines(Silent):
    """A plain line an epoch, with the speed and the time that is left."""

    def __init__(self, steps: int) -> None:
        self.steps, self.began, self.done = steps, perf_counter(), 0

    def epoch(self, run: TrainingRun) -> None:
        """Epoch, mean loss, accuracy on the held-out examples, samples a second, time left."""
        self.done += 1
        each = (perf_counter() - self.began) / self.done
        print(
            f"epoch {len(run.accuracy_by_epoch):3d}/{run.settings.epochs}  loss {run.loss_by_epoch[-1]:.4f}  "
            f"accuracy {run.accuracy_by_epoch[-1]:.2%}  {self.steps * run.settings.batch_size / each:,.0f} samples/s  "
            f"{each * (run.settings.epochs - len(run.accuracy_by_epoch)):.0f} s left",
            flush=True,
        )


class Unfailing:
    """Shows what another shows until that fails, as where a pipe was closed; then nothing. No run ends for it."""

    def __init__(self, shown: Progress) -> None:
        self.shown = shown

    def step(self, epoch: int, step: int, loss: float) -> None:
        """Show the step."""
        self.tried(lambda: self.shown.step(epoch, step, loss))

    def epoch(self, run: TrainingRun) -> None:
        """Show the epoch."""
        self.tried(lambda: self.shown.epoch(run))

    def tried(self, show: Callable[[], None]) -> None:
        """Show, or say once that it cannot be shown."""
        try:
            show()
        except (OSError, ValueError) as error:
            self.shown = Silent()
            warnings.warn(f"stdout: the progress cannot be shown ({error}); the run goes on", stacklevel=2)


@contextmanager
def reporter(progress: bool | None, run: TrainingRun, steps: int) -> Iterator[Progress]:
    """The reporter for a run: None chooses by whether stdout is a terminal, True shows, False is silent."""
    if progress is False:
        yield Silent()
    elif sys.stdout is None or not sys.stdout.isatty():
        yield Unfailing(Lines(steps))
    else:
        with bar(run, steps) as shown:
            yield Unfailing(shown)


@contextmanager
def bar(run: TrainingRun, steps: int) -> Iterator[Progress]:
    """A live bar over all steps, with the epoch lines above it."""
    from rich import progress as rich

    columns = (
        rich.TextColumn("epoch {task.fields[epoch]}"),
        rich.BarColumn(),
        rich.TextColumn("loss {task.fields[loss]:.4f}  accuracy {task.fields[accuracy]:.2%}  {task.fields[speed]}"),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns) as live:
        done = len(run.accuracy_by_epoch) * steps
        task = live.add_task(
            "", total=run.settings.epochs * steps, completed=done, epoch=1, loss=0.0, accuracy=0.0, speed=""
        )

        class Bar(Lines):
            def step(self, epoch: int, step: int, loss: float) -> None:
                speed = live.tasks[0].speed
                shown = f"{speed * run.settings.batch_size:,.0f} samples/s" if speed else ""
                live.update(task, advance=1, epoch=epoch + 1, loss=loss, speed=shown)

            def epoch(self, run: TrainingRun) -> None:
                super().epoch(run)
                live.update(task, accuracy=run.accuracy_by_epoch[-1])

        yield Bar(steps)
