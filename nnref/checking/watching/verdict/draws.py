"""Random draws between parameters and output, as of the states of a Boltzmann machine: a draw has no slope."""

from __future__ import annotations

from nnref.checking.watching.calculus.graph import base_of, bits_of
from nnref.checking.watching.meaning.losses import Loss
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.recording.tape import Node, words

ORDERS = words("greater less greater_equal less_equal")
"""Comparisons of a probability with a random number, which give 0 or 1."""


def draw_on_the_way(role: Roles, loss: Loss) -> Node | None:
    """The first draw that depends on parameters, and whose result meets a parameter on its way to the loss or output.

    A drawn action in reinforcement learning meets no parameter before the loss, and is none of these. None without one.
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
    """Does this operation combine a descendant of `made` with a parameter that is none?"""
    beside = [m for m in node.inputs if not role.graph.depends(m.index, made)]
    return len(beside) < len(node.inputs) and any(role.parameters >> base_of(m).index & 1 for m in beside)


def draw_in_words(draw: Node) -> str:
    """Why no step through a draw is called wrong."""
    return f"it goes through what line {draw.site.line} draws, and a draw has no slope: this may be no gradient at all"


def is_draw(role: Roles, node: Node) -> bool:
    """Is a value that depends on parameters compared with numbers drawn after it was computed?"""
    if node.op not in ORDERS or len(node.inputs) != 2:
        return False
    graph, parameters = role.graph, role.parameters
    drawn, made = sorted(node.inputs, key=lambda m: graph.depends(m.index, parameters))
    if graph.depends(drawn.index, parameters) or not graph.depends(made.index, parameters):
        return False
    first = next((k for k in bits_of(graph.above[made.index]) if graph.depends(k, parameters) and k > role.begin), 0)
    leaves = [graph.tape[k] for k in bits_of(graph.above[drawn.index] | 1 << drawn.index) if graph.tape[k].leaf]
    return any(leaf.leaf == "random" and leaf.real and leaf.index > first for leaf in leaves)
