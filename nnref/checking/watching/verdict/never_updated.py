"""Apparent parameters of the outputs that no line updates; their gradient may be computed and unused."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from nnref.checking.watching.calculus.graph import VIEWS, base_of, bits_of, through
from nnref.checking.watching.meaning.later_steps import next_step
from nnref.checking.watching.meaning.losses import JOINS
from nnref.checking.watching.meaning.other_parts import beginning, is_part
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.updates import ROWS, WRITTEN, Update, goes_on, keeps_its_name, replaceable
from nnref.checking.watching.recording.tape import Node, Site, words
from nnref.checking.watching.verdict.judging import under
from nnref.checking.watching.verdict.not_renewed import later
from nnref.checking.watching.verdict.verdicts import Reading

BEGINNINGS = words("random zeros ones empty full zeros_like ones_like empty_like full_like eye identity")
"""Leaves that parameters are initialised from."""

WRITTEN_OUT = words("constant array")
"""Leaves of literal numbers; zeros among them may be an initial bias, such as np.float64(0.0)."""

TRIED = 8
"""Most unused values of the backward pass that are compared with the slope of one array."""


@dataclass(frozen=True, eq=False)
class NeverUpdated:
    """An array, where it enters the forward pass, and its gradient, if the backward pass computes it rightly."""

    array: Node
    met: Node
    gradient: Node | None


def never_updated(role: Roles, tapes: Sequence[Sequence[Node]], reading: Reading) -> list[NeverUpdated]:
    """The random or filled arrays that go into the outputs of two steps, and are never changed."""
    again = used_again(role)
    found: dict[int, NeverUpdated] = {}
    for array, part, met in coming_in(role):
        if array.index in found or (met.site, met.op, array.index) not in again or is_changed(role, array):
            continue
        gradient = unused_gradient(role, tapes, reading, part)
        if gradient is not None or not is_row(part):
            found[array.index] = NeverUpdated(array, met, gradient)
    return list(found.values())


def is_changed(role: Roles, array: Node) -> bool:
    """Is an array written into, or replaced by itself plus or minus something? w x + b, with a new w, is no new b."""
    by_base = role.graph.once(("replaced by base", role.last), lambda: replaced_by_base(role))
    replaced = any(goes_on(role.graph, u) or keeps_its_name(u) for u in by_base.get(array.index, ()))
    return replaced or any(n.op in WRITTEN | ROWS for n in role.graph.users[array.index])


def replaced_by_base(role: Roles) -> dict[int, list[Update]]:
    """What is replaced by itself plus or minus something, and not on a line of the forward pass, by the array."""
    forward = {(n.site, n.op) for n in (role.graph.tape[k] for k in bits_of(as_outputs(role)))}
    found: dict[int, list[Update]] = {}
    for update in replaceable(role.graph):
        if (update.end.site, update.end.op) not in forward:
            found.setdefault(base_of(update.base).index, []).append(update)
    return found


def coming_in(role: Roles) -> Iterator[tuple[Node, Node, Node]]:
    """Every possible parameter, the part of it that enters the forward pass, and the operation where it enters."""
    graph = role.graph
    for k in bits_of(as_outputs(role)):
        met = graph.tape[k]
        if k <= role.begin or len(met.inputs) != 2:
            continue
        for part, other in (met.inputs, met.inputs[::-1]):
            array = base_of(part)
            if graph.depends(part.index, role.parameters) or not begins_as_parameter(role, array):
                continue
            weight = met.op in {*JOINS, "multiply"} and is_weight(role, array, met, part, other)
            bias = met.op == "add" and (is_bias(role, array, other) or is_embedding(role, array, part))
            if weight or bias:
                yield array, part, met


def as_outputs(role: Roles) -> int:
    """The outputs that meet labels, with their ancestors."""
    found = 0
    for meeting in role.compared:
        found |= role.graph.above[meeting.output.index] | (1 << meeting.output.index)
    return found


def begins_as_parameter(role: Roles, array: Node) -> bool:
    """Is it an array of random numbers or a filled one, computed before its first use and from nothing else?"""
    if not array.real or role.of_labels[array.index]:
        return False
    leaves = {n.leaf for n in beginnings(array)}
    written = leaves <= WRITTEN_OUT
    return bool(array.names) and not np.any(array.value) if written else leaves <= BEGINNINGS | WRITTEN_OUT


def beginnings(array: Node) -> Iterator[Node]:
    """The leaves that an array is computed from, without numbers that scale it, such as the root of a size."""
    todo, seen = [array], set[Node]()
    while todo:
        node = todo.pop()
        if node.leaf:
            yield node
        more = [m for m in node.inputs if (m.shape or not array.shape) and m not in seen]
        todo += more
        seen.update(more)


def is_weight(role: Roles, array: Node, met: Node, part: Node, other: Node) -> bool:
    """Is a factor of a product a weight? Random data are told apart by having one row per example.

    What a parameter itself is multiplied by are data or a first state, but for the rows of a table; and what is made of
    one without a product or a lookup, as by a momentum or a norm, is a parameter still.
    """
    direct = bool(role.parameters >> base_of(other).index & 1)
    if met.op == "multiply":
        summed = words("sum add.reduce") if part.shape else {"add"}  # of arrays, as of a filter times a window
        if direct or not is_drawn(array) or not any(n.op in summed for n in role.graph.users[met.index]):
            return False
        sides = (part, other) if part.shape else (array, base_of(other))  # a filter meets many windows of the data
        uses = [sum(n.site == met.site for n in role.graph.users[m.index]) for m in sides]
        return not is_drawn(base_of(other)) or uses[0] > uses[1]  # a weight meets all examples, and they meet it once
    if not direct and role.graph.depends(other.index, role.parameters):
        made = (role.graph.tape[k] for k in bits_of(role.graph.above[other.index] | 1 << other.index))
        joined = any(n.op in JOINS or is_row(n) for n in made)
        return joined and (has_examples(role, other) or not has_examples(role, array))
    if is_drawn(base_of(other)) and has_examples(role, array):
        return False
    if direct:
        return is_drawn(array) and is_row(part) != is_row(other)
    return has_examples(role, base_of(other)) or (is_matrix(array) and is_drawn(array))


def is_bias(role: Roles, array: Node, other: Node) -> bool:
    """Is an array with one axis, or a number, added to products with weights, as a bias is?"""
    return sum(n > 1 for n in array.shape) < 2 and is_sum(role, other)


def is_embedding(role: Roles, array: Node, part: Node) -> bool:
    """Are rows looked up in a random table, to which positions are added, say? Data may be looked up too."""
    return is_row(part) and is_drawn(array) and not has_examples(role, array)


def is_sum(role: Roles, node: Node) -> bool:
    """Is it a product with weights, or such a product and something more?"""
    todo, seen = [node], {node}
    while todo:
        node = base_of(todo.pop())
        number = node.op == "multiply" and not node.shape
        if node.op in JOINS or (number and any(role.parameters >> base_of(m).index & 1 for m in node.inputs)):
            return True
        more = [m for m in node.inputs if m not in seen] if node.op in ("add", "sum") else []
        todo += more
        seen.update(more)
    return False


def is_drawn(array: Node) -> bool:
    """Is it computed from random numbers?"""
    return any(n.leaf == "random" for n in beginnings(array))


def is_matrix(array: Node) -> bool:
    """Has it more than one row, and more than one column?"""
    return len(array.shape) > 1 and min(array.shape[:2]) > 1


def is_row(part: Node) -> bool:
    """Is it a row that was looked up in a table, or one for each of many indices?"""
    first = part.args[0] if part.args and part.op in ("item", "view") else None
    if not isinstance(first, Node) or len(first.shape) != 2:
        return False
    many = part.op == "item" and len(part.shape) > 1 and isinstance(part.args[1], Node)
    return part.shape == first.shape[1:] or (many and part.shape[-1] == first.shape[1])


def has_examples(role: Roles, array: Node) -> bool:
    """Has an array as many rows as there are labels, or as many columns where the labels lie in columns?"""
    for labels in (m for label in role.labels for m in (label, base_of(label))):
        sizes = [(axis, n) for axis, n in enumerate(labels.shape) if n > 1]
        if len(sizes) == 1 and sizes[0][1] in array.shape:
            return True
        if any(axis < len(array.shape) and array.shape[axis] == n for axis, n in sizes):
            return True
    return False


def used_again(role: Roles) -> set[tuple[Site, str, int]]:
    """The arrays that the next steps use, by line and operation."""
    after = role.graph.tape[role.last + 1 :]
    return {(n.site, n.op, base_of(m).index) for n in after for m in n.inputs}


def unused_gradient(role: Roles, tapes: Sequence[Sequence[Node]], reading: Reading, part: Node) -> Node | None:
    """A value of the backward pass that no update uses and that is the slope of an array; None without one."""
    graph, size = role.graph, np.prod(part.shape, dtype=int)
    ends = [*(u.end for u in role.updates), *later(role).values()]
    used = functools.reduce(operator.or_, (graph.above[end.index] | 1 << end.index for end in ends))
    inside = graph.tape[role.begin + 1 : 2 * role.last - role.begin + 1]
    made = (n for n in inside if role.of_labels[n.index] and n.op not in VIEWS and not used >> n.index & 1)
    likely = (n for n in made if np.prod(n.shape, dtype=int) == size and not role.after[n.index])
    likely = (n for n in likely if (n.names or size > 1) and not is_added_to(role, n))
    return next((n for n in islice(likely, TRIED) if is_slope(role, tapes, reading, part, n)), None)


def is_added_to(role: Roles, node: Node) -> bool:
    """Is a value a part of a sum of its shape, as of that over time steps? The whole sum is the gradient."""
    sums = (n for n in role.graph.users[node.index] if n.op in ("add", "subtract") and n.shape == node.shape)
    return any(not role.graph.depends(m.index, 1 << node.index) for n in sums for m in n.inputs)


def is_slope(role: Roles, tapes: Sequence[Sequence[Node]], reading: Reading, part: Node, given: Node) -> bool:
    """Is a value the slope of an array, or minus that where it is to be added, as if it were its gradient?"""
    for sign in sorted({u.sign for u in role.updates}, reverse=True):
        made = Update(part, given, None, sign)
        judged = under(replace(role, updates=(*role.updates, made)), tapes, reading.loss, reading.choice, None)
        rows = judged.rows if judged is not None else ()
        if any(row.update is made and row.verdict == "ok" and not row.silent for row in rows):
            return True
    return False


def entries_left(role: Roles, reading: Reading) -> dict[Update, int]:
    """For arrays updated in parts: the number of entries with a nonzero slope that no step updates.

    Not where the next step updates other parts, as with one entry chosen at a time.
    """
    after = next_step(role)
    again = [(first.end.site, then) for first, then in positions_updated(after).values()] if after is not None else []
    found: dict[Update, int] = {}
    for first, now in positions_updated(role).values():
        slope = reading.slopes[0].get(first.base.index)
        if slope is None or (first.end.site, now) not in again:
            continue
        moved = {int(k) for k in np.flatnonzero(slope)}
        if now <= moved and (left := len(moved - now)):
            found[first] = left
    return found


def positions_updated(role: Roles) -> dict[int, tuple[Update, set[int]]]:
    """For each array updated in parts, by its first value: the first update, and the entries of all its updates."""
    found: dict[int, tuple[Update, set[int]]] = {}
    for update in role.updates:
        written = base_of(update.old)  # the array, or what it is after other parts were written
        places = np.arange(np.prod(written.shape, dtype=int)).reshape(written.shape)
        part = through(update.old, {written.index: places}) if is_part(update) else None
        if part is not None:
            _, known = found.setdefault(beginning(written).index, (update, set()))
            known.update(map(int, np.ravel(part)))
    return found
