"""JAX: the step compiled, and an epoch as one scan over its batches, with the data on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np

from nnref import network
from nnref.network import Layers, Parameters
from nnref.parameters import mapped
from nnref.running.engines import Engine, Loop
from nnref.running.run import Settings
from nnref.running.step import batch, step
from nnref.shapes import Array


def engine(device: str | None, dtype: str) -> Engine:
    """JAX on a device such as "cpu" or "gpu:1". Double precision is on for float64 alone, and only while it is used."""
    import jax

    place = chosen(jax, device)
    here = partial(on_device, place, dtype)
    put = here(lambda theta: mapped(jax.numpy.asarray, theta))
    get = here(lambda theta: mapped(lambda p: np.array(p), theta))

    def gradients(layers: Layers) -> Callable[..., tuple[Array, Parameters]]:
        compiled = here(jax.jit(lambda theta, X, Y: network.loss_and_gradients(layers, theta, X, Y)))

        def found(theta: Parameters, X: Array, Y: Array) -> tuple[Array, Parameters]:
            L, dtheta = compiled(theta, X, Y)
            return np.array(L), get(dtheta)

        return found

    def loop(layers: Layers, rows: Array, targets: Array, settings: Settings) -> Loop:
        def one(theta: Parameters, X: Any, Y: Any) -> Any:
            return step(layers, theta, X, Y, settings.learning_rate)

        def all_of(theta: Parameters, rows: Any, targets: Any, indices: Any) -> Any:
            return jax.lax.scan(lambda theta, i: one(theta, *batch(rows, targets, i, settings.dtype)), theta, indices)

        compiled, there = here(jax.jit(all_of)), put((rows, targets))

        def steps(theta: Parameters, indices: Array) -> Iterator[tuple[Parameters, list[float]]]:
            theta, losses = compiled(theta, *there, indices)
            yield theta, np.array(losses).tolist()

        return Loop(put, get, steps)

    return Engine("jax", f"{place.platform}:{place.id}", gradients, loop, nullcontext)


def on_device(place: Any, dtype: str, f: Callable[..., Any]) -> Callable[..., Any]:
    """F with the precision of the run, its arrays on the device.

    A GPU rounds the factors of a float32 product to 11 bits unless it is told not to.
    """
    import jax

    def called(*arguments: Any) -> Any:
        exact = jax.default_matmul_precision("highest")
        with jax.enable_x64(dtype == "float64"), jax.default_device(place), exact:
            return f(*arguments)

    return called


def chosen(jax: Any, device: str | None) -> Any:
    """The device of a name such as "cpu" or "gpu:1"; None is JAX's own choice.

    Errors: ValueError naming the devices that there are.
    """
    if device is None:
        return jax.devices()[0]
    platform, _, number = device.partition(":")
    try:
        return jax.devices(platform)[int(number or 0)]
    except (RuntimeError, IndexError, ValueError) as error:
        there = ", ".join(f"{d.platform}:{d.id}" for d in jax.devices())
        raise ValueError(f"JAX has no device {device!r}. It has {there}.") from error
