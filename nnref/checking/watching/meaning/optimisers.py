"""From the step of an update back to the gradient that entered the optimiser.

Between the two are momentum, RMSProp, Adam, clipping or decay: operations on entries. The gradient is a value through
which all of the step's dependence on labels passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE
from nnref.checking.watching.calculus.graph import Array, bits_of
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.recording.tape import Node, words

BY_ENTRY = words(
    "add subtract multiply divide power sqrt square negative positive abs maximum minimum clip where array view sign "
    "reciprocal norm sum mean put assign greater less isnan nan_to_num max ravel reshape transpose"
)
"""Operations of optimisers on a gradient."""


def entered(role: Roles, step: Node) -> Iterator[Node]:
    """The values of the step's size through which all its dependence on labels passes, the last one first."""
    size = np.prod(step.shape, dtype=int)
    front = {step.index: step}
    while front:
        if len(front) == 1:
            only = next(iter(front.values()))
            if np.prod(only.shape, dtype=int) == size:
                yield only
        latest = front.pop(max(front))
        of_all = latest.op == "mean" and np.prod(latest.inputs[0].shape, dtype=int) == size  # a mean over an axis
        if latest.op not in BY_ENTRY or (np.prod(latest.shape, dtype=int) not in (size, 1) and not of_all):
            return
        if latest.op in ("multiply", "divide") and any(of_forward_pass(role, m) for m in latest.inputs):
            return
        scaled = clipped(role, latest, size)
        for m in (scaled,) if scaled is not None else latest.inputs:
            if role.of_labels[m.index]:
                front[m.index] = m


def of_forward_pass(role: Roles, node: Node) -> bool:
    """Does a factor depend on several parameters and on no label? Then it is no part of an optimiser."""
    return not role.of_labels[node.index] and (role.graph.above[node.index] & role.parameters).bit_count() > 1


def clipped(role: Roles, node: Node, size: int) -> Node | None:
    """The gradient behind a multiplication by a number that depends on all gradients, as in clipping by their norm."""
    if node.op not in ("multiply", "divide") or len(node.inputs) != 2:
        return None
    for array, number in (node.inputs, node.inputs[::-1]):
        alone = np.prod(number.shape, dtype=int) == 1 and np.prod(array.shape, dtype=int) == size
        if alone and array.shape and role.graph.above[number.index] >> array.index & 1:
            return array
    return None


def noise_added(role: Roles, step: Node, gradient: Node) -> Node | None:
    """Random numbers, independent of labels and parameters, added to a gradient on its way to a step."""
    graph = role.graph
    between = graph.above[step.index] | 1 << step.index
    for k in bits_of(between):
        node = graph.tape[k]
        if node.op not in ("add", "subtract") or not graph.above[k] >> gradient.index & 1:
            continue
        beside = [m for m in node.inputs if not role.of_labels[m.index] and m.shape == step.shape]
        for m in beside:
            made_of = [graph.tape[j] for j in bits_of(graph.above[m.index] | 1 << m.index)]
            if not graph.depends(m.index, role.parameters) and any(n.leaf == "random" for n in made_of):
                return m
    return None


def centred(role: Roles, step: Node, gradient: Node) -> Node | None:
    """The gradient minus its mean over an axis (gradient centralisation); None if there is no such operation."""
    for node in role.graph.users[gradient.index]:
        mean = node.args[1] if node.op == "subtract" and node.args[0] is gradient else None
        if isinstance(mean, Node) and mean.op == "mean" and mean.args[0] is gradient:
            return node if role.graph.depends(step.index, 1 << node.index) else None
    return None


def steps_as_an_optimiser(step: Sequence[Array], gradient: Sequence[Array]) -> bool:
    """Has a step, entry by entry, the gradient's sign, and does it grow with the gradient, as in an optimiser?

    It may not grow faster than the gradient, as a square does: an optimiser only damps large gradients.
    """
    for x, g in zip(step, gradient, strict=True):
        x_, g_ = np.ravel(x).astype(float), np.ravel(g).astype(float)
        if x_.size != g_.size or not np.isfinite(x_).all() or not np.isfinite(g_).all():
            return False
        seen = np.abs(g_) > 1e-6 * np.abs(g_).max(initial=0.0)
        if (np.sign(x_[seen]) != np.sign(g_[seen])).any():
            return False
        order = np.argsort(np.abs(g_[seen]), kind="stable")
        rising = np.diff(np.abs(x_[seen])[order])
        if (rising < -1e-6 * np.abs(x_).max(initial=0.0)).any():
            return False
        known = np.flatnonzero(seen & (x_ != 0))
        by_size = np.abs(x_[known] / g_[known])[np.argsort(np.abs(g_[known]), kind="stable")]
        if by_size.size and by_size[-1] > by_size[0] * (1 + ALIKE):
            return False
    return True


def alike_in_all(role: Roles, step: Node, gradient: Node, given: Sequence[Array], laid: Sequence[Array]) -> bool:
    """The same for a single number over all runs, which follow one rule: 1 / g is no optimiser's step.

    Not where the step also depends on parameters other than through the gradient: then each run has its own rule. Of a
    single number that is no evidence if the gradient is multiplied by it, unless by a norm.
    """
    graph, bit = role.graph, 1 << gradient.index
    between = [graph.tape[k] for k in bits_of(graph.above[step.index] | 1 << step.index) if graph.depends(k, bit)]
    after = [n for n in between if n is not gradient]
    beside = [(n, m) for n in after for m in n.inputs if not graph.depends(m.index, bit)]
    own = [(n, m) for n, m in beside if graph.depends(m.index, role.parameters)]
    if not own:
        return steps_as_an_optimiser(in_one(given), in_one(laid))
    scaled = any(n.op in ("multiply", "divide") and not is_norm(m) for n, m in own)
    return not (scaled and all(np.size(x) == 1 for x in laid)) and steps_as_an_optimiser(given, laid)


def is_norm(node: Node) -> bool:
    """Is a value a norm, or a number times one?"""
    while node.op in ("multiply", "divide") and len(node.inputs) == 1:
        node = node.inputs[0]
    return node.op in ("norm", "abs", "absolute", "sqrt")


def in_one(parts: Sequence[Array]) -> Sequence[Array]:
    """The values of all runs; those of a single number as one array."""
    return [np.concatenate([np.ravel(x) for x in parts])] if all(np.size(x) == 1 for x in parts) else parts
