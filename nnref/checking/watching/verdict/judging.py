"""The verdict on each parameter: its step must be one multiple, in every run, of ∂L/∂(the parameter)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE, factor_tolerance, half_of_the_digits, multiple, with_part
from nnref.checking.watching.calculus.graph import base_of, before_decay, bits_of, through
from nnref.checking.watching.calculus.slopes import Choice, slopes
from nnref.checking.watching.meaning.losses import OWN_LOSS, Loss, is_proper, losses
from nnref.checking.watching.meaning.optimisers import alike_in_all, noise_added
from nnref.checking.watching.meaning.other_parts import beginning
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.rates import of_one_kind, way_to_step
from nnref.checking.watching.meaning.updates import ROWS, Update, adds_again, step_in
from nnref.checking.watching.recording.tape import Node, Site, words
from nnref.checking.watching.verdict.choices import choices
from nnref.checking.watching.verdict.corrections import LEFT_OUT, wrong_correction
from nnref.checking.watching.verdict.decay_terms import decay_apart, terms_of_decay, with_decay
from nnref.checking.watching.verdict.draws import draw_in_words, draw_on_the_way
from nnref.checking.watching.verdict.going_on import going_on
from nnref.checking.watching.verdict.grown import grown_memory
from nnref.checking.watching.verdict.later_passes import of_later_passes
from nnref.checking.watching.verdict.memory import within_memory
from nnref.checking.watching.verdict.newton import SAYS as NEWTON
from nnref.checking.watching.verdict.newton import divided
from nnref.checking.watching.verdict.opposite_rates import at_opposite_rates
from nnref.checking.watching.verdict.remembered import MEMORY, added_to_last, entering, goes_back, not_grown, remembers
from nnref.checking.watching.verdict.taken_out import zeros
from nnref.checking.watching.verdict.usual_factor import NOT_ONE, Usual, most_common, of_both
from nnref.checking.watching.verdict.verdicts import GROWS, NO_EVIDENCE, Judged, Laid, Reading, Slopes, at_their_rates

Array = np.ndarray[Any, Any]
Tape = Sequence[Node]


def judge(
    role: Roles,
    tapes: Sequence[Tape],
    before: Roles | None = None,
    named: str = "",
    written: frozenset[float] = frozenset(),
    site: Site | None = None,
) -> tuple[Reading, ...]:
    """The verdicts under every loss that may be meant, the best first; () where none can be made.

    before is the previous step, whose gradients an optimiser may remember; named and site, the loss meant there and
    where the program computes it; written, the literal numbers of the program.
    """
    likely = [loss for loss in losses(role, tapes) if loss.node is not None or not role.unlabelled]
    same = [loss for loss in likely if loss.name == named]
    same = [loss for loss in same if loss.node is not None and loss.node.site == site] or same
    found: list[Reading] = []
    distances: list[Reading] = []
    for choice in choices(role, tapes, likely):
        for loss in same or in_turn(role, tapes, likely, choice):
            reading = under(role, tapes, loss, choice, before, written)
            if reading is not None:
                (distances if loss.distance and not reading.all_right else found).append(reading)
                if reading.all_right:
                    return meant_first(role, tapes, found, written)
    most = max((r.right for r in found), default=0)
    ranked = meant_first(role, tapes, [*found, *(r for r in distances if r.right > most)], written)
    if (unsaid := next((r for r in found if r.loss.unweighted), None)) is not None:
        return (without_weights(unsaid),)
    if ranked and not ranked[0].all_right and is_flat(likely, ranked):
        return ()  # the program's own loss has no slope in this step: a guess would be no better
    return ranked if same or named != OWN_LOSS else tuple(r for r in ranked if is_evidence(r))


def is_flat(likely: Sequence[Loss], found: Sequence[Reading]) -> bool:
    """Has the program's own loss no slope in this step, as where a table begins with zeros?"""
    own = any(loss.node is not None and not loss.distance for loss in likely)
    return own and not any(r.loss.node is not None for r in found)


def without_weights(reading: Reading) -> Reading:
    """The reading with wrong rows left open that may be right with unknown weights of several losses."""
    says = "the file has a loss for each output and nowhere their sum: with other weights this may be right"
    rows = [replace(r, verdict="cannot tell", note=says) if r.verdict == "WRONG" else r for r in reading.rows]
    return replace(reading, rows=tuple(rows))


def is_evidence(reading: Reading) -> bool:
    """Can this reading be evidence in a step without the program's own loss, as where that is only computed sometimes?

    Not if few rows have a slope: a hinge with all margins met has none, and only decay is left.
    """
    right = sum(row.verdict == "ok" and not row.silent for row in reading.rows)
    return 2 * right >= len(reading.rows) or any(row.kind == "adds up" for row in reading.rows)


def in_turn(role: Roles, tapes: Sequence[Tape], likely: Sequence[Loss], choice: Choice) -> Iterator[Loss]:
    """The program's own losses, then the guessed ones under which most rows are right in the first run."""
    yield from (loss for loss in likely if loss.node is not None)
    scored = []
    for loss in likely:
        if loss.node is None:
            first = under(role, tapes[:1], replace(loss, seeds=loss.seeds[:1]), choice, None)
            scored.append((first.fits if first else (0, 0, 0), loss))
    best = max((score for score, _ in scored), default=(0, 0, 0))
    yield from (loss for score, loss in scored if score == best)


def under(
    role: Roles,
    tapes: Sequence[Tape],
    loss: Loss,
    choice: Choice,
    before: Roles | None,
    written: frozenset[float] = frozenset(),
) -> Reading | None:
    """The verdicts under one loss; None if they are no evidence."""
    wanted = role.graph.dependent(role.parameters)
    made = [slopes(tape, seeds, wanted, choice) for tape, seeds in zip(tapes, loss.seeds, strict=True)]
    known, lost = [s for s, _ in made], tuple(made[0][1])
    rows = verdicts(role, tapes, known, lost, before, loss, written)
    if rows is None:
        return None
    reading = Reading(loss, rows, tuple(known), choice, lost, most_common(rows, factor_tolerance(role.graph)))
    if loss.node is not None and uphill(reading) and is_likelihood(role, tapes, reading):
        turned = replace(loss, seeds=tuple({k: -v for k, v in seeds.items()} for seeds in loss.seeds), grows=True)
        return under(role, tapes, turned, choice, before, written)
    return reading


def is_likelihood(role: Roles, tapes: Sequence[Tape], reading: Reading) -> bool:
    """Does the program's own scalar grow with the logarithms of all its probabilities?

    Then what goes up is right: it is a likelihood, or a reward, that is to grow.
    """
    if reading.loss.grows or reading.loss.node is None:
        return False
    above = role.graph.above[reading.loss.node.index]
    logs = [n for n in (role.graph.tape[k] for k in bits_of(above)) if n.op in LOGARITHMS]
    logs = [n for n in logs if role.graph.depends(n.index, role.parameters)]
    for tape, slope in zip(tapes, reading.slopes, strict=True):
        values = [(tape[n.index].value, slope.get(n.index)) for n in logs]
        if not all(v is not None and g is not None and np.all(v <= 0) and np.all(g >= 0) for v, g in values):
            return False
    return bool(logs)


LOGARITHMS = words("log log2 log10")
"""Operations that make logarithms of probabilities."""


def meant_first(
    role: Roles, tapes: Sequence[Tape], found: Sequence[Reading], written: frozenset[float]
) -> tuple[Reading, ...]:
    """The readings, the loss that is meant first: the program's own if it fits as well as any."""
    known = ((has_its_decay(role, r), r.all_right, r.fits[2], r.loss.node is not None, r.fits) for r in found)
    ranked = [r for _, r in sorted(zip(known, found, strict=True), key=lambda pair: pair[0], reverse=True)]
    if ranked and ranked[0].loss.node is None:
        mine = [r for r in ranked if r.loss.node is not None and not uphill(r)]
        proper = [r for r in mine if r.loss.node is not None and is_proper(role, tapes[0], r.loss.node)]
        guess, as_good = ranked[0], any(r.right >= ranked[0].right for r in proper)
        if guess.all_right or as_good or 2 * guess.right < len(guess.rows):
            ranked = [*proper, *(r for r in ranked if r not in proper)]
    return tuple(at_their_rates(role, at_opposite_rates(role, reading, written), written) for reading in ranked)


def has_its_decay(role: Roles, reading: Reading) -> bool:
    """Is the slope of a parameter right, decay and all, of which the program's own loss has a decay?

    Then it is meant, though of a loss without decay all may be right: beside its slopes any decay is.
    """
    if reading.loss.node is None:
        return False
    terms = terms_of_decay(role, reading.loss.node)
    right = [row.update.base for row in reading.rows if row.verdict == "ok" and not row.silent]
    return any(role.graph.depends(term.index, 1 << base.index) for term in terms for base in right)


def uphill(reading: Reading) -> bool:
    """Are all gradients those of minus the loss, as for a likelihood that is maximised?"""
    c = reading.factor
    factors = [row.own for row in reading.rows if not row.silent]
    return c is not None and c < 0 and all(f is not None and abs(f / c - 1) <= ALIKE for f in factors)


def verdicts(
    role: Roles,
    tapes: Sequence[Tape],
    known: Sequence[Slopes],
    lost: tuple[Node, ...],
    before: Roles | None,
    loss: Loss,
    written: frozenset[float] = frozenset(),
) -> tuple[Judged, ...] | None:
    """The verdict on each update by itself, then against the factor that most have."""
    rows = of_later_passes(role, [by_itself(role, update, tapes, known, before) for update in role.updates])
    rows = within_memory(role, rows, tapes) if before is not None else rows
    if loss.node is not None and (terms := terms_of_decay(role, loss.node)):
        says = "the decay is not that of the loss"
        rows = [with_first_decay(role, r, tapes) if in_terms(role, r, terms) else r for r in rows]
        rows = [replace(r, verdict="WRONG", note=says, kind="decay", factor=None) if r.decay else r for r in rows]
    else:
        rows = [replace(r, verdict="WRONG", note=GROWS, kind="decay", factor=None) if r.decay < 0 else r for r in rows]
    rows = [not_grown(well_corrected(role, row)) for row in rows]
    flat = not lost and not any(t.any() for row in rows for t in row.truth)
    if flat or all(row.silent for row in rows):
        return None  # this loss has no slope anywhere: no evidence, and another kind of rule may be right
    groups = [kind for network in networks(role, rows) for kind in comparable_rows(role, rows, network)]
    usual = Usual(role, tapes, loss, rows, written)
    for kind in groups:
        found = usual.ranked([rows[k] for k in kind])
        factor = found[0][0].own if found else None
        alone = sum(rows[k].own is not None for k in kind) == 1
        apart = {id(row) for row in usual.undecided(found)}
        for k in kind:
            open_ = id(rows[k]) in apart
            rows[k] = beside(zeros(role, rows[k], known, factor, tapes), factor, alone, factor_tolerance(role.graph))
            if open_ and rows[k].verdict in ("ok", "WRONG"):
                rows[k] = replace(rows[k], verdict="WRONG", kind=NOT_ONE, note=of_both(found))
    draw = draw_on_the_way(role, loss) if any(row.verdict == "WRONG" for row in rows) else None
    why = "" if draw is None else draw_in_words(draw)
    why = f"{lost[0].op}, line {lost[0].site.line}, has no slope that is known" if lost else why
    if why:
        rows = [row if row.verdict != "WRONG" else replace(row, verdict="cannot tell", note=why) for row in rows]
    return tuple(rows)


def in_terms(role: Roles, row: Judged, terms: Sequence[Node]) -> bool:
    """Does the loss have a decay of this parameter?"""
    return any(role.graph.depends(term.index, 1 << row.update.base.index) for term in terms)


def with_first_decay(role: Roles, row: Judged, tapes: Sequence[Tape]) -> Judged:
    """The verdict on the whole step, where the parameter decays first: w * (1 - lr * λ) - lr * dw."""
    begun, old = before_decay(row.update.old), row.update.old
    if begun is old or row.given[0].shape != begun.shape:
        return row
    first = [np.asarray(tape[begun.index].value, float) for tape in tapes]
    lost = [f - np.asarray(tape[old.index].value, float) for f, tape in zip(first, tapes, strict=True)]
    whole, tolerance = tuple(g + part for g, part in zip(row.given, lost, strict=True)), half_of_the_digits(role.graph)
    if (c := multiple(whole, row.truth, tolerance)) is not None:
        return replace(row, given=whole, verdict="ok", factor=c, decay=0.0, note="")
    ways = (with_part(whole, row.truth, part, tolerance) for part in (first, [np.sign(f) for f in first]))
    both = next((found for found in ways if found is not None), None)
    return row if both is None else replace(row, given=whole, verdict="ok", factor=both[0], decay=both[1] / both[0])


def well_corrected(role: Roles, row: Judged) -> Judged:
    """The verdict on an optimiser's step from a right gradient: its averages may be wrong."""
    if row.verdict == "ok" and (grown := grown_memory(role, row.update)) is not None:
        return replace(row, verdict="WRONG", note=grown[1], kind="correction", entry=grown[0], factor=None, inner=None)
    wrong = wrong_correction(role, row.update) if row.verdict == "ok" and row.inner else None
    if wrong is None:
        return row
    node, says, certain = wrong
    kind = "correction" if certain else LEFT_OUT
    return replace(row, verdict="WRONG", note=says, kind=kind, entry=node, inner=None)


def networks(role: Roles, rows: Sequence[Judged]) -> list[list[int]]:
    """The rows grouped by network, as those that go into one output. Two networks may have two rates."""
    outputs = [role.graph.above[m.output.index] | (1 << m.output.index) for m in role.meetings]
    reached = [{j for j, bits in enumerate(outputs) if bits >> row.update.base.index & 1} for row in rows]
    found: list[tuple[set[int], list[int]]] = []
    for k, mine in enumerate(reached):
        shared = [group for group in found if group[0] & mine or not mine]
        merged = (set(mine).union(*(g[0] for g in shared)), [*(j for g in shared for j in g[1]), k])
        found = [*(g for g in found if g not in shared), merged]
    return [sorted(members) for _, members in found]


def comparable_rows(role: Roles, rows: list[Judged], network: Sequence[int]) -> list[list[int]]:
    """The rows of a network whose factors can be compared; they get the rates that they are compared at."""
    ways = [
        way_to_step(role, r.update, r.entry or r.update.step, r.inner is not None) for r in (rows[k] for k in network)
    ]
    found = of_one_kind(ways, [rows[k].own is not None for k in network])
    for members, by_gradient in found:
        for j in members if by_gradient else ():
            rows[network[j]] = replace(rows[network[j]], rate=ways[j].rate or None)
    return [[network[j] for j in members] for members, _ in found]


ROW_BY_ROW = (
    "rows are added to one example after the other, of which only the first is seen: add to all of them at once"
)
"""Reason for no verdict on a table updated by several calls of np.add.at in one step."""


def added_beside(role: Roles, update: Update) -> bool:
    """Is one row of a table updated, and are rows of the same table added to on another line of the step?"""
    table, whole = beginning(update.base), update.old is update.base
    after = role.graph.tape[update.end.index : 2 * role.last - role.begin] if not whole else ()
    return any(n.op in ROWS and beginning(base_of(n.args[0])) is table for n in after)


def by_itself(
    role: Roles, update: Update, tapes: Sequence[Tape], known: Sequence[Slopes], before: Roles | None
) -> Judged:
    """The verdict by itself: is the step a multiple of the truth, maybe with a decay, or an optimiser's step?"""
    truth = [through(update.old_in(tape), g) for tape, g in zip(tapes, known, strict=True)]
    shape = update.old.shape
    true = tuple(np.zeros(shape) if t is None else np.asarray(t, float) for t in truth)
    given = tuple(update.sign * np.asarray(step_in(tape, update), float) for tape in tapes)
    row = Judged(update, "WRONG", given, true)
    again = any(n.site == update.end.site for n in adds_again(tapes[0], update))
    if again or (added_beside(role, update) and not multiple(given, true, ALIKE)):
        return replace(row, verdict="cannot tell", note=ROW_BY_ROW)
    if given[0].shape != shape:
        row = fitted(row, shape)
        if row.given[0].shape != shape:
            return row
    if not all(np.isfinite(x).all() for x in (*row.given, *true)):
        broken = all(np.isfinite(t).all() and t.any() for t in true)
        verdict = "WRONG" if broken else "cannot tell"
        return replace(row, verdict=verdict, note="not a number, or infinite", kind="not finite" if broken else "")
    tolerance = half_of_the_digits(role.graph)
    if not any(t.any() for t in true):
        memory = before is not None and any(not np.any(laid) for _, laid in entering(role, update, tapes))
        apart = decay_apart(role, update, tapes, given)
        zero = memory or not any(x.any() for x in (given if apart is None else apart[0]))
        note = NO_EVIDENCE if zero else "not zero, where every true entry is"
        if not zero and all(t is None for t in truth):
            return replace(row, verdict="cannot tell", note="no output that meets labels is made of it")
        return replace(row, verdict="cannot tell" if zero else "WRONG", note=note, silent=zero)
    if (c := multiple(row.given, true, tolerance)) is not None:
        return replace(row, verdict="ok", factor=c, note="")
    if (both := with_decay(role, update, update.step, tapes, row.given, true)) is not None:
        return replace(row, verdict="ok", factor=both[0], decay=both[1], note="")
    return optimised(role, row, tapes, tolerance, before)


def fitted(row: Judged, shape: tuple[int, ...]) -> Judged:
    """A step of another shape, broadcast to the parameter."""
    mine = row.given[0].shape
    note = f"shape {mine} for {shape}"
    fits = row.update.new is not None or (compatible(mine, shape) and np.broadcast_shapes(mine, shape) == shape)
    if row.given[0].size == np.prod(shape, dtype=int) and fits:
        return replace(row, given=tuple(x.reshape(shape) for x in row.given))
    if not compatible(mine, shape) or np.broadcast_shapes(mine, shape) != shape:
        return replace(row, note=note)
    return replace(row, given=tuple(np.broadcast_to(x, shape) for x in row.given), note=note)


def optimised(role: Roles, row: Judged, tapes: Sequence[Tape], tolerance: float, before: Roles | None) -> Judged:
    """The verdict where the step is no multiple of the truth, but may be an optimiser's step of one."""
    update, passed = row.update, list[Laid]()
    if before is not None and (node := added_to_last(role, row, tapes, before, tolerance)) is not None:
        says = "gradients add up from step to step: they are never set to zero"
        return replace(row, verdict="WRONG", note=says, kind="adds up", entry=node)
    old = [np.asarray(tape[update.old.index].value, float) for tape in tapes]
    for node, laid in entering(role, update, tapes):
        c, decay = multiple(laid, row.truth, tolerance), 0.0
        if c is None and node is not update.step:
            c, decay = with_decay(role, update, node, tapes, laid, row.truth) or (None, 0.0)
        if c is None:
            passed.append(laid)
            continue
        if before is not None and goes_back(role, row, laid, tapes, before, tolerance):
            says = "what the step remembers of older gradients goes up the loss"
            return replace(row, verdict="WRONG", note=says, kind=MEMORY, entry=node)
        if before is not None and remembers(role, update.step, node, before):
            return replace(row, verdict="ok", factor=None, inner=abs(c), note="", decay=decay, entry=node)
        if node is update.step:
            continue
        if (noise := noise_added(role, update.step, node)) is not None:
            drawn = [np.asarray(tape[noise.index].value, float) for tape in tapes]
            if (both := with_part(row.given, row.truth, drawn, tolerance)) is not None:
                return replace(row, verdict="ok", factor=both[0], note="", entry=node)
        for onward, more, says in going_on(role, update, node, laid, tapes):
            signed = onward if c >= 0 else tuple(-v for v in onward)
            for given, beside in apart_from_decay(row, passed, old, tolerance):
                for turn in (1, -1):
                    if alike_in_all(role, update.step, node, given, tuple(turn * v for v in signed)):
                        decay = decay or more / c or beside
                        return replace(row, verdict="ok", inner=turn * abs(c), decay=decay, note=says, entry=node)
    if (found := divided(role, update, tapes, row.given, row.truth)) is not None:
        return replace(row, verdict="ok", factor=found[1], note=NEWTON)
    return row


def apart_from_decay(
    row: Judged, passed: Sequence[Laid], old: Laid | list[Array], tolerance: float
) -> Iterator[tuple[Laid, float]]:
    """The step; and the step without a decay that is added after the optimiser, as in AdamW, with that decay."""
    yield row.given, 0.0
    for laid in passed[1:]:
        if (both := with_part(row.given, laid, old, tolerance)) is not None:
            yield tuple(both[0] * v for v in laid), both[1]


CONTRADICTED = "another factor than the others"
"""Verdict kind: a single number whose factor is no evidence, nor in another step where it happens to fit."""


def compatible(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Can the shapes be broadcast together?"""
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


def beside(row: Judged, factor: float | None, alone: bool = False, apart: float = ALIKE) -> Judged:
    """A row with another factor than the others becomes wrong or open; so does a single number by itself."""
    row = replace(row, usual=factor * (row.rate or 1.0) if factor else factor)
    own = row.own
    single = sum(x.size for x in row.truth) < 2  # any number is a multiple of any other
    if own and factor and single and (alone or abs(own / factor - 1) > apart):
        says = "one number, seen once, is no evidence"
        return replace(row, verdict="cannot tell", note=says, kind=CONTRADICTED, factor=None)
    if own and factor and abs(own / factor - 1) > apart:
        return replace(row, verdict="WRONG", note=f"{own / factor:.4g} times the truth, beside the others")
    if own and factor and factor < 0 and row.update.new is None:
        says = (
            "minus the slope, which is the slope of a likelihood that is to grow: right if it is added to the "
            "parameter, and wrong if it is subtracted; nothing here does either"
        )
        return replace(row, verdict="cannot tell", note=says)
    if own and factor and factor < 0:
        return replace(row, verdict="WRONG", note="the sign is wrong: this step goes up the loss")
    return row
