"""The reference training run: plain mini-batch gradient descent on a network whose gradients were checked first."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import takewhile
from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnref import network
from nnref.network import Layers, Parameters
from nnref.running import checkpoint as saved
from nnref.running import engines
from nnref.running import gate as gates
from nnref.running.data import Dataset, load_mnist
from nnref.running.engines import Engine, Loop
from nnref.running.errors import Diverged, GateError
from nnref.running.progress import Progress, reporter
from nnref.running.run import Settings, TrainingRun
from nnref.running.step import batch
from nnref.shapes import Array, trusted


def fitting(data: Dataset, activation: str = "relu") -> Layers:
    """The article's network, its first and last width those of the data, with another activation if one is named."""
    return network.mlp([data.rows_train.shape[1], *network.MNIST_SIZES[1:-1], data.classes], activation)


def train(
    data: Dataset | str | os.PathLike[str] | None = None,
    layers: Layers | None = None,
    *,
    epochs: int = Settings.epochs,
    batch_size: int = Settings.batch_size,
    learning_rate: float = Settings.learning_rate,
    seed: int = Settings.seed,
    dtype: str = Settings.dtype,
    engine: str = Settings.engine,
    device: str | None = None,
    gate: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool | None = None,
    on_gate: Callable[[gates.Gate], object] | None = None,
) -> TrainingRun:
    """Train by θ ← θ − α ∂L/∂θ on shuffled batches, once every gradient has been checked.

    The same seed, settings and data give the same parameters on the same machine. data is a Dataset, a path for
    `load_mnist`, or None for its default; layers default to the article's network, its first and last width those of
    the data. progress None shows a bar on a terminal and a line an epoch elsewhere. checkpoint names a file that is
    rewritten after every epoch; with resume, training goes on from it. on_gate is called with what the gate found,
    before the first step or the error. engine is the library that makes the steps, numpy, jax or torch, and device
    where, such as "cuda"; None is that library's own choice.

    Errors: GateError if a gradient is wrong; Diverged if the loss stops being finite; DataError for bad data;
    ValueError for settings that make no sense; ShapeError if data and layers do not fit.
    """
    data = loaded(data)
    settings = Settings(epochs, batch_size, learning_rate, seed, dtype)
    settings.check(len(data.y_train))
    runner = engines.engine(engine, device, dtype)
    settings = replace(settings, engine=runner.name, device=runner.device)
    if layers is None:
        layers = fitting(data)
    run = TrainingRun(layers, network.initialise(layers, seed, dtype), settings, data.source, gate=None)
    first = next(batches(data, settings, 0))
    network.loss(layers, run.parameters, *first)  # data that do not fit the layers are refused here, by name
    loop = runner.loop(layers, data.rows_train, targets(data, settings), settings)
    if gate:
        with runner.one_thread():
            run.gate = checked(run, data, runner, loop)
        if on_gate is not None:
            on_gate(run.gate)
        if not run.gate.ok:
            raise GateError(run.gate)
    else:
        warnings.warn("gate=False: the gradients of this run were not checked", stacklevel=2)
    if checkpoint is not None and resume and saved.exists(checkpoint):
        saved.restore(checkpoint, run)
    elif resume and checkpoint is None:
        raise ValueError("resume=True needs checkpoint, the file to go on from.")
    with runner.one_thread(), reporter(progress, run, steps=len(data.y_train) // settings.batch_size) as shown:
        descend(run, data, loop, shown, checkpoint)
    return run


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
    if not found.ok or not on_one_side.any():
        return found
    index = indices(settings, 0, len(data.y_train))[0][on_one_side]
    after = loop.get(after_steps(loop, theta, index[None]))
    alpha = settings.learning_rate
    fault = gates.first_step_fault(layers, theta, X[:, on_one_side], Y[:, on_one_side], gradients, after, alpha)
    return replace(found, fault=fault)


def descend(
    run: TrainingRun, data: Dataset, loop: Loop, shown: Progress, checkpoint: str | os.PathLike[str] | None
) -> None:
    """All epochs that are left; stops at Ctrl-C with what was learned."""
    start = perf_counter() - run.seconds
    try:
        for epoch in range(len(run.accuracy_by_epoch), run.settings.epochs):
            learn(run, data, loop, epoch, shown)
            run.accuracy_by_epoch.append(held_out_accuracy(run, data))
            run.seconds = perf_counter() - start
            shown.epoch(run)
            if checkpoint is not None:
                saved.save(checkpoint, run)
    except KeyboardInterrupt:
        run.stopped = f"stopped by Ctrl-C in epoch {len(run.accuracy_by_epoch) + 1}"
    finally:
        run.seconds = perf_counter() - start


def learn(run: TrainingRun, data: Dataset, loop: Loop, epoch: int, shown: Progress) -> None:
    """One pass over the training examples, a step a batch; a last batch that is not full waits for the next shuffle."""
    batches, theta = indices(run.settings, epoch, len(data.y_train)), loop.put(run.parameters)
    losses: list[float] = []
    try:
        # A loss that overflows is found just below. The shapes of each batch are those of the first, which was checked.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"), trusted():
            for after, new in loop.steps(theta, batches):
                finite = len(list(takewhile(isfinite, new)))
                run.loss_by_step += new[:finite]
                losses += new[:finite]
                if finite < len(new):
                    theta = after_steps(loop, run.parameters, batches[: max(0, len(losses) - 1)])
                    at = f"epoch {epoch + 1}, step {len(losses) + 1}"
                    run.stopped = f"training diverged at {at}: the loss is {new[finite]}"
                    raise Diverged(run)
                theta = after
                for step, loss in enumerate(new, len(losses) - len(new) + 1):
                    shown.step(epoch, step, loss)
    finally:
        run.parameters = loop.get(theta)
    run.loss_by_epoch.append(float(np.mean(losses)))


def after_steps(loop: Loop, start: Parameters, batches: NDArray[Any]) -> Parameters:
    """The parameters after these steps, made again: an engine may look at its losses only once an epoch."""
    theta = loop.put(start)
    for after, _ in loop.steps(theta, batches):
        theta = after
    return theta


def order(settings: Settings, epoch: int, N: int) -> NDArray[Any]:
    """The shuffle of an epoch: a function of seed and epoch alone, so that a resumed run goes on identically."""
    return np.random.default_rng([settings.seed, epoch]).permutation(N)


def indices(settings: Settings, epoch: int, N: int) -> NDArray[Any]:
    """The examples of every full batch of an epoch, (steps, B)."""
    B = settings.batch_size
    return order(settings, epoch, N)[: N // B * B].reshape(-1, B)


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
    X = data.columns(data.rows_test, run.settings.dtype)
    return network.accuracy(run.layers, run.parameters, X, data.y_test)
