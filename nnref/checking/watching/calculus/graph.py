"""The dependences between recorded values, as sets of bits; and values that are copies or views of others."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, TypeVar, cast

import numpy as np

from nnref.checking.watching.calculus.slopes import evaluated_at, value_of
from nnref.checking.watching.recording.memory import positions
from nnref.checking.watching.recording.tape import Node, words

Array = np.ndarray[Any, Any]
T = TypeVar("T")

VIEWS = words("view array ravel reshape transpose swapaxes squeeze expand_dims atleast_2d atleast_1d broadcast_to")
"""Operations that keep the numbers, in another shape."""

PLACES = VIEWS | {"put", "item", "entry", "assign", "put_at"}
"""Operations that only move values, and so cannot be wrong themselves."""

LOOK_THROUGH = VIEWS | {"item", "entry"}


class Graph:
    """The values of a tape and their dependences; those in `cut`, as a step's parameters, depend on nothing.

    above[k] is the set of ancestors of value k, as bits.
    """

    def __init__(self, tape: Sequence[Node], cut: frozenset[int] = frozenset()) -> None:
        self.tape, self.cut = tape, cut
        self.remembered: dict[Hashable, Any] = {}
        self.above: list[int] = []
        self.cut |= {node.index for node in tape if is_drawn_number(node)}
        for node in tape:
            bits = 0
            if node.index not in self.cut:
                for m in node.inputs:
                    bits |= self.above[m.index] | (1 << m.index)
            self.above.append(bits)

    def depends(self, index: int, bits: int) -> bool:
        """Is a value one of these, or a descendant of one?"""
        return bool((self.above[index] | (1 << index)) & bits)

    def dependent(self, on: int) -> list[bool]:
        """For every value: is it one of these, or a descendant of one?"""
        return self.once(("dependent", on), lambda: self.reached(on))

    def reached(self, on: int) -> list[bool]:
        """The same, computed by following each value to its descendants."""
        there = [k for k in bits_of(on) if k < len(self.tape)]
        found = [False] * len(self.tape)
        for k in there:
            found[k] = True
        for node in self.tape[there[0] :] if there else ():
            if not found[node.index] and node.index not in self.cut:
                found[node.index] = any(map(found.__getitem__, self.below[node.index]))
        return found

    def once(self, what: Hashable, make: Callable[[], T]) -> T:
        """A result computed from the graph at the first call, and kept with it."""
        if what not in self.remembered:
            self.remembered[what] = make()
        return cast(T, self.remembered[what])

    @cached_property
    def roundoff(self) -> float:
        """The unit roundoff of the least precise computed values; data that were handed out count as exact."""
        moved: list[bool] = []
        for n in self.tape:
            moved.append(bool(n.leaf) or (n.op in LOOK_THROUGH and all(moved[m.index] for m in n.inputs)))
        made = (n.value for n in self.tape if not moved[n.index])
        kinds = {value.dtype for value in made if isinstance(value, np.ndarray | np.generic)}
        return max((float(np.finfo(k).eps) for k in kinds if k.kind == "f"), default=float(np.finfo(float).eps))

    @cached_property
    def below(self) -> list[list[int]]:
        """The direct inputs of each value, by its index."""
        return [[m.index for m in node.inputs] for node in self.tape]

    @cached_property
    def users(self) -> list[list[Node]]:
        """The direct uses of each value."""
        found: list[list[Node]] = [[] for _ in self.tape]
        for node in self.tape:
            for m in node.inputs:
                if m.index < len(found):
                    found[m.index].append(node)
        return found


def is_drawn_number(node: Node) -> bool:
    """Is this a whole number that was drawn by probabilities, as an action is? It has no slope by them.

    What is picked from an array of numbers depends on them.
    """
    name = node.op.rpartition(".")[2]
    kind = getattr(getattr(node.value, "dtype", None), "kind", "i" if isinstance(node.value, int) else "")
    return name in DRAWN and kind in ("i", "u") and any(m.real for m in node.inputs)


DRAWN = words("choice multinomial categorical binomial poisson")
"""Draws whose probabilities are computed."""


def bits_of(bits: int) -> Iterator[int]:
    """The members of a set of bits, smallest first."""
    if bits.bit_length() > WIDE:
        raw = np.frombuffer(bits.to_bytes(bits.bit_length() // 8 + 1, "little"), np.uint8)
        yield from np.flatnonzero(np.unpackbits(raw, bitorder="little")).tolist()
        return
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


WIDE = 1000
"""Number of bits above which numpy is faster than a loop in finding those that are set."""


def as_bits(members: Iterable[int]) -> int:
    """A set of bits that has these members."""
    found = set(members)
    raw = bytearray(max(found, default=0) // 8 + 1)
    for k in found:
        raw[k >> 3] |= 1 << (k & 7)
    return int.from_bytes(raw, "little")


def base_of(node: Node) -> Node:
    """The value behind copies, views, and multiplications by a factor between 1/2 and 1, which are decay."""
    while True:
        first = node.args[0] if node.args else None
        if node.op in LOOK_THROUGH and isinstance(first, Node):
            node = first
        elif node.op in DECAYS and (kept := decayed(node)) is not None:
            node = kept
        else:
            return node


DECAYS = words("multiply subtract add")
"""Operations with which weight decay is written."""


def before_decay(node: Node) -> Node:
    """The array that a decayed one was before its decay; the array itself if it was not decayed."""
    while node.op in DECAYS and (kept := decayed(node)) is not None:
        node = kept
    return node


def decayed(node: Node) -> Node | None:
    """The array that an operation multiplies by a number between 1/2 and 1; None if it does not.

    Or from which it subtracts less than half of itself, as w -= rate * decay * w does, or its sign; or adds it.
    """
    if node.op in ("subtract", "add"):
        array, part = node.args[:2] if len(node.args) > 1 else (None, None)
        return array if is_array(array) and array.shape == node.shape and is_part_of(part, array) else None
    array, factor = next(
        ((a, b) for a, b in (node.args, node.args[::-1]) if is_array(a) and np.ndim(value_of(b)) == 0), (None, None)
    )
    known = isinstance(factor, float) or (isinstance(factor, Node) and isinstance(factor.value, float))
    if array is None or not known or not 0.5 < float(value_of(factor)) <= 1:
        return None
    return array if isinstance(array, Node) and array.shape == node.shape else None


def is_part_of(part: Any, array: Node) -> bool:
    """Is a value an array times a number below 1/2, or its sign times a number, as the slope of λ Σ|w| is?"""
    factor = 1.0
    while isinstance(part, Node) and part is not array and part.op == "multiply":
        numbers = [a for a in part.args if np.ndim(value_of(a)) == 0]
        arrays = [a for a in part.args if is_array(a)]
        if len(numbers) != 1 or len(arrays) != 1 or value_of(numbers[0]) is None:
            return False
        factor, part = factor * float(value_of(numbers[0])), arrays[0]
    if isinstance(part, Node) and part.op == "sign" and part.args[0] is array:
        return factor >= 0
    return part is array and 0 <= factor < 0.5


def is_array(thing: Any) -> bool:
    """Is this a node that holds an array?"""
    return isinstance(thing, Node) and bool(thing.shape)


def through(node: Node, known: Mapping[int, Array]) -> Array | None:
    """∂L/∂(a copy or view) from ∂L/∂(what it shows); None where that is not known."""
    first = node.args[0] if node.args else None
    # all uses of a view's array count, those by other views too
    if node.index in known and not (node.op == "view" and isinstance(first, Node) and first.index in known):
        return known[node.index]
    if node.op in DECAYS and (kept := decayed(node)) is not None:
        return through(kept, known)
    if node.op not in LOOK_THROUGH or not isinstance(first, Node):
        return None
    if (whole := through(first, known)) is None:
        return None
    if node.op == "view":
        _, lying, shape, strides = node.args
        return np.asarray(whole).ravel()[positions(lying, shape, strides)]
    if node.op == "item":
        return np.asarray(whole[value_of(node.args[1])])
    if node.op == "entry":
        return np.asarray(whole[node.args[1]])
    if node.op == "array" or node.call is None:
        return whole.reshape(node.shape) if whole.size == np.prod(node.shape) else None
    return np.asarray(evaluated_at(node, {first.index: whole}))


@lru_cache(maxsize=16)  # cached: each row of a table asks for the whole table
def entries_of_leaf(node: Node) -> tuple[Node, Array] | None:
    """The leaf of which a value is a selection of entries, and their flat indices; None for any other value."""
    if node.leaf:
        return node, np.arange(np.prod(node.shape, dtype=int)).reshape(node.shape)
    first = node.args[0] if node.args else None
    if node.op == "array" and isinstance(first, Node) and first.shape == node.shape:
        return entries_of_leaf(first)  # a copy
    if (
        node.op not in ("view", "item", "entry")
        or not isinstance(first, Node)
        or (below := entries_of_leaf(first)) is None
    ):
        return None
    base, places = below
    try:
        if node.op == "view":
            _, lying, shape, strides = node.args
            return base, places.ravel()[positions(lying, shape, strides)]
        return base, np.asarray(places[value_of(node.args[1])])
    except (IndexError, TypeError, ValueError):
        return None
