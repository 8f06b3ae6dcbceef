"""Networks as arrays in an .npz: parameters, gradients, data and whatever was made on the way."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile, ZipFile, is_zipfile

import numpy as np

from nnref.checking.homework.certify import certify
from nnref.checking.reading.source import SourceError
from nnref.checking.results.certificate import Certificate
from nnref.shapes import Array

QUANTITY = re.compile(r"(d?)([WwBbZzAa])_?([1-9]\d*)")
"""Names of arrays: W1, b_2, dW1, dZ3, A2, in either case."""

DATA = (("X", "Y"), ("x", "y"), ("X", "y"), ("x_train", "y_train"))
"""Names of the data and the labels, those of one file together."""

SETTINGS = ("activation", "reduction", "layout")
"""Keys whose values are words: activation="tanh", reduction="sum", layout="rows"."""


def arrays_of_npz(path: Path) -> dict[str, Array]:
    """What a file holds, by name.

    Errors: SourceError for a file that is no .npz of plain arrays; OSError where it cannot be read.
    """
    advice = f"Try np.savez('{path.stem}', X=X, Y=Y, W1=W1, …)."
    with path.open("rb") as file:
        if not is_zipfile(file):
            raise SourceError(f"{path.name} is no .npz, or not all of one. {advice}")
    try:
        with np.load(path, allow_pickle=False) as held:
            return {name: held[name] for name in held.files}
    except (EOFError, BadZipFile, zlib.error, ValueError):
        raise SourceError(f"{path.name} is damaged, or holds Python objects among its arrays. {advice}") from None


def only_data(path: Path) -> bool:
    """Is this an .npz that can be read and holds no gradient?"""
    try:
        if path.suffix != ".npz":
            return False
        with ZipFile(path) as held:  # the names alone: a hostile archive is unpacked only in a process with limits
            names = [name.removesuffix(".npy") for name in held.namelist()]
        return not any(name[:1] == "d" and QUANTITY.fullmatch(name) for name in names)
    except (BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        return False


def data_of_npz(path: Path) -> tuple[Array, Array]:
    """X and Y of an .npz file, under those names or as x_train and y_train.

    Errors: SourceError if they are not there.
    """
    found = arrays_of_npz(path)
    for x, y in DATA:
        if x in found and y in found:
            return found[x], found[y]
    raise SourceError(f"{path.name} should hold X and Y; it holds {', '.join(found) or 'nothing'}.")


def certify_file(
    path: Path, data_of: tuple[Array, Array] | None = None, settings: Mapping[str, str] | None = None
) -> Certificate:
    """Judge what an .npz holds: W1, b1, …, dW1, db1, …, X and Y, and Z1, A1, dZ1, … if they are there.

    data_of replaces X and Y; activation, reduction and layout are taken from settings, else from the file. Arrays of
    other names are left out, and a note says so.
    Errors: SourceError for what cannot be read, with what to write instead; OSError.
    """
    held = arrays_of_npz(path)
    X, Y = data_of or data_of_npz(path)
    said = {name: str(held.pop(name)) for name in SETTINGS if name in held} | dict(settings or {})
    quantities, strangers = quantities_by_name(
        {k: V for k, V in held.items() if k not in {n for pair in DATA for n in pair}}
    )
    parts: dict[str, dict[str, Array]] = {"parameters": {}, "gradients": {}, "intermediates": {}}
    for name, V in quantities.items():
        part = "intermediates" if re.match("d?[ZA]|P", name) else "gradients" if name[0] == "d" else "parameters"
        parts[part][name] = V
    if not parts["parameters"] or not parts["gradients"]:
        raise SourceError(
            f"{path.name} should hold W1, b1, … and dW1, db1, …; it holds {', '.join(held) or 'nothing'}."
        )
    try:
        found = certify(X=X, Y=Y, **parts, **said)  # type: ignore[arg-type]  # settings are checked there
    except ValueError as error:
        raise SourceError(f"{path.name}: {error}") from None
    left = (f"not looked at: {', '.join(strangers)}",) if strangers else ()
    return replace(found, title=path.name, notes=(*found.notes, *left))


def quantities_by_name(held: Mapping[str, Array]) -> tuple[dict[str, Array], list[str]]:
    """The quantities by the reference's names, and the names that are none.

    Errors: SourceError if two names mean one quantity.
    """
    found: dict[str, Array] = {}
    strangers = []
    for key, V in held.items():
        match = QUANTITY.fullmatch(key)
        letter = match[2].lower() if match else ""
        name = f"{match[1]}{letter if letter == 'b' else letter.upper()}{match[3]}" if match else key
        if not match and key != "P":
            strangers.append(key)
        elif name in found:
            raise SourceError(f"two arrays are {name}; keep one of them.")
        else:
            found[name] = V
    return found, strangers
