"""Values that a program keeps from one step to the next and should recompute, or redraws and should keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nnref.checking.watching.calculus.graph import VIEWS, Graph, base_of, bits_of
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.updates import Update, uses
from nnref.checking.watching.recording.tape import Node, Site


@dataclass(frozen=True, eq=False)
class Old:
    """An output of the next step that was computed from an old value, without the new parameter.

    met is where that output meets the labels; made is the old value.
    """

    update: Update
    met: Node
    made: Node


def old_outputs(role: Roles) -> Iterator[Old]:
    """The parameters that the next step updates again, though the same outputs meet the same labels as before.

    A gradient is only valid at the parameters with which its outputs were computed. Other labels would be those of
    other examples, whose outputs may all have been computed in advance.
    """
    depends, again = role.graph.depends, later(role)
    meetings = met_again(role) if again else {}
    for update, end in again.items():
        assert update.new is not None
        old, new = 1 << update.base.index, 1 << update.new.index
        if not depends(end.index, new):
            continue  # it starts from another value
        for met in role.compared if meetings else ():
            pairs = meetings.get(meeting_place(met.at, met.labels), []) if depends(met.output.index, old) else []
            known = ((node, output) for node, output in pairs if not depends(output.index, new))
            made = next(
                ((node, kept_) for node, output in known if (kept_ := kept(role, output, old)) is not None), None
            )
            if made is not None:
                yield Old(update, *made)
                break


Place = tuple[object, ...]
"""The site where two values meet, and which of them is the label."""


def met_again(role: Roles) -> dict[Place, list[tuple[Node, Node]]]:
    """The values computed from labels and an output after the step, by the site where they meet, with the output."""
    graph, lines = role.graph, {(m.at.site, m.at.op) for m in role.compared}
    into = 0
    for end in later(role).values():
        into |= graph.above[end.index]
    found: dict[Place, list[tuple[Node, Node]]] = {}
    for node in graph.tape[role.last + 1 :]:
        if (node.site, node.op) in lines and into >> node.index & 1 and len(node.inputs) == 2:
            for labels, output in (node.inputs, node.inputs[::-1]):
                found.setdefault(meeting_place(node, labels), []).append((node, output))
    return found


def meeting_place(node: Node, labels: Node) -> Place:
    """The site of a value, and the part of the labels that it uses."""
    return node.site, node.op, shown_part(labels)


def shown_part(node: Node) -> Place:
    """The viewed value and entries: equal for two views of the same entries."""
    first = node.args[0] if node.args else None
    if (node.op in VIEWS or node.op == "item") and isinstance(first, Node):
        return node.op, str(node.args[1:]), shown_part(first)
    return (node.index,)


def later(role: Roles) -> dict[Update, Node]:
    """For each update that is repeated after the step, on the same line and from labels: its repetition."""
    return role.graph.once(("later", role.last), lambda: dict(made_again(role)))


def made_again(role: Roles) -> Iterator[tuple[Update, Node]]:
    """The same, computed."""
    by_line = {(u.end.site, u.end.op): u for u in role.updates if u.new is not None}
    for node in reversed(role.graph.tape[role.last + 1 :]):
        update = by_line.get((node.site, node.op))
        if update is not None and role.of_labels[node.index]:
            yield update, node


def kept(role: Roles, output: Node, old: int) -> Node | None:
    """The last value of the step that an output uses, other than through new parameters, if it uses the old one."""
    graph, new = role.graph, {u.new for u in role.updates}
    todo, seen = [output], set[Node]()
    while todo:
        node = todo.pop()
        inside = role.begin < node.index <= role.last
        if inside and graph.depends(node.index, old) and not old >> base_of(node).index & 1 and node not in new:
            return node
        if node not in seen and node not in new and not inside:
            seen.add(node)
            todo += node.inputs
    return None


def parameters_drawn_anew(role: Roles) -> Iterator[tuple[Update, Node]]:
    """The parameters that the next step updates from a fresh value on the same line, while others continue."""
    graph = role.graph
    goes_on = {u: graph.depends(node.index, 1 << u.new.index) for u, node in later(role).items() if u.new is not None}
    for update, node in later(role).items():
        beginning = base_of(next(a for a in node.args if isinstance(a, Node)))
        if any(goes_on.values()) and not goes_on[update] and beginning.index > role.last and beginning.leaf == "random":
            yield update, beginning


def put_in_place_of_another(role: Roles) -> Iterator[tuple[Update, Update]]:
    """Parameters whose new value comes in, in the next step, where another came in and nowhere where it did itself.

    As where a function returns what it updated in another order than its caller takes it.
    """
    forward = {n.site for n in (role.graph.tape[k] for k in bits_of(role.outputs) if k > role.begin)}
    known = [u for u in role.updates if u.new is not None]
    before = {u: places_of_use(role.graph, u.base, forward, range(role.begin + 1, role.last + 1)) for u in known}
    after = {u: places_of_use(role.graph, u.end, forward, range(role.last + 1, len(role.graph.tape))) for u in known}
    moved = [u for u in known if after[u] and not after[u] & before[u]]
    for update in moved:
        other = next((u for u in moved if u is not update and after[update] <= before[u]), None)
        if other is not None:
            yield update, other


def places_of_use(graph: Graph, node: Node, forward: set[Site], when: range) -> set[Site]:
    """Where in the forward pass a value is used, between two values of the tape."""
    return {n.site for n in uses(graph, node) if n.site in forward and n.index in when}
