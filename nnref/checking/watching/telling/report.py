"""The certificate of a watched program: a row for each parameter, the first mistake, and what was not judged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from nnref.checking.results.certificate import Certificate
from nnref.checking.results.diagnosis import Diagnosis
from nnref.checking.results.entry import Entry, Worst
from nnref.checking.results.findings import Finding, patterns
from nnref.checking.watching.calculus.factors import half_of_the_digits
from nnref.checking.watching.meaning.losses import is_measure, losses
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.meaning.unjudged import first_state, other_entries
from nnref.checking.watching.meaning.updates import SHORT, parameter_name
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.sufficing import copies_and_multiples
from nnref.checking.watching.telling.between_steps import between_steps
from nnref.checking.watching.telling.cautions import cautions, multiple_of_own_slope, spread_out, wrapped
from nnref.checking.watching.telling.forgetting import entries_left_alone, left_alone, never_seen_to_learn
from nnref.checking.watching.telling.lines import as_found, is_own_file, line_in_words, place_of
from nnref.checking.watching.telling.mending import mended
from nnref.checking.watching.telling.other_losses import no_loss
from nnref.checking.watching.telling.renaming import renamed_before
from nnref.checking.watching.verdict.first_wrong import TAKEN_ELSEWHERE, FirstWrong, mistakes, of_failure
from nnref.checking.watching.verdict.guesses import UNKNOWN
from nnref.checking.watching.verdict.judging import CONTRADICTED, uphill
from nnref.checking.watching.verdict.right_values import with_most_right
from nnref.checking.watching.verdict.usual_factor import NOT_ONE
from nnref.checking.watching.verdict.verdicts import Judged, Reading
from nnref.checking.watching.watch import Step, Watched, told

LINES = 4
"""Most lines that a note names."""


def settled(watched: Watched) -> bool | None:
    """Is the gradient right: True, False, or None where watching does not decide?"""
    if not watched.steps:
        return None
    shown = step_shown(watched)
    entries = report_entries(watched, shown, shown.readings[0])
    role = watched.steps[0].roles
    beside = any(True for _ in between_steps(watched)) or own_loss_apart(watched)
    wrong = any(e.verdict == "WRONG" for e in entries) or beside
    if watched.broken is not None and not wrong:
        return False if all(e.verdict == "ok" for e in entries) else None
    open_ends = watched.unfinished, watched.unjudged, watched.untried, watched.beyond, other_entries(role)
    left = any((*open_ends, left_alone(watched), entries_left_alone(watched)))
    loss = shown.readings[0].loss
    given = loss.given is not None and not loss.rule  # the slope itself was not judged
    told = not (left or given) and all(e.verdict == "ok" for e in entries) and multiple_of_own_slope(watched) is None
    return False if wrong else True if told else None


def certificate(watched: Watched, mend: bool = True) -> Certificate:
    """The report of a watched program; mend says whether to search for the line to try.

    Errors: ValueError if no step of it could be judged.
    """
    if not watched.steps:
        raise ValueError(f"nothing can be reported: {watched.why}")
    shown = step_shown(watched)
    reading = shown.readings[0]
    entries = report_entries(watched, shown, reading)
    found = list(mistakes_of(watched)) if any(e.verdict == "WRONG" for e in entries) else []
    if not found and watched.broken is not None:
        found = [of_failure(shown.roles, watched.tapes, reading, watched.broken)]
    diagnoses = [diagnosis(watched, shown, m) for m in found]
    if mend and found and found[0].kind != NOT_ONE and is_own_file(watched, found[0].site):
        diagnoses[0] = with_line_to_try(watched, found[0], diagnoses[0])
    diagnoses += list(between_steps(watched))
    other = own_loss_apart(watched)
    if other is not None and not found:
        diagnoses.insert(0, other)
        entries = [disowned(entry) for entry in entries]
    right = settled(watched)
    return Certificate(
        title=watched.source.name,
        reading=described(watched, reading, entries),
        entries=tuple(entries),
        method=f"reverse mode over the recorded step, one factor in {len(watched.tapes)} runs with other numbers",
        settings={"loss": loss_in_words(watched, reading), "runs": len(watched.tapes), "how": watched.how},
        gradient_of_own_loss=right,
        same_loss=None,
        part="loss",
        apart="it is taken as it stands" if reading.loss.node else no_loss(watched),
        diagnoses=tuple(diagnoses),
        notes=(*watched.notes, *unfinished(watched), *beside(watched, right)),
        watched=watched,
    )


def beside(watched: Watched, right: bool | None) -> tuple[str, ...]:
    """The remarks on a program; on a wrong one only those on what may be its mistake."""
    role = watched.steps[0].roles
    if right is not False:
        return (*wrapped(watched, role), *cautions(watched))
    apart = () if own_loss_apart(watched) else spread_out(watched, role)
    return (*apart, *wrapped(watched, role), *right_for_another_loss(watched))


def right_for_another_loss(watched: Watched) -> Iterator[str]:
    """The remark that gradients which are wrong for the program's own loss are all right for a usual one."""
    first, *others = step_shown(watched).readings
    mine = first.loss.node
    of_decay = any(row.kind == "decay" for row in first.rows)
    for other in others if mine is not None and not (first.all_right or of_decay) else ():
        usual = other.loss.node is None and other.loss.given is None and not any(row.decay for row in other.rows)
        if mine is not None and other.all_right and usual:
            line = place_of(watched, mine.site)
            yield f"all gradients are right for {other.loss.name}: if that is meant, the mistake is the loss of {line}"
            return


@lru_cache(maxsize=1)
def mistakes_of(watched: Watched) -> tuple[FirstWrong, ...]:
    """The first mistake of every wrong gradient, found once for all that is said of one program."""
    shown = step_shown(watched)
    likeliest = with_most_right(shown.roles, watched.tapes, shown.readings)
    return tuple(mistakes(shown.roles, watched.tapes, likeliest))


def unfinished(watched: Watched) -> list[str]:
    """Notes: what ended the program after the step, and what the step changes without being judged."""
    return [
        *stopped(watched),
        *without_labels(watched),
        *never_seen_to_learn(watched),
        *out_of_reach(watched),
        *one_of_many(watched),
        *(f"class {name} is not judged: nothing that was watched updates it" for name in watched.untried),
        *trained_later(watched),
        *losses_tried(watched),
        *given(watched),
    ]


def trained_later(watched: Watched) -> list[str]:
    """The note on lines that train after what was watched."""
    more = f" and {len(watched.beyond) - LINES} more" if len(watched.beyond) > LINES else ""
    said = f"{', '.join(watched.beyond[:LINES])}{more}"
    return [f"{said}: trains after what was watched, and could not be judged"] if watched.beyond else []


def given(watched: Watched) -> list[str]:
    """The note on a slope that was taken as given, as its loss is unknown."""
    loss = step_shown(watched).readings[0].loss
    if loss.given is None or loss.rule:
        return []
    line = place_of(watched, loss.given.site)
    return [
        f"the slope at {line} is taken as given, for its loss is not known: what is made of it is judged, and it is "
        "not. Compute the loss that is meant in the file, even to print it, and it is judged too"
    ]


def one_of_many(watched: Watched) -> list[str]:
    """The note on arrays updated part by part in a loop, of which only the first part is judged."""
    said = []
    for update, more in other_entries(watched.steps[0].roles).items():
        name, line = parameter_name(update.base, update.new), place_of(watched, update.end.site)
        said.append(
            f"{line} updates {more + 1} parts of {name} one by one, of which the first is judged: "
            f"{name} -= … for the whole array would be judged whole"
        )
    return said


def out_of_reach(watched: Watched) -> list[str]:
    """The note on numbers that a line updates without a verdict, as those of units that are off for all examples."""
    shown = step_shown(watched)
    role, said = shown.roles, []
    for group in groups(shown.readings[0]):
        ends = [row.update.new for row in group if row.update.new is not None]
        if len(ends) < 2 or ends[0].shape or ends[0].site != ends[-1].site:
            continue
        here = role.graph.tape[role.begin + 1 : max(n.index for n in ends) + 1]
        more = sum((n.site, n.op) == (ends[0].site, ends[0].op) for n in here) - len(ends)
        if more:
            where = place_of(watched, ends[0].site)
            said.append(f"{where} updates {more} more numbers, which reach no output in this step")
    return said


def losses_tried(watched: Watched) -> list[str]:
    """The note on the losses tried, where a file has none and its gradient fits none of them."""
    step = step_shown(watched)
    if not any(row.kind == UNKNOWN for row in step.readings[0].rows):
        return []
    names = dict.fromkeys(loss.name for loss in losses(step.roles, watched.tapes) if loss.node is None)
    return [f"the file has no loss of its own, and what it steps along is the slope of none of {', '.join(names)}"]


def stopped(watched: Watched) -> list[str]:
    """The note on what ended the program after the step: an error, or the limit of the recording."""
    failure = watched.runs[0].failure if not watched.guessed else None
    left = ", ".join(name_of_left(watched, n) for n in watched.unfinished)
    if failure is None or watched.source.apart:
        return [f"the record was full before the program updates {left}: not judged"] if left else []
    where = place_of(watched, failure.site)
    says = f"the program stops at {where} with {' '.join(failure.says.split()).rstrip('.')}"
    return [f"{says}, before it updates {left}" if left else says]


def without_labels(watched: Watched) -> list[str]:
    """The note on parameters that change without any label, and are not judged."""
    said = []
    for u in watched.unjudged:
        name, where = parameter_name(first_state(u.base), u.new), place_of(watched, u.end.site)
        if watched.steps[0].roles.of_labels[u.step.index]:
            said.append(f"{name} is changed in {where}, in rows that what is taken for the labels chooses: not judged")
        else:
            says = f"{name} is changed in {where} by something that does not depend on the labels: not judged"
            said.append(f"{says}. If it is meant to learn, its gradient is wrong")
    return said


def name_of_left(watched: Watched, node: Node) -> str:
    """What the program calls a parameter that was drawn and scaled."""
    same = copies_and_multiples(watched.roles.graph, node) if watched.roles is not None else []
    return parameter_name(next((n for n in same if n.names), node))


def step_shown(watched: Watched) -> Step:
    """The step to report: the first in which something is wrong, else the first."""
    wrong = (s for s in watched.steps if any(row.verdict == "WRONG" for row in s.readings[0].rows))
    return next(wrong, watched.steps[0])


def report_entries(watched: Watched, shown: Step, reading: Reading) -> list[Entry]:
    """One row for each parameter; parts that are updated one by one are combined."""
    known = told(watched.steps)
    names: dict[str, int] = {}
    entries = []
    for group in groups(reading):
        untold = (row.verdict == "cannot tell" and row.kind not in (CONTRADICTED, UNKNOWN) for row in group)
        kept = [known.get(row.update, row) if open_ else row for row, open_ in zip(group, untold, strict=True)]
        name = parameter_name(group[0].update.base, group[0].update.new, group[0].update.name)
        name = name if len(group) == 1 or group[0].update.base.shape else re.sub(r"(\[\d+\])+$", "", name)
        names[name] = names.get(name, 0) + 1
        name = name if names[name] == 1 else f"{name} #{names[name]}"
        kept = [replace(row, note=as_found(watched, row.note)) for row in kept]
        entries.append(entry(name, kept, half_of_the_digits(shown.roles.graph)))
    return entries


def groups(reading: Reading) -> list[list[Judged]]:
    """The rows grouped by parameter; numbers updated one after another on one line count as one parameter."""
    found: dict[object, list[Judged]] = {}
    for row in reading.rows:
        base = row.update.base
        alone = bool(base.shape) or row.update.new is None
        found.setdefault(base.index if alone else row.update.end.site, []).append(row)
    return list(found.values())


def entry(name: str, group: Sequence[Judged], tolerance: float) -> Entry:
    """Some judged rows of one parameter as one entry of the table.

    Some slopes may be 0, as those of a unit that is off: as in an array, the others are evidence.
    """
    seen_right = any(row.verdict == "ok" and not row.silent for row in group)
    worst: Worst | None = None
    size = sum(row.truth[0].size for row in group)
    wrong = untold = 0
    found: list[Finding] = []
    for row in group:
        if row.verdict == "WRONG":
            n, at, seen = compared(row, tolerance)
            wrong += n
            worst = worst or at
            found += [f for f in seen if f not in found]
        elif row.verdict == "cannot tell" and not (row.silent and seen_right):
            untold += row.truth[0].size
    verdict = "WRONG" if wrong else "cannot tell" if untold else "ok"
    shape = group[0].update.base.shape or (len(group),) if len(group) > 1 else group[0].update.old.shape
    said = next((row.note for row in group if row.verdict == "cannot tell"), "") if verdict != "ok" else ""
    notes = [Finding("note", row.note) for row in group if row.note and row.verdict != "cannot tell"][:1]
    where = tuple(found[:2] or notes)
    return Entry(name, shape, size, size, wrong, untold, 0, worst, verdict, where, said)


def compared(row: Judged, tolerance: float) -> tuple[int, Worst | None, tuple[Finding, ...]]:
    """For a wrong row: the number of wrong entries, the worst, and the pattern; in units of the gradient, if known."""
    truth = row.truth[0]
    given = row.given[0]
    if given.shape != truth.shape:
        return truth.size, None, (Finding("shape", row.note),)
    c = row.usual or 0.0
    if not c:
        return truth.size, None, (Finding("note", row.note),) if row.note else ()
    yours = given / c
    bar = np.full(truth.shape, tolerance * max(np.abs(truth).max(initial=0.0), np.abs(yours).max(initial=0.0)))
    off = np.abs(yours - truth) > bar
    if not off.any():
        return truth.size, None, (Finding("note", row.note),) if row.note else ()
    at = tuple(int(k) for k in np.unravel_index(int(np.argmax(np.abs(yours - truth))), truth.shape))
    worst = Worst(at, float(yours[at]), float(truth[at]), float(np.abs(yours - truth)[at] / max(bar.flat[0], 1e-300)))
    seen = patterns(yours, truth, bar, bar, np.ones(truth.shape, bool), off) if truth.ndim else ()
    return int(off.sum()), worst, (Finding("shape", row.note),) if row.note.startswith("shape") else tuple(seen)


def disowned(e: Entry) -> Entry:
    """The row as not right: it is right for another loss than the program's own."""
    return replace(e, verdict="WRONG", wrong=e.size, where=(), worst=None)


def gradient_name(watched: Watched, shown: Step, row: Judged) -> str:
    """The program's name for a parameter's gradient, or its expression."""
    named = [n.names[-1] for n in entered(shown.roles, row.update.step) if n.names]
    return (named[0] if named else f"d{parameter_name(row.update.base)}").removeprefix(SHORT)


def diagnosis(watched: Watched, shown: Step, mistake: FirstWrong) -> Diagnosis:
    """A mistake in the words of the report."""
    row = mistake.row
    name = (mistake.node.names or [gradient_name(watched, shown, row)])[-1].removeprefix(SHORT)
    used = [n.site.line for n in shown.roles.graph.users[mistake.node.index]]
    renamed = renamed_before(watched.source, mistake, used) if is_own_file(watched, mistake.site) else None
    line, certain = renamed or (mistake.site.line, mistake.certain)
    line = named_on(watched, mistake) or line
    where = line_in_words(watched, replace(mistake.site, line=line))
    return Diagnosis(
        None,
        name,
        as_found(watched, mistake.says[0].upper() + mistake.says[1:], mistake.site),
        of=row.truth[0].size,
        place=where if certain else f"at or after {where}",
    )


def with_line_to_try(watched: Watched, mistake: FirstWrong, said: Diagnosis) -> Diagnosis:
    """A mistake with the line to try; if that repairs everything, the place becomes certain."""
    line = named_on(watched, mistake) or mistake.site.line
    right = mended(watched, line, factor=mistake.kind == "factor", of=mistake.row)
    return replace(
        said, right=right, place=line_in_words(watched, replace(mistake.site, line=line)) if right else said.place
    )


def named_on(watched: Watched, mistake: FirstWrong) -> int | None:
    """The line on which a derivative of the wrong value was given its name by the caller; else None."""
    recorder, node = watched.runs[0].recorder, mistake.node
    lines = (recorder.sites[k] for k, _, named in recorder.stores if named is node)
    outside = (site.line for site in lines if site.function != node.site.function)
    return next(outside, None) if mistake.kind == TAKEN_ELSEWHERE else None


def own_loss_apart(watched: Watched) -> Diagnosis | None:
    """The note that the gradients are not those of the program's own loss, but of another."""
    readings = watched.steps[0].readings
    if readings[0].loss.node is not None or not readings[0].all_right:
        return None
    own = [r for r in readings if r.loss.node is not None and not is_measure(r.loss.node, watched.steps[0].roles)]
    if not own or any(uphill(r) for r in own):
        return None
    node = own[0].loss.node
    assert node is not None
    name = next(iter(node.names), "the loss")
    met = next(spread_out(watched, watched.steps[0].roles), "")
    first = [] if met else mistakes(watched.steps[0].roles, watched.tapes, own[0])
    line = f" of {place_of(watched, first[0].site)}" if first and first[0].site != node.site else ""
    says = f"The gradients{line} are those of {readings[0].loss.name}, and the loss of this line has other slopes."
    says = f"{says} {met[:1].upper()}{met[1:]}".strip()
    return Diagnosis(None, name, says, place=line_in_words(watched, node.site))


def loss_in_words(watched: Watched, reading: Reading) -> str:
    """Which loss the verdict is about."""
    node = reading.loss.node
    if reading.loss.rule:
        return f"{reading.loss.name}; the file has none of its own"
    if reading.loss.given is not None:
        return f"not known, and its slope in {place_of(watched, reading.loss.given.site)} is taken as given"
    if node is None:
        return f"{reading.loss.name}; {no_loss(watched).replace('none', 'no loss of its own')}"
    name = next(iter(node.names), "")
    own = f"{'minus ' if reading.loss.grows else ''}your own{f' {name}' if name else ''}"
    return f"{own}, {place_of(watched, node.site)}"


def described(watched: Watched, reading: Reading, entries: Sequence[Entry]) -> str:
    """What was judged, in one sentence: every updated parameter with the lines of its updates."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for group, e in zip(groups(reading), entries, strict=True):
        made = "updated" if group[0].update.new is not None else "gradient"
        lines = tuple(dict.fromkeys(place_of(watched, row.update.end.site) for row in group))
        found.setdefault((made, lines), []).append(e.name)
    parts = (f"{' '.join(names)} ({made} in {' and '.join(lines)})" for (made, lines), names in found.items())
    return f"watched {watched.how}: {', '.join(parts)}; loss: {loss_in_words(watched, reading)}"


__all__ = ["certificate", "settled"]
