"""Averages that an optimiser remembers, and the division by 1 − β^t that corrects them for having begun at 0."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE
from nnref.checking.watching.calculus.graph import bits_of, is_array
from nnref.checking.watching.calculus.slopes import value_of
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.updates import Update
from nnref.checking.watching.recording.tape import Node


@dataclass(frozen=True, eq=False)
class Average:
    """A running average: kept of what was there, and taken of what is new."""

    kept: float
    taken: float


@dataclass(frozen=True, eq=False)
class Corrected:
    """An average that is divided by a number: there, by this, and by that in the step before."""

    average: Average
    node: Node
    divisor: float
    before: float


def wrong_correction(role: Roles, update: Update) -> tuple[Node, str] | None:
    """A corrected average that is corrected as another one would be, or whose parts are no whole; and that in words.

    What is divided by 1 − β in one step and by 1 − β² in the next is corrected as if β of it were kept.
    """
    for found in corrected(role, update):
        average, beta = found.average, 1 - found.before
        if not near(found.divisor, 1 - beta**2):
            continue
        if not near(average.kept + average.taken, 1.0):
            says = f"{average.kept:g} of the average is kept and {average.taken:g} of the new is taken: no sum of 1"
            return found.node.inputs[0], says
        if not near(found.before, average.taken) and not counts(average, beta):
            says = f"the average keeps {average.kept:g} of what was there, and is corrected as if it kept {beta:g}"
            return found.node, says
    return None


def counts(average: Average, beta: float) -> int:
    """How far t counts on in a step, if by more than 1, as a counter does that all layers share; 0 else."""
    if not (0 < average.kept < 1 and 0 < beta < 1):
        return 0
    n = math.log(beta) / math.log(average.kept)
    return round(n) if n > 1.5 and abs(n - round(n)) <= np.sqrt(np.finfo(float).eps) * n else 0


def counted_fast(role: Roles, update: Update) -> tuple[Node, int] | None:
    """A correction whose t counts on by more than 1 in a step, and by how much; None if there is none."""
    for found in corrected(role, update):
        beta = 1 - found.before
        if near(found.divisor, 1 - beta**2) and (n := counts(found.average, beta)):
            return found.node, n
    return None


def fixed_correction(role: Roles, update: Update) -> Node | None:
    """A division that corrects an average for its first step, and is the same in the next; None if there is none."""
    for found in corrected(role, update):
        whole = near(found.average.kept + found.average.taken, 1.0)
        if whole and near(found.before, found.divisor) and near(found.divisor, found.average.taken):
            return found.node
    return None


def corrected(role: Roles, update: Update) -> Iterator[Corrected]:
    """The averages on the way to a step that are divided by a number between 0 and 1, as in the one before."""
    graph = role.graph
    for k in bits_of(graph.above[update.step.index] | (1 << update.step.index)):
        node = graph.tape[k]
        if k <= role.begin or not role.of_labels[k] or (now := divisor(node)) is None:
            continue
        earlier = (divisor(n) for n in reversed(graph.tape[: role.begin + 1]) if n.site == node.site)
        before = next((d for d in earlier if d is not None), None)
        average = averaged(role, node.inputs[0]) if before is not None else None
        if average is not None and before is not None:
            yield Corrected(average, node, now, before)


def divisor(node: Node) -> float | None:
    """The number between 0 and 1 that an array is divided by; None if it is no such quotient."""
    if node.op != "divide" or len(node.args) != 2 or not is_array(node.args[0]) or node.inputs[0] is not node.args[0]:
        return None
    number = value_of(node.args[1])
    return float(np.ravel(number)[0]) if np.size(number) == 1 and 0 < np.ravel(number)[0] < 1 else None


def averaged(role: Roles, node: Node) -> Average | None:
    """The average that a value is: a m + c g, or m + c (g − m); None if it is none."""
    if node.op != "add" or len(node.args) != 2 or not all(map(is_array, node.args)):
        return None
    older, new = sorted(node.args, key=lambda m: role.of_labels[m.index])
    if role.of_labels[older.index] or not role.of_labels[new.index]:
        return None
    memory, kept = scaled(role, older)
    value, taken = scaled(role, new)
    if value.op == "subtract" and len(value.args) == 2 and value.args[1] is memory and kept == 1:
        return Average(1 - taken, taken)
    if value is new and value.op == "multiply" and all(map(is_array, value.args)):  # 0.001 * g * g
        parts = [(scaled(role, part), other) for part, other in (value.args, value.args[::-1]) if not part.names]
        taken = next((c for (array, c), other in parts if array is other), taken)
    more = scaled(role, value)[0] is not value and not value.names  # the factor may be the gradient's own
    return None if more or taken == 1 else Average(kept, taken)


def scaled(role: Roles, node: Node) -> tuple[Node, float]:
    """An array and the number that it is multiplied by; the value itself and 1 if it is no such product."""
    if node.op in ("multiply", "divide") and len(node.args) == 2:
        for array, number in (node.args, node.args[::-1])[: 2 if node.op == "multiply" else 1]:
            alone = np.size(value_of(number)) == 1 and not (isinstance(number, Node) and role.of_labels[number.index])
            if is_array(array) and alone:
                c = float(np.ravel(np.asarray(value_of(number)))[0])
                return array, c if node.op == "multiply" else 1 / c
    return node, 1.0


def near(a: float, b: float) -> bool:
    """Are two numbers one?"""
    return abs(a - b) <= ALIKE * abs(b)
