"""What a right value says nothing of, though it is made of it: what cancels in it, or is multiplied by 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nnref.checking.watching.calculus.factors import half_of_the_digits
from nnref.checking.watching.calculus.graph import PLACES, Array, bits_of
from nnref.checking.watching.calculus.slopes import Choice, NoSlope, backward
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.recording.tape import Node


def unseen_by(role: Roles, tapes: Sequence[Sequence[Node]], right: Node, known: int, choice: Choice) -> int:
    """The values, as bits, that a right value is made of, that are not known, and of whose size it says nothing.

    The sum of a slope of a centred value over its examples is right, however wrong a part is that is centred too: its
    sum is 0 in any case. So it is with a sum of which one term does not count. A term that is 0, as of a first state,
    is known to be; what it is made of is not. A mask has no size: by it a right value has its entries.
    """
    tape, inside = role.graph.tape, role.graph.above[right.index] & ~known
    inside &= sum(1 << k for k in bits_of(inside) if role.of_labels[k] and k > role.begin)
    found: dict[int, Array] = {right.index: np.random.default_rng(0).normal(size=right.shape)}
    seen, tolerance = 0, half_of_the_digits(role.graph)
    for k in sorted((*bits_of(inside), right.index), reverse=True):
        if k not in found:
            continue
        node = tape[k]
        try:
            with np.errstate(all="ignore"):
                parts = list(backward(node, found[k].reshape(node.shape), choice))
        except (NoSlope, NotImplementedError, ValueError, TypeError, IndexError, ArithmeticError):
            return 0
        counts = {m.index: not role.of_labels[m.index] or not cancels(m, part, tolerance) for m, part in parts}
        masks = [m.index for m in node.inputs if is_mask(m) and m.index not in counts]
        seen |= 1 << k if node.op in PLACES or all(counts.values()) or is_nothing(tapes, node) else 0
        for j in masks:
            seen |= role.graph.above[j] | 1 << j
        for m, part in parts:
            if inside >> m.index & 1:
                more = np.reshape(part, m.shape) if counts[m.index] else np.zeros(m.shape)  # no noise of a sum of 0
                found[m.index] = found.get(m.index, np.zeros(m.shape)) + more
    return inside & ~seen


def is_mask(node: Node) -> bool:
    """Is a value an array of truth values?"""
    return isinstance(node.value, np.ndarray) and node.value.dtype.kind == "b"


def is_nothing(tapes: Sequence[Sequence[Node]], node: Node) -> bool:
    """Is a value known to be 0 in every entry of every run?"""
    given = [tape[node.index].value for tape in tapes]
    return not any(v is None or np.asarray(v, float).any() for v in given)


def cancels(node: Node, slope: Array, tolerance: float) -> bool:
    """Would nothing change if a value were larger by a factor, though it is not 0?"""
    value = np.ravel(np.asarray(node.value, float)) if node.value is not None else np.zeros(0)
    if not value.any() or value.size != np.size(slope):
        return False
    terms = value * np.ravel(slope)
    return bool(np.abs(terms.sum()) <= tolerance * np.abs(terms).sum())
