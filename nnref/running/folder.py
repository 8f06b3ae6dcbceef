"""A run's folder: settings, curves, parameters, what the gate found, and pictures."""

from __future__ import annotations

import csv
import io
import json
import platform
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from nnref.layer import Affine
from nnref.network import Layers, mlp, named, unnamed
from nnref.running import files
from nnref.running.data import Dataset
from nnref.running.engines import PACKAGES
from nnref.running.errors import DataError
from nnref.running.gate import Gate
from nnref.running.run import Settings, TrainingRun, parameters_sha256
from nnref.version import __version__

NO_PLOTS = "no pictures: matplotlib is not installed. Try: python -m pip install 'nnref[plots]', then: nnref plot"


def write(run: TrainingRun, data: Dataset, runs: Path) -> Path:
    """Make runs/<time>-seed<k>/ with everything in it, each file whole or absent; returns its path."""
    place = fresh(runs, f"{datetime.now():%Y%m%d-%H%M%S}-seed{run.seed}")
    files.write_text(place / "settings.json", json.dumps(described(run), indent=2) + "\n")
    files.write_text(place / "metrics.csv", metrics(run))
    gate = run.gate.to_dict() if run.gate else {"ok": None, "skipped": "gate=False"}
    files.write_text(place / "gate.json", json.dumps(gate, indent=2) + "\n")
    arrays: dict[str, Any] = {**named(run.parameters)}
    files.write(place / "parameters.npz", lambda file: np.savez(file, **arrays))
    draw(place, run, data)
    return place


def fresh(runs: Path, name: str) -> Path:
    """A folder that was not there before; two runs in one second get two."""
    for place in (runs / name, *(runs / f"{name}-{k}" for k in range(2, 1000))):
        try:
            place.mkdir(parents=True)
        except FileExistsError:
            continue
        return place
    raise OSError(f"{runs}: too many runs named {name}.")


def described(run: TrainingRun) -> dict[str, Any]:
    """The settings, the data, the versions and the results: what is needed to have the run again."""
    return {
        "settings": asdict(run.settings),
        "layers": shape(run.layers, run),
        "source": run.source,
        "versions": versions(run.settings.engine),
        "results": results(run),
    }


def shape(layers: Layers, run: TrainingRun) -> dict[str, Any]:
    """The widths and the activation from which nnref.mlp makes the layers again."""
    affines = [theta for theta in run.parameters if isinstance(theta, Affine)]
    activation = next((layer.name for layer in layers if layer.name != "affine"), "relu")
    return {"sizes": [affines[0].W.shape[1], *(len(theta.W) for theta in affines)], "activation": activation}


def versions(engine: str) -> dict[str, str]:
    """Python, the packages that compute, and the machine's architecture."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "nnref": __version__}
    for package in dict.fromkeys(("numpy", "sympy", "matplotlib", *PACKAGES[engine])):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def results(run: TrainingRun) -> dict[str, Any]:
    """The figures of a run as plain numbers, for JSON."""
    gate = {k: v for k, v in run.gate.to_dict().items() if k != "entries"} if isinstance(run.gate, Gate) else None
    return {
        "test_accuracy": run.test_accuracy,
        "epochs": len(run.accuracy_by_epoch),
        "loss": run.loss_by_epoch[-1] if run.loss_by_epoch else None,
        "seed": run.seed,
        "source": run.source,
        "gate": gate,
        "stopped": run.stopped,
        "parameters_sha256": parameters_sha256(run.parameters),
        "seconds": round(run.seconds, 3),
    }


def metrics(run: TrainingRun) -> str:
    """epoch, mean training loss, accuracy on the held-out examples; a line an epoch."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["epoch", "loss", "test_accuracy"])
    table.writerows(
        (k, repr(loss), repr(accuracy))
        for k, (loss, accuracy) in enumerate(zip(run.loss_by_epoch, run.accuracy_by_epoch, strict=False), 1)
    )
    return text.getvalue()


def draw(place: Path, run: TrainingRun, data: Dataset) -> list[Path]:
    """The pictures, or one line that says how to get them."""
    try:
        from nnref.running import plots

        return plots.draw(place, run, data)
    except ImportError:
        print(f"{NO_PLOTS} {place}")
        return []


def redraw(place: Path, data: Dataset) -> list[Path]:
    """Read a run's folder back and draw its pictures again.

    Errors: DataError if the folder is not one of a run, or if the data are not those of the run.
    """
    try:
        about = json.loads((place / "settings.json").read_text(encoding="utf-8"))
        rows = list(csv.DictReader(io.StringIO((place / "metrics.csv").read_text(encoding="utf-8"))))
        with np.load(place / "parameters.npz", allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        layers = mlp(**about["layers"])
        run = TrainingRun(layers, unnamed(arrays, layers), Settings(**about["settings"]), about["source"], gate=None)
        run.loss_by_epoch = [float(row["loss"]) for row in rows]
        run.accuracy_by_epoch = [float(row["test_accuracy"]) for row in rows]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise DataError(f"{place}: not the folder of a run ({error}). Give one that nnref train printed.") from error
    if data.source != run.source:
        raise DataError(f"{place}: the run learned from {run.source}; {data.source} came. Pass --data.")
    return draw(place, run, data)
