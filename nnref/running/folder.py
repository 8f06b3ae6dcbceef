"""A run's folder: parameters, settings, curves, what the gate found, a hash of each, and pictures last."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np

from nnref import architectures
from nnref.layer import Affine
from nnref.network import Layers, mlp, named, unnamed
from nnref.running import files
from nnref.running.data import DAMAGED, Dataset
from nnref.running.errors import DataError
from nnref.running.gate import Gate
from nnref.running.identity import data_sha256, versions
from nnref.running.run import TrainingRun, arrays_sha256, parameters_sha256
from nnref.running.settings import Settings

NO_PLOTS = "no pictures: matplotlib is not installed. Try: python -m pip install 'nnref[plots]', then: nnref plot"

SUMS = "SHA256SUMS"
"""The hashes of the other files, as sha256sum -c reads them; written last, so that a folder with it is whole."""

FILES = ("parameters.npz", "settings.json", "metrics.csv", "gate.json")

UNREADABLE = (*DAMAGED, TypeError, AttributeError, IndexError, ArithmeticError, RecursionError)
"""What reading JSON, CSV and npz raises on contents that are not what they should be."""


def write(run: TrainingRun, data: Dataset, runs: Path) -> Path:
    """Make runs/<time>-seed<k>/ with everything in it, each file whole or absent; returns its path.

    Errors: OSError naming the file that could not be written.
    """
    place = fresh(runs, run.seed)
    if faults := keep(run, data, place):
        raise OSError("; ".join(faults))
    draw(place, run, data)
    return place


@contextmanager
def prepared(runs: Path, seed: int) -> Iterator[Path]:
    """A new folder below runs, tried out before anything is learned, and taken away if nothing came into it.

    Errors: OSError naming the folder that cannot be made or written.
    """
    made = [folder for folder in (runs, *runs.parents) if not folder.exists()]
    files.try_out(runs)
    place = fresh(runs, seed)
    try:
        yield place
    finally:
        with suppress(OSError):  # not empty
            for folder in (place, *made):
                folder.rmdir()


def fresh(runs: Path, seed: int) -> Path:
    """A folder that was not there before; two runs in one second get two."""
    name = f"{datetime.now():%Y%m%d-%H%M%S}-seed{seed}"
    for place in (runs / name, *(runs / f"{name}-{k}" for k in range(2, 1000))):
        try:
            place.mkdir(parents=True)
        except FileExistsError:
            continue
        return place
    raise OSError(f"{runs}: too many runs named {name}.")


def keep(run: TrainingRun, data: Dataset, place: Path) -> list[str]:
    """Write everything but pictures, what matters most first. Returns what could not be written, in words.

    Parameters for which there is no room go to the system's temporary folder, which is said too.
    """
    contents = packed(run, data)
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in contents.items())
    faults = []
    for name, content in {**contents, SUMS: sums.encode()}.items():
        if fault := written(place / name, content):
            faults.append(fault)
            if name == FILES[0]:
                faults.append(rescued(content))
    return faults


def written(path: Path, content: bytes) -> str:
    """Write a file; what is wrong if it cannot be, else ""."""
    try:
        files.write(path, lambda file: file.write(content))
    except OSError as error:
        return f"{path} could not be written ({error.strerror or error})"
    return ""


def rescued(content: bytes) -> str:
    """Where else the parameters were put, in words."""
    try:
        place = Path(tempfile.mkdtemp(prefix="nnref-run-")) / FILES[0]
    except OSError as error:
        return f"nor anywhere else ({error.strerror})"
    return written(place, content) or f"the parameters are in {place}"


def packed(run: TrainingRun, data: Dataset) -> dict[str, bytes]:
    """The files of a run by name, most important first."""
    parameters = io.BytesIO()
    arrays: dict[str, Any] = {**named(run.parameters)}
    np.savez(parameters, **arrays)
    gate = run.gate.to_dict() if run.gate else {"ok": None, "skipped": "gate=False"}
    settings = json.dumps(described(run, data), indent=2)
    texts = (settings + "\n", metrics(run), json.dumps(gate, indent=2) + "\n")
    return dict(zip(FILES, (parameters.getvalue(), *(text.encode() for text in texts)), strict=True))


def described(run: TrainingRun, data: Dataset) -> dict[str, Any]:
    """The settings, the data, the versions and the results: what is needed to have the run again."""
    return {
        "settings": asdict(run.settings),
        "layers": shape(run.layers, run, data),
        "source": run.source,
        "data_sha256": data_sha256(data),
        "versions": versions(run.settings.engine),
        "results": results(run),
    }


def shape(layers: Layers, run: TrainingRun, data: Dataset) -> dict[str, Any]:
    """The widths and the activation from which nnref.mlp makes the layers again; of other layers, their names."""
    affines = [theta for theta in run.parameters if isinstance(theta, Affine)]
    names = [layer.name for layer in layers]
    between = set(names[1::2])
    if set(names[::2]) != {"affine"} or len(affines) != len(names[::2]) or len(between) > 1:
        return architectures.described(layers, isqrt(data.rows_train.shape[1]), data.classes) or {"names": names}
    sizes = [affines[0].W.shape[1], *(len(theta.W) for theta in affines)]
    return {"sizes": sizes, "activation": next(iter(between), "relu")}


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
    """The pictures, or one line that says how to get them, or why there are none: a run does not fail for them."""
    try:
        from nnref.running import plots

        return plots.draw(place, run, data)
    except ImportError:
        print(f"{NO_PLOTS} {place}")
    except Exception as error:
        print(f"no pictures: {type(error).__name__}: {error}. Try: nnref plot {place}")
    return []


def verified(place: Path) -> list[str]:
    """What is wrong with a run's folder by its own hashes, a sentence each; [] if every file is as it was written.

    Errors: DataError if it is not the folder of a run that ended.
    """
    try:
        lines = [line.split("  ", 1) for line in (place / SUMS).read_text(encoding="utf-8").splitlines()]
        sums = {name: digest for digest, name in lines}
    except (OSError, ValueError) as error:
        what = "damaged" if (place / SUMS).exists() else "missing"
        raise DataError(f"{place}: not the folder of a run that ended: {SUMS} is {what}.") from error
    faults = [f"{place / name}: {SUMS} does not name it" for name in FILES if name not in sums]
    faults += [fault for name in FILES if name in sums and (fault := fault_of(place / name, sums[name]))]
    if faults:
        return faults
    try:
        arrays, about = read(place)
        if arrays_sha256(arrays.values()) != about["results"]["parameters_sha256"]:
            return [f"{place / FILES[0]}: the parameters are not those whose SHA-256 stands in settings.json"]
    except UNREADABLE as error:
        return [f"{place}: cannot be read ({type(error).__name__}: {error})"]
    return []


def fault_of(path: Path, digest: str) -> str:
    """What is wrong with a file that should have this hash; "" if nothing is."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"{path}: cannot be read ({error.strerror})"
    return "" if hashlib.sha256(content).hexdigest() == digest else f"{path}: altered: not the bytes of its SHA-256"


def read(place: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters of a run's folder by name, in their order, and its settings."""
    about = json.loads((place / "settings.json").read_text(encoding="utf-8"))
    with np.load(place / "parameters.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file.files}, about


def made_again(described: dict[str, Any]) -> Layers:
    """The layers that a run's folder describes.

    Errors: KeyError or TypeError for layers that cannot be made from what is said of them.
    """
    if "network" in described:
        return architectures.NETWORKS[described["network"]](described["side"], described["classes"])
    return mlp(**described)


def redraw(place: Path, data: Dataset) -> list[Path]:
    """Read a run's folder back and draw its pictures again.

    Errors: DataError if the folder is not one of a run, if a file is altered, or if the data are not those of the run.
    """
    if faults := verified(place):
        raise DataError("; ".join(faults) + ". Nothing was drawn.")
    try:
        arrays, about = read(place)
        layers = made_again(about["layers"])
        rows = list(csv.DictReader(io.StringIO((place / "metrics.csv").read_text(encoding="utf-8"))))
        run = TrainingRun(layers, unnamed(arrays, layers), Settings(**about["settings"]), about["source"], gate=None)
        run.loss_by_epoch = [float(row["loss"]) for row in rows]
        run.accuracy_by_epoch = [float(row["test_accuracy"]) for row in rows]
    except UNREADABLE as error:
        raise DataError(f"{place}: not the folder of a run ({error}). Give one that nnref train printed.") from error
    if about.get("data_sha256") != data_sha256(data):
        raise DataError(f"{place}: the run learned from {run.source}; {data.source} came. Pass --data.")
    return draw(place, run, data)
