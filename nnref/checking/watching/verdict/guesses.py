"""When a guessed loss is evidence of a mistake: a file without a loss may mean one that was not tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.graph import VIEWS, bits_of
from nnref.checking.watching.calculus.slopes import Choice
from nnref.checking.watching.meaning.losses import Loss, losses
from nnref.checking.watching.meaning.parameters import Roles, compares
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.judging import under
from nnref.checking.watching.verdict.other_networks import of_other_losses
from nnref.checking.watching.verdict.right_values import Search
from nnref.checking.watching.verdict.taken_as_given import beginnings, is_squashed_otherwise, taken_as_given
from nnref.checking.watching.verdict.verdicts import Reading

Array = np.ndarray[Any, Any]
Tape = Sequence[Node]

UNKNOWN = "the loss is unknown"
"""Verdict kind: in a file without a loss, no loss that was tried has this gradient."""


def believed(role: Roles, tapes: Sequence[Tape], readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """The readings; the first calls nothing wrong if its loss is a guess without evidence."""
    readings = of_other_losses(role, tapes, readings)
    first = readings[0] if readings else None
    right = first is not None and any(r.verdict == "ok" and not r.silent for r in first.rows)
    if role.unlabelled and not (right or (first is not None and has_right_slopes(role, tapes, first))):
        return ()  # labels that only meet parameters are none, and there is no evidence of a loss
    if any(r.loss.node is not None for r in readings) or any(loss.node is not None for loss in losses(role, tapes)):
        return tuple(readings)
    if first is not None and not role.compared:
        return open_(first, NO_OUTPUT), *readings[1:]
    if first is not None and any((r.verdict == "ok" and not r.silent) or r.own is not None for r in first.rows):
        return tuple(readings)
    if first is not None and any(r.verdict == "WRONG" for r in first.rows) and is_borne_out(role, tapes, first):
        return tuple(readings)
    if (given := taken_as_given(role, tapes, first.choice if first is not None else Choice())) is not None:
        return given, *readings
    if first is None or not any(row.verdict == "WRONG" for row in first.rows):
        return tuple(readings)
    return open_(first, NO_LOSS), *readings[1:]


NO_LOSS = "the file has no loss of its own, and this is the slope of none that was tried"

NO_OUTPUT = "the file has no loss of its own, and its data meet what is updated itself: nothing is an output"
"""Why none is accused where parts of a table are moved towards data, as the units of a map or the means of clusters."""


def open_(reading: Reading, note: str) -> Reading:
    """The reading, those gradients not told that would be wrong under a loss that is a guess."""
    rows = [
        replace(row, verdict="cannot tell", note=note, kind=UNKNOWN)
        if row.verdict == "WRONG" and not row.note.startswith("shape") and row.kind in ("", "decay")
        else row
        for row in reading.rows
    ]
    return replace(reading, rows=tuple(rows))


def has_right_slopes(role: Roles, tapes: Sequence[Tape], reading: Reading) -> bool:
    """Are several values that a step is made of slopes of the program's own loss, though no gradient is?"""
    if reading.loss.node is None:
        return False
    search = Search(role, tapes, reading)
    made = {n for row in reading.rows for n in search.backward(row.update.step) if not search.forward >> n.index & 1}
    slopes = (n for n in made if n.op not in VIEWS and np.prod(n.shape, dtype=int) > 1 and search.right(n))
    return len(set(islice(slopes, SEVERAL))) == SEVERAL


SEVERAL = 2
"""Slopes of a scalar in the backward pass that bear out that it is the loss, where data meet parameters alone."""


def is_borne_out(role: Roles, tapes: Sequence[Tape], reading: Reading) -> bool:
    """Is a part of the backward pass right under this loss, and all of it right under no other loss?

    Or is all of it right for an output slope that is the slope of no loss?
    """
    if not any(compares(meeting) or is_known(role, meeting.labels) for meeting in role.meetings):
        return False  # an addend of an output is its label only if known to be one
    search, of_losses = Search(role, tapes, reading), list(of_some_loss(role, tapes, reading))
    made = (n for row in reading.rows for n in search.backward(row.update.step))
    return not any(of_losses) and (bool(of_losses) or any(search.right(n) for n in made))


def is_known(role: Roles, labels: Node) -> bool:
    """Were these handed to the program as labels, or computed from such?"""
    return any(role.graph.tape[k].leaf == "labels" for k in bits_of(role.graph.above[labels.index] | 1 << labels.index))


def of_some_loss(role: Roles, tapes: Sequence[Tape], reading: Reading) -> Iterator[bool]:
    """For each value with which, as an output's slope, the backward pass is right: can it be the slope of a loss?"""
    for begin in beginnings(role):
        seeds = tuple(known for tape in tapes if (known := begin.seeds(tape)) is not None)
        found = under(role, tapes, Loss("any", seeds), reading.choice, None) if len(seeds) == len(tapes) else None
        if found is not None and found.all_right:
            meant = [s.get(begin.bare.index) for s in reading.loss.seeds]
            given = (tape[begin.slope.index].value for tape in tapes)
            both = (m is not None and goes_both_ways(np.asarray(g), m) for g, m in zip(given, meant, strict=False))
            yield not all(both) and not is_squashed_otherwise(role, tapes, begin)


def goes_both_ways(slope: Array, meant: Array) -> bool:
    """Does a slope move some outputs towards their labels and others away, by the side on which they are?

    meant is the slope of a usual loss: negative where the output is below its label. A slope with the wrong sign on one
    side is that of no loss with its minimum at the labels.
    """
    if slope.size != meant.size:
        return False
    ways = np.sign(slope.reshape(meant.shape)) * np.sign(meant)
    below, above = ways[meant < 0], ways[meant > 0]
    return bool(below.size and above.size and below.sum() * above.sum() < 0)
