"""nnref check FILE: the program is watched; the reader, which goes by names, is asked where that decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from nnref.checking.homework.check import check_file
from nnref.checking.reading.candidates import Unread
from nnref.checking.reading.source import Source, SourceError
from nnref.checking.reading.source import read as read_source
from nnref.checking.results.certificate import Certificate
from nnref.checking.watching.driven import driven
from nnref.checking.watching.mending import mended
from nnref.checking.watching.report import certificate, settled
from nnref.checking.watching.watch import Watched, watch
from nnref.shapes import Array

Data = tuple[Array, Array] | None

PATIENCE = 9.0
"""Seconds after which no further way to call a file is tried: the rest of the time limit is the reader's."""


def judged_file(
    path: Path, name: str | None, data: Data, everything: bool, settings: Mapping[str, str] | None
) -> Certificate:
    """The verdict on a file: of the program as it runs, or as it is called, or as it is read.

    Errors: Unread if it is none of these; SourceError and OSError for files.
    """
    if path.suffix == ".npz" or name is not None:
        return check_file(path, name, data, everything, settings)
    source = read_source(path)
    seen = watched_or_called(path, source, data)
    right = settled(seen)
    if right is True:
        return certificate(seen)
    try:
        read = check_file(path, None, data, everything, settings)
    except Unread as error:
        if seen.steps:
            return certificate(seen)
        raise Unread(error.found, [*error.missing, f"as it runs: it {seen.why}"]) from None
    except SourceError:
        if seen.steps:
            return certificate(seen)
        raise
    return agreed(seen, read) if seen.steps else read


def agreed(seen: Watched, read: Certificate) -> Certificate:
    """What was watched; in the reader's words where both point to one line, or where watching tells nothing."""
    if settled(seen) is None:
        return read if read.gradient_of_own_loss is not None else certificate(seen)
    watched = certificate(seen, mend=False)
    first, named = watched.first, read.first
    known = named is not None and named.mistake is not None and read.gradient_of_own_loss is False
    if first is None or named is None or not known or line_of(first.place) != line_of(named.place):
        return certificate(seen)
    head = replace(named, right=mended(seen, line_number(seen, first.place), named.right))
    places = {line_of(d.place) for d in read.diagnoses}
    more = tuple(d for d in watched.diagnoses[1:] if line_of(d.place) not in places and d.says.endswith("."))
    return replace(read, diagnoses=(*(head if d is named else d for d in read.diagnoses), *more))


def line_number(seen: Watched, place: str) -> int:
    """The number of a line from the words for it."""
    return next((k for k in range(1, len(seen.source.lines) + 1) if seen.source.where(k) == line_of(place)), 0)


def line_of(place: str) -> str:
    """Line 54 of "line 54:  db2 = …"."""
    return place.partition(":")[0].removeprefix("at or after ")


def watched_or_called(path: Path, source: Source, data: Data) -> Watched:
    """The program as it runs; where that tells nothing, as its own functions can be called."""
    begin = perf_counter()
    seen = watch(path, source=source, data=data)
    if settled(seen) is not None:
        return seen
    called = driven(path, source=source, data=data, seconds=PATIENCE - (perf_counter() - begin))
    return called if called is not None and called.steps and (settled(called) is not None or not seen.steps) else seen
