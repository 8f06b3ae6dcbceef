"""A file's own calls of its layers: the arguments are known, and no shapes need be guessed.

A course's notebook calls conv_forward, and then conv_backward with the returned cache, to print a number. The last
call counts: the global variables that the function reads still have the values of that call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nnref.checking.reading.source import Source
from nnref.checking.watching.program import Run, execute
from nnref.checking.watching.recording.recorder import Recorder


@dataclass(frozen=True, eq=False)
class Given:
    """The arguments of a call, by name, and the arrays in those arguments that are dictionaries.

    keys gives, for the name of each such array, the argument that holds it and its key there.
    """

    arguments: Mapping[str, Any]
    keys: Mapping[str, tuple[str, Any]]

    @property
    def values(self) -> dict[str, Any]:
        """The arrays and settings, each under one name: parameters["Wax"] as Wax."""
        held = {argument for argument, _ in self.keys.values()}
        apart = {name: self.arguments[argument][key] for name, (argument, key) in self.keys.items()}
        return {name: value for name, value in self.arguments.items() if name not in held} | apart

    def together(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of the call, with these values instead of the original ones."""
        made = {name: dict(value) if type(value) is dict else value for name, value in self.arguments.items()}
        for name, value in values.items():
            argument, key = self.keys.get(name, (name, None))
            if name in self.keys:
                made[argument][key] = value
            else:
                made[argument] = value
        return made


def taken_apart(arguments: Mapping[str, Any]) -> Given:
    """Arguments and the arrays in their dictionaries; a constant array, which may hide a term, becomes a random one."""
    keys: dict[str, tuple[str, Any]] = {}
    fresh = {name: dense(value, k) for k, (name, value) in enumerate(arguments.items())}
    for argument, value in fresh.items():
        for key in [key for key, part in value.items() if floats(part)] if type(value) is dict else []:
            name = re.sub(r"\W", "_", str(key))
            if name.isidentifier() and name not in keys and name not in arguments:
                keys[name] = argument, key
    return Given(fresh, keys)


def floats(value: Any) -> bool:
    """Is this an array of floats, which can have a gradient?"""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def dense(value: Any, seed: int) -> Any:
    """The value, with constant arrays, such as zeros, replaced by random ones, also those in a dictionary."""
    if type(value) is dict:
        return {
            key: part if type(part) is dict else dense(part, seed + k) for k, (key, part) in enumerate(value.items())
        }
    if not floats(value) or value.size < 2 or np.ptp(value):
        return value
    return np.random.RandomState(seed).randn(*value.shape).astype(value.dtype)


def heard(source: Source, path: Path, names: frozenset[str], data: Any = None) -> tuple[Run, dict[str, Given]]:
    """A run of the file as it stands, and the arguments of the last call of each function of these names."""
    recorder = Recorder(listens=names)
    recorder.on = False  # calls are heard all the same, and loops over pixels do not fill the recording
    run = execute(source, path.resolve(), recorder, data=data)
    return run, {name: taken_apart(arguments) for name, arguments in recorder.heard.items()}
