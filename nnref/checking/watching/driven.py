"""The way to call a file that is believed: the first that runs and is right, else the one that judged most."""

from __future__ import annotations

import ast
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from nnref.checking.reading.arguments import Unbound
from nnref.checking.reading.source import Source, read
from nnref.checking.reading.uses import one_example
from nnref.checking.watching.driving import Unsuited, Way, ways
from nnref.checking.watching.graph import bits_of
from nnref.checking.watching.program import execute
from nnref.checking.watching.recorder import Recorder
from nnref.checking.watching.report import settled
from nnref.checking.watching.watch import Watched, watch

SECONDS = 12.0
"""How long ways to call a file are tried: most files are read by one of the first ten, in a second."""


def driven(
    path: Path, *, source: Source | None = None, data: Any = None, seconds: float = SECONDS, ends: bool = True
) -> Watched | None:
    """What is seen when a file that computes no gradient by itself is called; None where no way of calling it does.

    The whole file is executed first, where it ends by itself, and else its definitions alone. A way that ends with an
    error says nothing: arguments were guessed.

    ends says whether the file may end by itself. A way that is right ends the search. One example alone hides a
    missing 1/N, and is believed only where no batch can be handed over, or where nothing in the program speaks of one.
    """
    source = source or read(path)
    definitions = not ends
    if ends:
        first = execute(source, path.resolve(), Recorder(), name="watched", data=data)
        definitions = first.error is not None or first.stopped
    if definitions:
        first = execute(source, path.resolve(), Recorder(), name="watched", data=data, definitions=True)
    settings: dict[str, Any] = {"source": source, "data": data, "definitions": definitions}
    end = perf_counter() + seconds
    seen: list[tuple[Way, Watched]] = []
    hopeless: set[tuple[str, bool]] = set()
    for way in ways(source, first.namespace):
        if perf_counter() > end:
            break
        if way.form is not None and (way.plan, way.form.several) in hopeless:
            continue
        errors: list[Exception] = []
        found = watch(path, then=partial(noted, way, errors), how=way.name, guessed=way.guessed, **settings)
        error = errors[0] if errors else None
        # Whatever the form of the data, there is nothing to give some argument, or a class that has no body yet.
        if isinstance(error, Unbound | NotImplementedError):
            hopeless |= {(way.plan, True), (way.plan, False)}
        elif isinstance(error, Unsuited):
            hopeless.add((way.plan, error.outputs == 1))
        if not found.rows or error is not None or (way.guessed and spread_out(found)):
            continue
        seen.append((way, found))
        if right(found) and (not way.alone or not contradicted(seen, source)):
            return found
    several = [(way, found) for way, found in seen if not way.alone]
    believed = several if contradicted(seen, source) else seen
    return max((found for _, found in believed), key=judged_most, default=None)


def spread_out(found: Watched) -> bool:
    """Do labels of one shape meet outputs of another, entry by entry? Then this is not the form that is asked for."""
    met = (m for m in found.roles.meetings if m.at.op in ("subtract", "multiply", "divide")) if found.roles else ()
    return any(m.labels.shape != m.output.shape and m.labels.shape and m.output.shape for m in met)


def noted(way: Way, errors: list[Exception], namespace: dict[str, Any]) -> None:
    """Go a way, and note the error that ends it: one of the file's own statements before it is another matter."""
    try:
        way.run(namespace)
    except Exception as error:
        errors.append(error)
        raise


def right(found: Watched) -> bool:
    """Is every gradient right?"""
    return settled(found) is True


def judged_most(found: Watched) -> tuple[int, int]:
    """How much a way is worth: how many gradients it judged, and how many of them are right."""
    judged = [row for row in found.rows if row.verdict != "cannot tell"]
    return len(judged), sum(row.verdict == "ok" for row in judged)


def contradicted(seen: list[tuple[Way, Watched]], source: Source) -> bool:
    """Did a batch run to its end and come out wrong, where the functions that make the gradients speak of batches?"""
    names = {name for way, found in seen if not way.alone for name in gradient_functions(found)}
    functions = [n for n in source.nodes if isinstance(n, ast.FunctionDef) and n.name in names]
    return bool(functions) and not one_example(functions)


def gradient_functions(found: Watched) -> set[str]:
    """The functions in which what depends on the labels goes into the updates."""
    role = found.roles
    if role is None:
        return set()
    return {role.graph.tape[k].site.function for k in bits_of(role.into_updates) if role.of_labels[k]}
