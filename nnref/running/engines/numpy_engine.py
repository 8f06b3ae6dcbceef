"""numpy: a step at a time, on the processor."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from nnref import network
from nnref.network import Layers, Parameters
from nnref.running.engines import Engine, Loop
from nnref.running.settings import Settings
from nnref.running.step import batch, step
from nnref.shapes import Array
from nnref.threads import one_blas_thread


def engine(device: str | None, dtype: str) -> Engine:
    """Numpy has one device, the processor."""
    if device not in (None, "cpu"):
        raise ValueError(f"numpy computes on the cpu; device={device!r} came. Try engine='jax' or engine='torch'.")

    def gradients(layers: Layers) -> partial[tuple[Array, Parameters]]:
        return partial(network.loss_and_gradients, layers)

    def loop(layers: Layers, rows: Array, targets: Array, settings: Settings) -> Loop:
        def steps(theta: Parameters, indices: Array) -> Iterator[tuple[Parameters, list[float]]]:
            for index in indices:
                X, Y = batch(rows, targets, index, settings.dtype)
                theta, L = step(layers, theta, X, Y, settings.learning_rate)
                yield theta, [float(L)]

        return Loop(lambda theta: theta, lambda theta: theta, steps)

    return Engine("numpy", "cpu", gradients, loop, one_blas_thread)
