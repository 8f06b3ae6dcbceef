"""What a right value excuses: of what it is made, all that it would not be right without."""

from __future__ import annotations

import numpy as np

from nnref.checking.watching.calculus.graph import Array, bits_of
from nnref.checking.watching.calculus.slopes import NoSlope, backward
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.right_values import PLACES, Search


def first_of(search: Search, step: Node) -> Node | None:
    """The first value that is not right and of which nothing right is made."""
    chain = search.backward(step)
    right = 0
    for node in chain:
        if (search.right(node) and not search.by_chance(node)) or search.accumulated(node):
            right |= 1 << node.index
    excused, tape = search.beyond_doubt, search.graph.tape
    excusing = [k for k in bits_of(right) if not search.is_one_of_many(tape[k]) and not search.is_of_one_run(tape[k])]
    known = sum(1 << k for k in excusing)
    for k in excusing:
        excused |= search.graph.above[k] & ~unseen_by(search, tape[k], excused | known)
    new = {u.new for u in search.role.updates}
    loss = search.reading.loss.node
    forward = 0 if loss is None else search.graph.above[loss.index]  # the loss is taken as it stands
    for node in chain:
        bit = 1 << node.index
        if bit & (right | excused | forward) or node in new:
            continue
        if node.kwargs.get("each") and 1 << node.inputs[0].index & (right | excused):
            right |= bit  # what a loop takes of a slope, one entry after the other
            continue
        if node.op in PLACES and any(
            search.role.of_labels[m.index]
            and search.graph.depends(m.index, search.role.parameters)
            and not (1 << m.index) & (right | excused)
            for m in node.inputs
        ):
            continue
        return node
    return None


def unseen_by(search: Search, right: Node, known: int) -> int:
    """The values, as bits, that a right value is made of, that are not known, and of whose size it says nothing.

    The sum of a slope of a centred value over its examples is right, however wrong a part is that is centred too: its
    sum is 0 in any case. So it is with a sum of which one term does not count. A term that is 0, as of a first state,
    is known to be; what it is made of is not. A mask has no size: by it a right value has its entries.
    """
    tape, inside = search.graph.tape, search.graph.above[right.index] & ~known
    inside &= sum(1 << k for k in bits_of(inside) if search.role.of_labels[k] and k > search.role.begin)
    found: dict[int, Array] = {right.index: np.random.default_rng(0).normal(size=right.shape)}
    seen = 0
    for k in sorted((*bits_of(inside), right.index), reverse=True):
        if k not in found:
            continue
        node = tape[k]
        try:
            with np.errstate(all="ignore"):
                parts = list(backward(node, found[k].reshape(node.shape), search.reading.choice))
        except (NoSlope, NotImplementedError, ValueError, TypeError, IndexError, ArithmeticError):
            return 0
        counts = {m.index: not search.role.of_labels[m.index] or not cancels(search, m, part) for m, part in parts}
        masks = [m.index for m in node.inputs if is_mask(m) and m.index not in counts]
        seen |= 1 << k if node.op in PLACES or all(counts.values()) or is_nothing(search, node) else 0
        for j in masks:
            seen |= search.graph.above[j] | 1 << j
        for m, part in parts:
            if inside >> m.index & 1:
                more = np.reshape(part, m.shape) if counts[m.index] else np.zeros(m.shape)  # no noise of a sum of 0
                found[m.index] = found.get(m.index, np.zeros(m.shape)) + more
    return inside & ~seen


def is_mask(node: Node) -> bool:
    """Is a value an array of truth values?"""
    return isinstance(node.value, np.ndarray) and node.value.dtype.kind == "b"


def is_nothing(search: Search, node: Node) -> bool:
    """Is a value 0 in every entry of every run?"""
    given = search.values(node)
    return given is not None and not any(v.any() for v in given)


def cancels(search: Search, node: Node, slope: Array) -> bool:
    """Would nothing change if a value were larger by a factor, though it is not 0?"""
    value = np.ravel(np.asarray(node.value, float)) if node.value is not None else np.zeros(0)
    if not value.any() or value.size != np.size(slope):
        return False
    terms = value * np.ravel(slope)
    return bool(np.abs(terms.sum()) <= search.tolerance * np.abs(terms).sum())
