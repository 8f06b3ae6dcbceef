"""One step from several forward passes: micro-batches whose gradients are accumulated before the update."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import prod
from operator import or_

from nnref.checking.watching.calculus.graph import Graph, as_bits
from nnref.checking.watching.meaning.parameters import MADE_ON_THE_WAY, Roles
from nnref.checking.watching.recording.tape import Node, Site


def of_one_step(role: Roles, losses: Sequence[Node]) -> list[Node]:
    """The losses of one line, each with its own forward pass in the step; [] if there is only one.

    The step descends on their sum, as all their gradients go into it.
    """
    forward = forward_values(role)
    passes = {n.index: role.graph.above[n.index] & forward for n in losses}
    lines: dict[Site, list[Node]] = {}
    for node in losses:
        if passes[node.index] & role.outputs:
            lines.setdefault(node.site, []).append(node)
    for nodes in lines.values():
        together = 0
        apart = True
        for node in nodes:
            apart &= not together & passes[node.index]
            together |= passes[node.index]
        if apart and len(nodes) > 1:
            return nodes
    return []


def forward_values(role: Roles) -> int:
    """The values that depend on parameters and data and on no label, as a bit set."""
    graph, made = role.graph, role.parameters
    for update in role.updates:
        made |= graph.above[update.base.index]
    data = sum({1 << n.index for n in graph.tape if n.leaf not in ("", "constant")}) & ~made
    values = (n.index for n in graph.tape if not role.of_labels[n.index] and graph.above[n.index] & data)
    return sum({1 << k for k in values if graph.depends(k, role.parameters)})


def of_other_examples(role: Roles) -> int:
    """The values, as bits, made of arrays of data that do not go into the step, though others of their line do.

    A loss of such, as of all sentences before the first step by one of them, is not the loss of that step.
    """
    bases = frozenset(u.base.index for u in role.updates)
    graph = role.graph.once(("cut", bases), lambda: Graph(role.graph.tape, bases))  # earlier steps went into these
    of_step = reduce(or_, (graph.above[u.step.index] for u in role.updates), 0)
    known = (n for n in graph.tape if n.leaf not in {"", "constant", *MADE_ON_THE_WAY} and n.index not in bases)
    arrays = [n for n in known if prod(n.shape) > 1]
    like = {(n.site, n.leaf) for n in arrays if of_step >> n.index & 1}
    others = as_bits(n.index for n in arrays if (n.site, n.leaf) in like and not of_step >> n.index & 1)
    return as_bits(k for k, above in enumerate(graph.above) if above & others) if others else 0
