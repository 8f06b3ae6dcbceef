"""What a right value excuses: of what it is made, all that it would not be right without."""

from __future__ import annotations

from nnref.checking.watching.calculus.graph import PLACES, bits_of
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.right_values import Search
from nnref.checking.watching.verdict.unseen import unseen_by


def first_of(search: Search, step: Node) -> Node | None:
    """The first value that is not right and of which nothing right is made."""
    chain = search.backward(step)
    right = 0
    for node in chain:
        if (search.right(node) and not search.by_chance(node)) or search.accumulated(node):
            right |= 1 << node.index
    excused, tape = search.beyond_doubt, search.graph.tape
    excusing = [k for k in bits_of(right) if not search.is_one_of_many(tape[k]) and not search.is_of_one_run(tape[k])]
    known = sum(1 << k for k in excusing)
    for k in excusing:
        excused |= search.graph.above[k] & ~unseen_by(
            search.role, search.tapes, tape[k], excused | known, search.reading.choice
        )
    new = {u.new for u in search.role.updates}
    loss = search.reading.loss.node
    forward = 0 if loss is None else search.graph.above[loss.index]  # the loss is taken as it stands
    for node in chain:
        bit = 1 << node.index
        if bit & (right | excused | forward) or node in new:
            continue
        if search.values(node) is None and any(right >> n.index & 1 for n in search.graph.users[node.index]):
            right |= bit  # it was written over, where what it was written into is right
            continue
        if node.kwargs.get("each") and 1 << node.inputs[0].index & (right | excused):
            right |= bit  # what a loop takes of a slope, one entry after the other
            continue
        if node.op in PLACES and any(
            search.role.of_labels[m.index]
            and search.graph.depends(m.index, search.role.parameters)
            and not (1 << m.index) & (right | excused)
            for m in node.inputs
        ):
            continue
        return node
    return None
