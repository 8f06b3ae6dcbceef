"""The call that the reader made, made once more and recorded, so that a process that never ran the file can judge it.

The reader (by_names) calls a file's functions in its own process, where the file could tamper with the verdict. So a
call whose gradients it found right is repeated under the recorder, with other numbers in each run, and each gradient is
recorded as that of the parameter it was read as. Only what this record confirms is reported as right.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nnref.checking.homework.recognition import NetworkReading, upstream_function
from nnref.checking.reading.candidates import networks, searched
from nnref.checking.reading.network import Network
from nnref.checking.reading.random_network import drawn_network
from nnref.checking.reading.source import Source
from nnref.checking.watching.recording.recorder import current
from nnref.checking.watching.telling.report import settled
from nnref.checking.watching.watch import Watched, watch


def watched_as_read(path: Path, source: Source, reading: NetworkReading, everything: bool, data: Any) -> Watched | None:
    """The recorded call of a network that was read, if the record confirms its gradients; else None."""
    then = partial(called_again, source, reading)
    how = f"as its names say, {reading.convention.data}, {reading.convention.labels}"
    seen = watch(path, source=source, data=data, then=then, definitions=not everything, how=how)
    return seen if settled(seen) is True else None


def called_again(source: Source, reading: NetworkReading, namespace: dict[str, Any]) -> None:
    """Repeat the reader's call in a fresh namespace of the same file, with the numbers of this run.

    Errors: LookupError where the namespace has no such network; whatever its functions raise.
    """
    network = same_network(reading.network, networks(searched(namespace, None), namespace, source))
    convention, recorder = reading.convention, current()
    theta, X, Y = drawn_network(reading.sizes, 1 if convention.single else None, recorder.seed)
    x, y = convention.theirs(X, Y)
    for array, kind in ((x, "data"), (y, "labels")):
        if isinstance(array, np.ndarray):
            recorder.leaf(array, kind)
    parameters: dict[str, Any] = {}

    def begun(held: dict[str, Any]) -> None:
        parameters.update({key: recorder.leaf(A, "random") for key, A in held.items() if isinstance(A, np.ndarray)})

    theirs = network.functions.get("upstream") if reading.upstream == "theirs" else reading.upstream
    own = convention.parameters(theta, network.arrays())
    passed = network.backward(own, x, y, upstream_function(theirs, convention, Y, y), begun)
    if not passed.updated:
        for key, gradient in passed.gradients.items():
            recorder.pair(parameters[key], gradient, key)


def same_network(wanted: Network, found: Any) -> Network:
    """The network in this namespace that has the same functions and parameters as `wanted`, which was read in another.

    Errors: LookupError if there is none.
    """
    network: Network
    for network in found:
        if likeness(network) == likeness(wanted):
            return network
    raise LookupError("no network of these functions and parameters")


def likeness(network: Network) -> tuple[object, ...]:
    """What identifies a network within its file: the names of its functions and of its parameters."""
    functions = {
        purpose: f if isinstance(f, str) else getattr(f, "__name__", "") for purpose, f in network.functions.items()
    }
    return functions, network.found.paths, type(network.tree).__name__
