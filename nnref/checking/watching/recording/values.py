"""The recorded values: numbers are recognised by identity, arrays by memory; and the tape that holds them."""

from __future__ import annotations

import builtins
import operator
from collections import Counter
from collections.abc import Callable, Sequence
from time import process_time
from typing import Any, TypeVar

import numpy as np

from nnref.checking.watching.recording.memory import Buffer, layout, owner
from nnref.checking.watching.recording.tape import Node, Site, nodes_of, words_and_integers

T = TypeVar("T")
Array = np.ndarray[Any, Any]

NOWHERE = Site("", 0, 0, "")
DEPTH = 5
"""Depth to which nested lists are searched for values."""


GENTLE = 0.01
"""Factor on parameters in a run whose outputs were exactly 0 and 1."""


NEAR = 1e-4
"""Relative perturbation of constants in a run that should take the same branches: a hundred times the resolution of
half of the digits, and too small to change a comparison."""

OFF = 0.01
"""Perturbation of constants in all runs, where the program compared equal numbers."""

BEGUN = 4096
"""Numbers of lists of equal ones, as [0.0] * n, that are known at one place of a program: its parameters come first."""

LOOKS_FROM = 60
"""Recorded values before the first test whether they suffice; the next tests come after half as many more.

In a costly program, after a tenth more.
"""

CHEAP = 500
"""Values that are recorded anyway, of a program that is not costly: more than two steps, as a rule."""

REST = 3
"""A program runs at least this many times as long as the last test took, so that tests stay cheap."""

COSTLY = 0.5, 60e6
"""Seconds and bytes from which a program counts as costly, and is stopped once two steps are recorded."""


class Stop(BaseException):
    """Raised to stop a program once enough was recorded."""


class Whole(int):
    """An int with its own identity, as Python shares small ints."""


class Values:
    """Records one run of a program: `tape` holds its values in the order they were made.

    limit is the number of values after which the program is stopped, seconds its time. jitter are the ordinals of the
    leaves that are moved, so that constant parameters differ from run to run, gentle the indices of values that are
    made smaller; seed numbers the run. suffices is asked now and then whether the tape holds all that is needed; of all
    data one row in `share` is handed out, and of pictures those of this side. A run that is near, the first, second …,
    is that of the seed, and what is moved in it is moved by very little. off are the ordinals of leaves that are moved
    by a little in all runs alike; ties, the values that the program compared with what they were equal to. A run that
    follows the values of another one is stopped where it goes another way.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        limit: int = 3000,
        seconds: float = 3.5,
        jitter: frozenset[int] = frozenset(),
        gentle: frozenset[int] = frozenset(),
        suffices: Callable[[list[Node]], bool] | None = None,
        share: int = 1,
        side: int = 28,
        near: int = 0,
        off: frozenset[int] = frozenset(),
        follows: Sequence[Node] = (),
    ) -> None:
        self.tape: list[Node] = []
        self.sites: list[Site] = []
        self.files: set[str] = set()
        self.seed, self.limit, self.jitter, self.gentle = seed, limit, jitter, gentle
        self.begin = process_time()
        self.seconds, self.deadline = seconds, self.begin + seconds
        self.suffices, self.next_look, self.sufficed, self.bytes = suffices, LOOKS_FROM, False, 0
        self.rested = self.begin
        self.leaves: list[Node] = []
        self.stores: list[tuple[int, str, Node]] = []
        self.pairs: list[tuple[str, Node, Node]] = []
        self.on, self.in_time = True, True
        self._buffers: dict[int, Buffer] = {}
        self._scalars: dict[int, Node] = {}
        self._compared: tuple[Any, ...] | None = None
        self.off, self._off, self.reach = off, np.random.RandomState(7), NEAR if near else 1.0
        self._random = np.random.RandomState(seed + 77 + near)
        self.ties: list[int] = []
        self.owners: dict[int, Any] = {}
        self.tests: list[tuple[int, Node | None]] = []
        self.opaque: dict[int, Node] = {}
        self._begun: Counter[int] = Counter()
        self.alike = set[int]()
        self.looked_up = 0
        self.share, self.side, self.follows = share, side, follows

    def known(self, x: Any) -> Node | None:
        """The node of a value, if it was recorded. An array that nobody made here becomes a leaf."""
        if isinstance(x, np.ndarray):
            return self.of_array(x)
        if isinstance(x, float | np.generic | Whole | complex):
            return self._scalars.get(id(x))
        return self.opaque.get(id(x)) if self.opaque else None

    def of_array(self, x: Array, kind: str = "unknown") -> Node | None:
        """The node of an array, a view of another or not."""
        if x.dtype.kind not in "fiubc":
            return None
        root = owner(x)
        buffer = self._buffers.get(id(root))
        if buffer is None:
            buffer = self.adopt(root, self.new_leaf(root, kind, NOWHERE))
        lying = layout(x, root)
        if lying is None:
            return self.add("view", None, (buffer.node,), {}, np.array(x), NOWHERE)
        if buffer.whole(lying):
            return buffer.node
        if (node := buffer.views.get(lying)) is None:
            shape, strides = buffer.lying
            buffer.node.used = True
            site = buffer.sites.get(lying, buffer.node.site)
            node = self.add("view", None, (buffer.node, lying, shape, strides), {}, x, site)
            buffer.views[lying] = node
            buffer.held.append(node)
        return node

    def adopt(self, root: Array, node: Node) -> Buffer:
        """From now on this memory is known."""
        buffer = self._buffers[id(root)] = Buffer(root, node, [node])
        return buffer

    def last_read(self, a: Array, index: Any) -> Any:
        """The array of which an entry is asked, as it was last read as a whole, if it is still the same entry.

        What is written into an array entry by entry, as w[j] -= … in a loop, changes none of the entries beside it.
        """
        buffer = self._buffers.get(id(a))
        place = index if type(index) is tuple else (index,)
        plainly = all(isinstance(k, int | np.integer) and type(k) is not bool for k in place) and len(place) == a.ndim
        if buffer is None or not plainly or any(n.leaf != "constant" for n in nodes_of(self.resolved(index))):
            return self.resolved(a)
        at = sum(int(k) % n * step for k, n, step in zip(place, *buffer.lying, strict=True))
        node = buffer.node
        while node.op == "put" and not node.used and not node.args[1].shape and node.args[2][0] != at:
            node = node.args[0]
        return node if (node.leaf or node.used) and node.value is not None else self.resolved(a)

    def resolved(self, thing: Any, depth: int = 0) -> Any:
        """An argument, with nodes in the place of the values that are known."""
        if (node := self.known(thing)) is not None:
            node.used = True
            return node
        if depth < DEPTH:
            if type(thing) in (list, tuple):
                if words_and_integers(thing):
                    return type(thing)(thing)
                return type(thing)([self.resolved(part, depth + 1) for part in thing])
            if type(thing) is builtins.slice:
                parts = (self.resolved(part, depth + 1) for part in (thing.start, thing.stop, thing.step))
                return builtins.slice(*parts)
        return thing

    def in_one(self, thing: Any, site: int) -> Any:
        """An argument of an operator: a list that is computed with as an array is one value, of those that it holds."""
        told = self.resolved(thing)
        if type(thing) is not list or not any(nodes_of(told)) or (whole := np.array(thing)).dtype.kind not in "fiu":
            return told
        rows = [self.in_one(part, site) for part in thing]
        return self.add("gathered", gathered, (rows, whole.shape), {}, whole, self.sites[site])

    def add(
        self,
        op: str,
        call: Callable[..., Any] | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        value: Any,
        site: Site,
    ) -> Node:
        """Append a value to the tape.

        Errors: Stop if it holds enough.
        """
        inputs = tuple(dict.fromkeys((*nodes_of(args), *nodes_of(kwargs))))
        deps = 0
        for node in inputs:
            deps |= node.deps
        if len(self.tape) in self.gentle and isinstance(value, np.ndarray) and value.dtype.kind == "f":
            value[...] *= GENTLE
        made = Node(len(self.tape), op, call, args, kwargs, value, site, "", deps, inputs, dims=np.shape(value))
        self.tape.append(made)
        if isinstance(value, np.ndarray) and value.base is None:
            self.bytes += value.nbytes
        if self.suffices is not None and len(self.tape) >= self.next_look:
            self.look()
        if len(self.tape) >= self.limit or process_time() > self.deadline or (self.follows and self.apart(made)):
            self.on = False
            self.in_time = process_time() <= self.deadline
            raise Stop
        return made

    def apart(self, made: Node) -> bool:
        """Does the program compute something else here than in the run that it follows?"""
        if made.index >= len(self.follows):
            return True
        before = self.follows[made.index]
        return (before.op, before.site.line) != (made.op, made.site.line)

    def look(self) -> None:
        """Stop a program whose tape holds enough.

        Errors: Stop.
        """
        if (now := process_time()) < self.rested:
            self.next_look += LOOKS_FROM // 2
            return
        costly = now - self.begin > COSTLY[0] or self.bytes > COSTLY[1]
        self.next_look += max(LOOKS_FROM // 2, self.next_look // 10) if costly else self.next_look // 2
        if not costly and len(self.tape) < CHEAP:
            return
        if self.suffices is not None and self.suffices(self.tape):
            self.sufficed, self.on = True, False
            raise Stop
        after = process_time()
        self.rested = after + REST * (after - now)
        self.deadline += after - now  # its time is the program's own

    def new_leaf(self, value: Any, kind: str, site: Site) -> Node:
        """A value that was made of nothing that is known; moved, if it is to be."""
        ordinal = len(self.leaves)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size:
            value[...] = self.moved(value, ordinal)
        node = self.add("leaf", None, (), {}, value, site)
        node.leaf, node.deps = kind, 1 << ordinal
        self.leaves.append(node)
        return node

    def moved(self, value: Any, ordinal: int) -> Any:
        """A leaf as it is in this run: moved beside its size, or beside 0.3 where it is 0, if it is to be.

        Zeros that many inputs go through are moved by less: a sum of thousands would saturate what it goes into.
        """
        for leaves, reach, random in ((self.off, OFF, self._off), (self.jitter, self.reach, self._random)):
            if ordinal in leaves:
                scale = reach * (float(np.abs(value).mean()) or 0.3 / max(1.0, max((1, *np.shape(value))) / 100) ** 0.5)
                value = value + np.asarray(scale * random.standard_normal(np.shape(value)), np.result_type(value))[()]
        return value

    def leaf(self, value: T, kind: str) -> T:
        """Mark an array as what the program begins from: "data" or "labels". Returns the array itself."""
        if isinstance(value, np.ndarray) and self.on and value.dtype.kind in "fiub":
            root = owner(value)
            if id(root) not in self._buffers:
                self.adopt(root, self.new_leaf(root, kind if value.size == root.size else "table", NOWHERE))
            buffer = self._buffers[id(root)]
            if (lying := layout(value, root)) is None or buffer.whole(lying):
                buffer.node.leaf = kind
            else:  # the view is a leaf of its own, whatever else its owner holds
                buffer.views[lying] = self.new_leaf(value, kind, NOWHERE)
        return value

    def number(self, value: float) -> float:
        """A number that a function is given as its parameter, known from now on."""
        value = float(str(value))
        self._scalars[id(value)] = self.new_leaf(value, "random", NOWHERE)
        return value

    def entry(self, array: Array, k: int) -> int:
        """A whole number of an array that is known, as an int that is known to come from there."""
        value = int(array[k])
        if not self.on:
            return value
        return self.keep(value, self.add("item", operator.getitem, (self.resolved(array), k), {}, value, NOWHERE))

    def pair(self, parameter: Any, gradient: Any, name: str) -> None:
        """State that one value is meant as the gradient of another, which it never updates."""
        of, by = self.known(parameter), self.known(gradient)
        if of is not None and by is not None:
            self.pairs.append((name, of, by))

    def keep(self, value: Any, node: Node) -> Any:
        """Know a new value from now on; returns what stands for it in the program."""
        if isinstance(value, np.ndarray):
            if owner(value) is not value:  # a view of memory that only the library knows
                value = node.value = value.copy()
            self.adopt(value, node)
        elif type(value) in (int, bool) or isinstance(value, np.bool_):
            if type(value) is int:
                value = Whole(value)
                self._scalars[id(value)] = node
            node.value = value
        else:
            self._scalars[id(value)] = node
        return value

    def known_already(self, value: Any) -> bool:
        """Was the value recorded before?"""
        if isinstance(value, np.ndarray):
            return id(owner(value)) in self._buffers
        return id(value) in self._scalars


def gathered(parts: Any, shape: tuple[int, ...]) -> Array:
    """Results as one array."""
    return np.array([np.asarray(part) for part in parts]).reshape(shape)
