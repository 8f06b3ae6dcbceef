"""nnref.check: two verdicts on a person's network, and the first mistake by name, line and right line."""

from __future__ import annotations

from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from nnref.checking.homework.by_names import examine
from nnref.checking.homework.watched_file import judged_file
from nnref.checking.reading.source import Source, SourceError, read_source
from nnref.checking.results.certificate import Certificate
from nnref.shapes import Array


def check(target: Any, X: Array | None = None, Y: Array | None = None) -> Certificate:
    """Is the gradient of this network right, and is its loss the reference's? It runs the code it is given.

    target is a class, an object, a dict of functions, a module, globals(), or the path of an .npz, or of a .py or
    .ipynb file, which is run as it stands, in this process and without confinement, until two of its steps were seen;
    `nnref check` confines it. X has one column, or one row, per example; without data, a few random examples are taken.
    Errors: Unread if nothing in it can be read as a network; SourceError and OSError for files.
    """
    if isinstance(target, str | Path):
        return judged_file(Path(target), None, None if X is None or Y is None else (X, Y))
    if isinstance(target, ModuleType):
        return examine(vars(target), vars(target), source_of(vars(target)), target.__name__, X, Y)
    if isinstance(target, dict):
        home = target if "__name__" in target else home_of(target)
        return examine(target, home, source_of(home), str(home.get("__name__", "your network")), X, Y)
    cls = target if isinstance(target, type) else type(target)
    home = home_of(dict(vars(cls)))
    own = {name: f for name, f in home.items() if isinstance(f, FunctionType)} | {cls.__name__: target}
    return examine(own, home, source_of(home), cls.__name__, X, Y)


def home_of(things: dict[str, Any]) -> dict[str, Any]:
    """The global names of the module in which the first of these functions was defined."""
    return next((f.__globals__ for f in things.values() if isinstance(f, FunctionType)), things)


def source_of(home: dict[str, Any]) -> Source | None:
    """The source of a module, where it has a file that can be read."""
    try:
        return read_source(Path(home["__file__"])) if home.get("__file__") else None
    except (SourceError, OSError):
        return None
