"""The reference training run: plain mini-batch gradient descent on a network whose gradients were checked first."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnref import network, sgd
from nnref.network import Layers, Parameters
from nnref.parameters import mapped
from nnref.running import checkpoint as saved
from nnref.running import gate as gates
from nnref.running.data import Dataset, load_mnist
from nnref.running.errors import Diverged, GateError
from nnref.running.progress import Progress, reporter
from nnref.running.run import Settings, TrainingRun
from nnref.shapes import Array
from nnref.threads import one_blas_thread


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
    before the first step or the error.

    Errors: GateError if a gradient is wrong; Diverged if the loss stops being finite; DataError for bad data;
    ValueError for settings that make no sense; ShapeError if data and layers do not fit.
    """
    data = loaded(data)
    settings = Settings(epochs, batch_size, learning_rate, seed, dtype)
    settings.check(len(data.y_train))
    if layers is None:
        layers = fitting(data)
    run = TrainingRun(layers, network.initialise(layers, seed, dtype), settings, data.source, gate=None)
    first = next(batches(data, settings, 0))
    network.loss(layers, run.parameters, *first)  # data that do not fit the layers are refused here, by name
    if gate:
        run.gate = gates.check(layers, run.parameters, *first)
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
    with one_blas_thread(), reporter(progress, run, steps=len(data.y_train) // settings.batch_size) as shown:
        descend(run, data, shown, checkpoint)
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


def descend(run: TrainingRun, data: Dataset, shown: Progress, checkpoint: str | os.PathLike[str] | None) -> None:
    """All epochs that are left; stops at Ctrl-C with what was learned."""
    start = perf_counter() - run.seconds
    try:
        for epoch in range(len(run.accuracy_by_epoch), run.settings.epochs):
            learn(run, data, epoch, shown)
            run.accuracy_by_epoch.append(held_out_accuracy(run, data))
            run.seconds = perf_counter() - start
            shown.epoch(run)
            if checkpoint is not None:
                saved.save(checkpoint, run)
    except KeyboardInterrupt:
        run.stopped = f"stopped by Ctrl-C in epoch {len(run.accuracy_by_epoch) + 1}"
    finally:
        run.seconds = perf_counter() - start


def learn(run: TrainingRun, data: Dataset, epoch: int, shown: Progress) -> None:
    """One pass over the training examples, a step a batch; a last batch that is not full waits for the next shuffle."""
    losses = []
    good = run.parameters
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a loss that overflows is reported just below
        for step, (X, Y) in enumerate(batches(data, run.settings, epoch), 1):
            L, dtheta = network.loss_and_gradients(run.layers, run.parameters, X, Y)
            if not np.isfinite(L):
                run.parameters = good
                run.stopped = f"training diverged at epoch {epoch + 1}, step {step}: the loss is {float(L)}"
                raise Diverged(run)
            losses.append(float(L))
            run.loss_by_step.append(losses[-1])
            good, run.parameters = run.parameters, updated(run.parameters, dtheta, run.settings.learning_rate)
            shown.step(epoch, step, losses[-1])
    run.loss_by_epoch.append(float(np.mean(losses)))


def updated(theta: Parameters, dtheta: Parameters, alpha: float) -> Parameters:
    """Every parameter after one step of gradient descent."""
    return mapped(lambda p, dp: sgd.update(p, dp, alpha), theta, dtheta)


def order(settings: Settings, epoch: int, N: int) -> NDArray[Any]:
    """The shuffle of an epoch: a function of seed and epoch alone, so that a resumed run goes on identically."""
    return np.random.default_rng([settings.seed, epoch]).permutation(N)


def batches(data: Dataset, settings: Settings, epoch: int) -> Iterator[tuple[Array, Array]]:
    """The full batches of an epoch as columns X (n0, B) and one-hot Y (classes, B)."""
    N, B = len(data.y_train), settings.batch_size
    shuffled = order(settings, epoch, N)
    for first in range(0, N - B + 1, B):
        index = shuffled[first : first + B]
        X = data.columns(data.rows_train[index], settings.dtype)
        yield X, network.one_hot(data.y_train[index], data.classes, settings.dtype)


def held_out_accuracy(run: TrainingRun, data: Dataset) -> float:
    """The share of held-out examples that the network gets right."""
    X = data.columns(data.rows_test, run.settings.dtype)
    return network.accuracy(run.layers, run.parameters, X, data.y_test)
