"""PyTorch: the formulas called one by one on its arrays; nothing is recorded, for the gradients are ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from nnref import network
from nnref.network import Layers, Parameters
from nnref.parameters import mapped
from nnref.running.data import Dataset
from nnref.running.engines import Engine, Loop
from nnref.running.settings import Settings
from nnref.running.step import batch, step
from nnref.shapes import Array

CHUNK = 50
"""Steps between two looks at the losses: a look waits for the device, and Ctrl-C loses no more than these."""


def engine(device: str | None, dtype: str) -> Engine:
    """PyTorch on a device such as "cpu", "cuda" or "cuda:1"; None is the first GPU, where there is one."""
    import torch

    place = chosen(torch, device)

    def array(A: Array) -> Any:
        return torch.from_numpy(np.array(A)).to(place)

    def put(theta: Parameters) -> Parameters:
        there: Parameters = mapped(array, theta)
        return there

    def get(theta: Parameters) -> Parameters:
        here: Parameters = mapped(lambda p: p.cpu().numpy(), theta)
        return here

    def gradients(layers: Layers) -> Callable[..., tuple[Array, Parameters]]:
        def found(theta: Parameters, X: Array, Y: Array) -> tuple[Array, Parameters]:
            with torch.inference_mode():
                L, dtheta = network.loss_and_gradients(layers, put(theta), array(X), array(Y))
                return np.array(L.tolist(), dtype), get(dtheta)

        return found

    def loop(layers: Layers, rows: Array, targets: Array, settings: Settings) -> Loop:
        # As floats from the start: each batch would pay for the conversion of its pixels, and wait for it.
        floats: Any = Dataset.columns(array(rows), settings.dtype).T
        there = floats.contiguous(), array(targets)

        def steps(theta: Parameters, indices: Array) -> Iterator[tuple[Parameters, list[float]]]:
            for first in range(0, len(indices), CHUNK):
                losses = []
                with torch.inference_mode():
                    for index in array(indices[first : first + CHUNK]):
                        X, Y = batch(*there, index, settings.dtype)
                        theta, L = step(layers, theta, X, Y, settings.learning_rate)
                        losses.append(L)
                    seen = torch.stack(losses).tolist()
                yield theta, seen

        return Loop(put, get, steps)

    return Engine("torch", str(place), gradients, loop, one_thread)


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one thread, and on as many as before when the block ends."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def chosen(torch: Any, device: str | None) -> Any:
    """The device of a name; None is the first GPU, where there is one, else the processor.

    Errors: ValueError naming what is wrong with it.
    """
    try:
        place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.zeros(1, device=place)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"PyTorch has no device {device!r} here ({str(error).splitlines()[0]}). Try 'cpu'.") from error
    return place
