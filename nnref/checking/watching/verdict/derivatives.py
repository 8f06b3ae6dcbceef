"""Factors of a backward pass that depend on no label: derivatives of activations, right or wrong."""

from __future__ import annotations

from collections.abc import Collection
from math import prod

import numpy as np

from nnref.checking.watching.calculus.factors import multiple
from nnref.checking.watching.calculus.graph import VIEWS, bits_of
from nnref.checking.watching.calculus.slopes import slopes
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.meant_for import made_by
from nnref.checking.watching.verdict.right_values import Search
from nnref.checking.watching.verdict.verdicts import Judged


def wrong_factor(search: Search, node: Node) -> Node | None:
    """A factor computed for the backward pass only, that depends on no label and is no slope of the forward pass."""
    made = backward_factor(search, node)
    return made if made is not None and slope_factor(search, made) is None else None


def of_another_value(search: Search, row: Judged, node: Node) -> Node | None:
    """A derivative in a product, of another value than the slope that it multiplies."""
    made = backward_factor(search, node)
    if made is None or made.site.function == node.site.function or is_by_parameter(search, row, made):
        return None
    if len(search.graph.users[made.index]) > 1 and any(may_fit(search, n, made) for n in products_of(search, made)):
        return None
    beside = {k for m in node.inputs if search.role.of_labels[m.index] for k, _ in search.matches(m)}
    other = beside and slope_factor(search, made, beside) is None and slope_factor(search, made) is not None
    return made if other else None


def wrong_wherever_used(search: Search, row: Judged, node: Node) -> Node | None:
    """A named derivative that is none of the values by whose slopes its lines multiply it, or none by what is meant.

    A derivative by the parameter itself is right: what it is multiplied by is then of another value. Used once, a
    derivative may be the wrong one there; then the right one is used nowhere.
    """
    made = backward_factor(search, node)
    by_parameter = made is not None and is_by_parameter(search, row, made)
    if by_parameter:
        node = next((m for m in node.inputs if search.role.of_labels[m.index]), node)
        made = backward_factor(search, node)
    if made is None or not made.names or made.site.function != node.site.function or made.site.line >= node.site.line:
        return None
    beside = {k for m in node.inputs if search.role.of_labels[m.index] for k, _ in search.matches(m)}
    last = node is row.update.step or node in entered(search.role, row.update.step)
    if not beside or not (by_parameter or last or slope_factor(search, made, beside) is None):
        return None
    if not by_parameter and any(n is not node and search.right(n) for n in products_of(search, made)):
        return None
    before = search.graph.tape[max(0, made.index - NEAR) : node.index]
    unused = (n for n in before if n.names and not search.graph.users[n.index] and not search.role.of_labels[n.index])
    once = len(products_of(search, made)) < 2
    return None if once and any(slope_factor(search, n, beside) is not None for n in unused) else made


def is_by_parameter(search: Search, row: Judged, factor: Node) -> bool:
    """Is a factor the derivative of something by the parameter whose gradient is made?"""
    return slope_factor(search, factor, by={row.update.base.index}) is not None


NEAR = 200
"""How many values before a derivative that is used in place of another one that one is looked for."""


def may_fit(search: Search, product: Node, factor: Node) -> bool:
    """May a derivative be of the value by whose slope it is multiplied, as far as that slope is right?"""
    beside = {k for m in product.inputs if search.role.of_labels[m.index] for k, _ in search.matches(m)}
    return not beside or slope_factor(search, factor, beside) is not None


def products_of(search: Search, factor: Node) -> list[Node]:
    """The products of a derivative with slopes."""
    users = search.graph.users[factor.index]
    return [n for n in users if n.op in ("multiply", "divide") and search.role.of_labels[n.index]]


def forward_of(search: Search) -> int:
    """The forward pass as a bit set: ancestors of the outputs, and those of the own loss that depend on no label."""
    role, loss, found = search.role, search.reading.loss.node, search.role.outputs
    of_loss = bits_of(role.graph.above[loss.index]) if loss is not None else ()
    return found | sum(1 << k for k in of_loss if not role.of_labels[k] and not found >> k & 1)


def backward_factor(search: Search, node: Node) -> Node | None:
    """The factor of a product that depends on no label and is computed for the backward pass only."""
    role, forward = search.role, forward_of(search)
    for m in node.inputs if node.op in ("multiply", "divide") else ():
        made = made_by(m)
        size = np.prod(made.shape, dtype=int)
        numbers = size if size > 1 else len(search.tapes) - 1  # of a single number, those of other runs are evidence
        if role.of_labels[made.index] or forward >> made.index & 1 or numbers < 2:
            continue
        if search.graph.depends(made.index, role.parameters):
            return made
    return None


def right_elsewhere(search: Search, factor: Node) -> bool:
    """Does the factor's line give a right factor elsewhere? Then its argument is wrong here.

    Or does it compute a value of the forward pass, such as the sigmoid itself, taken for its slope here?
    """
    alike = (n for n in search.graph.tape if (n.site, n.op) == (factor.site, factor.op) and n is not factor)
    same = [n for n in alike if search.role.begin < n.index]
    forward = forward_of(search)
    if any(forward >> n.index & 1 for n in same):
        return True
    return any(n.index < search.role.last and slope_factor(search, n) is not None for n in same)


def is_at_its_argument(search: Search, factor: Node) -> bool:
    """Is a factor the derivative of what was computed on the way to it, as 1 - tanh(a)**2 is of tanh(a), by a?

    Where that of tanh(z) is meant, its function is right, and its argument is wrong.
    """
    graph, given, forward = search.graph, search.values(factor), forward_of(search)
    if given is None or any(n.site.function == factor.site.function for n in graph.users[factor.index]):
        return False  # what its own function makes of it counts
    size, wanted = prod(factor.shape), [False] * len(graph.tape)
    above = [k for k in bits_of(graph.above[factor.index]) if prod(graph.tape[k].shape) == size]
    for k in above:
        wanted[k] = graph.depends(k, search.role.parameters)
    for k in (k for k in above if wanted[k] and not forward >> k & 1):
        found = [slopes(t, {k: np.ones(t[k].shape)}, wanted, search.reading.choice)[0] for t in search.tapes]
        own = [j for j in found[0] if j != k and all(j in f for f in found)]
        if any(multiple([np.ravel(x) for x in given], [np.ravel(f[j]) for f in found], search.tolerance) for j in own):
            return True
    return False


def begun_before(search: Search, factor: Node) -> Node | None:
    """The first value of a wrong factor, on an earlier line or of a call, that is not known from the forward pass.

    Known are values w of the forward pass, 1/w, 1 − w, and slopes.
    """
    graph, forward = search.graph, forward_of(search)
    for k in bits_of(graph.above[factor.index] & ~forward):
        node = graph.tape[k]
        here = node.site.function == factor.site.function and node.site.line < factor.site.line
        if search.role.of_labels[k] or node.op in VIEWS or not graph.depends(k, search.role.parameters):
            continue
        if not here and (not is_returned_to(search, node, factor) or right_elsewhere(search, node)):
            continue
        inside = [n for n in graph.users[k] if graph.above[factor.index] >> n.index & 1 or n is factor]
        last = node.names or any(n.site.line != node.site.line for n in inside)
        if last and not is_borne_out(search, node, forward) and slope_factor(search, node) is None:
            return node
    return None


def is_returned_to(search: Search, node: Node, factor: Node) -> bool:
    """Is it what another function returns to that of the factor, as the derivative that a function of its own makes?"""
    function = factor.site.function
    return node.site.function != function and any(n.site.function == function for n in search.graph.users[node.index])


def is_borne_out(search: Search, node: Node, forward: int) -> bool:
    """Is it, in the first run, a value w of the forward pass, 1 / w, or 1 - w?"""
    x, size = np.ravel(np.asarray(node.value, float)), np.prod(node.shape, dtype=int)
    same = (search.graph.tape[k] for k in bits_of(forward))
    values = (np.ravel(np.asarray(n.value, float)) for n in same if np.prod(n.shape, dtype=int) == size and n.real)
    with np.errstate(all="ignore"):
        return any(np.allclose(y, w, search.tolerance, 0) for w in values for y in (x, 1 / x, 1 - x))


def slope_factor(
    search: Search, factor: Node, of: Collection[int] | None = None, by: Collection[int] | None = None
) -> float | None:
    """C with factor = c ∂A/∂Z, entry by entry, for some values A and Z of the forward pass; None if there are none.

    of are the indices of the values that A may be, by those that Z may be; by default any.
    """
    given, forward = search.values(factor), forward_of(search)
    tape = search.graph.tape
    size = np.prod(factor.shape, dtype=int)
    if given is None:
        return 1.0
    turned: float | None = None  # the slope by -z, as of 1 / (1 + exp(-z)), is minus that by z
    outs = [
        k
        for k in bits_of(forward)
        if (of is None or k in of) and np.prod(tape[k].shape, dtype=int) == size and tape[k].op != "leaf"
    ]
    wanted = [np.prod(n.shape, dtype=int) == size and bool(forward >> n.index & 1) for n in tape]
    for k in outs:
        found = [slopes(t, {k: np.ones(tape[k].shape)}, wanted, search.reading.choice)[0] for t in search.tapes]
        for j in found[0]:
            known = all(j in f for f in found) and np.prod(tape[j].shape, dtype=int) == size
            if j == k or not known or (by is not None and j not in by):
                continue
            c = multiple([g.ravel() for g in given], [f[j].ravel() for f in found], search.tolerance)
            if c and tape[j].op != "negative":
                return c
            turned = turned or c
    return turned or None
