"""Arrays filled number by number: where the slope that they hold in the end is made."""

from __future__ import annotations

import numpy as np

from nnref.checking.watching.calculus.slopes import backward
from nnref.checking.watching.recording.tape import Node, Site
from nnref.checking.watching.verdict.meant_for import made_by
from nnref.checking.watching.verdict.right_values import Search


def is_filled(search: Search, node: Node) -> bool:
    """Is it an array with its last number written in, a slope now, though nothing that it is made of shows one?

    A single number in a single run is a multiple of any other; only the array says whether the numbers are right.
    """
    made_of = backward_inputs(search, node)
    return node.op == "put" and bool(made_of) and search.right(node) and not any(map(search.factors, made_of))


def jump_of_filled(search: Search, node: Node) -> float | None:
    """The ratio of a filled array's factor to that of the slopes that its numbers are taken from."""
    _, slopes = made_since(search, node)
    before = [c for m in slopes for c in search.factors(m)[:1]]
    return search.factors(node)[0] / before[0] if before else None


def made_at(search: Search, node: Node) -> tuple[Site, bool]:
    """The site where a value is made, and whether it is made there alone: of a filled array, where its numbers are."""
    numbers = made_since(search, node)[0] if is_filled(search, node) else []
    first = min([*numbers, node], key=lambda n: n.index)
    return first.site, all(n.site.line == node.site.line for n in numbers)


def factor_part(search: Search, product: Node, array: Node) -> tuple[Node, bool]:
    """The value that is wrong in an array by which a slope is multiplied, and whether no other one may be.

    Where numbers are written over a computed array, as on the diagonal of a Jacobian, either they or the rest may be
    wrong. What the product should be tells which, if one of the two is right.
    """
    whole, written, kept = array, list[Node](), np.ones(array.shape)
    while whole.op == "put" and isinstance(whole.args[0], Node) and not search.forward >> whole.index & 1:
        written.insert(0, whole)
        kept = dict(backward(whole, kept, search.reading.choice))[whole.args[0]]
        whole = whole.args[0]
    beside = kept.ravel() != 0
    if whole.leaf or whole is array or search.forward >> whole.index & 1 or are_right(search, product, beside):
        return [*written, array][0], len({n.site.line for n in written}) < 2
    return whole, whole.site.line == array.site.line or are_right(search, product, ~beside)


def are_right(search: Search, product: Node, chosen: np.ndarray) -> bool:
    """Are the chosen entries of a product those of a slope, with the factor of what is multiplied?"""
    slopes = [made_by(m) for m in product.inputs if search.is_backward(m)]
    if len(slopes) != 1 or product.value is None or (known := search.match(slopes[0])) is None:
        return False
    given, truth = np.ravel(np.asarray(product.value, float))[chosen], search.reading.slopes[0]
    right = (known[1] * truth[k].ravel()[chosen] for k in search.truths.get(int(np.prod(product.shape)), []))
    return bool(given.any()) and any(np.allclose(given, T, search.tolerance, 0) for T in right)


def made_since(search: Search, node: Node) -> tuple[list[Node], list[Node]]:
    """What a value is made of since the last slopes before it, and these slopes."""
    between: dict[int, Node] = {}
    slopes: dict[int, Node] = {}
    todo = backward_inputs(search, node)
    while todo:
        m = todo.pop()
        if m.index not in between and m.index not in slopes:
            (slopes if search.factors(m) else between)[m.index] = m
            todo += [] if m.index in slopes else backward_inputs(search, m)
    return list(between.values()), list(slopes.values())


def backward_inputs(search: Search, node: Node) -> list[Node]:
    """The inputs of a value that belong to the backward pass."""
    return [m for m in node.inputs if search.is_backward(m) and search.graph.depends(m.index, search.role.parameters)]
