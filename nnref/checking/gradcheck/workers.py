"""Many entries at once, in this thread or on the caller's executor, with a progress bar where it takes long."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError, first_line
from nnref.checking.gradcheck.loss import PerturbedLoss
from nnref.checking.results.findings import SURE
from nnref.shapes import Array

CHUNK = 256
"""Entries handed over at a time: a few tenths of a second if the loss takes a millisecond, so that the bar moves."""

PATIENCE = 2.0
"""Seconds before a bar is shown on a terminal."""

Work = Callable[..., Array]
"""work(loss, tensor, places, **options), one row for every place."""

Tick = Callable[[int], None]
"""Told how many entries were done."""


class Workers:
    """Runs work over the places of a tensor, in order, and counts the evaluations of the loss that were made.

    A block whose worker was lost is repeated in this process; again counts such blocks.
    """

    def __init__(self, executor: Executor | None, tick: Tick) -> None:
        self.executor, self.tick, self.again = executor, tick, 0

    def map(
        self, work: Work, loss: PerturbedLoss, tensor: int, places: Array, again: bool = False, **options: Any
    ) -> Array:
        """The rows of work for all places; adds to loss.evaluations. A repeated measurement does not move the bar."""
        chunks = np.split(places, range(CHUNK, len(places), CHUNK))
        tasks = ((work, loss, tensor, chunk, options, again) for chunk in chunks)
        rows = []
        for found, evaluations in self.spread(list(tasks)) if self.executor else map(run_block, tasks):
            rows.append(found)
            loss.evaluations += evaluations
            self.tick(0 if again else len(found))
        return np.concatenate(rows)

    def spread(self, tasks: list[Task]) -> Iterator[tuple[Array, int]]:
        """The executor's results in order. A task that fails there is repeated here, and raises its own error here."""
        waiting: list[Future[tuple[Array, int]] | None] = [self.handed_over(task) for task in tasks]
        for task, future in zip(tasks, waiting, strict=True):
            try:
                if future is not None:
                    yield future.result()
                    continue
            except GradcheckError:
                raise
            # Executors differ in their error for a lost worker; an error of the loss is raised again here.
            except Exception:
                pass
            self.again += 1
            yield run_block(task)

    def handed_over(self, task: Task) -> Future[tuple[Array, int]] | None:
        """The executor's future for a task; None if it accepts no more."""
        assert self.executor is not None
        try:
            return self.executor.submit(run_block, task)
        except RuntimeError:  # broken, or shut down
            return None


Task = tuple[Work, PerturbedLoss, int, Array, dict[str, Any], bool]
"""One block of entries: the work, the loss, the tensor, the places, the options, and whether it is a repetition."""


def run_block(task: Task) -> tuple[Array, int]:
    """One chunk, on a loss with its own arrays: the rows, and the number of evaluations.

    Errors: GradcheckError where the loss is another number after a whole chunk than before.
    """
    work, loss, tensor, places, options, again = task
    own = loss.twin()
    rows = work(own, tensor, places, **options)
    if not all(np.array_equal(A, B) for A, B in zip(own.arrays, loss.arrays, strict=True)):
        raise GradcheckError("the loss changed its own argument in a later call. Work on a copy of the parameters.")
    if len(places) == CHUNK and not again:
        own.check_same()
    return rows, own.evaluations


def evaluated_by_worker(loss: PerturbedLoss) -> float:
    """The loss at the unmoved parameters, evaluated by a worker."""
    return float(loss.twin().counted(loss.arrays))


def willing(executor: Executor, loss: PerturbedLoss) -> None:
    """Refuse an executor that cannot run this loss, or whose workers compute another number.

    Errors: GradcheckError saying which of them it is.
    """
    try:
        there = executor.submit(evaluated_by_worker, loss).result()
    except GradcheckError:
        raise
    # Executors fail in different ways; whether pickling is the cause can be tested.
    except Exception as error:
        try:
            pickle.dumps(loss)
        except Exception as refusal:
            raise GradcheckError(
                f"this executor sends the loss to another process, and it cannot be pickled ({first_line(refusal)}). "
                f"Define it at the top level of a module, or pass a ThreadPoolExecutor."
            ) from error
        raise GradcheckError(
            f"the executor could not evaluate the loss ({type(error).__name__}: {first_line(error)}). Where processes "
            f'are spawned, call gradcheck under if __name__ == "__main__".'
        ) from error
    if not abs(there - loss.at) <= SURE * loss.noise:
        raise GradcheckError(f"the loss is {loss.at} here and {there} on the executor: what does it read besides θ?")


@contextmanager
def progress_tick(progress: bool | Callable[[int, int], None] | None, total: int) -> Iterator[Tick]:
    """A tick that shows how far the check is: a function's (done, total), a bar on a terminal, or lines if asked."""
    if callable(progress):
        yield counting(progress, total)
    elif progress is False or not (progress or sys.stderr.isatty()):
        yield lambda entries: None
    elif not sys.stderr.isatty():
        yield counting(progress_lines(), total)
    else:
        with progress_bar(total) as tick:
            yield tick


def counting(tell: Callable[[int, int], None], total: int) -> Tick:
    """A tick that adds up."""
    done = 0

    def tick(entries: int) -> None:
        nonlocal done
        done = min(done + entries, total)
        tell(done, total)

    return tick


def progress_lines() -> Callable[[int, int], None]:
    """A plain line on stderr for every tenth."""
    began, said = perf_counter(), 0

    def tell(done: int, total: int) -> None:
        nonlocal said
        if done * 10 // total > said:
            said = done * 10 // total
            left = (perf_counter() - began) * (total - done) / done
            print(f"gradcheck: {done:,} of {total:,} entries, {left:.0f} s left", file=sys.stderr, flush=True)

    return tell


@contextmanager
def progress_bar(total: int) -> Iterator[Tick]:
    """A live bar on stderr, once the check has taken a while; it leaves nothing behind."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("gradcheck", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    live = Progress(*columns, console=Console(file=sys.stderr), transient=True)
    began, task = perf_counter(), live.add_task("", total=total)

    def tick(entries: int) -> None:
        live.advance(task, entries)
        if not live.live.is_started and perf_counter() - began > PATIENCE:
            live.start()

    try:
        yield tick
    finally:
        live.stop()
