"""nnref check FILE: the program is watched as it runs; where that decides nothing, its network is read by names."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from nnref.checking.homework.by_names import FORM_A, check_file
from nnref.checking.reading.candidates import Unread, going_back
from nnref.checking.reading.source import Source, SourceError, read_source
from nnref.checking.results.certificate import MISTAKE, Certificate
from nnref.checking.watching.calculus.factors import ALIKE
from nnref.checking.watching.calculus.graph import bits_of
from nnref.checking.watching.calls.cost_functions import cost_and_gradient_judged
from nnref.checking.watching.calls.driven import driven
from nnref.checking.watching.calls.later_classes import with_later_classes
from nnref.checking.watching.calls.later_trainings import with_later_trainings
from nnref.checking.watching.calls.layer_report import layers_judged
from nnref.checking.watching.telling.cautions import factors_on_the_way
from nnref.checking.watching.telling.forgetting import entries_left_alone, left_alone
from nnref.checking.watching.telling.lines import line_in_words
from nnref.checking.watching.telling.mending import mended
from nnref.checking.watching.telling.report import certificate, settled
from nnref.checking.watching.verdict.right_values import first_slope
from nnref.checking.watching.watch import Watched, watch
from nnref.checking.watching.world import AbsentError, packages
from nnref.shapes import Array

Data = tuple[Array, Array] | None

PATIENCE = 9.0
"""Seconds after which no further way to call the functions is tried; what is left is for reading by names."""


def judged_file(
    path: Path,
    name: str | None = None,
    data: Data = None,
    everything: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Certificate:
    """The verdict on a file: as it runs, else by calling its functions, else by reading its network by names.

    Errors: Unread if it is none of these; SourceError and OSError for files.
    """
    if path.suffix == ".npz" or name is not None:
        return check_file(path, name, data, everything, settings)
    source = read_source(path)
    try:
        seen = watched_or_layers(path, source, data)
    except SourceError:
        raise
    except Exception as error:
        # A fault of nnref in watching: reading by names may still find a mistake, and the report says what happened.
        says = f"watching it failed, and so it may have more than was read: {type(error).__name__}: {error}"
        return undecided(check_file(path, None, data, everything, settings), says)
    if isinstance(seen, Certificate):
        return seen
    if left_open(seen):
        return certificate(seen)
    if settled(seen) is True and not by_the_batch(seen):
        return certificate(seen if seen.guessed else with_what_comes_later(seen, path, source, data))
    try:
        read = with_caution(check_file(path, None, data, everything, settings))
    except (Unread, SourceError) as error:
        if seen.steps:
            return certificate(seen)
        if isinstance(error, SourceError):
            raise
        return judged_by_parts(seen, path, source, data, error)
    return agreed(seen, read) if seen.steps else unless_stopped(seen, all_of_it(source, unless_misread(read, source)))


def with_what_comes_later(seen: Watched, path: Path, source: Source, data: Data) -> Watched:
    """The verdict on a right program with what it trains after the watched steps, and with its later networks."""
    later = with_later_trainings(seen, path, source, data) if seen.how == "as it runs" else seen
    right = settled(replace(later, beyond=())) is True
    return with_later_classes(later, path, source, data) if right else later


def watched_or_layers(path: Path, source: Source, data: Data) -> Watched | Certificate:
    """The program as it runs or as its functions are called; the verdict on its layers, where they alone are called.

    Errors: SourceError for a program that computes with another library's tensors.
    """
    seen = watch(path, source=source, data=data)
    if not seen.steps and (said := computed_elsewhere(seen, source)):
        raise SourceError(said)
    if not seen.steps and (layers := layers_judged(path, source, data, called=True)) is not None:
        return layers
    return or_called(seen, path, source, data)


def judged_by_parts(seen: Watched, path: Path, source: Source, data: Data, unread: Unread) -> Certificate:
    """The verdict on a file without a network: on its layers, or on one function of a loss and its gradient.

    Errors: Unread, with all that was missing, if it has neither.
    """
    if (layers := layers_judged(path, source, data)) is not None:
        return unless_stopped(seen, layers)
    if (pair := cost_and_gradient_judged(path, source, data)) is not None:
        return unless_stopped(seen, pair)
    vain = [f"{name}, which the file imports and which cannot be imported here" for name in seen.runs[0].absent]
    raise Unread(unread.found, [*vain, f"as it runs: it {seen.why}", *unread.missing]) from None


def computed_elsewhere(seen: Watched, source: Source) -> str:
    """The refusal of a program that computes with another library's tensors and has nothing to call; "" for others."""
    run = seen.runs[0]
    functions = [node.name for node in source.nodes if isinstance(node, ast.FunctionDef)]
    if not isinstance(run.error, AbsentError) or run.error.name not in OTHERS or asked_for(source):
        return ""
    if going_back(functions) or "numpy" in packages.imported(source):
        return ""
    line = source.where(run.failure.site.line) if run.failure is not None else "its first line"
    return (
        f"{source.name} computes with {run.error.name} ({line}), and nnref watches what numpy computes. Of a loss that "
        "is a function of its parameters, nnref.gradcheck(loss, parameters, gradients) checks the gradients there too."
    )


OTHERS = frozenset(["torch", "tensorflow", "keras", "jax"])
"""Libraries whose tensors are not watched."""


def with_caution(read: Certificate) -> Certificate:
    """With right gradients, a forward pass that is right but for overflow or an epsilon becomes a note, no mistake."""
    fault = read.forward
    if fault is None or not fault.harmless or read.gradient_of_own_loss is not True:
        return read
    says = fault.says.partition(" Subtract")[0].rstrip(".")
    note = f"{fault.place.partition(':')[0]}: {says[0].lower()}{says[1:]}"
    return replace(read, forward=None, same_loss=True, notes=(*read.notes, note))


def unless_stopped(seen: Watched, judged: Certificate) -> Certificate:
    """A verdict on parts of a file; not that it is right, where the program itself stops with an error.

    Only an error counts that comes from the program's own arrays: several of them, none handed out by nnref.
    """
    failure = seen.runs[0].failure if seen.runs and not seen.guessed else None
    leaves = seen.runs[0].recorder.leaves if seen.runs else []
    given = [n for n in failure.inputs if n.deps.bit_count() > 1] if failure is not None else []
    handed_out = any(leaves[k].leaf in FROM_OUTSIDE for n in given for k in bits_of(n.deps))
    if failure is None or not given or handed_out:
        return judged
    line = seen.source.where(failure.site.line)
    says = f"run by itself, the program stops in {line} with {' '.join(failure.says.split())}"
    return undecided(judged, says)


def undecided(judged: Certificate, why: str) -> Certificate:
    """The same certificate with the verdict left open, and a note that says why."""
    right = None if judged.gradient_of_own_loss else judged.gradient_of_own_loss
    return replace(judged, gradient_of_own_loss=right, notes=(*judged.notes, why))


FROM_OUTSIDE = ("data", "labels", "table", "unknown", "parsed", "looked up")
"""Kinds of leaves that nnref supplies for what the program reads: their shapes may be why it stops."""


def unless_misread(read: Certificate, source: Source) -> Certificate:
    """The certificate of an unwatched file; left open where all is wrong and no mistake explains it, as if misread.

    A file that names loss, parameters and gradients as nnref asks cannot be misread.
    """
    explained = any(found.mistake is not None or found is read.forward for found in read.mistakes)
    all_wrong = all(e.verdict == "WRONG" for e in read.entries)
    if asked_for(source) or read.status != MISTAKE or explained or not all_wrong:
        return read
    reason = (
        "all entries differ and no mistake explains it: the names may have been misread, and it could not be watched"
    )
    entries = tuple(
        replace(e, verdict="cannot tell", wrong=0, cannot_tell=e.size, worst=None, where=(), reason=reason)
        for e in read.entries
    )
    return replace(read, entries=entries, gradient_of_own_loss=None, same_loss=None, diagnoses=())


def asked_for(source: Source) -> bool:
    """Does the file define loss, parameters and gradients by these very names?"""
    top = {getattr(node, "name", "") for node in source.tree.body}
    top |= {
        part.id
        for node in source.tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }
    return {names[0] for names in FORM_A} <= top


def all_of_it(source: Source, read: Certificate) -> Certificate:
    """The certificate; left open where the file also draws parameters at random that were not judged."""
    judged = {part for entry in read.entries for part in re.findall(r"\w+", entry.name)}
    left = [(name, line) for name, line in attributes_drawn(source) if name not in judged]
    if (
        not left
        or read.gradient_of_own_loss is not True
        or len({name for name, _ in attributes_drawn(source)}) == len(left)
    ):
        return read
    said = ", ".join(f"{name} ({source.where(line)})" for name, line in left)
    return replace(read, gradient_of_own_loss=None, notes=(*read.notes, f"not judged: {said}"))


def attributes_drawn(source: Source) -> list[tuple[str, int]]:
    """The attributes that an __init__ draws at random, with their lines: what a program means to learn."""
    found = []
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            for part in ast.walk(node):
                if isinstance(part, ast.Assign) and "random" in ast.unparse(part.value):
                    targets = [t for target in part.targets for t in getattr(target, "elts", [target])]
                    found += [(t.attr, t.lineno) for t in targets if isinstance(t, ast.Attribute)]
    return found


def agreed(seen: Watched, read: Certificate) -> Certificate:
    """The verdict of watching, in the reader's words where both name one line; the reader's where it is undecided."""
    named, told = read.first, settled(seen)
    known = named is not None and named.mistake is not None and not read.ok
    if told is True:
        summed = known and read.same_loss and read.diagnosis in BY_THE_BATCH
        return placed(seen, read) if summed else certificate(seen)
    if told is None:  # the reader may have passed fewer parameters than the program updates
        return read if read.status == MISTAKE else certificate(seen)
    watched = certificate(seen, mend=False)
    first = watched.first
    if named is not None and read.forward is named and read.same_loss is False and not named.doubtful:
        return read
    if first is None or named is None or not known:
        return certificate(seen)
    if line_alone(first.place) != line_alone(named.place):
        return certificate(seen)
    factor = "times the truth" in first.says
    head = replace(named, right=mended(seen, line_number(seen, first.place), named.right, factor))
    places = {line_alone(d.place) for d in read.diagnoses}
    more = tuple(d for d in watched.diagnoses[1:] if line_alone(d.place) not in places and "never change" in d.says)
    return replace(read, diagnoses=(*(head if d is named else d for d in read.diagnoses), *more))


def placed(seen: Watched, read: Certificate) -> Certificate:
    """A first mistake without a line, as it affects every gradient: placed at the first gradient that was computed."""
    first, step = read.first, seen.steps[0]
    made = first_slope(step.roles, seen.tapes, step.readings[0])
    if first is None or first.place or made is None or Path(made.site.file).name != seen.source.name:
        return read
    head = replace(first, place=f"at or after {line_in_words(seen, made.site)}")
    return replace(read, diagnoses=tuple(head if d is first else d for d in read.diagnoses))


def by_the_batch(seen: Watched) -> bool:
    """Are gradients of the program's own loss too large by a factor that is the number of examples?"""
    step = seen.steps[0]
    loss, rows = step.readings[0].loss, step.readings[0].rows
    examples = {n for label in step.roles.labels for n in label.shape if n > 2}
    if loss.node is None or not examples:
        return False
    factors = [c for row in rows for c in factors_on_the_way(seen, row)]
    return any(abs(c / n - 1) < ALIKE for c in factors for n in examples)


def line_number(seen: Watched, place: str) -> int:
    """The number of a line from the words for it."""
    return next((k for k in range(1, len(seen.source.lines) + 1) if seen.source.where(k) == line_alone(place)), 0)


BY_THE_BATCH = ("scale.N",)
"""The catalogue's mistake of a gradient that is summed where the loss is a mean."""


def line_alone(place: str) -> str:
    """Line 54 of "line 54:  db2 = …"."""
    return place.partition(":")[0].removeprefix("at or after ")


def watched_or_called(path: Path, source: Source, data: Data) -> Watched:
    """The program as it runs; where that decides nothing, its functions as nnref calls them."""
    return or_called(watch(path, source=source, data=data), path, source, data)


def left_open(seen: Watched) -> bool:
    """Is all right but what no step changes? A call of the functions, or their names, may not show that there is such.

    Something wrong may be named better by either.
    """
    right = settled(seen) is None and all(row.verdict == "ok" for row in seen.rows)
    return right and bool(left_alone(seen) or entries_left_alone(seen))


def or_called(seen: Watched, path: Path, source: Source, data: Data) -> Watched:
    """What was recorded of the program; where that decides nothing, what was recorded by calling its functions."""
    if settled(seen) is not None or (seen.steps and seen.cut_short):
        return seen
    if left_open(seen):
        return seen
    if data is not None:  # reading by names can say what of the data does not fit the network
        return seen
    called = driven(path, source=source, data=data, seconds=PATIENCE - seen.seconds, ends=not seen.runs[0].stopped)
    return called if called is not None and called.steps and (settled(called) is not None or not seen.steps) else seen
