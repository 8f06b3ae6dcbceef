"""A second step along an old gradient, taken after the next forward pass has begun."""

from __future__ import annotations

from collections.abc import Iterator

from nnref.checking.watching.calculus.graph import VIEWS, base_of
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.updates import Update, uses
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.corrections import array_and_number


def stepped_again(role: Roles) -> Iterator[tuple[Update, Node]]:
    """Later updates by a multiple of an old step, of a parameter that was used in between.

    A gradient is only valid at the parameters it was computed with. A step back, as in a line search, is excepted.
    """
    graph, tape = role.graph, role.graph.tape
    new = {u.new.index: u for u in role.updates if u.new is not None}
    made = sum(1 << k for k in new)
    gradients = {u: {n.index for n in entered(role, u.step)} for u in new.values()}
    for node in tape[role.last + 1 :]:
        if node.op not in ("subtract", "add") or len(node.args) != 2 or not graph.above[node.index] & made:
            continue
        old, step = node.args
        if not isinstance(old, Node) or not isinstance(step, Node) or old.shape != node.shape:
            continue
        update = updated_to(new, old)
        if update is None or (1 if node.op == "subtract" else -1) != update.sign:
            continue
        if multiple_of(role, step) & gradients[update] and used_before(role, update, node):
            yield update, node


def updated_to(new: dict[int, Update], node: Node) -> Update | None:
    """The update that made a value, as it is or written into the array."""
    shown = base_of(node)
    while shown.op == "put" and isinstance(shown.args[1], Node) and shown.index not in new:
        part = base_of(shown.args[1])
        shown = part if part.index in new else base_of(shown.args[0])
    return new.get(shown.index)


def multiple_of(role: Roles, step: Node) -> set[int]:
    """The values that a step is a multiple or a view of."""
    found = {step.index}
    while step.inputs:
        array, _ = array_and_number(role, step)
        if array is step and step.op not in VIEWS:
            break
        step = array if array is not step else step.inputs[0]
        found.add(step.index)
    return found


def used_before(role: Roles, update: Update, node: Node) -> bool:
    """Was the new value used before, as in a forward pass?"""
    own = {node.site, update.end.site}
    return any(role.last < n.index < node.index and n.site not in own for n in uses(role.graph, update.end))
