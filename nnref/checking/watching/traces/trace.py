"""The trace: a recording as bytes without code: operations by name, their sites, and the leaves.

A process that never runs the program reads it (replay.py), computes every value again, and judges. So nothing that a
program changes in its own process matters: computed values are not even sent.

The form: the length of the header in eight bytes, the header as JSON, then the arrays, one after the other.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from types import ModuleType
from typing import Any

import numpy as np

from nnref.checking.watching.recording.functions import again, result_of_call
from nnref.checking.watching.recording.tape import Node, Site
from nnref.checking.watching.recording.values import gathered
from nnref.checking.watching.watch import Watched

KINDS = "fiubc"
"""Kinds of numbers, by numpy's letters, that an array may hold."""

Given = dict[str, Any]


@dataclass
class Arrays:
    """The arrays of a trace, each once: the data of one run are those of the others."""

    held: list[np.ndarray[Any, Any]] = field(default_factory=list)
    seen: dict[bytes, int] = field(default_factory=dict)

    def place(self, A: np.ndarray[Any, Any]) -> int:
        """Where an array is, or comes to be."""
        A = np.ascontiguousarray(A)
        key = sha256(f"{A.dtype.str} {A.shape} ".encode() + A.tobytes()).digest()
        if key not in self.seen:
            self.seen[key] = len(self.held)
            self.held.append(A)
        return self.seen[key]


class Untold(Exception):
    """Something that a trace cannot express: a value computed from it is sent, and not computed again."""


def packed(watched: Watched, notes: Sequence[str] = ()) -> bytes:
    """The runs of what was watched, and what is to be said beside the verdict."""
    arrays = Arrays()
    header = {
        "how": watched.how,
        "guessed": watched.guessed,
        "notes": list(notes),
        "runs": [told_run(run.recorder, arrays) for run in watched.runs],
    }
    header["arrays"] = [[A.dtype.str, A.shape] for A in arrays.held]
    head = json.dumps(header).encode()
    return b"".join([len(head).to_bytes(8, "little"), head, *(A.tobytes() for A in arrays.held)])


def unpacked(raw: bytes) -> Given:
    """The header of a trace, and its arrays in the place of their descriptions.

    Errors: ValueError, KeyError or TypeError for what is no trace.
    """
    size = int.from_bytes(raw[:8], "little")
    header: Given = json.loads(raw[8 : 8 + size])
    at, arrays = 8 + size, []
    for text, shape in header["arrays"]:
        dtype = np.dtype(text)
        count = int(np.prod(shape, dtype=np.int64))
        if dtype.kind not in KINDS or count < 0:
            raise ValueError(f"an array of {text}")
        arrays.append(np.frombuffer(raw, dtype, count, at).reshape(shape).copy())
        at += count * dtype.itemsize
    return header | {"arrays": arrays}


def told_run(recorder: Any, arrays: Arrays) -> Given:
    """One run: its values, in which order leaves began, and what is stated as whose gradient."""
    sites: dict[Site, int] = {}
    values = [told(node, recorder.gentle, sites, arrays) for node in recorder.tape]
    return {
        "values": values,
        "sites": [[s.file, s.line, s.column, s.function] for s in sites],
        "leaves": [node.index for node in recorder.leaves],
        "pairs": [[name, old.index, gradient.index] for name, old, gradient in recorder.pairs],
    }


def told(node: Node, gentle: frozenset[int], sites: dict[Site, int], arrays: Arrays) -> list[Any]:
    """One value: operation, call, arguments, place, leaf, names, kind, shape; and itself, where it cannot be made."""
    site = sites.setdefault(node.site, len(sites))
    first = [node.op, site, node.leaf, node.names, kind_of(node.value), node.dims]
    try:
        call = None if node.op in MADE_BY_PLACE else function_told(node.call)
        args = [word(a, arrays) for a in node.args]
        kwargs = {k: word(v, arrays) for k, v in node.kwargs.items()}
        given = node.op in LEAVES or node.index in gentle
    except Untold:
        # What it depends on is kept: it is not made again, but nobody may take it for something of its own.
        call, args, kwargs, given = None, [["n", m.index] for m in node.inputs], {}, True
    value = None
    with contextlib.suppress(Untold):  # what holds no numbers is not told, and bears nothing that is made of it
        value = word(node.value, arrays) if given and node.value is not None else None
    return [*first, call, args, kwargs, value]


MADE_BY_PLACE = frozenset(["leaf", "view", "put", "assign", "put_at", "entry", "item", "compared", "chosen"])
"""Operations that have no call: what they do follows from their name and their arguments."""


LEAVES = frozenset(["leaf", "entry"])
"""Values from which a program begins: arrays and numbers, and the numbers of a list that is written out."""


def kind_of(value: Any) -> str:
    """What stands for a value in Python: an array or a numpy number of some precision, a float, an int, or nothing."""
    if isinstance(value, np.ndarray):
        return f"{'matrix' if isinstance(value, np.matrix) else 'array'} {value.dtype.str}"
    if isinstance(value, np.generic):
        return f"generic {value.dtype.str}"
    return "none" if value is None else "int" if isinstance(value, int) else type(value).__name__


def word(thing: Any, arrays: Arrays) -> list[Any]:
    """An argument: a value of the tape by its index, or what it is.

    Errors: Untold for what is neither number nor text, nor a list or slice of such.
    """
    if isinstance(thing, Node):
        return ["n", thing.index]
    if thing is None or thing is Ellipsis:
        return ["none" if thing is None else "..."]
    if isinstance(thing, bool | int | float | str) and not isinstance(thing, np.generic):
        return ["x", int(thing) if isinstance(thing, int) and not isinstance(thing, bool) else thing]
    if isinstance(thing, np.ndarray | np.generic | complex) and np.asarray(thing).dtype.kind in KINDS:
        return ["a" if isinstance(thing, np.ndarray) else "g", arrays.place(np.asarray(thing)), np.shape(thing)]
    if type(thing) in (list, tuple):
        return ["l" if type(thing) is list else "t", [word(part, arrays) for part in thing]]
    if isinstance(thing, range):
        return ["r", [thing.start, thing.stop, thing.step]]
    if isinstance(thing, slice):
        return ["s", [word(part, arrays) for part in (thing.start, thing.stop, thing.step)]]
    if isinstance(thing, np.dtype) or (isinstance(thing, type) and issubclass(thing, (np.number, int, float, bool))):
        return ["d", np.dtype(thing).str]
    raise Untold


def function_told(call: Any) -> list[Any]:
    """A function by its name.

    Errors: Untold for one that has none under which it could be found again.
    """
    if call is gathered:
        return ["gathered"]
    if isinstance(call, functools.partial) and call.func is again and not call.keywords:
        return ["method", call.args[0]]
    if isinstance(call, functools.partial) and call.func is result_of_call:
        return ["part", call.args[1], function_told(call.args[0])]
    if isinstance(call, np.ufunc):
        return ["function", "numpy" if getattr(np, call.__name__, None) is call else "scipy.special", call.__name__]
    owner = getattr(call, "__self__", None)
    if isinstance(owner, np.ufunc):
        return ["of", function_told(owner), call.__name__]
    module, name = getattr(call, "__module__", None), getattr(call, "__qualname__", None)
    bound = owner is not None and not isinstance(owner, ModuleType)
    if bound or not isinstance(module, str) or not isinstance(name, str) or not name.isidentifier():
        raise Untold
    return ["function", module.removeprefix("_"), name]
