"""Whose run it is: settings, network, data and versions, by what they compute and not by what they are called."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from nnref import network
from nnref.layer import all_names
from nnref.network import Layers, named
from nnref.running.data import Dataset
from nnref.running.engines import PACKAGES
from nnref.running.run import TrainingRun
from nnref.running.settings import Settings
from nnref.shapes import Array
from nnref.threads import one_blas_thread
from nnref.version import __version__


def identity(run: TrainingRun, data: Dataset) -> dict[str, Any]:
    """What must be the same for a run to go on as if it had never stopped. More epochs may be asked for.

    Another number of workers adds up in another order: like another version, it is said, and the run goes on.
    """
    # With decay the number of epochs decides every learning rate.
    free = ("workers",) if run.settings.decay else ("epochs", "workers")
    return {
        "settings": {k: v for k, v in asdict(run.settings).items() if k not in free},
        "network": list(all_names(run.layers)),
        "shapes": {name: list(p.shape) for name, p in named(run.parameters).items()},
        "data": {"sha256": data_sha256(data), "source": data.source, "examples": len(data.y_train)},
        "logits_sha256": logits_sha256(run.layers, run.settings, data),
        "versions": versions(run.settings.engine) | {"workers": str(run.settings.workers)},
    }


def differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is not the same, in words; [] if the run may go on.

    Layers of one name and size may still compute different things, as two chains do: their logits tell, where the
    versions are the same and so the bits should be.
    """
    found = [
        f"{k} was {was['settings'].get(k)!r} and is {v!r}"
        for k, v in now["settings"].items()
        if was["settings"].get(k) != v
    ]
    found += differing_layers(was["network"], now["network"])
    found += [
        f"{name} was {tuple(was['shapes'][name])} and is {tuple(shape)}"
        for name, shape in now["shapes"].items()
        if name in was["shapes"] and was["shapes"][name] != shape
    ]
    if was["data"]["sha256"] != now["data"]["sha256"]:
        found.append(f"the data were {in_words(was['data'])} and are {in_words(now['data'])}")
    if not found and was["versions"] == now["versions"] and was["logits_sha256"] != now["logits_sha256"]:
        found.append("the layers have the same names and sizes, but compute other logits")
    return found


def differing_layers(was: list[str], now: list[str]) -> list[str]:
    """Layers of other names, or another number of them."""
    if len(was) != len(now):
        return [f"the network had {len(was)} layers ({', '.join(was)}) and has {len(now)} ({', '.join(now)})"]
    return [f"layer {k} was {a} and is {b}" for k, (a, b) in enumerate(zip(was, now, strict=True), 1) if a != b]


def other_versions(was: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The versions that are not the same: these do not stop a run, but its bits may be others from here on."""
    return [f"{k} was {was.get(k)} and is {now.get(k)}" for k in sorted({*was, *now}) if was.get(k) != now.get(k)]


def in_words(data: Mapping[str, Any]) -> str:
    """Data by their name and the beginning of their hash."""
    return f"{data['source']} (SHA-256 {data['sha256'][:12]}…)"


def data_sha256(data: Dataset) -> str:
    """SHA-256 over the numbers of images and labels with their shapes and dtypes; a file's name is no part of it."""
    digest = hashlib.sha256(f"{data.classes} classes".encode())
    for A in (data.rows_train, data.y_train.astype("<i8"), data.rows_test, data.y_test.astype("<i8")):
        add(digest, A)
    return digest.hexdigest()


def add(digest: Any, A: Array) -> None:
    """Add an array's dtype, shape and little-endian bytes in C order."""
    A = np.ascontiguousarray(A)
    A = A.astype(A.dtype.newbyteorder("<"), copy=False)
    digest.update(f"{A.dtype.kind}{A.dtype.itemsize} {A.shape}".encode())
    digest.update(A.reshape(-1).view(np.uint8).data)


def logits_sha256(layers: Layers, settings: Settings, data: Dataset) -> str:
    """SHA-256 of the logits of the initial parameters for the first examples, by numpy."""
    theta = network.initialise(layers, settings.seed, settings.dtype)
    digest = hashlib.sha256()
    with one_blas_thread():
        add(digest, network.forward(layers, theta, data.columns(data.rows_train[:16], settings.dtype)))
    return digest.hexdigest()


def versions(engine: str) -> dict[str, str]:
    """Python, the packages that compute, the machine's architecture, and the BLAS kernel, which decides the bits."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "nnref": __version__}
    for package in dict.fromkeys(("numpy", "sympy", "matplotlib", *PACKAGES[engine])):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found | {"blas": blas()}


def blas() -> str:
    """The BLAS that numpy calls, and its kernel for this processor, such as "openblas 0.3.30 SkylakeX"."""
    from threadpoolctl import threadpool_info

    loaded = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    # A wheel of numpy brings its own; what lies elsewhere is that of scipy or PyTorch, or the one of the system.
    pools = [pool for pool in loaded if Path(pool["filepath"]).parent.name == "numpy.libs"] or loaded
    return (
        "; ".join(
            sorted({" ".join(str(pool.get(k)) for k in ("internal_api", "version", "architecture")) for pool in pools})
        )
        or "unknown"
    )
