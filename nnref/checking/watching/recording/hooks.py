"""The hooks: what an operator, a subscript, an assignment or a loop of the rewritten program calls.

Each computes what the program would compute, and notes what was made of what, and where.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from nnref.checking.watching.recording.bars import within
from nnref.checking.watching.recording.functions import FRESH, IN_PLACE, LIKE, OPERATOR, as_once, filled_in
from nnref.checking.watching.recording.memory import layout, owner, same_memory, view_of
from nnref.checking.watching.recording.of_objects import (
    holds_objects,
    object_at,
    of_object,
    rows_of_objects,
    shape_of_objects,
)
from nnref.checking.watching.recording.tabular import ByPlace, Tabular, as_column, computed, operated, part_of_column
from nnref.checking.watching.recording.tape import Held, Node, nodes_of, words
from nnref.checking.watching.recording.values import Array, Values, Whole

T = TypeVar("T")

TURNED = {
    "add": "__radd__", "subtract": "__rsub__", "multiply": "__rmul__", "divide": "__rtruediv__", "power": "__rpow__",
    "matmul": "__rmatmul__",
}  # fmt: skip
"""The methods of the person's own classes by which a number of numpy's is added to, multiplied with … an object."""

ORDERS = words("less greater less_equal greater_equal")
"""Comparisons that turn where both sides are equal."""

LOOKED_UP = 500
"""Numbers that are looked up by words, as those of characters are, and known: in a long text they are data."""


OFF = (0, -1)
"""What a list of labels has in every place but one."""

FEW = 100
"""Leaves that the first value of a parameter is made of at most: draws, the array that they are drawn into, scales."""


class Hooks(Values):
    """The operators of the person's lines, and the names that they give."""

    slice = builtins.slice

    def own(self, function: Any) -> bool:
        """Is this a function or class of the person's own, which is entered?"""
        raise NotImplementedError

    def binary(self, op: str, a: Any, b: Any, site: int) -> Any:
        """A + b, a < b"""
        if self.on and (shape := shape_of_objects(op, a, b)):
            return self.by_object(op, a, b, shape, site)
        if self.on and (isinstance(a, Tabular) or isinstance(b, Tabular)) and (by := operated(self, op, a, b, site)):
            return by[0]
        turned: Any = getattr(type(b), TURNED.get(op, ""), None) if self.on and isinstance(a, np.generic) else None
        if turned is not None and self.own(turned):
            value = turned(b, a)  # numpy would hand over another number, which nobody knows
            if value is not NotImplemented:
                return value
        value = filled_in(a, b) if op == "remainder" and isinstance(a, str) else OPERATOR[op](a, b)
        return value if not self.on else self.made(op, OPERATOR[op], (a, b), value, site)

    def by_object(self, op: str, a: Any, b: Any, shape: tuple[int, ...], site: int) -> Any:
        """A + b of arrays that hold arrays: one after the other, as numpy does it."""
        made = np.empty(shape, object)
        for place in np.ndindex(*shape):
            made[place] = self.binary(op, object_at(a, shape, place), object_at(b, shape, place), site)
        return made

    def truth(self, value: Any, site: int) -> Any:
        """A == b, where it is computed with: 0 or 1, and known. A comparison of arrays is known anyway."""
        if not self.on or not isinstance(value, bool | np.bool_) or self._compared is None:
            return value
        args, self._compared = self._compared, None
        return self.keep(int(value), self.add("compared", None, args, {}, int(value), self.sites[site]))

    def either(self, test: Any, yes: Any, no: Any, site: int) -> Any:
        """Yes if test else no"""
        value = yes if test else no
        node = self.known(test) if self.on and isinstance(test, Whole) else None
        if node is None or node.leaf == "constant":
            return value
        value = float(str(value)) if type(value) is float else int(value)
        return self.keep(value, self.add("chosen", None, (value, node), {}, value, self.sites[site]))

    def tested(self, test: Any, site: int) -> Any:
        """The test of `z if z > 0 else 0`, before one of the two is computed"""
        self.tests.append((site, self.known(test) if self.on and isinstance(test, Whole) else None))
        return test

    def taken(self, value: Any, tested: int, site: int) -> Any:
        """Z if z > 0 else 0, which of the two it may be: a value of its own, so that a unit that is off has one too"""
        test = None
        while self.tests:  # where a branch raised an error, its test is still there
            place, test = self.tests.pop()
            if place == tested:
                break
        number = isinstance(value, float | int | np.generic) and not isinstance(value, bool | np.bool_)
        if not self.on or test is None or test.leaf == "constant" or not number:
            return value
        known = self.known(value)
        fresh = float(str(value)) if type(value) is float else int(value) if isinstance(value, int) else value.copy()
        return self.keep(fresh, self.add("chosen", None, (known or fresh, test), {}, fresh, self.sites[site]))

    def unary(self, op: str, a: Any, site: int) -> Any:
        """-a"""
        if self.on and isinstance(a, Tabular) and isinstance(column := as_column(a), np.ndarray):
            return a.holding(self.unary(op, column, site))
        if self.on and holds_objects(a):
            made = np.empty(a.shape, object)
            for place in np.ndindex(*a.shape):
                made[place] = self.unary(op, a[place], site)
            return made
        value = OPERATOR[op](a)
        return value if not self.on else self.made(op, OPERATOR[op], (a,), value, site)

    def made(self, op: str, call: Callable[..., Any], parts: tuple[Any, ...], value: Any, site: int) -> Any:
        """Note what an operator made, if it is a number and made of what is known."""
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in "fiubc":
                return value
        elif isinstance(value, bool | np.bool_):
            args = tuple(map(self.resolved, parts))
            told = any(n.leaf != "constant" for n in nodes_of(args))
            self._compared = args if told else None
            if told and op in ORDERS and np.ndim(parts[0]) == np.ndim(parts[1]) == 0 and parts[0] == parts[1]:
                self.ties += [n.index for n in nodes_of(args)]
            return value
        elif not isinstance(value, float | np.generic | int | complex):
            return value
        if op == "multiply" and isinstance(value, np.matrix) and all(np.ndim(part) == 2 for part in parts):
            op, call = "matmul", operator.matmul  # a * b of np.matrix
        args = tuple(
            self.in_one(part, site) if isinstance(value, np.ndarray) else self.resolved(part) for part in parts
        )
        found = tuple(nodes_of(args))
        if not found and not isinstance(value, np.ndarray):
            return value
        if not found and any(isinstance(part, np.ndarray) and part.dtype.kind in "OSU" for part in parts):
            return self.keep(value, self.new_leaf(value, "looked up", self.sites[site]))
        if type(value) is int and all(n.leaf == "constant" and not of_object(n) for n in found):
            return value
        if isinstance(value, np.ndarray) and id(owner(value)) in self._buffers:
            return value
        return self.keep(value, self.add(op, call, args, {}, value, self.sites[site]))

    def augment(self, op: str, a: Any, b: Any, site: int) -> Any:
        """A += b"""
        if self.on and isinstance(a, Tabular):
            return self.binary(op, a, b, site)
        if self.on and (shape := shape_of_objects(op, a, b)):
            made = self.by_object(op, a, b, shape, site)
            if np.shape(a) != shape:
                return made  # 0 + gradients
            a[...] = made
            return a
        if not self.on or not isinstance(a, np.ndarray) or a.dtype.kind not in "fiubc":
            value = IN_PLACE[op](a, b)
            return value if not self.on else self.made(op, OPERATOR[op], (a, b), value, site)
        args = (self.resolved(a), self.resolved(b := computed(b)))
        self.about_to_write(a)
        value = IN_PLACE[op](a, b)
        self.wrote(a, self.add(op, OPERATOR[op], args, {}, a, self.sites[site]))
        return value

    def item(self, a: Any, index: Any, site: int) -> Any:
        """a[i]"""
        if self.on and isinstance(a, Tabular | ByPlace) and (part := part_of_column(self, a, index, site)):
            return part[0]
        value = a[index]
        if not self.on:
            return value
        if a is np.r_ or a is np.c_:
            return self.joined(a, index, value, site)
        if isinstance(a, np.ndarray):
            if isinstance(value, np.ndarray):
                if value.dtype.kind not in "fiubc" or a.dtype.names:
                    return value  # a field of records is data
                if (buffer := self._buffers.get(id(owner(value)))) is not None:
                    if (lying := layout(value, buffer.root)) is not None:
                        buffer.sites.setdefault(lying, self.sites[site])
                    self.placed(value, index)
                    return value
            elif not isinstance(value, np.generic) or value.dtype.kind not in "fiuc":
                return value
            args = (self.last_read(a, index), self.resolved(index))
            return self.keep(value, self.add("item", operator.getitem, args, {}, value, self.sites[site]))
        return self.chosen(a, value, index, site)

    def joined(self, by: Any, index: Any, value: Any, site: int) -> Any:
        """np.r_[a, b], np.c_[a, b]: a concatenation, where nothing in it is a slice or a word."""
        parts = list(index) if type(index) is tuple else [index]
        if not isinstance(value, np.ndarray) or any(isinstance(part, slice | str) for part in parts):
            return value
        join = np.concatenate if by is np.r_ else np.column_stack
        whole = [part if np.ndim(part) else np.array([part]) for part in parts]
        if not np.array_equal(join(whole), value, equal_nan=True):
            return value  # of stacks, which are joined along their last axis
        args = ([self.resolved(part) if np.ndim(part) else [self.resolved(part)] for part in parts],)
        return self.keep(value, self.add(join.__name__, join, args, {}, value, self.sites[site]))

    def placed(self, view: Array, index: Any) -> None:
        """Which row a[y] is depends on y, where that is known and no number that is written out."""
        parts = index if type(index) is tuple else (index,)
        known = [self._scalars.get(id(p)) for p in parts if isinstance(p, Whole | np.integer)]
        places = tuple(n for n in known if n is not None and n.leaf != "constant")
        node = self.of_array(view) if places else None
        if node is None or node.op != "view" or node.kwargs.get("at") == places:
            return
        buffer = self._buffers[id(owner(view))]
        made = self.add("view", None, node.args, {"at": places}, view, node.site)
        buffer.views[node.args[1]] = made
        buffer.held.append(made)

    def chosen(self, a: Any, value: Any, index: Any, site: int) -> Any:
        """What an index that is known chose of a list depends on the index; what a word stands for may be a label."""
        if type(index) is str and type(value) is int and type(a) is dict and self.looked_up < LOOKED_UP:
            self.looked_up += 1
            value = Whole(value)
            self._scalars[id(value)] = self.new_leaf(value, "looked up", self.sites[site])
            return value
        if isinstance(index, Whole) and type(value) in (int, float):
            node = self._scalars.get(id(index))
            if node is not None and node.leaf != "constant":
                value = float(str(value)) if type(value) is float else value
                return self.keep(value, self.add("chosen", None, (value, node), {}, value, self.sites[site]))
        if (node := self.opaque.get(id(a))) is not None and isinstance(value, np.ndarray | float | np.generic):
            if self.known_already(value):
                return value
            return self.keep(value, self.add("opaque", None, (node,), {}, value, self.sites[site]))
        return value

    def put_last(self, value: Any, a: Any, index: Any, text: str, site: int) -> None:
        """a[i] = value"""
        self.put(a, index, value, text, site)

    def put(self, a: Any, index: Any, value: Any, text: str, site: int) -> None:
        """a[i] = value"""
        if not self.on or not isinstance(a, np.ndarray) or a.dtype.kind not in "fiubc":
            self.put_in_container(a, index, value, text, site)
            return
        view = view_of(a, index) if basic(index) else None
        if view is not None and isinstance(value, np.ndarray) and same_memory(view, value):
            return  # what a[i] += b ends with
        value = as_once(value) if view is not None and not view.ndim else value
        args = (self.resolved(value),) if view is not None else (self.resolved(a), self.resolved(index))
        given = self.resolved(value)
        self.about_to_write(target := a if view is None else view)
        a[index] = value
        if view is not None:
            place = [n for n in nodes_of(self.resolved(index)) if n.leaf != "constant"]  # one_hot[i, y[i]] = 1
            node = self.add("assign", None, (*args, target.shape, *place), {}, target, self.sites[site])
        else:
            node = self.add("put_at", None, (*args, given), {}, target, self.sites[site])
        self.wrote(target, node)

    def shaped(self, a: Any, shape: Any, site: int) -> None:
        """a.shape = shape: a new value in the same memory. A view is known by its memory anyway."""
        if not self.on or not isinstance(a, np.ndarray) or a.dtype.kind not in "fiubc" or owner(a) is not a:
            a.shape = shape
            return
        before = self.resolved(a)
        self.about_to_write(a)
        a.shape = shape
        self.wrote(a, self.add("reshape", np.reshape, (before, a.shape), {}, a, self.sites[site]))

    def put_in_container(self, a: Any, index: Any, value: Any, text: str, site: int) -> None:
        """A list or a dictionary gets a value; its place has a name."""
        if self.on and isinstance(index, Whole) and isinstance(value, int | float):
            node, known = self._scalars.get(id(index)), self._scalars.get(id(value))
            written = known is None or known.leaf == "constant"
            if node is not None and node.leaf != "constant" and written:
                value = self.placed_by(value, node, site)
                self.left_by(a, index, node, site)
        a[index] = value
        if self.on and isinstance(index, str | int):
            self.name(value, f"{text}[{index!r}]" if isinstance(index, str) else f"{text}[{int(index)}]", site)

    def placed_by(self, value: Any, index: Node, site: int) -> Any:
        """A number that stands where it does because of an index that is known: a fresh one, which depends on that."""
        value = float(str(value)) if isinstance(value, float) else Whole(value)
        return self.keep(value, self.add("chosen", None, (value, index), {}, value, self.sites[site]))

    def left_by(self, a: Any, place: int, index: Node, site: int) -> None:
        """Wanted = [0, 0, 0]; wanted[label] = 1: that the others stay 0 the label chose too."""
        if type(a) is not list or len(a) > LOOKED_UP or any(type(x) not in (int, float, Whole) for x in a):
            return
        known = [node for x in a if (node := self._scalars.get(id(x))) is not None]
        if all(x in OFF for x in a) and all(node.leaf == "constant" or node.op == "entry" for node in known):
            others = {k for k in range(len(a)) if k != place % len(a)}
            a[:] = [self.placed_by(x, index, site) if k in others else x for k, x in enumerate(a)]

    def about_to_write(self, target: Array) -> None:
        """The memory of an array changes next."""
        root = owner(target)
        node = self.of_array(root)
        if node is not None and node.used:
            self.bytes += root.nbytes  # what earlier values hold of it is copied
        self._buffers[id(root)].let_go()

    def wrote(self, target: Array, node: Node) -> None:
        """The memory of an array holds a new value, or a part of it does."""
        root = owner(target)
        buffer = self._buffers[id(root)]
        lying = layout(target, root)
        if lying is None or buffer.whole(lying):
            node.names = list(buffer.node.names)  # what is bound to the array is bound to what it holds now
            buffer.node, buffer.held = node, [node]
            return
        shape, strides = buffer.lying
        whole = self.add("put", None, (buffer.node, node, lying, shape, strides), {}, root, node.site)
        shown = {} if self.begins(node) else {lying: node}  # weights that are drawn into a part are a part of the whole
        buffer.node, buffer.held, buffer.views = whole, [whole, node], shown

    def begins(self, node: Node) -> bool:
        """Is a value made of a few numbers that were drawn or written out, as weights are at first?"""
        leaves = [k for k in range(node.deps.bit_length()) if node.deps >> k & 1] if node.deps.bit_count() < FEW else []
        kinds = {self.leaves[k].leaf for k in leaves}
        return "random" in kinds and kinds <= {"random", "constant", "zeros", "empty", "sqrt", *FRESH, *LIKE}

    def iterate(self, things: Any, site: int) -> Any:
        """For x in things"""
        things = as_column(within(things)) if self.on else things
        if self.on and isinstance(things, np.ndarray) and things.ndim:
            return self.items(things, site)
        return things

    def items(self, things: Array, site: int) -> Iterator[Any]:
        """The rows, or the entries, of an array, each known."""
        for k in range(len(things)):
            value = self.item(things, k, site)
            node = self._scalars.get(id(value)) if isinstance(value, np.generic) else None
            if node is not None and node.op == "item":
                node.kwargs["each"] = True
            yield value

    def literal(self, value: Any, site: int) -> Any:
        """A number, or a list of numbers, that is written out."""
        if not self.on:
            return value
        if isinstance(value, list):
            node = self.new_leaf(rectangular(value), "written", self.sites[site])
            return self.known_list(value, node, iter(range(10**9)))
        node = self.new_leaf(value, "constant", self.sites[site])
        if node.index and (len(self.leaves) - 1) in self.jitter | self.off:
            value = float(self.moved(float(value), len(self.leaves) - 1))
        value = Whole(value) if isinstance(value, int) else float(str(value))
        node.value = value
        self._scalars[id(value)] = node
        return value

    def known_list(self, value: Any, node: Node, counter: Iterator[int]) -> Any:
        """The same list, each of its numbers an entry of one leaf."""
        if isinstance(value, list | tuple):
            return type(value)([self.known_list(part, node, counter) for part in value])
        fresh = Whole(value) if isinstance(value, int) else float(str(value))
        place = np.unravel_index(next(counter), node.shape)
        entry = self.add("entry", operator.getitem, (node, place), {}, fresh, node.site)
        self._scalars[id(fresh)] = entry
        return fresh

    def named(self, value: T, text: str, site: int) -> T:
        """Value gets a name; a number that nobody knows and an object keeps may become a parameter, and is a leaf."""
        if self.on:
            if text.startswith("self.") and type(value) in (int, float) and self.known(value) is None:
                value = self.literal(value, site)
            self.name(value, text, site)
        return value

    def held(self, value: T, text: str, owner: Any, site: int) -> T:
        """Owner.attribute = value, which has a name then: an object may hold a value, and its slope beside it."""
        value = self.named(value, text, site)
        counts = isinstance(value, np.ndarray | float | np.generic | Whole) and not rows_of_objects(value)
        if self.on and counts and not isinstance(owner, type | ModuleType) and (node := self.known(value)) is not None:
            self.owners[id(owner)] = owner
            node.held.append(Held(id(owner), text.rpartition(".")[2], len(self.tape), self.sites[site]))
        return value

    def unpacked(self, values: T, texts: tuple[str, ...], owners: tuple[Any, ...], site: int) -> T:
        """Several values get a name each, and those of attributes their object."""
        if self.on and isinstance(values, list | tuple) and len(values) == len(texts):
            known = [
                self.named(value, text, site) if owner is None else self.held(value, text, owner, site)
                for value, text, owner in zip(values, texts, owners, strict=True)
            ]
            return type(values)(known) if type(values) in (list, tuple) else values
        return values

    def name(self, value: Any, text: str, site: int, depth: int = 0) -> None:
        """Note the name of a value, and of what a list or dictionary holds."""
        if isinstance(value, np.ndarray | float | np.generic | Whole) and not rows_of_objects(value):
            if (node := self.known(value)) is not None:
                if text not in node.names:
                    node.names.append(text)
                self.stores.append((site, text, node))
        elif depth < 3 and (type(value) in (list, tuple) or rows_of_objects(value)) and len(value) <= 64:
            for k, part in enumerate(value):
                self.name(part, f"{text}[{k}]", site, depth + 1)
        elif depth < 3 and type(value) is dict and len(value) <= 64:
            for key, part in value.items():
                self.name(part, f"{text}[{key!r}]", site, depth + 1)


def basic(index: Any) -> bool:
    """Does the index make a view with an Ellipsis after it: only ints, slices and None?"""
    parts = index if type(index) is tuple else (index,)
    return all(isinstance(p, int | np.integer | slice | None) and type(p) is not bool for p in parts)


def rectangular(value: Any) -> Array:
    """Nested lists of numbers as an array; examples such as [(0, 1), [1]] as the rows of a table; others in a row."""
    try:
        return np.array(value, float)
    except ValueError:
        rows = [flat(part) for part in value]
        alike = len({len(row) for row in rows}) == 1
        return np.array(rows if alike else flat(value), float)


def flat(value: Any) -> list[Any]:
    """The numbers of nested lists, in their order."""
    return [x for part in value for x in flat(part)] if isinstance(value, list | tuple) else [value]


def larger(self: Hooks, site: int, function: Any, *things: Any, **kwargs: Any) -> Any:
    """max(0, z), min(z, 6): a value of its own, so that a unit that is off has one too."""
    value = function(*things, **kwargs)
    if len(things) != 2 or kwargs or not all(type(t) in (float, int, Whole) for t in things):
        return value
    args = self.resolved(things)
    if all(node.leaf == "constant" for node in nodes_of(args)):
        return value
    op = np.maximum if function is max else np.minimum
    fresh = float(str(value)) if type(value) is float else int(value)
    return self.keep(fresh, self.add(op.__name__, op, args, {}, fresh, self.sites[site]))
