"""Rates that are made of the same numbers: one divided by the number of examples, and another multiplied by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE
from nnref.checking.watching.calculus.graph import VIEWS
from nnref.checking.watching.calculus.slopes import value_of
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.updates import Update
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.verdicts import Judged, Reading, numbers_of_examples

TIMES_EXAMPLES = "times the examples"
"""Verdict kind: a step multiplied by the number of examples, where others are divided by it."""

Powers = dict[object, int]
"""The numbers that a step is a product of, with their powers."""


def at_opposite_rates(role: Roles, reading: Reading, written: frozenset[float]) -> Reading:
    """A step is wrong that is multiplied by what others are divided by: their rates differ in an operation.

    Rates that are chosen differ in a number; and where the gradients are those of the program's own loss, a number that
    is written out may be chosen.
    """
    counts = {float(n) for n in (*numbers_of_examples(role), len(role.meetings)) if n > 2}
    exact = reading.loss.node is not None and all(abs(abs(row.own or 0.0) - 1) <= ALIKE for row in reading.rows)
    counts -= written if exact else set()
    made = [powers(role, row.update) for row in reading.rows]

    def told(row: Judged, mine: Powers) -> Judged:
        n = next((n for other in made if (n := inverted(mine, other)) in counts), None)
        if row.verdict != "ok" or row.silent or n is None:
            return row
        says = f"this step is multiplied by {n:g}, the number of examples, and the steps of others are divided by it"
        return replace(row, verdict="WRONG", note=says, kind=TIMES_EXAMPLES)

    return replace(reading, rows=tuple(map(told, reading.rows, made)))


def inverted(mine: Powers, other: Powers) -> object:
    """The number that multiplies the one product, and divides the other, alike but for that; None without one."""
    apart = [n for n in mine if mine[n] != other.get(n)]
    alone = len(apart) == 1 and mine.keys() == other.keys()
    return apart[0] if alone and mine[apart[0]] > 0 and other[apart[0]] == -mine[apart[0]] else None


def powers(role: Roles, update: Update) -> Powers:
    """The numbers that a step is a product of, from its gradient on."""
    found: Powers = {}
    node = update.step
    while node.op in (*VIEWS, "multiply", "divide", "negative"):
        arrays = [a for a in node.args if isinstance(a, Node) and role.of_labels[a.index]]
        if len(arrays) != 1 or (node.op == "divide" and node.args[0] is not arrays[0]):
            break
        numbers = [a for a in node.args if a is not arrays[0]] if node.op in ("multiply", "divide") else []
        if any(np.size(value_of(a)) != 1 for a in numbers):
            break
        for number in numbers:
            for key, power in within(number, -1 if node.op == "divide" else 1):
                found[key] = found.get(key, 0) + power
        node = arrays[0]
    return found


def within(number: object, power: int) -> Iterator[tuple[object, int]]:
    """The factors of a number, whole ones by their value and computed ones by their place, each with its power."""
    if isinstance(number, Node) and number.op in ("multiply", "divide") and len(number.args) == 2:
        yield from within(number.args[0], power)
        yield from within(number.args[1], -power if number.op == "divide" else power)
        return
    value = value_of(number)
    whole = np.size(value) == 1 and float(np.ravel(value)[0]).is_integer()
    yield float(np.ravel(value)[0]) if whole or not isinstance(number, Node) else (number.index,), power
