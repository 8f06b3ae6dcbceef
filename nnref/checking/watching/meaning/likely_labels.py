"""What may be the labels of a program, the likeliest first: leaves, columns of tables, targets made of the inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from nnref.checking.watching.calculus.graph import Graph, base_of, bits_of, entries_of_leaf
from nnref.checking.watching.meaning.updates import uses
from nnref.checking.watching.recording.functions import FRESH, LIKE
from nnref.checking.watching.recording.tape import Node, nodes_of, words

CANDIDATES = 60
"""Leaves that are tried as the labels, likeliest first."""

ALIKE_LEAVES = 4
"""Of leaves that were made on one line, in one shape, so many are tried as the labels."""

LARGE = 500_000
"""Entries of a table above which its columns are not looked at one by one."""

LIKELIHOOD = {
    "labels": 0, "looked up": 1, "array": 1, "written": 1, "table": 1,
    "data": 2, "unknown": 2, "parsed": 2, "randint": 2,
}  # fmt: skip
"""The order in which kinds of leaves are tried; others after these."""


def label_candidates(graph: Graph) -> Iterator[tuple[Node, ...]]:
    """What may be the labels: leaves, the likeliest first, columns of tables, and targets made of the inputs."""
    leaves = [n for n in graph.tape if n.leaf and n.leaf != "constant" and np.prod(n.shape, dtype=int)]
    kept = ("labels", "data", "table", "written", "array", "unknown", "parsed", "randint")
    leaves = [n for n in leaves if n.leaf in kept or not (is_computed(n) or replaced_by_name(graph, n))]
    ranked = sorted(leaves, key=lambda n: (LIKELIHOOD.get(n.leaf, 6), n.index))
    yield from ((n,) for n in unlike(graph, ranked)[: CANDIDATES // 2])
    yield from columns(graph, ranked)
    seen = set()
    for node in islice(graph.tape, 1000):
        if node.op == "item" and (classes := of_rows(node)) is not None and classes.index not in seen:
            seen.add(classes.index)
            yield (classes,)
        for target, output in beside(node):
            made = unscaled(base_of(target))
            if (node.op in ("multiply", "divide") and not given(graph, made)) or replaced_by_name(graph, made):
                continue
            subset = target.deps and not target.deps & ~output.deps and target.deps != output.deps
            if not made.leaf and subset and made.index not in seen and not of_constants(graph, made):
                seen.add(made.index)
                yield (made,)


def is_computed(leaf: Node) -> bool:
    """Is a leaf one number that a function made of sizes, as np.sqrt(6 / (n + m)) is? Weights are scaled by it."""
    return np.prod(leaf.shape, dtype=int) == 1 and leaf.leaf not in {*LIKELIHOOD, *FRESH, *LIKE, "random"}


def beside(node: Node) -> Iterator[tuple[Node, Node]]:
    """What may be a target, with what may be its output: the sides of a difference, a product or a quotient.

    And what is compared with numbers in a condition, with what the condition chooses; and the whole numbers that choose
    entries, with what they choose of.
    """
    if looks_up(node):
        yield from ((m, node.args[0]) for m in nodes_of(node.args[1]) if np.asarray(m.value).dtype.kind in "iu")
    if node.op in ("subtract", "multiply", "divide") and len(node.inputs) == 2:
        yield from (node.inputs, node.inputs[::-1])
    if node.op == "where" and len(node.args) == 3 and isinstance(node.args[0], Node):
        compared = node.args[0].inputs if node.args[0].op in COMPARISONS else (node.args[0],)
        chosen = [m for m in node.args[1:] if isinstance(m, Node)]
        yield from ((target, output) for target in compared[:1] for output in chosen)


COMPARISONS = words("equal not_equal greater less greater_equal less_equal")
"""Operations by which labels of classes say which of two values counts."""


def looks_up(node: Node) -> bool:
    """Is this A[range(n), y], where something that is known chooses the entries?"""
    return node.op == "item" and isinstance(node.args[0], Node) and any(True for _ in nodes_of(node.args[1]))


def unscaled(node: Node) -> Node:
    """What the program has a name for, where a value without one is a number times it, as 3 * Y is."""
    named = [m for m in node.inputs if m.names]
    if node.names or node.op not in ("multiply", "divide") or len(node.inputs) != 1 or not named:
        return node
    return base_of(named[0])


def of_rows(node: Node) -> Node | None:
    """The classes by which rows of an identity matrix are looked up, if they are made of something: its labels."""
    table, place = node.args[0], node.args[1]
    known = isinstance(table, Node) and table.leaf in ("eye", "identity") and isinstance(place, Node)
    return base_of(place) if known and not base_of(place).leaf else None


def unlike(graph: Graph, leaves: Sequence[Node]) -> list[Node]:
    """Of many leaves that were made alike, example by example, the few that are used first: the others are as these.

    Examples may be shuffled before the first step, which then has none of those that were made first.
    """
    alike: dict[object, list[Node]] = {}
    for leaf in leaves:
        names = tuple(leaf.names) or leaf.index
        alike.setdefault((leaf.leaf, leaf.site if leaf.site.line else names, leaf.shape), []).append(leaf)
    kept = set[int]()
    for group in alike.values():
        many = len(group) > ALIKE_LEAVES
        first = sorted(group, key=lambda n: first_used(graph, n)) if many else group
        kept |= {n.index for n in first[:ALIKE_LEAVES]}
    return [leaf for leaf in leaves if leaf.index in kept]


def first_used(graph: Graph, leaf: Node) -> tuple[int, int]:
    """Where a leaf, or what was written into it, is first computed with; those that are not, last."""
    return min((n.index for n in uses(graph, leaf)), default=len(graph.tape)), leaf.index


def of_constants(graph: Graph, node: Node) -> bool:
    """Is a value made of numbers that are written out, and of nothing else, as -rate is?"""
    return all(graph.tape[k].leaf in ("", "constant") for k in bits_of(graph.above[node.index]))


def given(graph: Graph, node: Node) -> bool:
    """Is a value made of no number that was drawn, but for an order of rows? Then no parameter went into it."""
    drawn = (n for n in (graph.tape[k] for k in bits_of(graph.above[node.index])) if n.leaf == "random")
    return all(np.asarray(n.value).dtype.kind in "iu" for n in drawn)


def replaced_by_name(graph: Graph, leaf: Node) -> bool:
    """Is b -= … or b = b - … done to it, with something that is made of more than b? Then these are no labels.

    Nor are drawn weights before they are scaled, or the number by which they are.
    """
    users = (n for n in graph.users[leaf.index] if n.op in ("subtract", "add") and n.args and n.args[0] is leaf)
    steps = (n for n in users if n.deps & ~leaf.deps)
    scaled = (n for n in graph.users[leaf.index] if n.op in ("multiply", "divide") and all(m.leaf for m in n.inputs))
    return any(replaced_by_name(graph, n) for n in scaled) or any(set(n.names) & set(leaf.names) for n in steps)


def columns(graph: Graph, leaves: Sequence[Node]) -> Iterator[tuple[Node, ...]]:
    """The parts of a table that show its last column alone, or its first; of an array, and of lists written out.

    Of a wider table than the program looks at, the last and the first column that it does look at.
    """
    tables = {n.index: n for n in leaves if len(n.shape) == 2 and n.shape[1] > 1 and n.leaf not in ("random", "eye")}
    parts: dict[int, dict[int, list[Node]]] = {}
    for node in graph.tape:
        part = node.op in ("view", "item", "entry") and isinstance(node.args[0], Node)
        if not part or np.prod(node.args[0].shape) > LARGE or (found := entries_of_leaf(node)) is None:
            continue
        if found[0].index not in tables:
            continue
        base, places = found
        column = int(places.flat[0]) % base.shape[1] if places.size else -1
        if column >= 0 and (places % base.shape[1] == column).all():
            parts.setdefault(base.index, {}).setdefault(column, []).append(node)
    for index, by_column in parts.items():
        ends = (tables[index].shape[1] - 1, 0, max(by_column), min(by_column))
        yield from (tuple(by_column[column]) for column in dict.fromkeys(ends) if column in by_column)
