"""Running averages of an optimiser, and their bias correction: the division by 1 − β^t.

For each average, the numbers that divide it on the way to the step are followed over two steps. A right correction is 1
− β in the first step and 1 − β² in the second. Of Adam's two averages either both are corrected or neither.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE
from nnref.checking.watching.calculus.graph import VIEWS, bits_of, is_array
from nnref.checking.watching.calculus.slopes import value_of
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.updates import Update, uses
from nnref.checking.watching.recording.tape import Node

LEFT_OUT = "correction left out"
"""Verdict kind: of two averages only one is corrected. The missing correction has no line."""


@dataclass(frozen=True, eq=False)
class Average:
    """A running average: kept · old + taken · new."""

    kept: float
    taken: float


@dataclass(frozen=True, eq=False)
class Corrected:
    """A division of an average: its node, the divisor, and the divisor in the step before."""

    average: Average
    node: Node
    divisor: float
    before: float


@dataclass(frozen=True, eq=False)
class Scaled:
    """An average on its way to the step: the numbers that divide it, now and in the step before, if any.

    past says what it goes into: "sqrt", what is "divided" by another array, the "step", or something else.
    """

    node: Node
    average: Average
    numbers: tuple[tuple[Node, float, float | None], ...]
    past: frozenset[str]

    @property
    def is_corrected(self) -> bool:
        """Is it divided by 1 − β in the first step, and by 1 − β² in the second?"""
        return any(of_first_steps(self.average.kept, now, before) for _, now, before in self.numbers)

    @property
    def is_as_it_was(self) -> bool:
        """Is it divided by the same numbers in both steps, as without a correction?"""
        return all(before is not None and near(now, before) for _, now, before in self.numbers)


def of_first_steps(beta: float, now: float, before: float | None) -> bool:
    """Are these 1 − β² and 1 − β? Without a step before: is the first 1 − β?"""
    return near(now, 1 - beta) if before is None else near(before, 1 - beta) and near(now, 1 - beta**2)


def wrong_correction(role: Roles, update: Update) -> tuple[Node, str, bool] | None:
    """A wrong correction of an average, its message, and whether its line is the wrong one.

    Wrong too: kept + taken ≠ 1; a correction whose result is not used; one of two averages left uncorrected.
    """
    if (other := of_another_average(role, update)) is not None:
        return *other, True
    known = list(averages_in(role, update))
    for average in known:
        if (wrong := wrongly_divided(average)) is not None:
            return *wrong, True
        if (user := not_taken(role, update, average)) is not None:
            return user, "the average is corrected for its first steps, and here it is taken as it is", True
    for one in known:
        for other_one in known:
            if (swapped := corrected_as(one, other_one)) is not None:
                kept = other_one.average.kept
                return swapped, f"the average keeps {one.average.kept:g}, and is corrected as if it kept {kept:g}", True
            left_out = one.is_corrected and not other_one.is_corrected and other_one.is_as_it_was
            if left_out and is_quotient(one, other_one):
                says = "this average is not corrected for its first steps, and the other one is"
                return other_one.node, says, False
    return None


def corrected_as(one: Scaled, other: Scaled) -> Node | None:
    """The division of an average by 1 − β with the β of the other average."""
    first = ((node, now) for node, now, before in one.numbers if before is None and node.op == "divide")
    beta, own = other.average.kept, one.average.kept
    return next((node for node, now in first if near(now, 1 - beta) and not near(now, 1 - own)), None)


def is_quotient(a: Scaled, b: Scaled) -> bool:
    """Is one of two averages divided by the square root of the other, and by nothing unknown besides?"""
    first, second = (b, a) if "sqrt" in a.past else (a, b)
    return first.past == {"divided", "step"} and second.past == {"sqrt"}


def wrongly_divided(found: Scaled) -> tuple[Node, str] | None:
    """The divisor of an average in the first two steps, if it was meant as 1 − β and 1 − β² and is wrong."""
    beta = found.average.kept
    if not near(beta + found.average.taken, 1.0):
        return None
    for node, now, before in found.numbers:
        inverse = None if before is None else 1 / before
        alone = before is None and "sqrt" not in found.past  # 0.1 may be a rate, beside 0.9
        if of_first_steps(beta, 1 / now, inverse) and not alone:
            return node, f"the average is multiplied by 1 - {beta:g}^t, by which it should be divided"
        if any(of_first_steps(-beta, *plus(n, m)) for n, m in ((now, before), (1 / now, inverse))):
            return node, f"the average is corrected by 1 + {beta:g}^t, where 1 - {beta:g}^t is meant"
        if before is None:
            continue
        moved = near(before, 1 - beta) and not near(now, before) and not of_first_steps(beta, now, before)
        if moved and not counts(found.average, 1 - now):
            meant = f"where 1 - {beta:g}^2 is {1 - beta**2:g}"
            return node, f"the average is divided by {before:g} in the first step and by {now:g} in the next, {meant}"
    return None


def plus(now: float, before: float | None) -> tuple[float, float | None]:
    """Divisors 1 + β², 1 + β as those of −β would be: 1 − β² and 1 + β."""
    return (now, None) if before is None else (2 - now, before)


def not_taken(role: Roles, update: Update, found: Scaled) -> Node | None:
    """The use of an uncorrected average, though the program computes its correction and does not use that."""
    graph, inside = role.graph, role.graph.above[update.step.index] | (1 << update.step.index)
    users = [n for n in uses(graph, found.node) if n.index <= role.last]
    beta = found.average.kept
    for node in users:
        now = divisor(node)
        if now is None or inside >> node.index & 1 or graph.users[node.index]:
            continue
        if of_first_steps(beta, now, earlier(role, node)):
            return next((n for n in users if inside >> n.index & 1), None)
    return None


def averages_in(role: Roles, update: Update) -> Iterator[Scaled]:
    """The averages that a step is computed from, with the numbers that divide them on the way."""
    graph = role.graph
    inside = graph.above[update.step.index] | (1 << update.step.index)
    for k in bits_of(inside):
        node = graph.tape[k]
        average = averaged(role, node) if k > role.begin and role.of_labels[k] else None
        if average is not None and 0 < average.kept < 1:
            numbers, past = onward(role, update, node, inside)
            yield Scaled(node, average, tuple(numbers), past)


def onward(
    role: Roles, update: Update, node: Node, inside: int
) -> tuple[list[tuple[Node, float, float | None]], frozenset[str]]:
    """The numbers that divide a value on its way to a step, now and in the step before; and what it goes into.

    The way ends at a value that depends on labels (unless that divides it), or where the value is split.
    """
    numbers, past = list[tuple[Node, float, float | None]](), set[str]()
    while node is not update.step:
        users = [n for n in role.graph.users[node.index] if inside >> n.index & 1]
        if len(users) != 1:
            return numbers, frozenset([*past, "several uses"])
        user = users[0]
        array, number = array_and_number(role, user)
        if array is node and number:
            numbers.append((user, 1 / number, earlier(role, user)))
        elif user.op == "sqrt":
            return numbers, frozenset([*past, "sqrt"])
        elif user.op == "divide" and user.args[0] is node:
            past.add("divided")
        elif user.op not in PLACED and not (user.op == "add" and len(user.inputs) == 1):
            return numbers, frozenset([*past, user.op])
        node = user
    return numbers, frozenset([*past, "step"])


PLACED = VIEWS | {"put", "assign"}
"""Operations that view an average, or store it."""


def earlier(role: Roles, node: Node) -> float | None:
    """The divisor at the same line and column in the step before; None if there was none."""
    same = (n for n in reversed(role.graph.tape[: role.begin + 1]) if n.site == node.site and n.op == node.op)
    number = next((array_and_number(role, n)[1] for n in same), 0.0)
    return 1 / number if number else None


def of_another_average(role: Roles, update: Update) -> tuple[Node, str] | None:
    """An average with the correction of another β, or with kept + taken ≠ 1; and the message.

    Division by 1 − β in one step and 1 − β² in the next is the correction for kept = β.
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
    """By how much t grows in one step, if by more than 1, as a counter shared by all layers does; else 0."""
    if not (0 < average.kept < 1 and 0 < beta < 1):
        return 0
    n = math.log(beta) / math.log(average.kept)
    return round(n) if n > 1.5 and abs(n - round(n)) <= np.sqrt(np.finfo(float).eps) * n else 0


def counted_fast(role: Roles, update: Update) -> tuple[Node, int] | None:
    """A correction whose t grows by more than 1 in one step, and by how much; None if there is none."""
    for found in corrected(role, update):
        beta = 1 - found.before
        if near(found.divisor, 1 - beta**2) and (n := counts(found.average, beta)):
            return found.node, n
    return None


def fixed_correction(role: Roles, update: Update) -> Node | None:
    """A division by 1 − β that is right in the first step, and unchanged in the second; None if there is none."""
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
    """A value read as a running average, a m + c g or m + c (g − m); None if it is none."""
    if node.op != "add" or len(node.args) != 2 or not all(map(is_array, node.args)):
        return None
    older, new = sorted(node.args, key=lambda m: role.of_labels[m.index])
    if role.of_labels[older.index] or not role.of_labels[new.index]:
        return None
    memory, kept = array_and_number(role, older)
    value, taken = array_and_number(role, new)
    if value.op == "subtract" and len(value.args) == 2 and value.args[1] is memory and kept == 1:
        return Average(1 - taken, taken)
    if value is new and value.op == "multiply" and all(map(is_array, value.args)):  # 0.001 * g * g
        parts = [
            (array_and_number(role, part), other) for part, other in (value.args, value.args[::-1]) if not part.names
        ]
        taken = next((c for (array, c), other in parts if array is other), taken)
    more = array_and_number(role, value)[0] is not value and not value.names  # the factor may belong to the gradient
    return None if more or taken == 1 else Average(kept, taken)


def array_and_number(role: Roles, node: Node) -> tuple[Node, float]:
    """An array and the number that multiplies it; the value itself and 1 if it is no such product."""
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
