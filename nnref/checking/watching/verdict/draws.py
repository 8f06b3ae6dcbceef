"""Values that are drawn on the way to an output, as the states of a Boltzmann machine are: a draw has no slope."""

from __future__ import annotations

from nnref.checking.watching.calculus.graph import base_of, bits_of
from nnref.checking.watching.meaning.losses import Loss
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.recording.tape import Node, words

ORDERS = words("greater less greater_equal less_equal")
"""Comparisons by which a probability and a number that is drawn make a 0 or a 1."""


def draw_on_the_way(role: Roles, loss: Loss) -> Node | None:
    """The first draw that parameters go into, and from which the way goes on through a parameter to the loss or output.

    An action that is drawn, and is learnt from as a label is, meets no parameter before the loss. None if none is.
    """
    graph, above = role.graph, 0
    for end in (*(m.output for m in role.meetings), *([loss.node] if loss.node is not None else [])):
        above |= graph.above[end.index] | (1 << end.index)
    forward = [graph.tape[k] for k in bits_of(above) if k > role.begin]
    for draw in filter(lambda node: is_draw(role, node), forward):
        bit = 1 << draw.index
        if any(graph.depends(n.index, bit) and meets_parameter(role, n, bit) for n in forward):
            return draw
    return None


def meets_parameter(role: Roles, node: Node, made: int) -> bool:
    """Is this an operation on what is made of something, and on a parameter that is not?"""
    beside = [m for m in node.inputs if not role.graph.depends(m.index, made)]
    return len(beside) < len(node.inputs) and any(role.parameters >> base_of(m).index & 1 for m in beside)


def draw_in_words(draw: Node) -> str:
    """Why no step through a draw is called wrong."""
    return f"it goes through what line {draw.site.line} draws, and a draw has no slope: this may be no gradient at all"


def is_draw(role: Roles, node: Node) -> bool:
    """Is a value that is made of parameters compared with numbers that were drawn after it was made?"""
    if node.op not in ORDERS or len(node.inputs) != 2:
        return False
    graph, parameters = role.graph, role.parameters
    drawn, made = sorted(node.inputs, key=lambda m: graph.depends(m.index, parameters))
    if graph.depends(drawn.index, parameters) or not graph.depends(made.index, parameters):
        return False
    first = next((k for k in bits_of(graph.above[made.index]) if graph.depends(k, parameters) and k > role.begin), 0)
    leaves = [graph.tape[k] for k in bits_of(graph.above[drawn.index] | 1 << drawn.index) if graph.tape[k].leaf]
    return any(leaf.leaf == "random" and leaf.real and leaf.index > first for leaf in leaves)
