"""What may be the labels of a program, the likeliest first: leaves, columns of tables, targets made of the inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import islice
from operator import or_

import numpy as np

from nnref.checking.watching.calculus.graph import Graph, base_of, bits_of, entries_of_leaf
from nnref.checking.watching.calculus.slopes import value_of
from nnref.checking.watching.meaning.updates import uses
from nnref.checking.watching.recording.functions import FRESH, LIKE
from nnref.checking.watching.recording.tape import Node, nodes_of, words

CANDIDATES = 60
"""Most leaves that are tried as the labels."""

ALIKE_LEAVES = 4
"""Most leaves of one line and shape that are tried as the labels."""

LARGE = 500_000
"""Size of a table above which its columns are not tried separately."""

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
    leaves = [n for n in leaves if not (turns_signs(graph, n) or is_seed(n))]
    ranked = sorted(leaves, key=lambda n: (LIKELIHOOD.get(n.leaf, 6), n.index))
    yield from ((n,) for n in unlike(graph, ranked)[: CANDIDATES // 2])
    yield from islice(columns(graph, ranked), CANDIDATES // 4)
    seen = set()
    constants = reduce(or_, (n.deps for n in graph.tape if n.leaf == "constant"), 0)
    for node in islice(graph.tape, 1000):
        if node.op == "item" and (classes := of_rows(node)) is not None and classes.index not in seen:
            seen.add(classes.index)
            yield (classes,)
        for target, output in beside(node):
            made = unscaled(base_of(target))
            if looks_up(node) and made.leaf and target.op == "view" and target.shape and made.deps & output.deps:
                made = target  # the next words of a text, of which the words before went into the output
            if (node.op in ("multiply", "divide") and not given(graph, made)) or replaced_by_name(graph, made):
                continue
            if (
                not made.leaf
                and is_made_of_inputs(node, target, output, constants)
                and made.index not in seen
                and not of_constants(graph, made)
            ):
                seen.add(made.index)
                yield (made,)


def minus(node: Node) -> Node | None:
    """What a value is minus of, as -a and a * -1 are; None if it is none."""
    numbers = [value_of(a) for a in node.args if not isinstance(a, Node) or is_number(a)]
    if node.op == "negative" or (node.op == "multiply" and any(np.size(n) == 1 and n == -1 for n in numbers)):
        return next((a for a in node.inputs if not is_number(a)), None)
    return None


def is_made_of_inputs(node: Node, target: Node, output: Node, constants: int) -> bool:
    """Is a target made of what its output is made of: of nothing else, or, in a difference, of more, as X @ A is?

    Numbers that are written out, as the number of classes is, are nothing else. What is written into an array of zeros
    is known by that leaf.
    """
    beside, parameters = target.deps & ~output.deps & ~constants, output.deps & ~target.deps
    if not beside:
        return bool(target.deps and parameters)
    more = node.op == "subtract" and base_of(target).op != "put"
    return more and bool(target.deps & output.deps and parameters)


def is_number(leaf: Node) -> bool:
    """Is a leaf one number that is written out, be it as an array of no axis, as np.asarray(-1) is?"""
    return leaf.leaf == "constant" or (leaf.leaf == "array" and not leaf.shape)


def turns_signs(graph: Graph, leaf: Node) -> bool:
    """Is a leaf the -1 of a - b = a + b * -1? It is no label."""
    users = graph.users[leaf.index]
    turned = [n for user in users for n in graph.users[user.index]]
    alone = is_number(leaf) and bool(turned) and all(minus(n) for n in users)
    return alone and all(n.op == "add" for n in turned)


def is_seed(leaf: Node) -> bool:
    """Is a leaf the slope 1 of a loss by itself, which a backward pass begins with, as np.ones_like(loss) is?"""
    return leaf.leaf == "ones_like" and np.prod(leaf.shape, dtype=int) == 1


def is_computed(leaf: Node) -> bool:
    """Is a leaf a number computed from sizes, such as np.sqrt(6 / (n + m)), by which weights are scaled?"""
    return np.prod(leaf.shape, dtype=int) == 1 and leaf.leaf not in {*LIKELIHOOD, *FRESH, *LIKE, "random"}


def beside(node: Node) -> Iterator[tuple[Node, Node]]:
    """A possible target with its possible output: the two operands of a difference, product or quotient.

    Also what a condition compares with numbers, with the values it selects from; and integer indices, with the array
    they index.
    """
    if looks_up(node):
        yield from ((m, node.args[0]) for m in nodes_of(node.args[1]) if np.asarray(m.value).dtype.kind in "iu")
    if node.op in ("subtract", "multiply", "divide") and len(node.inputs) == 2:
        yield from (node.inputs, node.inputs[::-1])
    if node.op == "add" and len(node.inputs) == 2:  # a - b = a + b * -1
        yield from ((of, other) for m, other in (node.inputs, node.inputs[::-1]) if (of := minus(m)) is not None)
        yield from ((m, other) for m, other in (node.inputs, node.inputs[::-1]) if minus(other) is not None)
    if node.op == "where" and len(node.args) == 3 and isinstance(node.args[0], Node):
        compared = node.args[0].inputs if node.args[0].op in COMPARISONS else (node.args[0],)
        chosen = [m for m in node.args[1:] if isinstance(m, Node)]
        yield from ((target, output) for target in compared[:1] for output in chosen)


COMPARISONS = words("equal not_equal greater less greater_equal less_equal")
"""Comparisons by which class labels select one of two values."""


def looks_up(node: Node) -> bool:
    """Is this A[range(n), y], with known indices?"""
    return node.op == "item" and isinstance(node.args[0], Node) and any(True for _ in nodes_of(node.args[1]))


def unscaled(node: Node) -> Node:
    """The named value of which an unnamed one is a multiple, as in 3 * Y."""
    named = [m for m in node.inputs if m.names]
    if node.names or node.op not in ("multiply", "divide") or len(node.inputs) != 1 or not named:
        return node
    return base_of(named[0])


def of_rows(node: Node) -> Node | None:
    """The class numbers that index an identity matrix, if they were computed: the labels of a one-hot encoding."""
    table, place = node.args[0], node.args[1]
    known = isinstance(table, Node) and table.leaf in ("eye", "identity") and isinstance(place, Node)
    return base_of(place) if known and not base_of(place).leaf else None


def unlike(graph: Graph, leaves: Sequence[Node]) -> list[Node]:
    """Of many leaves of one kind, made example by example, the few that are used first, as representatives.

    After shuffling, the first step does not use those that were made first.
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
    """The position of the first operation on a leaf, or on what was written into it; the tape's end without one."""
    return min((n.index for n in uses(graph, leaf)), default=len(graph.tape)), leaf.index


def of_constants(graph: Graph, node: Node) -> bool:
    """Is a value computed from literal numbers only, as -rate is?"""
    return all(graph.tape[k].leaf in ("", "constant") for k in bits_of(graph.above[node.index]))


def given(graph: Graph, node: Node) -> bool:
    """Does a value depend on no random numbers except a permutation? Then it depends on no drawn parameter."""
    drawn = (n for n in (graph.tape[k] for k in bits_of(graph.above[node.index])) if n.leaf == "random")
    return all(np.asarray(n.value).dtype.kind in "iu" for n in drawn)


def replaced_by_name(graph: Graph, leaf: Node) -> bool:
    """Is it updated by b -= … or b = b - … with a value that depends on more than b? Then it is no label.

    Nor are drawn weights before their scaling, or the number that scales them.
    """
    steps = (n for n in sums_from(graph, leaf) if n.deps & ~leaf.deps)
    scaled = (n for n in graph.users[leaf.index] if n.op in ("multiply", "divide") and all(m.leaf for m in n.inputs))
    return any(replaced_by_name(graph, n) for n in scaled) or any(set(n.names) & set(leaf.names) for n in steps)


def sums_from(graph: Graph, first: Node) -> Iterator[Node]:
    """The sums and differences that begin with a value; of one without a name, as a + b in a + b + c, its own too."""
    waiting = [first]
    while waiting:
        value = waiting.pop()
        sums = [n for n in graph.users[value.index] if n.op in ("subtract", "add") and n.args and n.args[0] is value]
        yield from sums
        waiting += [n for n in sums if not n.names]


def columns(graph: Graph, leaves: Sequence[Node]) -> Iterator[tuple[Node, ...]]:
    """The selections of exactly the last or the first column of a table, an array or a literal list.

    If the program uses only some columns, the last and the first of those.
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
