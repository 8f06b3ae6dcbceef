"""Several workers on one run: each takes its share of every batch, and what they find is added up.

The gradient over a batch is the mean of its shares' gradients, weighted by their sizes (conventions.shards). Each
library adds up over its own connections; all else is the run of one machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnref.checking.reference import trees
from nnref.network import Parameters
from nnref.parameters import mapped
from nnref.running.data import Dataset
from nnref.running.engines import Loop
from nnref.running.errors import DataError
from nnref.running.identity import identity
from nnref.running.run import TrainingRun
from nnref.running.settings import Settings
from nnref.running.step import batch, updated
from nnref.running.team import ALONE, Place, Team
from nnref.shapes import Array

LossAndGradients = Callable[[Parameters, Array, Array], tuple[Array, Parameters]]
"""The loss and the gradients at θ, X, Y, as numpy arrays."""


def share(index: Array, place: Place) -> Array:
    """The examples of a batch that are this worker's: the first shares have one more where they do not come out even.

    >>> [share(np.arange(7), Place(("a:1", "b:1", "c:1"), k)).tolist() for k in range(3)]
    [[0, 1, 2], [3, 4], [5, 6]]
    """
    return np.array_split(index, len(place.addresses))[place.index]


def shared_loop(
    gradients: LossAndGradients, rows: Array, targets: Array, settings: Settings, team: Team = ALONE
) -> Loop:
    """Steps of which each worker computes its share, by the very gradients that the gate has checked."""

    def weighted(theta: Parameters, index: Array) -> Array:
        """The part that this worker has of loss and gradients as one vector: its mean, times its share of the batch."""
        mine = share(index, team.place)
        if not len(mine):
            return np.zeros(1 + sum(p.size for p in leaves(theta)), settings.dtype)
        L, dtheta = gradients(theta, *batch(rows, targets, mine, settings.dtype))
        whole = np.concatenate([np.reshape(L, 1), *(g.reshape(-1) for g in leaves(dtheta))])
        return (whole * (len(mine) / len(index))).astype(settings.dtype)

    def steps(theta: Parameters, indices: Array) -> Iterator[tuple[Parameters, list[float]]]:
        for index in indices:
            whole = team.added(weighted(theta, index))
            theta = updated(theta, unflat(theta, whole[1:]), settings.learning_rate)
            yield theta, [float(whole[0])]

    return Loop(lambda theta: theta, lambda theta: theta, steps)


def leaves(theta: Parameters) -> list[Array]:
    """The arrays of a tree, in order."""
    found: list[Array] = []
    mapped(found.append, theta)
    return found


def unflat(theta: Parameters, numbers: Array) -> Parameters:
    """The tree of theta's shape that holds these numbers in its order."""
    sizes = np.cumsum([p.size for p in leaves(theta)])
    parts = iter(np.split(numbers, sizes[:-1]))
    made: Parameters = mapped(lambda p: next(parts).reshape(p.shape).astype(p.dtype), theta)
    return made


def joined(run: TrainingRun, data: Dataset, team: Team) -> None:
    """Let every worker begin where the chief does, which may have restored a checkpoint.

    Errors: DataError naming the workers that have other settings, layers or data; ValueError for layers in which an
    example depends on the others of its batch, so that its shares cannot be told apart.
    """
    X = data.columns(data.rows_train[:2], "float64")
    if not trees.separate(run.layers, mapped(lambda p: p.astype("float64"), run.parameters), X):
        raise ValueError(
            "the examples of a batch depend on each other in these layers, as in batch_norm, and no share of a batch "
            "has the gradient of the whole. Train them on one machine."
        )
    said = team.gathered(fingerprint(run, data))
    if others := [k for k, number in enumerate(said) if number != said[0]]:
        raise DataError(f"workers {', '.join(map(str, others))} have other settings, layers or data than worker 0.")
    flat = [np.ravel(p).astype("float64") for p in leaves(run.parameters)]
    lengths = team.from_chief(np.array([len(run.loss_by_step), len(run.accuracy_by_epoch), run.seconds]))
    steps, epochs = int(lengths[0]), int(lengths[1])
    curves = (run.loss_by_step, run.loss_by_epoch, run.accuracy_by_epoch) if team.chief else None
    sizes = (steps, epochs, epochs)
    told = [np.zeros(n) for n in sizes] if curves is None else [np.array(curve) for curve in curves]
    numbers = team.from_chief(np.concatenate([*told, *flat]))
    parts = np.split(numbers, np.cumsum(sizes))
    run.loss_by_step, run.loss_by_epoch, run.accuracy_by_epoch = (part.tolist() for part in parts[:3])
    run.parameters, run.seconds = unflat(run.parameters, parts[3]), float(lengths[2])


def fingerprint(run: TrainingRun, data: Dataset) -> float:
    """48 bits of what must be the same for all workers, a whole number that a sum keeps; the device may be another."""
    whose: dict[str, Any] = identity(run, data)
    same = {key: whose[key] for key in ("network", "shapes", "data")}
    same["settings"] = {k: v for k, v in whose["settings"].items() if k != "device"} | {"epochs": run.settings.epochs}
    same["data"] = same["data"]["sha256"]
    return float(int(hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:12], 16))
