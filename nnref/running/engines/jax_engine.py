"""JAX: a loop of steps compiled once for any number of them, with the data on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from nnref import network
from nnref.network import Layers, Parameters
from nnref.parameters import mapped
from nnref.running.engines import Engine, Loop
from nnref.running.settings import Settings
from nnref.running.step import batch, step
from nnref.running.team import JOINING, Place, Team, patient
from nnref.running.workers import shared_loop
from nnref.shapes import Array

MOST = 256
"""Steps between two looks at the losses, at most: as many fit into what the compiled loop returns."""

LOOK = 0.5
"""Seconds between two looks: so much is lost at most when a run is killed, and a look waits for the device."""


def engine(device: str | None, dtype: str, place: Place | None = None) -> Engine:
    """JAX on a device such as "cpu" or "gpu:1", alone, or as one of several workers.

    Double precision is on for float64 alone, and only while it is used.
    """
    import jax

    if place is None:
        return one_machine(jax, device, dtype)
    join(jax, place)
    made, team = one_machine(jax, device, dtype), Team(place, summing(jax, place))

    def loop(layers: Layers, rows: Array, targets: Array, settings: Settings) -> Loop:
        return shared_loop(made.gradients(layers), rows, targets, settings, team)

    return replace(made, loop=loop, team=team)


def join(jax: Any, place: Place) -> None:
    """Join the other workers, which JAX finds through the first address.

    Errors: ValueError where they do not come in time.
    """
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    # JAX ends the process without a word of ours where it loses patience; so it is given more than we have.
    patience = {
        "initialization_timeout": int(2 * JOINING),
        "heartbeat_timeout_seconds": int(np.ceil(2 * place.timeout)),
    }
    try:
        with patient(place, JOINING):
            jax.distributed.initialize(place.addresses[0], len(place.addresses), place.index, **patience)
    except RuntimeError as error:
        raise ValueError(f"the workers {', '.join(place.addresses)} cannot be joined ({error}).") from error


def summing(jax: Any, place: Place) -> Callable[[Array], Array]:
    """The sum over workers: of an array with a row a worker, each row on its own, the sum over rows, on all of them."""
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    firsts = {d.process_index: d for d in reversed(jax.devices())}
    mesh = Mesh(np.array([firsts[k] for k in range(len(place.addresses))]), ("workers",))
    apart, everywhere = NamedSharding(mesh, PartitionSpec("workers")), NamedSharding(mesh, PartitionSpec())
    added = jax.jit(lambda rows: rows.sum(axis=0), out_shardings=everywhere)

    def total(vector: Array) -> Array:
        with jax.enable_x64(vector.dtype == np.float64):
            shape = (len(place.addresses), *vector.shape)
            rows = jax.make_array_from_process_local_data(apart, vector[None], shape)
            return np.array(added(rows).addressable_data(0))

    return total


def one_machine(jax: Any, device: str | None, dtype: str) -> Engine:
    """JAX on a device of this machine."""
    place = chosen(jax, device)
    here = partial(on_device, place, dtype)
    put = here(lambda theta: mapped(jax.numpy.asarray, theta))
    get = here(lambda theta: mapped(lambda p: np.array(p), theta))

    def loop(layers: Layers, rows: Array, targets: Array, settings: Settings) -> Loop:
        def one(theta: Parameters, X: Any, Y: Any) -> Any:
            return step(layers, theta, X, Y, settings.learning_rate)

        def some(theta: Parameters, rows: Any, targets: Any, indices: Any, n: Any) -> Any:
            def one_more(k: Any, made: Any) -> Any:
                theta, losses = made
                theta, L = one(theta, *batch(rows, targets, indices[k], settings.dtype))
                return theta, losses.at[k].set(L)

            return jax.lax.fori_loop(0, n, one_more, (theta, jax.numpy.zeros(MOST, settings.dtype)))

        # The number of steps is an argument: one program whatever it is, so that a resumed run has the same bits.
        compiled, there = here(jax.jit(some)), put((rows, targets))
        n = 1  # what fits between two looks is learned once a run, and not once an epoch

        def steps(theta: Parameters, indices: Array) -> Iterator[tuple[Parameters, list[float]]]:
            nonlocal n
            while len(indices):
                now, indices = indices[:n], indices[n:]
                start, padded = perf_counter(), np.zeros((MOST, *now.shape[1:]), now.dtype)
                padded[: len(now)] = now
                theta, losses = compiled(theta, *there, padded, len(now))
                seen = np.array(losses)[: len(now)].tolist()
                n = max(1, min(MOST, 2 * n, int(LOOK * len(now) / (perf_counter() - start))))
                yield theta, seen

        return Loop(put, get, steps)

    gradients = partial(compiled_gradients, jax, here, get)
    return Engine("jax", f"{place.platform}:{place.local_hardware_id or 0}", gradients, loop, nullcontext)


def compiled_gradients(
    jax: Any, here: Callable[..., Any], get: Callable[..., Any], layers: Layers
) -> Callable[..., tuple[Array, Parameters]]:
    """The loss and the gradients of a network, compiled; here(f) is f on the device, and get brings arrays from it."""
    compiled = here(jax.jit(lambda theta, X, Y: network.loss_and_gradients(layers, theta, X, Y)))

    def found(theta: Parameters, X: Array, Y: Array) -> tuple[Array, Parameters]:
        L, dtheta = compiled(theta, X, Y)
        return np.array(L), get(dtheta)

    return found


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
        return jax.local_devices()[0]
    platform, _, number = device.partition(":")
    try:
        return jax.local_devices(backend=platform)[int(number or 0)]
    except (RuntimeError, IndexError, ValueError) as error:
        there = ", ".join(f"{d.platform}:{d.id}" for d in jax.local_devices())
        raise ValueError(f"JAX has no device {device!r}. It has {there}.") from error
