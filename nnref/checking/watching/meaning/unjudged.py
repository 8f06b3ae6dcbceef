"""Changes in a step without a verdict: of parameters, by values that depend on no label."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnref.checking.watching.calculus.graph import base_of, bits_of
from nnref.checking.watching.meaning.losses import JOINS, own
from nnref.checking.watching.meaning.other_parts import beginning, following, is_part
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.updates import (
    ROWS,
    WRITTEN,
    Update,
    adds_again,
    last_part,
    replaceable,
    used_up,
    uses,
)
from nnref.checking.watching.recording.tape import Node


def unjudged(role: Roles) -> list[Update]:
    """The changes of possible parameters of the outputs by values that depend on no label.

    Excluded are states that go into the outputs of the same step, running means, data, and counters or temperatures,
    which only numbers change.
    """
    found: dict[int, Update] = {}
    for update in changes(role):
        base = update.base
        known = base.index in found or role.parameters >> base.index & 1
        if not known and is_learnt(role, update) and goes_on(role, update) and not used_up(role.graph, update):
            found[base.index] = update
    judged = {n.index for u in role.updates for n in (beginning(u.base), first_state(u.base))} | set(found)
    for update in replaceable(role.graph):
        array = first_state(update.base)
        learnt = is_drawn(role, array) or (array.leaf == "zeros" and is_in_loss(role, array))
        if array.index not in judged and is_changed_here(role, update) and learnt:
            judged.add(array.index)
            found[array.index] = update
    for update in lost_on_the_way(role):
        if beginning(update.base).index not in judged:
            found.setdefault(update.base.index, update)
    return [*found.values(), *added_beside(role, judged)]


def first_state(base: Node) -> Node:
    """The state of an array before all that was written into it, also into rows by their indices."""
    while base.op in ("put", "put_at") and isinstance(base.args[0], Node):
        base = base_of(base.args[0])
    return base


def added_beside(role: Roles, judged: set[int]) -> Iterator[Update]:
    """Additions to rows of a judged table that its verdict does not cover."""
    graph, inside = role.graph, 2 * role.last - role.begin
    known = {n.index for u in role.updates for n in (u.end, *adds_again(graph.tape, u))}
    for node in graph.tape[role.begin + 1 : inside]:
        if node.op in ROWS and node.index not in known and isinstance(node.args[0], Node):
            table, step = node.args[0], node.args[2]
            now = not role.after[step.index] if isinstance(step, Node) else False
            if now and beginning(base_of(table)).index in judged:
                yield Update(table, step, node, -1)


def is_in_loss(role: Roles, array: Node) -> bool:
    """Does a loss of the program depend on an array, such as a word table that begins with zeros?"""
    losses = role.graph.once(("own losses of a part", role.last), lambda: own(role, whole=False))
    return any(role.graph.above[loss.index] >> array.index & 1 for loss in losses)


def lost_on_the_way(role: Roles) -> Iterator[Update]:
    """Changes of weights by values that depend on labels but not on the weights, whose use was not recorded.

    As with code that cannot be recorded: the slope is then computed from values of unknown origin.
    """
    graph, end = role.graph, role.last + PART_OF_A_STEP * (role.last - role.begin)
    for node in graph.tape[role.begin + 1 : end + 1]:
        old, step = node.args if node.op in ("subtract", "add") and len(node.args) == 2 else (None, None)
        if not isinstance(old, Node) or not isinstance(step, Node) or old.shape != node.shape:
            continue
        if role.of_labels[old.index] or not role.of_labels[step.index] or not is_drawn(role, base_of(old)):
            continue
        update = Update(old, step, node, 1 if node.op == "subtract" else -1)
        joined = any(n.op in JOINS and n.index < node.index for n in uses(graph, update.base))
        if joined and not graph.depends(step.index, 1 << update.base.index) and goes_on(role, update):
            yield update


def is_drawn(role: Roles, array: Node) -> bool:
    """Is an array computed from random and literal numbers only, as initial weights are?"""
    if not array.real or np.prod(array.shape, dtype=int) < 2:
        return False
    made = (role.graph.tape[k] for k in bits_of(role.graph.above[array.index] | (1 << array.index)))
    leaves = {n.leaf for n in made if n.leaf}
    return "random" in leaves and leaves <= {"random", "constant"}


def is_changed_here(role: Roles, update: Update) -> bool:
    """Is a part of an array updated in the step by a value that depends on labels and on that part?"""
    graph, new = role.graph, update.end
    inside = role.begin < new.index <= role.last + PART_OF_A_STEP * (role.last - role.begin)
    part = update.old.op in ("view", "item", "entry") and update.old is not update.base
    moved = role.of_labels[update.step.index] and graph.depends(update.step.index, role.parameters)
    return bool(inside and part and moved and any(n.op in WRITTEN for n in graph.users[new.index]))


PART_OF_A_STEP = 1
"""Updates after the last judged one belong to the step if they follow within this multiple of its length."""


def other_entries(role: Roles) -> dict[Update, int]:
    """The number of further entries or rows updated before the next forward pass, without a verdict.

    Each is written into an array that already holds the update before, and so depends on labels. Another part may be
    written by a value that depends on no parameter.
    """
    judged = {u.new for u in role.updates}
    found: dict[Update, int] = {}
    first = {beginning(u.base).index: u for u in reversed(role.updates) if is_part(u)}
    for update in first.values():
        new, array = update.end, beginning(update.base)
        after = following(role.graph, role.of_labels, update, role.outputs, role.begin)
        alone = (is_part_alone(role, node, array) for node in role.graph.tape[role.begin + 1 : new.index])
        if more := sum(other.end not in judged for other in after) + sum(alone):
            found[update] = more
    return found


def is_part_alone(role: Roles, node: Node, array: Node) -> bool:
    """Is this a part of an array ± something that depends on labels and no parameter?"""
    if node.op not in ("subtract", "add") or len(node.args) != 2 or not role.of_labels[node.index]:
        return False
    old, step = node.args
    part = isinstance(old, Node) and old.op in ("item", "view") and beginning(base_of(old)) is array
    made = isinstance(step, Node) and role.of_labels[step.index] and not role.graph.depends(step.index, role.parameters)
    return part and made


def changes(role: Roles) -> Iterator[Update]:
    """Every old ± change of an ancestor of the outputs that depends on no label and goes into no output."""
    targets = 0  # ancestors of the labels are no parameters, such as the state of a system that is to be learnt
    for label in role.labels:
        targets |= role.graph.above[label.index]
    for node in role.graph.tape:
        if node.op not in ("subtract", "add") or len(node.args) != 2 or role.of_labels[node.index]:
            continue
        if targets >> node.index & 1:
            continue
        for i, sign in ((0, 1 if node.op == "subtract" else -1), *([(1, -1)] if node.op == "add" else [])):
            old, step = node.args[i], node.args[1 - i]
            if not isinstance(old, Node) or not isinstance(step, Node) or old.shape != node.shape:
                continue
            old = first_term(role, old)
            if role.outputs >> base_of(old).index & 1 and not role.outputs >> node.index & 1:
                yield Update(old, step, node, sign)


def first_term(role: Roles, node: Node) -> Node:
    """The first term of a sum with an unnamed inner sum: a of a - b + c."""
    while node.op in ("subtract", "add") and not node.names and len(role.graph.users[node.index]) == 1:
        if not isinstance(node.args[0], Node) or node.args[0].shape != node.shape:
            break
        node = node.args[0]
    return node


def is_learnt(role: Roles, update: Update) -> bool:
    """Is the old value independent of data, and the change neither made of literal numbers nor that of a running mean?

    A bias that only literal numbers change counts, as it should be learnt.
    """
    graph, base, step = role.graph, update.base, update.step
    made = [graph.tape[k] for k in bits_of(graph.above[base.index] | (1 << base.index)) if graph.tape[k].leaf]
    kinds = {graph.tape[k].leaf for k in bits_of(graph.above[step.index] | (1 << step.index))}
    if any(n.leaf in ("data", "labels", "table", "looked up", "parsed") for n in made):
        return False
    if kinds <= {"", "constant"} and not is_term(role, base):
        return False
    return np.prod(base.shape, dtype=int) > 0 and not follows(step, base)


def is_term(role: Roles, base: Node) -> bool:
    """Is a value added, as a bias, to a value that depends on parameters? A temperature divides instead."""
    users = (n for n in role.graph.users[base.index] if n.op in ("add", "subtract") and role.outputs >> n.index & 1)
    return any(role.graph.depends(m.index, role.parameters) for n in users for m in n.inputs if m is not base)


def follows(step: Node, base: Node) -> bool:
    """Is the step a number times (something − old value), as in a running mean?"""
    while step.op in ("multiply", "divide") and len(step.inputs):
        arrays = [m for m in step.inputs if m.shape == step.shape]
        if len(arrays) != 1:
            return False
        step = arrays[0]
    return step.op == "subtract" and any(base_of(m) is base for m in step.inputs)


def goes_on(role: Roles, update: Update) -> bool:
    """Does the new value replace the old one: by being written into it, or by taking its name?"""
    new, old = update.new, update.old
    assert new is not None
    had, has = {last_part(n) for n in (*update.base.names, *old.names)}, {last_part(n) for n in new.names}
    if had & has or any(n.op in WRITTEN for n in role.graph.users[new.index]):
        return True
    sites = {n.site for n in uses(role.graph, update.base) if n.index < new.index}
    return any(n.site in sites and n.index > new.index for n in uses(role.graph, new))
