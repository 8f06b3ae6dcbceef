"""Watch a program: run it, find the roles of its values, run it twice more with other numbers, and judge its steps."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from nnref.checking.reading.source import Source, SourceError, read_source
from nnref.checking.watching import world
from nnref.checking.watching.meaning.later_steps import next_step, with_late
from nnref.checking.watching.meaning.losses import OWN_LOSS, concerns, is_meant_too, own, same_labels
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.targets import Understood, understood
from nnref.checking.watching.meaning.unjudged import unjudged
from nnref.checking.watching.meaning.updates import Update
from nnref.checking.watching.program import Failure, Run, execute
from nnref.checking.watching.recording.recorder import Recorder
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.runs import Several, saturated
from nnref.checking.watching.sufficing import left_over, suffices_for
from nnref.checking.watching.verdict.guesses import believed
from nnref.checking.watching.verdict.judging import judge
from nnref.checking.watching.verdict.lineages import lineages
from nnref.checking.watching.verdict.on_the_way import leads_to_update
from nnref.checking.watching.verdict.verdicts import Judged, Reading

LIMIT = 60_000
"""Recorded values after which a program is stopped, if two steps have not been completed."""

SECONDS = 6.0
"""Seconds of a program that runs by itself."""

ENOUGH = 16_000
"""Recorded values without an update after which a program is run again with less data."""

HEAVY = 400e6
"""Bytes of values after which it is, too."""

AT_LENGTH: dict[str, Any] = {"share": 40, "seconds": 6.0}
"""Settings of such a second run: one row in `share` of the data, small sizes of what has a name, and the time limit."""

IN_SMALL = AT_LENGTH | {"side": world.SIDE}
"""Settings of such a run with small pictures."""

WITH_SMALL = (
    f"a step is too long to be recorded: judged with pictures of {world.SIDE} x {world.SIDE}, "
    "and with few examples and units"
)
"""What is said of such a run."""

TOO_LONG = 20_000
"""Recorded values of a second run with pictures, after which smaller ones are tried: each run of many takes seconds."""

SEEDS = (1, 2)
"""The seeds of the other runs."""

STEPS = 6
"""Most steps that are judged: with single examples, every unit may be on only after several."""

SPARE = 40
"""Recorded values that a changed program may need in addition to the first step."""

SLOW = 3.0
"""Seconds of a first run above which only one other run is made."""

NO_SLOPE = (
    "ran, and no loss could be made of what meets the labels: behind a threshold (np.where, a sign, ≥) an output has "
    "no slope, and a perceptron's rule is no gradient; labels that are whole numbers in plain lists are not recorded, "
    "as np.array(labels) is"
)
"""Reason for no verdict: updates depend on labels and are the slope of nothing."""

NO_NUMBERS = "ran, and what meets the labels is no number, or infinite: are such entries in the data?"
"""Why there is no verdict where the outputs of the step, or the labels, are not finite."""

LARGEST = 1e15
"""Literal numbers above this are no rates."""

Then = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, eq=False)
class Step:
    """One step: the roles of its values, and the verdicts under each loss, the likeliest first."""

    roles: Roles
    readings: tuple[Reading, ...]


@dataclass(frozen=True, eq=False)
class Watched:
    """A watched program: its runs and the judged steps; why says why there are none.

    again watches another source in the same way, with these seeds and the loss of this name. how says whether the file
    ran by itself or was called; apart, that labels were separated from data. untried are classes of a called file that
    no time was left for; beyond, lines that train after what was watched and were not judged; seconds is the time
    spent.
    """

    source: Source
    runs: tuple[Run, ...]
    roles: Roles | None
    steps: tuple[Step, ...]
    why: str = ""
    how: str = "as it runs"
    guessed: bool = False
    notes: tuple[str, ...] = ()
    again: Callable[[Source, Sequence[int], str], Watched] | None = None
    tapes: tuple[Sequence[Node], ...] = ()
    apart: bool = False
    untried: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def reading(self) -> Reading | None:
        """The verdicts of the first step, under the loss that is meant."""
        return self.steps[0].readings[0] if self.steps else None

    @property
    def broken(self) -> Failure | None:
        """The error in the first step, if it was raised before all updates.

        It counts only if it was raised on the way to an update, and not in printing or plotting.
        """
        failure = self.runs[0].failure if self.runs and not self.guessed else None
        if failure is None or self.roles is None or self.apart or not self.not_updated[0]:
            return None
        role, tape = self.roles, self.roles.graph.tape
        backward = [n for n in failure.inputs if n.index < len(tape) and role.of_labels[n.index]]
        inside = failure.site.file.endswith(self.source.name)
        on_the_way = not inside or leads_to_update(self.source, failure.site.line)
        return failure if on_the_way and any(role.graph.depends(n.index, role.parameters) for n in backward) else None

    @cached_property
    def not_updated(self) -> tuple[list[Node], bool]:
        """What went into the outputs, may be learnt and was not updated; and whether it is updated by name."""
        return left_over(self.roles, self.sources) if self.roles is not None else ([], False)

    @property
    def unfinished(self) -> list[Node]:
        """The parameters whose updates were not reached before the program or the recording ended."""
        left, known = self.not_updated
        failure = self.runs[0].failure if self.runs and not self.guessed else None
        ended = self.cut_short or (failure is not None and self.broken is None)
        return left if ended and known else []

    @property
    def cut_short(self) -> bool:
        """Did the recording or the time end before two steps were completed?"""
        return bool(self.runs) and self.runs[0].stopped and not self.runs[0].recorder.sufficed

    @cached_property
    def sources(self) -> list[Source]:
        """The file, and the modules of the program that it imports."""
        return sources_of(self.source, self.runs[0].recorder.files if self.runs else ())

    @cached_property
    def unjudged(self) -> list[Update]:
        """What the first step changes without labels, though outputs depend on it; of the first recorded one too."""
        if not self.steps or self.roles is None:
            return []
        judged = self.steps[0].roles
        found = unjudged(judged)
        told = {u.end.site for u in (*judged.updates, *found)}
        earlier = [] if judged is self.roles else unjudged(self.roles)
        return [*found, *(u for u in earlier if u.end.site not in told)]

    @property
    def rows(self) -> tuple[Judged, ...]:
        """The verdict on each update of the first step."""
        return self.reading.rows if self.reading else ()


def sources_of(source: Source, files: Iterable[str]) -> list[Source]:
    """A file, and the other files of its program."""
    found = [source]
    for file in files:
        with suppress(SourceError, OSError):
            found += [read_source(Path(file))] if not file.endswith(source.name) else []
    return found


def numbers_in(sources: Sequence[Source]) -> frozenset[float]:
    """The numbers that are written out in a program."""
    found: Iterator[Any] = (n.value for source in sources for n in source.nodes if isinstance(n, ast.Constant))
    return frozenset(abs(float(value)) for value in found if type(value) in (int, float) and abs(value) < LARGEST)


def watch(
    path: Path,
    *,
    source: Source | None = None,
    data: Any = None,
    definitions: bool = False,
    then: Then | None = None,
    how: str = "as it runs",
    guessed: bool = False,
    seeds: Sequence[int] = SEEDS,
    limit: int = LIMIT,
    seconds: float = SECONDS,
    meant: str = "",
) -> Watched:
    """Watch a file run by itself, for so many seconds, or, with `then`, what is done with its definitions."""
    source = source or read_source(path)
    path, begin = path.resolve(), process_time()
    given: dict[str, Any] = {"data": data, "definitions": definitions, "then": then}
    settings = dict(given)
    if then is not None:
        settings["name"] = "watched"
    first, seen = understood_run(source, path, settings, limit, seconds)
    if seen.role is None:
        spent = process_time() - begin
        return Watched(source, (first,), None, (), unread(first, source), how, guessed, seconds=spent)
    recorder = first.recorder
    length = needed(seen.role, first.tape) if recorder.sufficed else recorder.limit
    same = {"limit": length, "share": recorder.share, "side": recorder.side}

    def again(**recorded: Any) -> Run:
        return execute(source, path, Recorder(seconds=recorder.seconds, **recorded), **settings)

    all_of_them = Several(again, (first,), seen, same, [WITH_SMALL] if recorder.side != world.FULL else [])
    all_of_them.settle()
    tapes = all_of_them.others(tuple(seeds) if process_time() - begin < SLOW else tuple(seeds)[:1])
    runs, role, notes = all_of_them.runs, all_of_them.role, tuple(all_of_them.notes)
    steps = judged_steps(role, tapes, meant, numbers_in(sources_of(source, first.recorder.files)))
    why = "" if steps else NO_SLOPE if are_finite(role, tapes) else NO_NUMBERS

    numbers = any(np.prod(u.base.shape, dtype=int) == 1 for u in role.updates)  # any is a multiple of any other
    enough = role.last * (2 if numbers else 1) + max(SPARE, role.last // 8)

    def once_more(other: Source, seeds: Sequence[int], meant: str) -> Watched:
        same = {**given, "how": how, "guessed": guessed}
        return watch(path, source=other, seeds=seeds, limit=enough, meant=meant, **same)

    found = Watched(source, runs, role, steps, why, how, guessed, notes, once_more, tuple(tapes), all_of_them.apart)
    return replace(found, seconds=process_time() - begin)


def are_finite(role: Roles, tapes: Sequence[Sequence[Node]]) -> bool:
    """Are the outputs and the labels that they meet finite numbers, in every run?"""
    met = [n.index for m in role.meetings for n in (m.output, m.labels)]
    values = (tape[k].value for tape in tapes for k in met if k < len(tape))
    return all(np.isfinite(v).all() for v in values if v is not None)


def needed(role: Roles, tape: Sequence[Node]) -> int:
    """Number of values to record in other runs: that of the first, or two steps and a little of a long one."""
    after = next_step(role) if len(tape) > ENOUGH else None
    if after is None or len(after.updates) < len(role.updates):
        return len(tape)
    return min(len(tape), after.last + max(SPARE, (after.last - role.last) // 8))


def understood_run(
    source: Source, path: Path, settings: dict[str, Any], limit: int, seconds: float = SECONDS
) -> tuple[Run, Understood]:
    """The first run, with less data where its record was full before anything was updated."""
    longer: dict[str, Any] = {"seconds": seconds} if settings["then"] is None else {}
    first, seen = first_run(source, path, settings, patience=ENOUGH, limit=limit, **longer)
    if seen.role is not None or not first.stopped:
        return first, seen
    stopped: tuple[Run, Understood] | None = None
    for more in less_and_less(path, first, limit):
        fewer, with_fewer = first_run(source, path, settings, **more | longer)
        if with_fewer.role is not None:
            return fewer, with_fewer
        if fewer.stopped and more["limit"] == limit:
            stopped = fewer, with_fewer
    if stopped is not None:
        return stopped  # with all of its data its first update would come no sooner
    return first_run(source, path, settings, limit=limit, **longer) if len(first.tape) < limit else (first, seen)


def less_and_less(path: Path, first: Run, limit: int) -> Iterator[dict[str, Any]]:
    """The settings of further runs of a program that was stopped: with fewer rows, then with small pictures too.

    Where there are pictures, fewer rows alone are soon given up, and tried at length only after them.
    """
    pictures = first.made_up and world.shows_pictures(path)
    if first.made_up or world.has_sizes(path):
        yield AT_LENGTH | {"limit": min(limit, TOO_LONG) if pictures else limit}
    if pictures:
        yield IN_SMALL | {"limit": limit}
        yield AT_LENGTH | {"limit": limit}


def first_run(
    source: Source, path: Path, settings: dict[str, Any], *, patience: int | None = None, **recorded: Any
) -> tuple[Run, Understood]:
    """One run of a program, with the roles of its values.

    It is stopped if nothing is updated within `patience` values, or within HEAVY bytes: with less data, or smaller
    sizes, an update may come sooner.
    """
    recorder = Recorder(**recorded)
    last: list[Understood] = []

    @cache
    def sources(files: frozenset[str]) -> list[Source]:
        return sources_of(source, sorted(files))

    def suffices(tape: Sequence[Node]) -> bool:
        last[:] = [understood([tape])]
        heavy = len(tape) > (patience or 0) or recorder.bytes > HEAVY
        if patience is not None and last[0].role is None and heavy:
            recorder.limit = len(tape)
        return suffices_for(last[0].role, tape, sources(frozenset(recorder.files)))

    recorder.suffices = suffices
    run = execute(source, path, recorder, **settings)
    if recorder.sufficed and not recorder.pairs:
        return run, last[0]  # it was stopped there, and nothing came after
    return run, understood([run.tape], recorder.pairs)


def judged_steps(
    role: Roles, tapes: Sequence[Sequence[Node]], named: str = "", written: frozenset[float] = frozenset()
) -> tuple[Step, ...]:
    """The verdicts of the first step and, until enough is decided, of the next ones, under the first one's loss.

    written are the numbers that are written out in the program.
    """
    found: list[Step] = []
    before: Roles | None = None
    now: Roles | None = role
    if (after := with_late(role)) is not None and after.last < len(tapes[0]):
        before, now = role, after
    while now is not None and now.last < len(tapes[0]) and len(found) < STEPS:
        loss = found[0].readings[0].loss if found else None
        site = loss.node.site if loss is not None and loss.node is not None else None
        meant = loss.name if loss is not None else named
        readings = believed(now, tapes, judge(now, tapes, before, meant, written, site))
        if found and is_of_another_step(now, readings):
            readings = believed(now, tapes, judge(now, tapes, before, named, written))
        if found and (is_of_another_step(now, readings) or any(saturated(now, tape) for tape in tapes)):
            break
        if readings:
            found.append(Step(now, readings))
        if before is None and (late := with_late_loss(now, readings, tapes, written)) is not None:
            found, now = [late], late.roles
        if enough(found):
            break
        before, now = now, next_step(now)
    return tuple(found)


def is_of_another_step(role: Roles, readings: Sequence[Reading]) -> bool:
    """Does the likeliest loss belong to another step?"""
    loss = readings[0].loss.node if readings else None
    return loss is not None and not concerns(role, loss)


def with_late_loss(
    role: Roles, readings: Sequence[Reading], tapes: Sequence[Sequence[Node]], written: frozenset[float]
) -> Step | None:
    """The verdicts of the second step, where the program computes its loss after the updates and no other loss fits.

    A loss printed with the new parameters belongs to the step that begins from them, if that has the same labels. Where
    another loss fits, it has to be a standard one of the very outputs of that step.
    """
    if not readings or any(r.loss.node is not None for r in readings):
        return None
    after = next_step(role)
    if after is None or after.last >= len(tapes[0]) or len(after.updates) < len(role.updates):
        return None
    another, mine = readings[0].all_right, own(after)
    if another and not any(is_meant_too(after, tapes, loss, readings[0].loss.name) for loss in mine):
        return None
    if not another and not any(same_labels(after, loss) for loss in (*mine, *own(after, distances=True))):
        return None
    late = judge(after, tapes, role, OWN_LOSS, written)
    return Step(after, late) if late and not (another and late[0].all_right) else None


def enough(found: Sequence[Step]) -> bool:
    """Is something wrong, or has every parameter been right in some step, and the following step too?"""
    if any(row.verdict == "WRONG" for step in found for row in step.readings[0].rows):
        return True
    known = told(found[:-1]) if len(found) > 1 else {}
    return bool(known) and all(row.update in known for row in found[0].readings[0].rows)


def told(found: Sequence[Step]) -> dict[Update, Judged]:
    """For each update of a parameter that was right in some step, that verdict.

    A step whose slope is only taken as given says nothing of one where a loss was looked for.
    """
    same = lineages([step.roles.updates for step in found])
    looked_at = [step for step in found if not is_given(step) or is_given(found[0])]
    rows = [row for step in looked_at for row in step.readings[0].rows if row.verdict == "ok"]
    by_part = {same[row.update]: row for row in rows[::-1] if not row.silent}
    known = {update: by_part[part] for update, part in same.items() if part in by_part}
    return {row.update: row for row in rows if row.update not in known} | known


def is_given(step: Step) -> bool:
    """Is the slope of the outputs taken as given in a step, as that of a loss that nobody knows?"""
    loss = step.readings[0].loss
    return loss.given is not None and not loss.rule


def unread(run: Run, source: Source) -> str:
    """Why nothing could be judged: there is no update, or the recording was full before one."""
    count = f"{len(run.tape):,} array operations"
    none = "array was changed by something that depends on labels"
    if run.stopped and run.tape:
        (file, often), times = Counter((n.site.file, n.site.line) for n in run.tape if n.site.line).most_common(1)[0]
        why = "its time was up" if not run.recorder.in_time else "the record was full"
        line = source.where(often) if file.endswith(source.name) else f"{Path(file).name}, line {often}"
        here = f"{times:,} of them in {line}, as where data are made, or layers computed, number by number"
        return f"was stopped after {count}, {here}: {why} before any {none}; try it with less data, or with --data"
    return f"ran, {count}, and no {none}{ending(run, source)}"


def ending(run: Run, source: Source) -> str:
    """The error that ended a program, with the program's own line; "" if it ran to its end."""
    if run.error is None:
        return ""
    site = run.failure.site if run.failure is not None else None
    here = "" if site is None else source.where(site.line)
    if site is not None and not site.file.endswith(source.name):
        here = f"{Path(site.file).name}, line {site.line}"
    says = f"{type(run.error).__name__}: {run.error}".strip(" .:")
    return f"; it stopped in {here} with {says}" if here else f"; it stopped with {says}"
