"""Engines: the library that runs the steps, and where. The mathematics is the same functions in each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nnref.network import Layers, Parameters
from nnref.shapes import Array

if TYPE_CHECKING:
    from nnref.running.settings import Settings
    from nnref.running.team import Place, Team

PACKAGES = {
    "numpy": ("numpy",),
    "jax": ("jax", "jaxlib"),
    "torch": ("torch",),
    "tensorflow": ("tensorflow", "keras"),
}
"""By engine: the packages that compute, whose versions decide the bits."""

ENGINES = tuple(PACKAGES)

DISTRIBUTED = ("jax", "tensorflow")
"""The engines that run on several workers, over connections of their own."""


@dataclass(frozen=True)
class Loop:
    """The steps of one run, with its data where the engine computes.

    steps(θ, indices (k, B)) gives θ after some of the steps and the losses before each, again and again until all are
    made. put and get move parameters there and back to numpy.
    """

    put: Callable[[Parameters], Parameters]
    get: Callable[[Parameters], Parameters]
    steps: Callable[[Parameters, Array], Iterator[tuple[Parameters, list[float]]]]


@dataclass(frozen=True)
class Engine:
    """A library on a device.

    gradients(layers) is loss_and_gradients(θ, X, Y) of numpy arrays, worked out there. loop(layers, rows, targets,
    settings) takes the training data, rows (N, n0) and one-hot targets (N, classes), there. one_thread() holds the
    library to one thread, where it can be held: at these sizes more are no faster. team are the workers, of which this
    process is one; None where it is alone.
    """

    name: str
    device: str
    gradients: Callable[[Layers], Callable[[Parameters, Array, Array], tuple[Array, Parameters]]]
    loop: Callable[[Layers, Array, Array, Settings], Loop]
    one_thread: Callable[[], AbstractContextManager[None]]
    team: Team | None = None


def engine(name: str, device: str | None = None, dtype: str = "float32", place: Place | None = None) -> Engine:
    """The engine of a name, on a device or, for None, where the library puts its arrays; place is that of a worker.

    Errors: ValueError for an engine, a device or a package that is not there, saying what to try.
    """
    if name not in ENGINES:
        raise ValueError(f"engine should be one of {', '.join(ENGINES)}; {name!r} came.")
    if place and name not in DISTRIBUTED:
        raise ValueError(f"engine={name!r} computes in one process; for workers try {' or '.join(DISTRIBUTED)}.")
    try:
        made: Any = import_module(f"nnref.running.engines.{name}_engine")
        return made.engine(device, dtype, *([place] if place else []))
    except ImportError as error:
        raise ValueError(
            f"engine={name!r} needs a package that is not installed ({error}). "
            f"Try: python -m pip install 'nnref[{name}]'."
        ) from error
