"""A right slope used for another one: mostly that of an activation's output for that of its input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nnref.checking.watching.calculus.factors import multiple
from nnref.checking.watching.calculus.graph import PLACES, VIEWS, Array, bits_of
from nnref.checking.watching.recording.tape import Node, words
from nnref.checking.watching.verdict.right_values import Search
from nnref.checking.watching.verdict.verdicts import Judged

LINEAR = VIEWS | words("dot matmul add subtract sum put assign einsum tensordot concatenate")
"""Operations by which a layer is computed from its weights, before its activation."""


LOOKS = VIEWS | {"item"}
"""Operations that show an array, or an entry of it."""

GRADIENTS = words("dot matmul sum mean outer einsum tensordot")
"""Operations that compute a parameter's gradient from the slope of the parameter's use."""


def without_slope(search: Search, row: Judged, node: Node) -> Node | None:
    """A value that is ∂L/∂A where ∂L/∂Z is meant: the gradient was computed from the slope of the activation.

    For one example, the bias's gradient is that slope itself.
    """
    if not row.truth[0].any() or np.prod(node.shape, dtype=int) != row.truth[0].size:
        return None
    base = row.update.base
    direct = {n.index for n in search.graph.tape if node_above(search, n, base)}
    for m in node.inputs if node.op in GRADIENTS else [node]:
        made = made_by(m)
        if not search.role.of_labels[made.index]:
            continue
        found = [k for k, _ in search.matches(made)]
        nearest = [k for k in found if search.graph.above[k] >> base.index & 1]
        before = [j for k in nearest for j in bits_of(search.graph.above[k]) if j in direct]
        if nearest and before and not any(k in direct for k in found):
            return node if used_rightly(search, made, node) else made
    return None


def another_slope(search: Search, row: Judged, node: Node) -> Node | None:
    """The slope that a gradient is computed from, if it is the wrong one and the right one is computed nowhere.

    The other factor tells which is meant: X.T @ dZ is for the parameter's use with X; entry by entry, its size tells.
    If something right is computed from the value too, its use is wrong and not the value.
    """
    products = search.graph.users[node.index] if node.op == "item" else [node]  # a view is elsewhere
    by_entries = any(n.op == "multiply" and any(m.op == "item" for m in n.inputs) for n in products)
    if not by_entries and (node.op not in GRADIENTS or np.prod(node.shape, dtype=int) != row.truth[0].size):
        return None
    known = [made_by(m) for m in node.inputs]
    slopes = [m for m in known if search.role.of_labels[m.index] and search.right(m)]
    if (
        len(slopes) != 1
        or used_rightly(search, slopes[0], node, by_entries)
        or search.beyond_doubt >> slopes[0].index & 1
    ):
        return None
    made, beside = slopes[0], [] if by_entries else [m for m in known if m is not slopes[0]]
    size = np.prod(made.shape, dtype=int)
    meant = {n.index for n in meant_values(search, row, beside) if np.prod(n.shape, dtype=int) == size}
    chain = search.backward(row.update.step)
    if not meant or any(k in meant for n in chain for k, _ in search.matches(n)):
        return None
    return next(
        (shown for m in node.inputs for shown in through_views(m) if made_by(shown) is made and shown.names), made
    )


def meant_values(search: Search, row: Judged, beside: Sequence[Node]) -> Iterator[Node]:
    """What the parameter goes into together with `beside` (if given), by products and sums alone."""
    base, graph = row.update.base, search.graph
    direct = [n for n in graph.tape[: search.role.last + 1] if n is not base and node_above(search, n, base)]
    if not beside:
        return iter(direct)
    found = [n for n in direct if n.op not in VIEWS and any(made_by(m) in beside for m in n.inputs)]
    for node in found:  # a sum has the slope of its terms, and a product has another
        found += [n for n in graph.users[node.index] if n.op in SAME_SLOPE and n in direct and n not in found]
    return iter(found)


SAME_SLOPE = VIEWS | {"add", "subtract", "put", "concatenate"}
"""Operations whose inputs have the slope of the result, up to a sum or a sign."""


def used_rightly(search: Search, value: Node, node: Node, by_entries: bool = False) -> bool:
    """Is something right computed from a value other than by this node? Entry by entry, one number is no evidence.

    The same slope once more, as 0 + dZ where gradients are added up, is none.
    """
    above, role = search.graph.above, search.role
    its_own = {k for k, _ in search.matches(value)}
    later = (n for n in search.graph.tape[value.index + 1 : role.last + 1] if role.of_labels[n.index])
    made = (n for n in later if above[n.index] >> value.index & 1 and n is not node and n.op not in PLACES)
    known = (n for n in made if not above[n.index] >> node.index & 1 and search.right(n))
    others = (n for n in known if not its_own or {k for k, _ in search.matches(n)} - its_own)
    return any(not search.is_of_one_run(n) and (np.size(n.value) > 1 or not by_entries) for n in others)


def slope_skipped(search: Search, node: Node) -> tuple[Node, Node] | None:
    """A right slope of an operation's result that is used for that of its input, and the result.

    What is computed from it entry by entry would be right if computed from the input's slope.
    """
    given = [m for m in node.inputs if search.role.of_labels[m.index]]
    values = search.values(node)
    if len(given) != 1 or values is None or node.op not in ENTRY_BY_ENTRY or given[0].shape != node.shape:
        return None
    if not all(np.isfinite(v).all() for v in values):
        return None
    slope, before = made_by(given[0]), search.values(made_by(given[0]))
    if before is None or any(v.size != b.size for v, b in zip(values, before, strict=True)):
        return None
    its_own = {k for k, _ in search.matches(slope)}  # dA / w for dA * w, with w ∂L/∂z = ∂L/∂w z, is that in two ways
    for k, c in search.matches(slope):
        result = search.graph.tape[k]
        for m in result.inputs if result.op not in (*SAME_SLOPE, "dot", "matmul", "einsum") else ():
            known = m.shape == result.shape and all(m.index in g for g in search.reading.slopes)
            others = [j for j in search.truths[node_size(node)] if j not in its_own]
            if known and any(would_be_right(search, values, before, m, c, j) for j in others):
                return slope, result
    return None


def node_size(node: Node) -> int:
    """How many entries a value has."""
    return int(np.prod(node.shape))


def would_be_right(
    search: Search, values: Sequence[Array], before: Sequence[Array], meant: Node, factor: float, k: int
) -> bool:
    """Would the values be the slope of value k if computed, entry by entry, from the slope that is meant?

    Entries where value k is 0 may be at a kink, and those where its input's slope is 0 show nothing.
    """
    made, truth = [], []
    for v, b, tape, known in zip(values, before, search.tapes, search.reading.slopes, strict=True):
        at = tape[k].value
        if at is None:
            return False
        seen = (b.ravel() != 0) & (np.ravel(np.asarray(at, float)) != 0)
        made.append(v.ravel()[seen] / b.ravel()[seen] * factor * known[meant.index].ravel()[seen])
        truth.append(known[k].ravel()[seen])
    return bool(multiple(made, truth, search.tolerance))


ENTRY_BY_ENTRY = VIEWS | {"multiply", "divide", "where", "put_at", "put", "negative"}
"""Operations by which an activation's slope is applied."""


def node_above(search: Search, node: Node, base: Node) -> bool:
    """Is a value computed from the parameter by products and sums alone, without an activation between?"""
    if search.role.of_labels[node.index]:
        return False
    front, seen = [node], {node.index}
    while front:
        n = front.pop()
        if n is base:
            return True
        if n.op in LINEAR or is_weighted(search, n):
            front += [m for m in n.inputs if m.index not in seen and search.graph.depends(m.index, 1 << base.index)]
            seen |= {m.index for m in n.inputs}
    return False


def is_weighted(search: Search, node: Node) -> bool:
    """Is it a product with data, as in a convolution that is looped over pixels?"""
    return (
        node.op == "multiply" and sum(search.graph.depends(m.index, search.role.parameters) for m in node.inputs) == 1
    )


def made_by(node: Node) -> Node:
    """The value that a view shows; for an entry, the array it was taken from."""
    *_, shown = through_views(node)
    return shown


def through_views(node: Node) -> Iterator[Node]:
    """A value, and what it is a view or an entry of, and so on."""
    yield node
    while node.op in LOOKS and node.args and isinstance(node.args[0], Node):
        node = node.args[0]
        yield node
