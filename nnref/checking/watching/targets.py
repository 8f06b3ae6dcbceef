"""Programs whose labels are their data, as an autoencoder's: what is compared with outputs is told from what goes in.

Such a program has one leaf where others have two, and everything depends on it. Where data meet an output that was made
of them, in a difference or beside a logarithm, they are put on the tape once more, as labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nnref.checking.watching.graph import Graph, base_of
from nnref.checking.watching.parameters import Roles, replaceable, roles, takes_its_place
from nnref.checking.watching.tape import Node, nodes_of

Pairs = Sequence[tuple[str, Node, Node]]


@dataclass(frozen=True, eq=False)
class Understood:
    """The roles of a program's first step, and the tapes that they are about.

    places[run][k] is where value k of a recorded tape stands on that one: the same place, but where labels were put in.
    """

    role: Roles | None
    tapes: list[Sequence[Node]]
    places: list[Mapping[int, int]] = field(default_factory=list)


def understood(tapes: Sequence[Sequence[Node]], pairs: Pairs = ()) -> Understood:
    """What the values of recorded runs are to the program, its labels told from its data where they are the same."""
    graph = Graph(tapes[0])
    role = roles(graph, pairs)
    if role is not None or not (uses := compared(graph)):
        return Understood(role, list(tapes))
    alike = tapes if all(len(tape) > max(uses) for tape in tapes) else tapes[:1]
    made = [with_labels(tape, uses) for tape in alike]
    new = {id(node): made[0][0][made[0][1][node.index]] for node in graph.tape}
    role = roles(Graph(made[0][0]), [(name, new[id(old)], new[id(g)]) for name, old, g in pairs])
    if role is None or len({u.base.index for u in role.updates}) < len(learnt(graph)):
        return Understood(None, list(tapes))  # rather no verdict than one on a part of what it learns
    return Understood(role, [tape for tape, _ in made], [places for _, places in made])


def learnt(graph: Graph) -> set[int]:
    """The values that the program replaces by themselves plus or minus something made of them, for the first time."""
    found: set[int] = set()
    new = 0
    for update in replaceable(graph):
        base = update.base.index
        if update.new is None or graph.depends(base, new) or not takes_its_place(graph, update):
            continue
        found.add(base)
        new |= 1 << update.new.index
    return found


def compared(graph: Graph) -> dict[int, Node]:
    """Where data meet what was made of them and of parameters: the operation's place, and the data that are met."""
    parameters = sum(1 << k for k in learnt(graph))
    found: dict[int, Node] = {}
    after = 0
    for node in graph.tape if parameters else ():
        for target, output in (node.inputs, node.inputs[::-1]) if len(node.inputs) == 2 else ():
            if graph.depends(output.index, after) or not is_comparison(graph, node, target, output, parameters):
                continue
            found[node.index] = target
            after |= 1 << node.index
    return found


def is_comparison(graph: Graph, node: Node, target: Node, output: Node, parameters: int) -> bool:
    """Are these data beside an output that was made of them: in a difference, or as what a logarithm is weighted by?"""
    made = graph.depends(output.index, parameters) and not parameters >> base_of(output).index & 1
    data = not graph.depends(target.index, parameters) and target.deps and not target.deps & ~output.deps
    data = data and target.value is not None
    sizes = [int(np.prod(part.shape, dtype=int)) for part in (target, output)]
    meets = node.op == "subtract" or (node.op == "multiply" and output.op in ("log", "log2", "log10"))
    return bool(made and data and meets and sizes[0] == sizes[1] > 1)


def with_labels(tape: Sequence[Node], uses: Mapping[int, Node]) -> tuple[list[Node], dict[int, int]]:
    """A tape on which what is compared is a leaf of its own, one for the same numbers; and where each value is now."""
    made: list[Node] = []
    places: dict[int, int] = {}
    labels: dict[bytes, Node] = {}
    ordinals = max((node.deps.bit_length() for node in tape), default=0)
    for node in tape:
        given = {m.index: made[places[m.index]] for m in node.inputs}
        if node.index in uses:
            target = tape[uses[node.index].index]
            key = np.ascontiguousarray(target.value).tobytes() + str(target.shape).encode()
            if key not in labels:
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
    return made, places


def of_new(thing: Any, new: Mapping[int, Node]) -> Any:
    """An argument with the values of another tape in the place of nodes."""
    if isinstance(thing, Node):
        return new[thing.index]
    if type(thing) in (list, tuple):
        return type(thing)([of_new(part, new) for part in thing])
    if isinstance(thing, slice):
        return slice(*(of_new(part, new) for part in (thing.start, thing.stop, thing.step)))
    return thing
