"""What a program takes from one step into the next and should make anew, or makes anew and should take with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nnref.checking.watching.calculus.graph import VIEWS, as_bits, base_of, bits_of
from nnref.checking.watching.meaning.parameters import Meeting, Roles
from nnref.checking.watching.meaning.updates import Update
from nnref.checking.watching.recording.tape import Node


@dataclass(frozen=True, eq=False)
class Old:
    """An output of the step after, made of a value of the step before that the new parameter did not go into.

    met is where that output meets the labels; made is the old value.
    """

    update: Update
    met: Node
    made: Node


def old_outputs(role: Roles) -> Iterator[Old]:
    """The parameters that the next step updates again though the same outputs meet the same labels as before.

    Each gradient is that of the parameters at which the outputs were computed. Other labels there are those of other
    examples, whose outputs may all have been computed before.
    """
    again = later(role)
    for update in again:
        assert update.new is not None
        if not role.graph.depends(again[update].index, 1 << update.new.index):
            continue  # it begins from something else
        old, new = 1 << update.base.index, 1 << update.new.index
        for met in role.compared:
            if not role.graph.depends(met.output.index, old):
                continue
            for node, output in met_again(role, met):
                if not role.graph.depends(output.index, new) and (made := kept(role, output, old)) is not None:
                    yield Old(update, node, made)
                    break


def met_again(role: Roles, met: Meeting) -> Iterator[tuple[Node, Node]]:
    """Where the labels of a meeting meet an output once more after the step, and that output goes into an update."""
    graph = role.graph
    into = as_bits(k for node in later(role).values() for k in bits_of(graph.above[node.index]))
    for node in graph.tape[role.last + 1 :]:
        if node.site != met.at.site or node.op != met.at.op or not into >> node.index & 1:
            continue
        labels = [m for m in node.inputs if is_same(m, met.labels)]
        outputs = [m for m in node.inputs if m not in labels]
        if labels and len(outputs) == 1:
            yield node, outputs[0]


def later(role: Roles) -> dict[Update, Node]:
    """For each update that is made once more after the step, on the same line, by something made of labels, that."""
    return role.graph.once(("later", role.last), lambda: dict(made_again(role)))


def made_again(role: Roles) -> Iterator[tuple[Update, Node]]:
    """The same, found now."""
    by_line = {(u.end.site, u.end.op): u for u in role.updates if u.new is not None}
    for node in reversed(role.graph.tape[role.last + 1 :]):
        update = by_line.get((node.site, node.op))
        if update is not None and role.of_labels[node.index]:
            yield update, node


def is_same(a: Node, b: Node) -> bool:
    """Is this the same value, or the same part of it?"""
    if a is b:
        return True
    parts = a.op == b.op and (a.op in VIEWS or a.op == "item") and a.args and isinstance(a.args[0], Node)
    return bool(parts) and str(a.args[1:]) == str(b.args[1:]) and is_same(a.args[0], b.args[0])


def kept(role: Roles, output: Node, old: int) -> Node | None:
    """The last value of the step that an output is made of, not through new parameters, if the old one went into it."""
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


def drawn_anew(role: Roles) -> Iterator[tuple[Update, Node]]:
    """The parameters that the next step updates where it does now, from another beginning, while others go on."""
    graph = role.graph
    goes_on = {u: graph.depends(node.index, 1 << u.new.index) for u, node in later(role).items() if u.new is not None}
    for update, node in later(role).items():
        beginning = base_of(next(a for a in node.args if isinstance(a, Node)))
        if any(goes_on.values()) and not goes_on[update] and beginning.index > role.last and beginning.leaf == "random":
            yield update, beginning
