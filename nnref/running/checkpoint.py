"""A run on disk between epochs: one npz without pickles, whole or absent."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from nnref.network import named, unnamed
from nnref.running import files
from nnref.running.errors import DataError
from nnref.running.files import PathLike
from nnref.running.run import TrainingRun


def exists(path: PathLike) -> bool:
    """Whether there is a checkpoint to go on from."""
    return Path(path).exists()


def save(path: PathLike, run: TrainingRun) -> None:
    """The parameters by name, the curves, and the settings that must agree when the run goes on."""
    arrays: dict[str, Any] = {
        "settings": np.array(json.dumps(identity(run))),
        "seconds": np.array(run.seconds),
        "loss_by_step": np.array(run.loss_by_step),
        "loss_by_epoch": np.array(run.loss_by_epoch),
        "accuracy_by_epoch": np.array(run.accuracy_by_epoch),
        **named(run.parameters),
    }
    files.write(path, lambda file: np.savez(file, **arrays))


def identity(run: TrainingRun) -> dict[str, object]:
    """What must be the same for a run to go on as if it had never stopped. More epochs may be asked for."""
    return {k: v for k, v in asdict(run.settings).items() if k != "epochs"} | {"source": run.source}


def restore(path: PathLike, run: TrainingRun) -> None:
    """Put a saved run's parameters and curves into a fresh one.

    Errors: DataError if the file is no checkpoint, or one of another network, other settings or other data.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        was = json.loads(str(arrays["settings"]))
        parameters = unnamed(arrays, run.layers)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: not a checkpoint of this network ({error}). Train without resume.") from error
    now = identity(run)
    differ = [f"{k} was {was.get(k)!r} and is {now[k]!r}" for k in now if was.get(k) != now[k]]
    differ += [
        f"{name} was {was_p.shape} and is {p.shape}"
        for (name, p), was_p in zip(named(run.parameters).items(), named(parameters).values(), strict=True)
        if p.shape != was_p.shape
    ]
    if differ:
        raise DataError(f"{path}: a checkpoint of another run: {'; '.join(differ)}.")
    run.parameters = parameters
    run.seconds = float(arrays["seconds"])
    run.loss_by_step = arrays["loss_by_step"].tolist()
    run.loss_by_epoch = arrays["loss_by_epoch"].tolist()
    run.accuracy_by_epoch = arrays["accuracy_by_epoch"].tolist()
