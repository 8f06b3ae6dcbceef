"""Parameters in one array that are updated part by part, as by w[1:] += … and then w[0] += …."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from nnref.checking.watching.calculus.graph import VIEWS, Graph, as_bits, base_of, bits_of
from nnref.checking.watching.meaning.updates import ROWS, Update, is_kept, key_of_parameter, number, uses
from nnref.checking.watching.recording.tape import Node

PARTS = ("item", "view")
"""Operations that select a part of an array."""


def beginning(base: Node, array: Node | None = None) -> Node:
    """The state of an array before all that was written into it, or back to the state `array`, if that is met."""
    while base is not array and base.op == "put" and isinstance(base.args[0], Node):
        base = base_of(base.args[0])
    return base


def states_begun(graph: Graph) -> Mapping[int, Node]:
    """Of every state of an array that was written into, by its index: the state before all of that.

    An array that a loop fills has thousands of states: each begins as the one before it.
    """
    found: dict[int, Node] = {}
    for node in graph.tape:
        if node.op == "put" and isinstance(node.args[0], Node):
            before = base_of(node.args[0])
            found[node.index] = found.get(before.index, before)
    return found


def is_part(update: Update) -> bool:
    """Is it an update of a part of an array, written into that?"""
    whole = np.prod(beginning(update.base).shape, dtype=int)
    return update.new is not None and update.old.op in PARTS and np.prod(update.old.shape, dtype=int) < whole


def without_later_parts(graph: Graph, found: Sequence[Update]) -> Iterator[Update]:
    """The updates without those of further parts that use already updated values: they belong to the next example."""
    new = as_bits(u.new.index for u in found if u.new is not None)
    seen = set[Node]()
    for update in found:
        further = update.base in seen and is_part(update)
        seen.add(update.base)
        if not further or not graph.depends(update.step.index, new):
            yield update


def other_parts(
    graph: Graph, of_labels: Sequence[bool], updates: Sequence[Update], outputs: int, begin: int
) -> Iterator[Update]:
    """The updates of further parts of partly updated arrays, until the next forward pass begins.

    Writing another part leaves a part unchanged: so old is the part as the forward pass reads it, or that part of the
    whole array if it reads the whole. A part that the previous step wrote last is that step's, and is left out.
    """
    known = {key_of_parameter(u.old) for u in updates}
    for first in [u for u in updates if is_part(u)]:
        shown = parts_shown(graph, first)
        for update in following(graph, of_labels, first, outputs, begin):
            same = shown.get(str(update.old.args[1:]))
            key = (first.base.index, *key_of_parameter(same or update.old)[1:])
            if key in known or written_last(first.base, update.old):
                continue
            known.add(key)
            yield replace(update, old=same) if same is not None else replace(update, whole=first.base)


def parts_shown(graph: Graph, first: Update) -> dict[str, Node]:
    """The parts of an array that are read before one of them is updated, by their index."""
    users = graph.users[first.base.index]
    return {str(n.args[1:]): n for n in users if n.op in PARTS and n.index < first.end.index}


def written_last(array: Node, part: Node) -> bool:
    """Is a part the last one that was written into an array?"""
    return array.op == "put" and str(array.args[2:]) == str(part.args[1:])


def following(graph: Graph, of_labels: Sequence[bool], first: Update, outputs: int, begin: int) -> Iterator[Update]:
    """The updates of an array's parts after the first, until a line of the forward pass is executed again."""
    array = first.base
    made = (graph.tape[k] for k in bits_of(outputs) if k > begin and graph.depends(k, 1 << array.index))
    forward = {n.site for n in made if n.op not in VIEWS and n is not array}  # a view has the site of its array
    if not forward:  # the parts meet the labels directly, as where data are the labels
        used = (n for n in uses(graph, array) if n.index < first.end.index and n.site.line != first.end.site.line)
        forward = {n.site for n in used}
    for node in graph.tape[first.end.index + 1 :]:
        if node.site in forward and node.op not in VIEWS:
            return
        if node.op not in ("subtract", "add") or len(node.args) != 2 or not of_labels[node.index]:
            continue
        old, step = node.args
        if not isinstance(old, Node) or not isinstance(step, Node) or old.op not in PARTS:
            continue
        if old.shape != node.shape and np.prod(old.shape) * np.prod(node.shape) != 1:
            continue  # an entry plus an array of one entry is written as that entry
        update = Update(old, step, node, 1 if node.op == "subtract" else -1)
        written = update.base.op == "put" and beginning(update.base, array) is array
        if written and of_labels[step.index] and is_kept(graph, update):
            yield update


def tables_of_rows(graph: Graph) -> Iterator[int]:
    """The initial state of the tables to whose rows something is added that depends on them."""
    for node in graph.tape:
        if node.op in ROWS and isinstance(node.args[0], Node) and isinstance(node.args[2], Node):
            table = beginning(base_of(node.args[0]))
            if graph.above[node.args[2].index] >> table.index & 1 and number(table):
                yield table.index
