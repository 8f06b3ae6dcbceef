"""Programs whose labels are their data, such as autoencoders: the compared data are separated from the inputs.

Such a program has one leaf where others have two. Where the data meet an output computed from them, in a difference or
as the weight of a logarithm, they are put on the tape a second time, as labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nnref.checking.watching.calculus.graph import Graph, as_bits, base_of, bits_of, entries_of_leaf
from nnref.checking.watching.meaning.parameters import MADE_ON_THE_WAY, Roles, only_what_reaches, roles_of_step, step
from nnref.checking.watching.meaning.updates import replaceable, takes_its_place
from nnref.checking.watching.recording.tape import Node, nodes_of

Pairs = Sequence[tuple[str, Node, Node]]


@dataclass(frozen=True, eq=False)
class Understood:
    """The roles of a program's first step, and the tapes they refer to.

    places[run][k] is the index, on that tape, of value k of the recorded one: shifted where labels were inserted.
    """

    role: Roles | None
    tapes: list[Sequence[Node]]
    places: list[Mapping[int, int]] = field(default_factory=list)


def understood(tapes: Sequence[Sequence[Node]], pairs: Pairs = ()) -> Understood:
    """The roles of recorded values, with labels separated from data where these are the same."""
    graph = Graph(tapes[0])
    role = roles_of_step(graph, pairs)
    drawn = {"random", *MADE_ON_THE_WAY}
    sure = role is not None and not (role.unlabelled or role.labels[0].leaf in drawn or left_one(graph, role))
    if sure or not (uses := compared(graph) or compared(graph, fewest=1)):
        return Understood(role, list(tapes))
    alike = tapes if all(len(tape) > max(uses) for tape in tapes) else tapes[:1]
    made = [with_labels(tape, uses) for tape in alike]
    tape, places, labels = made[0]
    new = [(name, tape[places[old.index]], tape[places[g.index]]) for name, old, g in pairs]
    found = step(Graph(tape), labels, new)
    found = only_what_reaches(found) if found is not None else None
    if found is None or len({u.base.index for u in found.updates}) < bin(learnt(graph)[0]).count("1"):
        return Understood(role, list(tapes))  # no verdict is better than one on a part of the parameters
    return Understood(found, [tape for tape, _, _ in made], [places for _, places, _ in made])


def left_one(graph: Graph, role: Roles) -> bool:
    """Are labels and data made on one line, while a learnt value is no parameter in these roles?"""
    known = sum({1 << u.base.index for u in role.updates})
    return len(role.labels) > 1 and bool(learnt(graph)[0] & ~known)


def learnt(graph: Graph) -> tuple[int, int]:
    """The values that the program replaces by themselves ± something computed from them; and the new values.

    Both as bit sets. New values, and what depends on them, such as averages of gradients, are excluded from the first.
    """
    found = new = 0
    for update in replaceable(graph):
        base = update.base.index
        known = found >> base & 1
        if update.new is None or (not known and graph.depends(base, found | new)):
            continue
        if known or takes_its_place(graph, update):
            found |= 1 << base
            new |= 1 << update.new.index
    made = (k for k in bits_of(found) if graph.above[k] & found)  # an accumulated slope, and no parameter
    return found & ~as_bits(made), new


def compared(graph: Graph, fewest: int = 2) -> dict[int, Node]:
    """The operations of the first step where data meet a value computed from them and parameters; with the data.

    Only for data of at least `fewest` entries, as a single number meets many values that are no outputs.
    """
    parameters, after = learnt(graph)
    found: dict[int, Node] = {}
    for node in graph.tape if parameters else ():
        for target, output in (node.inputs, node.inputs[::-1]) if len(node.inputs) == 2 else ():
            if graph.depends(output.index, after) or not is_comparison(graph, node, target, output, parameters, fewest):
                continue
            found[node.index] = target
            after |= 1 << node.index
    return found


def is_comparison(graph: Graph, node: Node, target: Node, output: Node, parameters: int, fewest: int) -> bool:
    """Do these data meet an output: in a difference, as the weight of a logarithm, or as an index?

    Entry by entry they have to be the data it was computed from; an index may be that of the next character.
    """
    made = graph.depends(output.index, parameters) and not parameters >> base_of(output).index & 1
    if not made or graph.depends(target.index, parameters) or not target.deps or target.value is None:
        return False
    if node.op in ("item", "view", "put_at"):
        place = node.kwargs.get("at") if node.op == "view" else node.args[1]
        return target in nodes_of(place) and np.asarray(target.value).dtype.kind in "iu"
    sizes = [int(np.prod(part.shape, dtype=int)) for part in (target, output)]
    meets = node.op == "subtract" or (node.op == "multiply" and output.op in ("log", "log2", "log10"))
    return meets and sizes[0] == sizes[1] >= fewest and not target.deps & ~output.deps


def with_labels(tape: Sequence[Node], uses: Mapping[int, Node]) -> tuple[list[Node], dict[int, int], tuple[Node, ...]]:
    """A tape with the compared data as separate leaves, the new index of each value, and these leaves.

    Equal selections of one array share a leaf, and so do equal numbers of a copy.
    """
    made: list[Node] = []
    places: dict[int, int] = {}
    labels: dict[object, Node] = {}
    ordinals = max((node.deps.bit_length() for node in tape), default=0)
    for node in tape:
        given = {m.index: made[places[m.index]] for m in node.inputs}
        if node.index in uses:
            target = tape[uses[node.index].index]
            if (key := key_of_labels(target)) not in labels:
                leaf = replace(target, op="leaf", call=None, args=(), kwargs={}, inputs=(), leaf="labels")
                leaf.index, leaf.deps = len(made), 1 << (ordinals + len(labels))
                leaf.names = list(target.names)
                labels[key] = leaf
                made.append(leaf)
            given[target.index] = labels[key]
        args, kwargs = of_new(node.args, given), {k: of_new(v, given) for k, v in node.kwargs.items()}
        inputs = tuple(dict.fromkeys((*nodes_of(args), *nodes_of(kwargs))))
        deps = node.deps if node.leaf else 0
        for m in inputs:
            deps |= m.deps
        places[node.index] = len(made)
        made.append(replace(node, index=len(made), args=args, kwargs=kwargs, inputs=inputs, deps=deps))
    return made, places, tuple(labels.values())


def key_of_labels(target: Node) -> object:
    """A key for equal labels: the entries of a leaf, or an array with its numbers."""
    found = entries_of_leaf(target)
    if np.size(target.value) > 1 or found is None:
        return np.ascontiguousarray(target.value).tobytes(), target.shape
    return found[0].index, found[1].tobytes()


def of_new(thing: Any, new: Mapping[int, Node]) -> Any:
    """An argument with its nodes replaced by those of the other tape."""
    if isinstance(thing, Node):
        return new[thing.index]
    if type(thing) in (list, tuple):
        return type(thing)([of_new(part, new) for part in thing])
    if isinstance(thing, slice):
        return slice(*(of_new(part, new) for part in (thing.start, thing.stop, thing.step)))
    return thing
