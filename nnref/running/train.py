"""The reference training run: plain mini-batch gradient descent on a network whose gradients were checked first."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnref import architectures, network
from nnref.network import Layers, Parameters
from nnref.running import engines
from nnref.running import gate as gates
from nnref.running.checkpoint import Checkpoint, opened
from nnref.running.data import Dataset, load_mnist
from nnref.running.engines import Engine, Loop
from nnref.running.errors import Diverged, GateError, WorkerLost
from nnref.running.held_out import held_out_logits
from nnref.running.progress import Progress, reporter
from nnref.running.run import TrainingRun
from nnref.running.settings import TIMEOUT, Settings
from nnref.running.shuffle import indices
from nnref.running.step import batch
from nnref.running.team import placed
from nnref.running.workers import joined
from nnref.shapes import Array, trusted


def fitting(data: Dataset, activation: str = "relu", name: str = "mlp") -> Layers:
    """A network for the data: the article's, with another activation if one is named, or a cnn or a transformer.

    Errors: ValueError for another name, or where the images are not square and the network needs them to be.
    """
    n = data.rows_train.shape[1]
    if name == "mlp":
        return network.mlp([n, *network.MNIST_SIZES[1:-1], data.classes], activation)
    side = math.isqrt(n)
    if name not in architectures.NETWORKS or side * side != n:
        names = ", ".join(["mlp", *architectures.NETWORKS])
        raise ValueError(f"network should be one of {names}, all but mlp of square images; {name!r}, {n} pixels came.")
    return architectures.NETWORKS[name](side, data.classes)


def train(
    data: Dataset | str | os.PathLike[str] | None = None,
    layers: Layers | None = None,
    *,
    epochs: int = Settings.epochs,
    batch_size: int = Settings.batch_size,
    learning_rate: float = Settings.learning_rate,
    decay: bool = Settings.decay,
    seed: int = Settings.seed,
    dtype: str = Settings.dtype,
    engine: str = Settings.engine,
    device: str | None = None,
    workers: str | Sequence[str] | None = None,
    index: int = 0,
    timeout: float = TIMEOUT,
    gate: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool | None = None,
    on_gate: Callable[[gates.Gate], object] | None = None,
) -> TrainingRun:
    """Train by θ ← θ − α ∂L/∂θ on shuffled batches, once every gradient has been checked.

    The same seed, settings and data give the same parameters on the same machine. data is a Dataset, a path for
    `load_mnist`, or None for its default; layers default to the article's network, its first and last width those of
    the data. progress None shows a bar on a terminal and a line an epoch elsewhere. on_gate is called with what the
    gate found, before the first step or the error. engine is the library that makes the steps, numpy, jax, torch or
    tensorflow, and device where, such as "cuda"; None is that library's own choice. With decay the learning rate falls
    from epoch to epoch in a line that ends at 0 after the last.

    workers are the addresses HOST:PORT of all processes that share the run, and index says which of them this is: each
    computes its share of every batch (conventions.shards). Worker 0 keeps the checkpoint. One that is not answered for
    timeout seconds ends its process.

    checkpoint names a file that is written after every epoch and, between steps, every two seconds; the one before is
    kept beside it. With resume, training goes on from it, to the bits of an unbroken run; without resume or overwrite,
    a file that is there already is refused.

    Errors: GateError if a gradient is wrong; Diverged if the loss stops being finite; DataError for bad data or a
    checkpoint of another run; ValueError for settings that make no sense; ShapeError if data and layers do not fit;
    WorkerLost, with what was learned in the checkpoint, if another worker is gone.
    """
    place = placed(workers, index, timeout)
    data = loaded(data)
    workers_in_all = len(place.addresses) if place else 1
    settings = Settings(epochs, batch_size, learning_rate, seed, dtype, workers=workers_in_all, decay=decay)
    settings.check(len(data.y_train))
    runner = engines.engine(engine, device, dtype, place)
    settings = replace(settings, engine=runner.name, device=runner.device)
    run = new_run(data, fitting(data) if layers is None else layers, settings)
    keeps = place is None or place.index == 0
    with opened(*((checkpoint, run, data, resume, overwrite) if keeps else (None, run, data, False, False))) as kept:
        if runner.team:
            joined(run, data, runner.team)
        loop = looped(run, data, runner, 0)
        if gate:
            pass_gate(run, data, runner, loop, on_gate)
        else:
            warnings.warn("gate=False: the gradients of this run were not checked", stacklevel=2)
        with runner.one_thread(), reporter(progress, run, steps=len(data.y_train) // batch_size) as shown:
            descend(run, data, lambda epoch: looped(run, data, runner, epoch) if decay else loop, shown, kept)
    return run


def new_run(data: Dataset, layers: Layers, settings: Settings) -> TrainingRun:
    """A run before its first step, with initial parameters; data that do not fit the layers are refused by name."""
    theta = network.initialise(layers, settings.seed, settings.dtype)
    network.loss(layers, theta, *next(batches(data, settings, 0)))
    return TrainingRun(layers, theta, settings, data.source, gate=None)


def looped(run: TrainingRun, data: Dataset, engine: Engine, epoch: int) -> Loop:
    """The steps of an epoch, at its learning rate."""
    settings = replace(run.settings, learning_rate=run.settings.rate(epoch))
    return engine.loop(run.layers, data.rows_train, targets(data, settings), settings)


def pass_gate(
    run: TrainingRun, data: Dataset, engine: Engine, loop: Loop, on_gate: Callable[[gates.Gate], object] | None
) -> None:
    """Check the gradients at the run's parameters, which may be restored ones.

    Errors: GateError if one is wrong.
    """
    with engine.one_thread():
        run.gate = checked(run, data, engine, loop)
    if on_gate is not None:
        on_gate(run.gate)
    if not run.gate.ok:
        raise GateError(run.gate)


def loaded(data: Dataset | str | os.PathLike[str] | None) -> Dataset:
    """The data to learn from: a Dataset as it is, anything else by `load_mnist`."""
    if data is None or isinstance(data, str | os.PathLike):
        return load_mnist(data)
    if not isinstance(data, Dataset):
        raise TypeError(
            f"data should be a Dataset, a path or None; {type(data).__name__} came. For arrays use "
            f"nnref.Dataset.from_columns(x_train, y_train, x_test, y_test)."
        )
    return data


def checked(run: TrainingRun, data: Dataset, engine: Engine, loop: Loop) -> gates.Gate:
    """What the gate finds of the engine's gradients, and of the loop's first step beside them."""
    layers, theta, settings = run.layers, run.parameters, run.settings
    X, Y = next(batches(data, settings, 0))
    gradients, elsewhere = engine.gradients(layers), engine.name != "numpy"
    found = gates.check(layers, theta, X, Y, gradients, elsewhere)
    on_one_side, _ = gates.decided(layers, theta, X, elsewhere)
    passed = found.ok and bool(on_one_side.any())
    others = [k for k, ok in enumerate(engine.team.gathered(passed)) if not ok] if engine.team else []
    if found.ok and others:
        raise WorkerLost(f"worker {others[0]} has not passed the gate, and says why; nothing was trained")
    if not passed:
        return found
    index = indices(settings, 0, len(data.y_train))[0][on_one_side]
    after = loop.get(after_steps(loop, theta, index[None]))
    alpha = settings.learning_rate
    fault = gates.first_step_fault(layers, theta, X[:, on_one_side], Y[:, on_one_side], gradients, after, alpha)
    return replace(found, fault=fault)


@dataclass
class Reached:
    """Where the descent is: the parameters where the engine has them, and how many steps of the run led to them.

    One attribute, so that Ctrl-C between any two instructions finds parameters and steps that belong together.
    """

    at: tuple[Parameters, int]

    def settle(self, run: TrainingRun, loop: Loop) -> None:
        """Make the run's parameters and losses those after this step."""
        theta, steps = self.at
        run.parameters = loop.get(theta)
        del run.loss_by_step[steps:]


def descend(run: TrainingRun, data: Dataset, loops: Callable[[int], Loop], shown: Progress, kept: Checkpoint) -> None:
    """All epochs that are left, each by its own loop; stops at Ctrl-C with what was learned, on disk too."""
    start = perf_counter() - run.seconds
    loop = loops(len(run.accuracy_by_epoch))
    reached = Reached((loop.put(run.parameters), len(run.loss_by_step)))
    try:
        for epoch in range(len(run.accuracy_by_epoch), run.settings.epochs):
            loop = loops(epoch)
            learn(run, len(data.y_train), loop, epoch, shown, kept, reached)
            reached.settle(run, loop)
            mean = float(np.mean(run.loss_by_step[epoch * len(indices(run.settings, epoch, len(data.y_train))) :]))
            accuracy = held_out_accuracy(run, data)
            run.loss_by_epoch.append(mean)
            run.accuracy_by_epoch.append(accuracy)
            run.seconds = perf_counter() - start
            kept.save(run)
            shown.epoch(run)
    except KeyboardInterrupt as stop:
        reached.settle(run, loop)
        by = str(stop) or "Ctrl-C"
        run.stopped = f"stopped by {by} in epoch {min(len(run.accuracy_by_epoch) + 1, run.settings.epochs)}"
        kept.save(run)
    except Diverged:
        reached.settle(run, loop)
        raise
    except WorkerLost as lost:
        reached.settle(run, loop)
        run.stopped = str(lost)
        kept.save(run)
        raise
    finally:
        run.seconds = perf_counter() - start


def learn(
    run: TrainingRun, N: int, loop: Loop, epoch: int, shown: Progress, kept: Checkpoint, reached: Reached
) -> None:
    """What is left of a pass over the N training examples, a step a batch.

    A last batch that is not full waits for the next shuffle.
    """
    batches = indices(run.settings, epoch, N)
    theta, steps = reached.at
    start = steps - epoch * len(batches)
    left = batches[start:]
    # A loss that overflows is found just below. The shapes of each batch are those of the first, which was checked.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"), trusted():
        for after, new in loop.steps(theta, left) if len(left) else ():
            finite = len(list(takewhile(isfinite, new)))
            run.loss_by_step += new[:finite]
            made = len(run.loss_by_step) - steps
            if finite < len(new):
                good = after_steps(loop, run.parameters, left[: max(0, made - 1)])
                reached.at = good, steps + made
                at = f"epoch {epoch + 1}, step {start + made + 1}"
                run.stopped = f"training diverged at {at}: the loss is {new[finite]}"
                raise Diverged(run)
            reached.at = after, steps + made
            for step, loss in enumerate(new, start + made - len(new) + 1):
                shown.step(epoch, step, loss)
            if kept.due():
                kept.save(replace(run, parameters=loop.get(after)))


def after_steps(loop: Loop, start: Parameters, batches: NDArray[Any]) -> Parameters:
    """The parameters after these steps, made again: an engine may look at its losses only once an epoch."""
    theta = loop.put(start)
    for after, _ in loop.steps(theta, batches):
        theta = after
    return theta


def targets(data: Dataset, settings: Settings) -> Array:
    """The labels of the training examples as rows with a single 1, (N, classes): made once, and picked from after."""
    return np.ascontiguousarray(network.one_hot(data.y_train, data.classes, settings.dtype).T)


def batches(data: Dataset, settings: Settings, epoch: int) -> Iterator[tuple[Array, Array]]:
    """The full batches of an epoch as columns X (n0, B) and one-hot Y (classes, B)."""
    hot = targets(data, settings)
    for index in indices(settings, epoch, len(data.y_train)):
        yield batch(data.rows_train, hot, index, settings.dtype)


def held_out_accuracy(run: TrainingRun, data: Dataset) -> float:
    """The share of held-out examples that the network gets right."""
    return float((held_out_logits(run, data).argmax(axis=0) == data.y_test).mean())
