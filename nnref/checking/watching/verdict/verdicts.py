"""The verdict on one update, and on a step under one loss; and rates that the number of examples explains too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE
from nnref.checking.watching.calculus.graph import bits_of
from nnref.checking.watching.calculus.slopes import Choice
from nnref.checking.watching.meaning.losses import Loss
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.updates import Update
from nnref.checking.watching.recording.tape import Node

Array = np.ndarray[Any, Any]
Slopes = Mapping[int, Array]
Laid = tuple[Array, ...]

GROWS = "the decay has the wrong sign: it lets the weights grow"
"""What is wrong with a decay that is subtracted from a gradient."""

NO_EVIDENCE = "every true entry is 0, which is no evidence"
"""Reason for no verdict where a step is 0, rightly."""


@dataclass(frozen=True, eq=False)
class Judged:
    """One update's verdict: "ok", "WRONG" or "cannot tell".

    given and truth are the step and ∂L/∂parameter in each run; factor is given / truth if that is one number. inner is
    the factor of the gradient that enters an optimiser, entry the value that has it; decay is the multiple of the
    parameter that is added, per unit of gradient. rate is the factor from gradient to step, if the gradient is judged
    without it. usual is the factor of most parameters of the same network, at this rate. silent says that the row is no
    evidence; note, what is wrong or why it is undecided.
    """

    update: Update
    verdict: str
    given: tuple[Array, ...]
    truth: tuple[Array, ...]
    factor: float | None = None
    decay: float = 0.0
    note: str = ""
    silent: bool = False
    inner: float | None = None
    usual: float | None = None
    kind: str = ""
    entry: Node | None = None
    rate: float | None = None

    @property
    def own(self) -> float | None:
        """The factor of the gradient itself, if the rate is known."""
        factor = self.factor or self.inner
        return factor / (self.rate or 1.0) if factor else None


def is_rounding(row: Judged, rows: Sequence[Judged]) -> bool:
    """Is the true slope of a row 0 but for rounding, beside those of others? Where it goes wrong does not show."""
    size = [max(float(np.abs(t).max(initial=0.0)) for t in r.truth) for r in (row, *rows)]
    return size[0] <= float(np.finfo(float).eps) ** 0.75 * max(size)


@dataclass(frozen=True, eq=False)
class Reading:
    """All verdicts of one step under one loss, and the slopes that they rest on, one mapping a run."""

    loss: Loss
    rows: tuple[Judged, ...]
    slopes: tuple[Slopes, ...]
    choice: Choice
    lost: tuple[Node, ...] = ()
    factor: float | None = None
    others: tuple[Loss, ...] = field(default=())

    @property
    def right(self) -> int:
        """How many are right."""
        return sum(row.verdict == "ok" for row in self.rows)

    @property
    def all_right(self) -> bool:
        """Are all right, and is one of them evidence?"""
        return self.right == len(self.rows) and any(not row.silent for row in self.rows)

    @property
    def turned(self) -> int:
        """How many are minus a multiple of a slope and only returned, so that their use is unknown."""
        return sum(row.verdict == "cannot tell" and bool(row.factor) for row in self.rows)

    @property
    def fits(self) -> tuple[int, int, int]:
        """To compare readings: how many rows are multiples of slopes, right or turned; not turned; of any sign."""
        return self.right + self.turned, self.right, sum(row.own is not None for row in self.rows)


def at_their_rates(role: Roles, reading: Reading, written: frozenset[float]) -> Reading:
    """Rows are left open whose rate is that of others times a number of examples: a mean may be missing.

    If the gradient is the exact slope of the program's own loss, the factor after it is a rate; so are two literal
    numbers of the program, such as 0.1 and 0.01 with ten examples.
    """
    counts = numbers_of_examples(role)
    rates = [row.rate for row in reading.rows if row.rate]

    def told(row: Judged) -> Judged:
        exact = reading.loss.node is not None and row.own is not None and abs(abs(row.own) - 1) <= ALIKE
        if row.verdict != "ok" or not row.rate or exact:
            return row
        others = [rate for rate in rates if not {rate, row.rate} <= written]
        ratios = [q for rate in others for q in (row.rate / rate, rate / row.rate)]
        if (n := next((n for n in counts if any(abs(q / n - 1) <= ALIKE for q in ratios)), None)) is None:
            return row
        says = f"it and others have rates that are {n} times apart, as many examples as there are: one may be no rate"
        return replace(row, verdict="cannot tell", note=says)

    return replace(reading, rows=tuple(map(told, reading.rows)))


def numbers_of_examples(role: Roles) -> set[int]:
    """The axis lengths that outputs or labels share with the inputs: classes and units are no examples.

    Where they share none, the longest axes.
    """
    shown = [*(m.output for m in role.meetings), *role.labels]
    above, reached, made = role.graph.above, 0, role.parameters
    for meeting in role.meetings:
        reached |= above[meeting.output.index]
    for update in role.updates:  # what parameters were drawn from goes in with no example
        made |= above[update.base.index] | (1 << update.base.index)
    data = [role.graph.tape[k] for k in bits_of(reached & ~made) if not role.graph.depends(k, role.parameters)]
    entering = {n for node in data if not role.of_labels[node.index] for n in node.shape}
    common = {n for node in shown for n in node.shape if n > 2} & entering
    return common or {max(node.shape) for node in shown if max(node.shape, default=1) > 2}
