"""TensorFlow: its own gradient of the Keras model that the layers are, and its own sum over workers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from nnref.layer import all_names
from nnref.network import Layers, Parameters
from nnref.running.engines import Engine, Loop
from nnref.running.settings import Settings
from nnref.running.team import ALONE, JOINING, Place, Team, patient
from nnref.running.workers import shared_loop
from nnref.shapes import Array


def engine(device: str | None, dtype: str, place: Place | None = None) -> Engine:
    """TensorFlow on a device such as "cpu" or "gpu:1"; alone, or as one of several workers.

    Its workers are a tf.distribute.MultiWorkerMirroredStrategy, which adds up in a ring over gRPC.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # it tells of every processor and driver otherwise
    total = strategy(place) if place else None
    import tensorflow as tf

    where = chosen(tf, device)

    def gradients(layers: Layers) -> Callable[[Parameters, Array, Array], tuple[Array, Parameters]]:
        return differentiated(tf, layers, where)

    team = Team(place, total) if place and total else None

    def loop(layers: Layers, rows: Array, targets: Array, settings: Settings) -> Loop:
        return shared_loop(gradients(layers), rows, targets, settings, team or ALONE)

    return Engine("tensorflow", where, gradients, loop, nullcontext, team)


def differentiated(tf: Any, layers: Layers, where: str) -> Callable[..., tuple[Array, Parameters]]:
    """The loss and the gradients by TensorFlow's tape, through the Keras model of these layers."""
    from nnref.tensorflow import parameters_of, rows, to_keras, weights_of

    training = "batch_norm" in all_names(layers)
    kept: dict[str, Any] = {}

    def compiled(theta: Parameters, shape: tuple[int, ...]) -> None:
        with tf.device(where):
            kept["model"] = model = to_keras(layers, theta, shape)

        def tape(given: Any, labels: Any) -> Any:
            with tf.GradientTape() as recorded:
                logits = model(given, training=training)
                loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, logits))
            return loss, recorded.gradient(loss, model.trainable_variables)

        kept["tape"], kept["shape"] = tf.function(tape, reduce_retracing=True), shape

    def found(theta: Parameters, X: Array, Y: Array) -> tuple[Array, Parameters]:
        if kept.get("dtype") != str(Y.dtype):
            compiled(theta, X.shape[:-1])
            kept["dtype"] = str(Y.dtype)
        weights = weights_of(layers, theta, kept["shape"])
        for variable, A in zip(kept["model"].trainable_variables, weights, strict=True):
            variable.assign(A)
        with tf.device(where):
            loss, slopes = kept["tape"](tf.constant(rows(layers, X)), tf.constant(np.ascontiguousarray(Y.T)))
        return loss.numpy(), parameters_of(kept["model"], layers, [tf.convert_to_tensor(g) for g in slopes])

    return found


def strategy(place: Place) -> Callable[[Array], Array]:
    """The sum over the workers of TensorFlow's cluster, which has to be known before anything else is computed."""
    workers = {"cluster": {"worker": list(place.addresses)}, "task": {"type": "worker", "index": place.index}}
    os.environ["TF_CONFIG"] = json.dumps(workers)
    import tensorflow as tf

    ring = tf.distribute.experimental.CommunicationImplementation.RING
    options = tf.distribute.experimental.CommunicationOptions(implementation=ring, timeout_seconds=place.timeout)
    try:
        with patient(place, JOINING):
            made = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    except (RuntimeError, tf.errors.OpError) as error:
        raise ValueError(f"the workers {', '.join(place.addresses)} cannot be joined ({error}).") from error

    def one(vector: Any) -> Any:
        return tf.distribute.get_replica_context().all_reduce("sum", tf.identity(vector), options)

    reduced = tf.function(lambda vector: made.run(one, (vector,)), reduce_retracing=True)

    def total(vector: Array) -> Array:
        added: Array = reduced(tf.constant(vector)).numpy()
        return added

    return total


def chosen(tf: Any, device: str | None) -> str:
    """The device of a name such as "cpu" or "gpu:1"; None is the first GPU, where there is one.

    Errors: ValueError naming the devices that there are.
    """
    counts = {kind: len(tf.config.list_physical_devices(kind.upper())) for kind in ("gpu", "cpu")}
    there = [f"{kind}:{k}" for kind, count in counts.items() for k in range(count)]
    name = device or there[0]
    name = name if ":" in name else f"{name}:0"
    if name not in there:
        raise ValueError(f"TensorFlow has no device {device!r}. It has {', '.join(there)}.")
    return name
