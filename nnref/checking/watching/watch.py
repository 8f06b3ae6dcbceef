"""Watch a program: run it, find what is meant, run it twice more with other numbers, and judge what it computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnref.checking.reading.source import Source, read
from nnref.checking.watching.graph import Graph
from nnref.checking.watching.judging import Judged, Reading, judge
from nnref.checking.watching.parameters import Roles, roles
from nnref.checking.watching.program import Run, execute
from nnref.checking.watching.recorder import Recorder
from nnref.checking.watching.tape import Node

LIMITS = (600, 3000, 16000)
"""Values that are recorded before a program is stopped: more are needed only where the first step is long."""

SEEDS = (1, 2)
"""The seeds of the other runs."""

MOVABLE = ("data", "labels", "table", "arange", "randint", "random", "eye")
"""Leaves that are not moved in the other runs: those that differ anyway, and those that are no parameters."""

Then = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, eq=False)
class Watched:
    """What was seen. readings are the verdicts under each loss, that which is meant first; () if none was made.

    why says why not. how says whether the file ran by itself or was called.
    """

    source: Source
    runs: tuple[Run, ...]
    roles: Roles | None
    readings: tuple[Reading, ...]
    why: str = ""
    how: str = "as it runs"
    guessed: bool = False
    notes: tuple[str, ...] = field(default=())

    @property
    def reading(self) -> Reading | None:
        """The verdicts under the loss that is meant."""
        return self.readings[0] if self.readings else None

    @property
    def rows(self) -> tuple[Judged, ...]:
        """The verdict on each update."""
        return self.reading.rows if self.reading else ()


def watch(
    path: Path,
    *,
    source: Source | None = None,
    data: Any = None,
    definitions: bool = False,
    then: Then | None = None,
    how: str = "as it runs",
    guessed: bool = False,
) -> Watched:
    """Watch a file run by itself, or, with `then`, what is done with its definitions."""
    source = source or read(path)
    path = path.resolve()
    settings: dict[str, Any] = {"data": data, "definitions": definitions, "then": then}
    if then is not None:
        settings["name"] = "watched"
    first, role, limit = Run(Recorder(), {}), None, LIMITS[-1]
    for limit in LIMITS:
        first = execute(source, path, Recorder(limit=limit), **settings)
        role = roles(Graph(first.tape), first.recorder.pairs)
        if not first.stopped or (role is not None and role.last * 2 < limit):
            break
    if role is None:
        return Watched(source, (first,), None, (), unread(first), how, guessed)
    moved = frozenset(constants(role, first))
    others = [execute(source, path, Recorder(limit=limit, seed=seed, jitter=moved), **settings) for seed in SEEDS]
    runs = (first, *others)
    tapes = aligned([run.tape for run in runs])
    notes = () if len(tapes[0]) > role.last else ("the runs part before the last update",)
    if notes:
        tapes = [first.tape]
    readings = judge(role, tapes)
    why = "" if readings else "no loss could be made of what meets the labels"
    return Watched(source, runs, role, readings, why, how, guessed, notes)


def aligned(tapes: Sequence[Sequence[Node]]) -> list[Sequence[Node]]:
    """The tapes as far as they are one program: the same operations, on the same lines, of the same shapes."""
    length = min(map(len, tapes))
    for k in range(length):
        first = tapes[0][k]
        if any((t[k].op, t[k].site.line, t[k].shape) != (first.op, first.site.line, first.shape) for t in tapes[1:]):
            length = k
            break
    return [tape[:length] for tape in tapes]


def constants(role: Roles, run: Run) -> set[int]:
    """The ordinals of the leaves that parameters are made of and that no random number moves."""
    ordinals = {leaf.index: k for k, leaf in enumerate(run.recorder.leaves)}
    found: set[int] = set()
    todo, seen = [u.base for u in role.updates], set()
    while todo:
        node = todo.pop()
        if node.index in seen:
            continue
        seen.add(node.index)
        if node.leaf and node.leaf not in MOVABLE and node is not role.labels:
            found.add(ordinals[node.index])
        todo += node.inputs
    return found


def unread(run: Run) -> str:
    """Why nothing could be judged."""
    count = f"{len(run.tape):,} array operations"
    said = f"ran, {count}, and no array was changed by something that depends on labels"
    return f"{said}; it stopped with {type(run.error).__name__}: {run.error}" if run.error is not None else said
