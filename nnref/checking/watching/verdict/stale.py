"""Parameters that are used in the backward pass after they were updated: the line of the use is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from nnref.checking.watching.calculus.graph import PLACES
from nnref.checking.watching.meaning.other_parts import states_begun
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.meant_for import made_by
from nnref.checking.watching.verdict.right_values import Search
from nnref.checking.watching.verdict.verdicts import Judged

STALE = "the parameters were updated before they were used here"


def used_after_update(search: Search, row: Judged, wrong: Node) -> Node | None:
    """The first use of an already updated parameter, where the value that seems wrong is a part of that update."""
    role, bit = search.role, 1 << wrong.index
    chain = search.backward(row.update.step)
    for node in chain if wrong is not row.update.step else ():
        puts = [n for n in search.graph.users[node.index] if n.op in ("put", "put_at")]
        if node.index >= wrong.index and search.graph.depends(node.index, bit) and is_of_forward(role, puts):
            inside = all(search.graph.depends(n.index, 1 << node.index) for n in chain if n.index > node.index)
            return used_next(search, row, node) if inside else None
    return None


def is_of_forward(role: Roles, puts: Sequence[Node]) -> bool:
    """Do these writes fill an array of the forward pass?"""
    begun = role.graph.once("states_begun", lambda: states_begun(role.graph))
    return any(role.outputs >> begun.get(put.index, put).index & 1 for put in puts)


def used_next(search: Search, row: Judged, node: Node) -> Node | None:
    """The first value of a step that is computed from another and is no mere view of it."""
    made = (n for n in search.backward(row.update.step) if n.index > node.index and n.op not in PLACES)
    return next((n for n in made if search.graph.depends(n.index, 1 << node.index)), None)


def is_new_parameter(role: Roles, node: Node) -> bool:
    """Is this a parameter after its update, or a view of one?"""
    shown = made_by(node)
    new = {u.new for u in role.updates if u.new is not None}
    return shown in new or (shown.op == "put" and bool(new & {*shown.inputs, *map(made_by, shown.inputs)}))
