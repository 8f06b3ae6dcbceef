"""Which way to call a file is believed: the first that runs and is right, else the one that judged most gradients."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from nnref.checking.reading.arguments import Unbound
from nnref.checking.reading.source import Source, read_source
from nnref.checking.reading.uses import one_example
from nnref.checking.watching.calculus.graph import bits_of
from nnref.checking.watching.calls.driving import Unsuited, WayToCall, forms_for, of_thing, ways_of_calling
from nnref.checking.watching.program import execute
from nnref.checking.watching.recording.recorder import Recorder
from nnref.checking.watching.telling.report import settled
from nnref.checking.watching.watch import Watched, watch

SECONDS = 12.0
"""CPU seconds for trying ways to call a file: for most files one of the first ten ways works, within a second."""

WAIT = 4.0
"""Wall-clock seconds allowed beyond that, as the machine may be busy with other things."""

MORE = 3.0
"""CPU seconds for trying the other networks of a file, once one was found right."""


def driven(
    path: Path,
    *,
    source: Source | None = None,
    data: Any = None,
    seconds: float = SECONDS,
    ends: bool = True,
    only: str = "",
) -> Watched | None:
    """The watched calls of a file that computes no gradient by itself; None if no way is found that computes one.

    First the whole file is executed, if it ends by itself, else only its definitions. ends=False says that it does not
    end by itself. only is the name of the one class to call, if any.
    """
    source = source or read_source(path)
    namespace, definitions = defined(path.resolve(), source, data, ends)
    attempts = Attempts(path, source, {"source": source, "data": data, "definitions": definitions}, seconds)
    return attempts.told(ways_to_call(source, namespace, only))


class Attempts:
    """The ways to call a file, tried one after the other until one is right or the time is up.

    seen holds the ways that ran, each with what was watched, and found the right ones, by class ("" for functions).
    hopeless holds the plans that an error has ruled out, tried the classes that were called, and untried the classes
    of the file for which no time was left.
    """

    def __init__(self, path: Path, source: Source, settings: dict[str, Any], seconds: float) -> None:
        self.path, self.source, self.settings = path, source, settings
        self.end, self.late = process_time() + seconds, perf_counter() + seconds + WAIT
        self.seen: list[tuple[WayToCall, Watched]] = []
        self.found: dict[str, Watched] = {}
        self.hopeless: set[tuple[str, bool]] = set()
        self.tried, self.untried = set[str](), dict[str, None]()
        self.defined_here = {node.name for node in source.nodes if isinstance(node, ast.ClassDef)}

    def told(self, ways: Iterator[WayToCall]) -> Watched | None:
        """The verdict, once all ways are tried or the time is up.

        If the time is up and no way was right, it is None: a way not yet tried may be right. If one was right, the
        classes for which no time was left are named. A call with the file's own arguments is believed at once.
        """
        for way in ways:
            if process_time() > self.end or perf_counter() > self.late:
                if not self.found:
                    return None
                if way.owner in self.defined_here and way.owner not in self.tried:
                    self.untried[way.owner] = None
            elif not self.is_vain(way) and (own := self.go(way)) is not None:
                return own
            if "" in self.found:
                break
        whole = all_of_them(self.found, self.seen, self.source)
        return replace(whole, untried=tuple(self.untried)) if whole is not None else None

    def is_vain(self, way: WayToCall) -> bool:
        """Is there no need to try a way: is its network found right already, or its plan ruled out?"""
        part = self.found and way.owner not in self.defined_here  # imported classes and functions belong to it
        ruled = way.form is not None and (way.plan, way.form.several) in self.hopeless
        return bool(part) or way.owner in self.found or ruled

    def go(self, way: WayToCall) -> Watched | None:
        """Try a way, and keep what is watched; return it if the arguments are the file's own and it gives a verdict.

        A way that ends with an error says nothing, as its arguments were guessed. One example alone hides a missing
        1/N: it is believed only if no batch runs, or if nothing in the program refers to a batch.
        """
        here, error = gone(self.path, way, self.settings)
        self.tried.add(way.owner)
        self.hopeless |= ruled_out(way, error)
        if not here.rows or error is not None or (way.guessed and spread_out(here)):
            return None
        if not way.guessed and settled(here) is not None:
            return here
        self.seen.append((way, here))
        mine = [part for part in self.seen if part[0].owner == way.owner]
        if right(here) and (not way.alone or not contradicted(mine, self.source)):
            self.found[way.owner] = here
            self.end = min(self.end, process_time() + MORE)
        return None


def ways_to_call(source: Source, namespace: dict[str, Any], only: str) -> Iterator[WayToCall]:
    """The ways to call a file; or, if `only` names a class, the ways to use this class, even as a part of others."""
    if not only:
        return ways_of_calling(source, namespace)
    return of_thing(source, only, namespace[only], forms_for(source)) if only in namespace else iter(())


def ruled_out(way: WayToCall, error: Exception | None) -> set[tuple[str, bool]]:
    """The pairs (plan, form.several) that an error rules out."""
    # No form of the data supplies a missing argument, or a method that is not implemented.
    if isinstance(error, Unbound | NotImplementedError):
        return {(way.plan, True), (way.plan, False)}
    return {(way.plan, error.outputs == 1)} if isinstance(error, Unsuited) else set()


def defined(path: Path, source: Source, data: Any, ends: bool) -> tuple[dict[str, Any], bool]:
    """The names that a file defines, and whether only its definitions were executed."""
    if ends:
        whole = execute(source, path, Recorder(), name="watched", data=data)
        if whole.error is None and not whole.stopped:
            return whole.namespace, False
    return execute(source, path, Recorder(), name="watched", data=data, definitions=True).namespace, True


def gone(path: Path, way: WayToCall, settings: dict[str, Any]) -> tuple[Watched, Exception | None]:
    """What is watched on a way, and the error that ended it, if any."""
    errors: list[Exception] = []
    found = watch(path, then=partial(noted, way, errors), how=way.name, guessed=way.guessed, **settings)
    return found, errors[0] if errors else None


def all_of_them(found: dict[str, Watched], seen: list[tuple[WayToCall, Watched]], source: Source) -> Watched | None:
    """The verdict on a called file: on its first right network, naming the others, unless one of those is wrong.

    Then it is the verdict on the wrong one. If no network is right, the way that judged most gradients counts.
    """
    owners = list(dict.fromkeys(way.owner for way, _ in seen))
    best = {owner: found.get(owner) or believed([p for p in seen if p[0].owner == owner], source) for owner in owners}
    known = {owner: w for owner, w in best.items() if w is not None}
    if not found:
        return max(known.values(), key=judged_most, default=None)
    wrong = [w for owner, w in known.items() if owner not in found and settled(w) is False]
    if wrong:
        return wrong[0]
    first, *others = found.items()
    also = [f"{owner} is right too ({w.how})" for owner, w in others]
    return replace(first[1], notes=(*first[1].notes, *also))


def believed(seen: list[tuple[WayToCall, Watched]], source: Source) -> Watched | None:
    """Of the ways to call one network, the one that judged most; with one example only if no batch was wrong."""
    several = [(way, found) for way, found in seen if not way.alone]
    kept = several if contradicted(seen, source) else seen
    return max((found for _, found in kept), key=judged_most, default=None)


def spread_out(found: Watched) -> bool:
    """Are labels combined entry by entry with outputs of another shape? Then another form of data is expected."""
    met = (m for m in found.roles.meetings if m.at.op in ("subtract", "multiply", "divide")) if found.roles else ()
    return any(m.labels.shape != m.output.shape and m.labels.shape and m.output.shape for m in met)


def noted(way: WayToCall, errors: list[Exception], namespace: dict[str, Any]) -> None:
    """Run a way, and note the error that ends it; errors in the file's own statements before it are not noted."""
    try:
        way.run(namespace)
    except Exception as error:
        errors.append(error)
        raise


def right(found: Watched) -> bool:
    """Is every gradient right, or every one minus the true gradient where nothing says which sign is meant?"""
    reading = found.reading
    turned = reading is not None and 0 < reading.turned == len(reading.rows)
    return settled(found) is True or turned


def judged_most(found: Watched) -> tuple[int, int]:
    """Sort key for ways: how many gradients one judged, and how many of them are right."""
    judged = [row for row in found.rows if row.verdict != "cannot tell"]
    return len(judged), sum(row.verdict == "ok" for row in judged)


def contradicted(seen: list[tuple[WayToCall, Watched]], source: Source) -> bool:
    """Did a batch run and come out wrong, though the functions that compute the gradients refer to batches?"""
    names = {name for way, found in seen if not way.alone for name in gradient_functions(found)}
    functions = [n for n in source.nodes if isinstance(n, ast.FunctionDef) and n.name in names]
    return bool(functions) and not one_example(functions)


def gradient_functions(found: Watched) -> set[str]:
    """The functions that compute values which depend on the labels and go into the updates."""
    role = found.roles
    if role is None:
        return set()
    return {role.graph.tape[k].site.function for k in bits_of(role.into_updates) if role.of_labels[k]}
