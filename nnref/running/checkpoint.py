"""A run on disk while it goes on: two npz files without pickles, each whole or absent, that say whose they are."""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from nnref.network import named, unnamed
from nnref.running import files
from nnref.running.data import DAMAGED, Dataset
from nnref.running.errors import DataError
from nnref.running.files import PathLike
from nnref.running.identity import differences, identity, other_versions
from nnref.running.lock import locked
from nnref.running.run import TrainingRun, parameters_sha256
from nnref.running.shuffle import order_sha256

FORMAT = 2
"""The version of this format: 1, of November 2026, had neither seal nor steps."""

EVERY = 2.0
"""Seconds after which a step is followed by a checkpoint; every epoch is anyway."""

CURVES = ("loss_by_step", "accuracy_by_epoch")

SEAL = 64
"""The last bytes of a file: the SHA-256 in hexadecimal of all bytes before. To a zip archive it is a comment."""


class DamagedError(DataError):
    """A file that is not, or no longer, what was written."""


@dataclass
class Checkpoint:
    """The place of a run on disk. path is None where none was asked for: then nothing is read or written."""

    path: Path | None
    whose: dict[str, Any]
    saved_at: float = 0.0

    def save(self, run: TrainingRun) -> None:
        """Write the run beside its place, and give its place's name to it and another to the one before.

        What cannot be written is said, and the run goes on.
        """
        if self.path is None:
            return
        path = self.path
        try:
            files.write(path, lambda file: file.write(packed(run, self.whose)), before=lambda: retire(path))
        except OSError as error:
            warnings.warn(f"{path}: no checkpoint was written ({reason(error)}); the run goes on.", stacklevel=2)
        self.saved_at = perf_counter()

    def due(self) -> bool:
        """Whether the last save is so many seconds ago that a step is worth saving."""
        return self.path is not None and perf_counter() - self.saved_at >= EVERY

    def restore(self, run: TrainingRun) -> None:
        """Put the saved parameters and curves into a fresh run: the last file, or the one before if that is damaged.

        Errors: DataError if it is another run's, saying what differs, or if no file is whole.
        """
        if self.path is None:
            raise ValueError("resume=True needs checkpoint, the file to go on from.")
        damage: list[str] = []
        for path in [p for p in (self.path, previous(self.path)) if p.exists()]:
            try:
                take(path, unpacked(path), run, self.whose)
            except DamagedError as error:
                damage.append(str(error))
                continue
            if damage:
                warnings.warn(f"{damage[0]} Going on from {path}, the one before.", stacklevel=2)
            return
        if damage:
            raise DataError(f"{' '.join(damage)} To begin afresh, ask for it: --overwrite (overwrite=True).")
        warnings.warn(f"{self.path}: no checkpoint found: starting afresh.", stacklevel=2)


@contextmanager
def opened(
    path: PathLike | None, run: TrainingRun, data: Dataset, resume: bool, overwrite: bool
) -> Iterator[Checkpoint]:
    """A run's checkpoint under a lock, its folder tried out, what killed saves left removed; restored if asked for.

    Errors: DataError if something is there that is neither to be resumed nor overwritten, or if another run has it.
    """
    if path is None:
        if resume or overwrite:
            raise ValueError(f"{'resume' if resume else 'overwrite'}=True needs checkpoint, the file to go on from.")
        yield Checkpoint(None, {})
        return
    place = Path(path)
    with locked(place):
        there = [p for p in (place, previous(place)) if p.exists()]
        if there and not (resume or overwrite):
            raise DataError(
                f"{there[0]} is there already. To go on from it pass --resume (resume=True), to write over it "
                f"--overwrite (overwrite=True)."
            )
        remove_leftovers(place)
        files.try_out(place.parent)
        kept = Checkpoint(place, identity(run, data), perf_counter())
        if resume:
            kept.restore(run)
        yield kept


def previous(path: Path) -> Path:
    """The name of the checkpoint before the last."""
    return path.with_name(f"{path.name}.previous")


def retire(path: Path) -> None:
    """Give the last checkpoint the name of the one before; a damaged one must not displace a good one."""
    with suppress(FileNotFoundError):
        if sealed(path.read_bytes()):
            path.replace(previous(path))


def remove_leftovers(path: Path) -> None:
    """Remove what saves of this file left beside it when their process was killed. The lock says that none is at it."""
    left = re.compile(rf"\.{re.escape(path.name)}\.\d+\.[0-9a-f]{{8}}")
    for beside in path.parent.iterdir():
        if left.fullmatch(beside.name):
            beside.unlink(missing_ok=True)


def packed(run: TrainingRun, whose: dict[str, Any]) -> bytes:
    """A run as the bytes of an npz with its seal."""
    epoch, N = len(run.accuracy_by_epoch), whose["data"]["examples"]
    about = whose | {
        "format": FORMAT,
        "epoch": epoch,
        "step": len(run.loss_by_step),
        "order_sha256": order_sha256(run.settings, epoch, N),
        "parameters_sha256": parameters_sha256(run.parameters),
        "seconds": run.seconds,
    }
    arrays: dict[str, Any] = {"about": np.array(json.dumps(about)), **named(run.parameters)}
    arrays |= {name: np.array(getattr(run, name), np.float64) for name in CURVES}
    file = io.BytesIO()
    np.savez(file, **arrays)
    body = file.getvalue()[:-2] + struct.pack("<H", SEAL)  # a zip archive ends with the length of its comment
    return body + hashlib.sha256(body).hexdigest().encode()


def sealed(raw: bytes) -> bool:
    """Whether every byte is as it was written."""
    return raw[-SEAL:] == hashlib.sha256(raw[:-SEAL]).hexdigest().encode()


def unpacked(path: Path) -> dict[str, Any]:
    """The arrays of a checkpoint, and what it says about itself as "about".

    Errors: DamagedError if a byte is not as it was written, or if it is no checkpoint at all.
    """
    try:
        raw = path.read_bytes() if path.is_file() else b""
        if not sealed(raw):
            raise DamagedError(
                f"{path}: not a checkpoint, or a damaged one: its bytes do not agree with its own SHA-256."
            )
        with np.load(io.BytesIO(raw), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        arrays["about"] = json.loads(str(arrays["about"]))
    except DamagedError:
        raise
    except DAMAGED as error:
        raise DamagedError(f"{path}: not a checkpoint that can be read ({type(error).__name__}).") from error
    return arrays


def take(path: Path, arrays: dict[str, Any], run: TrainingRun, whose: dict[str, Any]) -> None:
    """Judge what a file holds, and put it into the run only if all of it is right."""
    about = arrays.pop("about")
    try:
        if about["format"] != FORMAT:
            raise DataError(f"{path}: a checkpoint in format {about['format']}; this nnref knows format {FORMAT}.")
        if found := differences(about, whose):
            raise DataError(f"{path}: a checkpoint of another run: {'; '.join(found)}.")
        curves = {name: arrays.pop(name) for name in CURVES}
        if fault := fault_of_parameters(arrays, run, about) or fault_of_curves(curves, about, whose):
            raise DamagedError(f"{path}: not a checkpoint that can be gone on from: {fault}.")
        if about["order_sha256"] != order_sha256(run.settings, about["epoch"], whose["data"]["examples"]):
            raise DataError(f"{path}: numpy shuffles in another way than when it was written. Use that version.")
        seconds = float(about["seconds"])
    except DataError:
        raise
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise DamagedError(f"{path}: not a checkpoint that can be read ({type(error).__name__}: {error}).") from error
    if others := other_versions(about["versions"], whose["versions"]):
        warnings.warn(f"{path}: {'; '.join(others)}. From here on the bits may be others.", stacklevel=2)
    run.parameters, run.seconds = unnamed(arrays, run.layers), seconds
    run.loss_by_step, run.accuracy_by_epoch = (curves[name].tolist() for name in CURVES)
    S = whose["data"]["examples"] // run.settings.batch_size
    run.loss_by_epoch = [float(np.mean(run.loss_by_step[k * S : (k + 1) * S])) for k in range(about["epoch"])]


def fault_of_parameters(arrays: dict[str, Any], run: TrainingRun, about: dict[str, Any]) -> str:
    """What is wrong with the parameters' names, shapes, dtype, numbers or hash; "" if nothing is."""
    expected = named(run.parameters)
    if arrays.keys() != expected.keys():
        return f"it holds {', '.join(arrays) or 'no parameters'}; {', '.join(expected)} should be there"
    for name, p in expected.items():
        came = arrays[name]
        if (came.shape, came.dtype) != (p.shape, p.dtype):
            return f"{name} is {came.dtype} {came.shape}; {p.dtype} {p.shape} should be there"
        if not np.isfinite(came).all():
            return f"{name} is not finite"
    if parameters_sha256(unnamed(arrays, run.layers)) != about["parameters_sha256"]:
        return "the parameters do not agree with their SHA-256"
    return ""


def fault_of_curves(curves: dict[str, Any], about: dict[str, Any], whose: dict[str, Any]) -> str:
    """What is wrong with the curves' dtype, numbers or lengths; "" if nothing is."""
    for name, curve in curves.items():
        if curve.dtype != np.float64 or curve.ndim != 1 or not np.isfinite(curve).all():
            return f"{name} is no list of finite numbers"
    epoch, step = (len(curves[name]) for name in reversed(CURVES))
    S = whose["data"]["examples"] // whose["settings"]["batch_size"]
    if (about["epoch"], about["step"]) != (epoch, step) or not epoch * S <= step <= (epoch + 1) * S:
        return f"it has {step} losses and {epoch} accuracies, which are not those of {about['step']} steps"
    return ""


def reason(error: OSError) -> str:
    """What the system said, without the name of the file beside."""
    return error.strerror or type(error).__name__
