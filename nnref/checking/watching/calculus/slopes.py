"""∂L/∂(every recorded value), by reverse mode over the tape; tests compare it with replays of the tape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from nnref.checking.watching.calculus.guards import unguarded
from nnref.checking.watching.calculus.rules import (
    ELEMENTWISE,
    FLAT,
    MOVES,
    REDUCTIONS,
    Array,
    axes_of,
    dot,
    einsum,
    product,
    reduced,
    summed_to,
    tensordot,
    tied,
)
from nnref.checking.watching.recording.memory import positions
from nnref.checking.watching.recording.tape import Node

STEP = 1e-30
"""The complex step of an operation without a rule; as nothing is subtracted, it may be arbitrarily small."""

COARSE = float(np.finfo(float).eps) ** 0.5
"""Relative tolerance between the complex steps and a difference along one direction."""

PROBED = 4000
"""Largest size of an argument for which an operation without a rule is probed entry by entry."""


class NoSlope(Exception):
    """An operation has no rule and cannot be probed."""


def value_of(thing: Any) -> Any:
    """An argument with nodes replaced by their values."""
    if isinstance(thing, Node):
        return thing.value
    if type(thing) in (list, tuple):
        return type(thing)([value_of(part) for part in thing])
    if isinstance(thing, slice):
        return slice(*(None if p is None else int(value_of(p)) for p in (thing.start, thing.stop, thing.step)))
    return thing


class Choice(NamedTuple):
    """Choices between slopes: of a maximum where values are equal, and of log(p + 1e-8), with the guard or without."""

    tie: float = 0.0
    guards: bool = False
    held: bool = False
    """Is the largest of several outputs a target that is held fixed, as in Q-learning?"""
    fixed: frozenset[tuple[int, int]] = frozenset()
    """(a product, its factor) where that factor is held fixed, as an advantage beside the logarithm of an action's."""
    equals: str = "share"
    """What equal largest entries are given: "share", "first" the whole, or "each" that, which is no slope."""


def slopes(
    tape: Sequence[Node], seeds: Mapping[int, Any], wanted: Sequence[bool], choice: Choice | None = None
) -> tuple[dict[int, Array], list[Node]]:
    """{index: ∂L/∂value} for every wanted value that L depends on, and the operations without a rule.

    seeds are ∂L/∂(some values).
    """
    found: dict[int, Array] = {k: np.asarray(g, float) for k, g in seeds.items()}
    lost: list[Node] = []
    choice = choice or Choice()
    with np.errstate(all="ignore"):
        for k in range(max(found), -1, -1):
            if k not in found or tape[k].op == "leaf" or (choice.held and tape[k].op == "max"):
                continue
            node, g = tape[k], found[k]
            if not any(wanted[m.index] for m in node.inputs):
                continue
            try:
                parts = list(backward(node, g.reshape(node.shape), choice))
            except (NoSlope, NotImplementedError, ValueError, TypeError, IndexError, ArithmeticError):
                lost.append(node)
                continue
            for m, part in parts:
                if wanted[m.index] and (k, m.index) not in choice.fixed:
                    added = np.asarray(part, float).reshape(m.shape)
                    found[m.index] = found[m.index] + added if m.index in found else added
    return found, lost


def magnitude(node: Node, users: Sequence[Node], known: Mapping[int, Array]) -> float:
    """The size of the terms that may cancel in ∂L/∂value: the sum of their absolute values, times their number.

    One unit roundoff of this is the error of a slope that is 0.
    """
    total = 0.0
    for user in users:
        if user.index not in known or user.op == "leaf":
            continue
        try:
            for m, part in backward(positive(user), np.abs(known[user.index]).reshape(user.shape), Choice(1.0)):
                if m.index == node.index:
                    total += float(np.abs(np.asarray(part)).max(initial=0.0)) * max(1, known[user.index].size)
        except (NoSlope, NotImplementedError, ValueError, TypeError, IndexError, ArithmeticError):
            continue
    return total


def positive(node: Node) -> Node:
    """The same operation on absolute values."""

    def one(thing: Any) -> Any:
        if isinstance(thing, Node) and thing.real and thing.value is not None:
            return replace(thing, value=np.abs(thing.value))
        return type(thing)([one(part) for part in thing]) if type(thing) in (list, tuple) else thing

    args = tuple(one(a) for a in node.args) if node.op in ("add", "multiply", "matmul", "dot") else node.args
    return replace(node, args=args)


def backward(node: Node, g: Array, choice: Choice) -> Iterator[tuple[Node, Any]]:
    """The slopes of a node's inputs, from the slope g of its result."""
    op = node.op.split("[")[0] if "[" in node.op and node.op not in FLAT else node.op
    if op in FLAT:
        return
    if op == "opaque":  # an object of a library, without known numbers
        raise NoSlope
    if op in STRUCTURE:
        yield from STRUCTURE[op](node, g)
        return
    args = [np.asarray(value_of(a)) if isinstance(a, Node) else a for a in node.args]
    if op in ("maximum", "minimum", "fmax", "fmin"):
        a, b = (np.asarray(value_of(x)) for x in args[:2])
        first = tied(a, b, choice.tie) if "max" in op else tied(b, a, 1 - choice.tie)
        yield from paired(node, (g * first, g * (1 - first)))
    elif op in ELEMENTWISE:
        yield from of_entries(op, node, g, choice)
    elif op in PRODUCTS and (op != "inner" or np.ndim(args[0]) <= 1) and (op != "einsum" or type(args[0]) is str):
        yield from of_product(op, node, g, args)
    elif op == "where" and len(args) == 3:
        chosen = np.asarray(value_of(args[0]))
        yield from paired(node, (None, np.where(chosen, g, 0.0), np.where(chosen, 0.0, g)))
    elif op == "clip":
        yield node.args[0], g * clipped(node, args)
    elif op in REDUCTIONS and isinstance(node.args[0], Node):
        axis, keep = said(node, 1, "axis"), bool(said(node, None, "keepdims"))
        if node.kwargs.get("where") is not None:
            raise NoSlope
        less = said(node, None, "ddof") or 0
        yield node.args[0], reduced(op, g, node.value, args[0], axis, keep, less, choice.equals)
    elif op == "norm" and euclidean(node, args[0]):
        yield node.args[0], reduced(op, g, node.value, args[0], said(node, 2, "axis"), bool(said(node, 3, "keepdims")))
    elif op in ("multiply.outer", "subtract.outer", "add.outer"):
        a, b = (np.asarray(value_of(x)) for x in args[:2])
        wide = a.reshape(a.shape + (1,) * b.ndim)
        ga, gb = ELEMENTWISE[op.split(".")[0]](g, node.value, wide, b)
        yield from paired(node, (summed_to(ga, wide.shape).reshape(a.shape), gb))
    elif op == "softmax":
        over = axes_of(said(node, 1, "axis"), g.ndim)
        yield node.args[0], node.value * (g - (g * node.value).sum(over, keepdims=True))
    elif op in MOVES:
        yield from moved(node, g)
    else:
        yield from probed(node, g)


def of_entries(op: str, node: Node, g: Array, choice: Choice) -> Iterator[tuple[Node, Any]]:
    """The slopes of an operation on entries."""
    where = node.kwargs.get("where", True)
    plain = [np.asarray(value_of(a)) if isinstance(a, Node | list | tuple) else a for a in node.args]
    if op in ("log", "log2", "log10") and not choice.guards:
        plain = [unguarded(node.args[0], plain[0])]
    if op in ("array", "nan_to_num") and not isinstance(node.args[0], Node):
        yield from stacked(node.args[0], g)
        return
    # The rules are about entries, but a np.matrix multiplies as a matrix: so it is made an array.
    y = np.asarray(node.value) if isinstance(node.value, np.ndarray) else node.value
    yield from paired(node, ELEMENTWISE[op](g if where is True else g * value_of(where), y, *plain))


PRODUCTS = frozenset(["matmul", "dot", "tensordot", "einsum", "outer", "inner"])
"""Operations that multiply and sum over shared axes."""


def of_product(op: str, node: Node, g: Array, args: Sequence[Any]) -> Iterator[tuple[Node, Any]]:
    """The slopes of the operands of a product."""
    if op in ("matmul", "dot"):
        both = (product if op == "matmul" else dot)(g, args[0], np.asarray(value_of(args[1])))
        yield from paired(node, both)
    elif op == "tensordot":
        b, axes = np.asarray(value_of(args[1])), said(node, 2, "axes")
        yield from paired(node, tensordot(g, np.asarray(value_of(args[0])), b, 2 if axes is None else axes), exact=True)
    elif op == "einsum":
        operands = [np.asarray(value_of(a)) for a in node.args[1:]]
        parts = einsum(g, node.args[0], operands)
        yield from ((m, part) for m, part in zip(node.args[1:], parts, strict=True) if isinstance(m, Node))
    elif op == "outer":
        a, b = (np.asarray(value_of(x)).ravel() for x in args[:2])
        yield from paired(node, (g @ b, a @ g), exact=True)
    else:
        yield from paired(node, (g * args[1], g * args[0]))


def euclidean(node: Node, x: Array) -> bool:
    """Is a norm the Euclidean one, over an axis or all entries?"""
    order, axis = said(node, 1, "ord"), said(node, 2, "axis")
    vector = x.ndim == 1 or (axis is not None and np.ndim(axis) == 0)
    return isinstance(node.args[0], Node) and (order is None or (vector and order == 2))


def said(node: Node, k: int | None, name: str) -> Any:
    """An argument, by its name or its place."""
    if name in node.kwargs:
        return value_of(node.kwargs[name])
    return value_of(node.args[k]) if k is not None and len(node.args) > k else None


def clipped(node: Node, args: Sequence[Any]) -> Array:
    """A mask of the entries that clip leaves unchanged."""
    x = np.asarray(value_of(node.args[0]))
    low = next((v for v in (said(node, 1, "a_min"), said(node, 1, "min")) if v is not None), None)
    high = next((v for v in (said(node, 2, "a_max"), said(node, 2, "max")) if v is not None), None)
    inside = np.ones(x.shape)
    inside = inside if low is None else inside * (x >= low)
    return inside if high is None else inside * (x <= high)


def paired(node: Node, parts: Sequence[Any], exact: bool = False) -> Iterator[tuple[Node, Any]]:
    """Each slope with its node, summed where that was broadcast."""
    for argument, part in zip(node.args, parts, strict=False):
        if isinstance(argument, Node) and part is not None:
            yield argument, np.reshape(part, argument.shape) if exact else summed_to(part, argument.shape)
        elif isinstance(argument, list | tuple) and part is not None:
            yield from stacked(argument, np.broadcast_to(part, np.shape(value_of(argument))))


def stacked(things: Any, g: Any) -> Iterator[tuple[Node, Any]]:
    """The slopes of the elements of a list that became an array."""
    g = np.asarray(g)
    if isinstance(things, Node):
        fits = g.size == np.prod(things.shape, dtype=int)
        yield things, g.reshape(things.shape) if fits else summed_to(g, things.shape)
    elif isinstance(things, list | tuple):
        while g.ndim and len(g) == 1 and len(things) != 1:
            g = g[0]
        if len(g) != len(things):
            raise NoSlope
        for part, h in zip(things, g, strict=True):
            yield from stacked(part, h)


def of_view(node: Node, g: Array) -> Iterator[tuple[Node, Any]]:
    """A view shows some entries of its owner."""
    if len(node.args) < 4:
        raise NoSlope
    base, lying, shape, strides = node.args
    whole = np.zeros(int(np.prod(shape)))
    np.add.at(whole, positions(lying, shape, strides).ravel(), np.ravel(g))
    yield base, whole.reshape(base.shape)


def of_put(node: Node, g: Array) -> Iterator[tuple[Node, Any]]:
    """An array in which some entries were written over."""
    base, part, lying, shape, strides = node.args
    place = positions(lying, shape, strides)
    rest = np.array(g, float).ravel()
    yield part, rest[place]
    rest[place.ravel()] = 0
    yield base, rest.reshape(g.shape)


def of_assign(node: Node, g: Array) -> Iterator[tuple[Node, Any]]:
    """a[…] = value, as far as a reaches."""
    value = node.args[0]
    if isinstance(value, Node):
        yield value, fitted(g, value.shape)
    elif isinstance(value, list | tuple):
        yield from stacked(value, g)


def fitted(g: Array, shape: tuple[int, ...]) -> Array:
    """A slope in the shape of a value that was broadcast, or that had additional axes of length 1."""
    if g.size == np.prod(shape, dtype=int):
        return g.reshape(shape)
    return summed_to(g, tuple(n for k, n in enumerate(shape) if k >= len(shape) - g.ndim)).reshape(shape)


def of_put_at(node: Node, g: Array) -> Iterator[tuple[Node, Any]]:
    """a[index] = value, where the index is an array, or a[...] = value."""
    base, index, value = node.args
    place = value_of(index)
    rest = np.array(g, float)
    part = np.array(rest[place])  # a copy: a[...] is a view
    rest[place] = 0
    yield base, rest
    if isinstance(value, Node):
        yield value, fitted(part, value.shape)


def of_item(node: Node, g: Array) -> Iterator[tuple[Node, Any]]:
    """a[index]"""
    base, index = node.args[:2]
    if isinstance(base, Node):
        whole = np.zeros(base.shape)
        np.add.at(whole, value_of(index), g)
        yield base, whole


def of_entry(node: Node, g: Array) -> Iterator[tuple[Node, Any]]:
    """One number of a list."""
    base, k = node.args
    whole = np.zeros(base.shape)
    whole[k] = g
    yield base, whole


def of_at(node: Node, g: Array) -> Iterator[tuple[Node, Any]]:
    """np.add.at(a, index, value), np.subtract.at"""
    base, index, value = node.args[:3]
    yield base, g
    if isinstance(value, Node):
        sign = -1.0 if node.op.startswith("subtract") else 1.0
        yield value, fitted(sign * g[value_of(index)], value.shape)


def of_gathered(node: Node, g: Array) -> Iterator[tuple[Node, Any]]:
    """Results of several calls, as one array."""
    parts = node.args[0]
    for part, h in zip(parts, g.reshape(len(parts), -1), strict=True):
        if isinstance(part, Node):
            yield part, h.reshape(part.shape)


def of_chosen(node: Node, g: Array) -> Iterator[tuple[Node, Any]]:
    """Z if z > 0 else 0: the chosen value gets the slope, the compared ones 0."""
    if isinstance(node.args[0], Node):
        yield node.args[0], g
    yield node.args[1], np.zeros(node.args[1].shape)


def of_compared(node: Node, g: Array) -> Iterator[tuple[Node, Any]]:
    """A < b of numbers: it has no slope."""
    for m in node.inputs:
        yield m, np.zeros(m.shape)


STRUCTURE = {
    "chosen": of_chosen, "compared": of_compared,
    "view": of_view, "put": of_put, "assign": of_assign, "put_at": of_put_at, "item": of_item, "entry": of_entry,
    "gathered": of_gathered,
    "add.at": of_at, "subtract.at": of_at,
}  # fmt: skip
"""Operations on places in memory."""


def replaced(thing: Any, values: Mapping[int, Any]) -> Any:
    """An argument with nodes replaced by values: given ones, or those recorded."""
    if isinstance(thing, Node):
        return values.get(thing.index, thing.value)
    if type(thing) in (list, tuple):
        return type(thing)([replaced(part, values) for part in thing])
    return value_of(thing)


def evaluated_at(node: Node, values: Mapping[int, Any]) -> Any:
    """The operation once more, with other values of some arguments."""
    if node.call is None:
        raise NoSlope
    kwargs = {k: replaced(v, values) for k, v in node.kwargs.items()}
    return node.call(*(replaced(a, values) for a in node.args), **kwargs)


def moved(node: Node, g: Array) -> Iterator[tuple[Node, Any]]:
    """Each input's slope, for an operation that moves entries: it is applied to their indices, offset by FAR."""
    floats = [m for m in node.inputs if m.real or m is node.args[0]]
    for m in floats:
        values = {k.index: np.zeros(k.shape) for k in floats}
        values[m.index] = FAR + np.arange(np.prod(m.shape, dtype=int), dtype=float).reshape(m.shape)
        sent = np.pad(values[m.index], value_of(node.args[1])) if node.op == "pad" else evaluated_at(node, values)
        place = (np.asarray(sent, float) - FAR).astype(np.intp)
        whole = np.zeros(int(np.prod(m.shape)))
        np.add.at(whole, place[place >= 0], g[place >= 0])
        yield m, whole.reshape(m.shape)


FAR = 2.0**50
"""Offset of the indices: larger than any number among the entries, as the 1 in np.append(h, 1)."""


def probed(node: Node, g: Array) -> Iterator[tuple[Node, Any]]:
    """Each input's slope by a complex step in each entry; by differences where complex numbers do not work.

    scipy's correlate2d conjugates its second argument, and abs drops the step; one difference along a line shows it.
    """
    for m in node.inputs:
        if not m.real:
            continue
        if np.prod(m.shape) > PROBED or node.call is None:
            raise NoSlope
        found = by_entry(node, g, m, STEP * 1j)
        along = np.random.RandomState(m.index).standard_normal(np.shape(m.value))
        seen = difference(node, g, m, along)
        if found is None or not abs((found * along).sum() - seen) <= COARSE * (np.abs(found * along).sum() + abs(seen)):
            found = by_entry(node, g, m, None)
        if found is None:
            raise NoSlope
        yield m, found


def by_entry(node: Node, g: Array, m: Node, step: complex | None) -> Array | None:
    """The slope of each entry of an input: by a complex step, or by differences; None if the result is not complex."""
    base = np.asarray(m.value, float if step is None else complex)
    whole = np.zeros(base.shape)
    for k in np.ndindex(*base.shape):
        if step is None:
            unit = np.zeros(base.shape)
            unit[k] = 1.0
            whole[k] = difference(node, g, m, unit)
            continue
        moved_ = base.copy()
        moved_[k] += step
        result = np.asarray(evaluated_at(node, {m.index: moved_}))
        if result.dtype.kind != "c":
            return None
        whole[k] = float((g * result.imag).sum()) / step.imag
    return whole


def difference(node: Node, g: Array, m: Node, along: Array) -> float:
    """The slope along a direction by a central difference: exact up to rounding where the operation is linear."""
    base = np.asarray(m.value, float)
    h = float(np.finfo(float).eps) ** (1 / 3) * (float(np.abs(base).max(initial=0.0)) or 1.0)
    forth, back = (np.asarray(evaluated_at(node, {m.index: base + s * h * along}), float) for s in (1, -1))
    return float((g * (forth - back)).sum()) / (2 * h)
