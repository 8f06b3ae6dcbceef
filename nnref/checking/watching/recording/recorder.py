"""The recorder of calls: the program's own functions are entered; a call of any other is one operation."""

from __future__ import annotations

import builtins
import copy
import functools
import inspect
import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, TypeVar

import numpy as np

from nnref.checking.watching.recording.functions import (
    DRAWS,
    FRESH,
    LIKE,
    LOOKS,
    SEEDS,
    again,
    as_once,
    container,
    hashable,
    kind_of,
    kth_result,
    name_of,
    random_maker,
    rule_name,
    without_out,
    written_array,
)
from nnref.checking.watching.recording.hooks import Hooks, larger
from nnref.checking.watching.recording.memory import in_blocks
from nnref.checking.watching.recording.minimising import is_search, minimised
from nnref.checking.watching.recording.of_objects import as_objects
from nnref.checking.watching.recording.ordered import InOrder
from nnref.checking.watching.recording.tabular import Tabular, anywhere, as_arrays
from nnref.checking.watching.recording.tape import Node, nodes_of
from nnref.checking.watching.recording.values import BEGUN, Array, gathered

T = TypeVar("T")


SAME_OBJECT = frozenset([list, tuple, dict, set, iter, next, reversed, sorted, getattr, any, all, bool])
"""Functions that return their arguments' elements or a truth value, and compute nothing."""


class Recorder(Hooks):
    """Records one run of a program: `tape` holds its values in the order they were made.

    listens are names of the program's own functions; heard are the arguments of the last call of each.
    """

    def __init__(self, *, listens: frozenset[str] = frozenset(), **how: Any) -> None:
        super().__init__(**how)
        self.listens, self.heard = listens, dict[str, dict[str, Any]]()
        self._own: dict[int, bool] = {}
        self._alive: list[Any] = []

    def call(self, site: int, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """f(*args, **kwargs)"""
        if self.listens and name_of(function) in self.listens and self.own(function):
            self.hear(function, args, kwargs)
        if not self.on:
            return function(*args, **kwargs)
        if self.own(function):
            return function(
                *(self.passed(a, site) for a in args), **{k: self.passed(a, site) for k, a in kwargs.items()}
            )
        if (special := self.special(function)) is not None:
            return special(site, function, *args, **kwargs)
        name = name_of(function)
        if name in SEEDS and random_maker(function):
            rest = {k: v for k, v in kwargs.items() if k not in ("seed", "entropy")}
            return function(*self.seeded((*args, *(v for k, v in kwargs.items() if k not in rest))), **rest)
        if name in ("append", "extend", "insert", "update", "add", "setdefault") and container(function):
            return function(*args, **kwargs)
        if hashable(function) and function in SAME_OBJECT:
            return function(*args, **kwargs)
        if name in LOOKS or name in ("format", "join", "keys", "values", "items", "get", "pop", "index", "count"):
            return function(*args, **kwargs)
        return self.library(site, name, function, args, kwargs)

    def equal_one(self, value: Any, site: int) -> Any:
        """One of the numbers of a list that begins with the same ones; so many at one place are known."""
        if self.on and type(value) is float and self._begun[site] < BEGUN:
            self._begun[site] += 1
            value = self.literal(value, site)
            self.alike.add(self._scalars[id(value)].index)
        return value

    def repeated(self, a: Any, b: Any, site: int) -> Any:
        """[0.0] * n"""
        value = self.binary("multiply", a, b, site)
        return [self.equal_one(x, site) for x in value] if type(value) is list else value

    def passed(self, value: Any, site: int) -> Any:
        """An argument; an unknown float or 0 may become a parameter, and is made a leaf."""
        plain = type(value) is float or (type(value) is int and value == 0)
        return self.literal(value, site) if plain and self.known(value) is None else value

    def named_anew(self, value: T, text: str, site: int) -> T:
        """P = …, where p is what the loop around goes through: what it went through stays as it is."""
        value = self.named(value, text, site)
        if self.on and (node := self.known(value)) is not None:
            node.of_loop = True
        return value

    def hear(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Keep copies of what a function is called with, if they can be made."""
        with suppress(Exception):
            given = inspect.signature(function).bind(*args, **kwargs).arguments
            self.heard[name_of(function)] = copy.deepcopy(dict(given))

    def library(self, site: int, name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of a library function, as one operation."""
        if anywhere(args) or isinstance(getattr(function, "__self__", None), Tabular):
            function, args = as_arrays(function, name, args)
        args = tuple(map(as_once, args)) if getattr(function, "__module__", "") == "math" else args
        target = written_array(name, function, args, kwargs)
        here = self.sites[site]
        owner = getattr(function, "__self__", None)
        method = isinstance(owner, np.ndarray | np.generic | float | int) or id(owner) in self.opaque
        given = (owner, *args) if method else args
        if name in FRESH or name in LIKE or name in DRAWS:
            inputs: tuple[Any, ...] = ()
            named: dict[str, Any] = {}
        else:
            given = tuple(map(in_blocks, given)) if rule_name(name, function) == "array" else given
            inputs, named = self.resolved(given), {k: self.resolved(v) for k, v in kwargs.items()}
        if target is not None:
            self.resolved(target)
            self.about_to_write(target)
        try:
            result = function(*args, **kwargs)
        except ValueError as error:
            if (loose := as_objects(error, args)) is None:
                raise
            result = function(*loose, **kwargs)
        redo = functools.partial(again, name) if method else function
        if target is not None:
            node = self.add(rule_name(name, function), redo, inputs, without_out(named), target, here)
            self.wrote(target, node)
            return result
        return self.result(rule_name(name, function), redo, inputs, named, result, site)

    def result(
        self,
        op: str,
        call: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        value: Any,
        site: int,
    ) -> Any:
        """Know what a call made, as one value or as several."""
        if value is None or isinstance(value, bool | np.bool_ | str | bytes):
            return value
        if isinstance(value, np.ndarray | np.generic | float | int | complex):
            return self.one(op, call, args, kwargs, value, site)
        found = tuple(nodes_of((args, tuple(kwargs.values()))))
        named = getattr(value, "_make", None) if isinstance(value, tuple) else None  # as np.linalg.qr's
        if (named or type(value) in (list, tuple)) and len(value) <= 4096:
            parts = []
            for k, part in enumerate(value):
                number = isinstance(part, np.ndarray | np.generic | float) or (isinstance(part, int) and found)
                parts.append(self.one(f"{op}[{k}]", kth_result(call, k), args, kwargs, part, site) if number else part)
            return (named or type(value))(parts)
        if found and not isinstance(value, type | FunctionType):
            self._alive.append(value)
            self.opaque[id(value)] = self.add("opaque", call, args, kwargs, None, self.sites[site])
        return value

    def one(
        self,
        op: str,
        call: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        value: Any,
        site: int,
    ) -> Any:
        """Know one value that a call made: new, or a view of what is known, or the very value that went in."""
        if isinstance(value, bool | np.bool_) or (isinstance(value, np.ndarray) and value.dtype.kind not in "fiubc"):
            return value
        if self.known_already(value):
            return value
        found = tuple(nodes_of((args, tuple(kwargs.values()))))
        begun = op == "array" and np.ndim(value) and all(n.index in self.alike for n in found)
        numbers = all(n.leaf in ("constant", "looked up") and isinstance(n.value, int) for n in found)
        if not found or begun or numbers:
            if isinstance(value, int) and (found or kind_of(op) != "random"):
                return value
            value, node = self.begun(value, kind_of(op), site)
            return self.keep(value, node)
        if type(value) is int and all(n.leaf == "constant" for n in found):
            return value
        return self.keep(value, self.add(op, call, args, kwargs, value, self.sites[site]))

    def begun(self, value: Any, kind: str, site: int) -> tuple[Any, Node]:
        """A leaf of an array or a number that a call made of nothing."""
        if not isinstance(value, np.ndarray | int) and len(self.leaves) in self.jitter | self.off:
            value = type(value)(self.moved(value, len(self.leaves)))
        elif not isinstance(value, np.ndarray) and type(value) is float:
            value = float(str(value))
        return value, self.new_leaf(value, kind, self.sites[site])

    def own(self, function: Any) -> bool:
        """Is this a function or class of the person's own, which is entered?"""
        key = id(function) if isinstance(function, FunctionType | type) else 0
        if key and (known := self._own.get(key)) is not None:
            return known
        found = self.looked_at(function)
        if key:
            self._own[key] = found
            self._alive.append(function)
        return found

    def looked_at(self, function: Any) -> bool:
        """The same, from its code."""
        if isinstance(function, MethodType):
            return self.own(function.__func__)
        if isinstance(function, FunctionType):
            return function.__code__.co_filename in self.files or self.wraps(function)
        if isinstance(function, functools.partial):
            return self.own(function.func)
        if isinstance(function, type):
            mine = (vars(c).values() for c in function.__mro__[:-1])
            return any(self.own(v) for some in mine for v in list(some) if isinstance(v, FunctionType))
        if isinstance(function, BuiltinFunctionType | np.ufunc):
            return False
        if hasattr(function, "__wrapped__"):
            return self.own(function.__wrapped__)
        called = next((vars(c)["__call__"] for c in type(function).__mro__ if "__call__" in vars(c)), None)
        return isinstance(called, FunctionType) and self.own(called)

    def wraps(self, function: Any) -> bool:
        """Does a library's function wrap one of the program's?"""
        inner = getattr(function, "__wrapped__", None)
        return inner is not None and self.own(inner)

    def seeded(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The program's own seed, or 0 where it leaves it open; another one in another run."""
        first = int(args[0]) if args and isinstance(args[0], int) else 0
        if not self.seed:
            given = not args or args[0] is None or isinstance(args[0], int)
            return (first, *args[1:]) if given else args
        return (first + 1000 * self.seed, *args[1:])

    # Functions that call others, or hand on what they are given in another form

    def special(self, function: Any) -> Callable[..., Any] | None:
        """How a function is called that is no operation of its own."""
        if isinstance(function, np.vectorize):
            return self.vectorized
        if is_search(function):
            return functools.partial(minimised, self)
        found = SPECIAL.get(function) if hashable(function) else None
        return None if found is None else functools.partial(found, self)

    def vectorized(self, site: int, function: Any, *args: Any, **kwargs: Any) -> Any:
        """np.vectorize(f)(a): f for every entry."""
        inner = function.pyfunc
        arrays = np.broadcast_arrays(*(a if isinstance(a, np.ndarray) else np.asarray(a) for a in args))
        if not self.own(inner) or kwargs or not arrays or arrays[0].size > 20_000:
            return self.library(site, "vectorize", function, args, kwargs)
        shape = arrays[0].shape
        given = [a if np.ndim(a) else itertools.repeat(a) for a in args]
        rows = [self.entries(a, b, site) for a, b in zip(given, arrays, strict=True)]
        results = [inner(*entry) for entry in zip(*rows, strict=True)]
        made = np.array([np.asarray(r) for r in results]).reshape(shape)
        if not shape:
            return results[0]
        parts = [self.resolved(r) for r in results]
        return self.keep(made, self.add("gathered", gathered, (parts, shape), {}, made, self.sites[site]))

    def entries(self, a: Any, whole: Array, site: int) -> Iterator[Any]:
        """The entries of an argument of a vectorised function."""
        if not isinstance(a, np.ndarray):
            return iter([a] * whole.size) if not np.ndim(a) else iter(whole.ravel().tolist())
        if a.shape != whole.shape:
            a = self.call(site, np.broadcast_to, a, whole.shape)
        return (self.item(a, place, site) for place in np.ndindex(*whole.shape))


def along_axis(self: Recorder, site: int, function: Any, inner: Any, axis: int, a: Array, *more: Any) -> Any:
    """np.apply_along_axis(f, axis, a): f for every row."""
    if not self.own(inner) or not isinstance(a, np.ndarray):
        return self.library(site, "apply_along_axis", function, (inner, axis, a, *more), {})
    moved = np.moveaxis(a, axis, -1)
    results = [inner(moved[place], *more) for place in np.ndindex(*moved.shape[:-1])]
    stacked = np.array([np.asarray(r) for r in results])
    made = stacked.reshape(moved.shape[:-1] + stacked.shape[1:])
    node = self.add("gathered", gathered, ([self.resolved(r) for r in results], made.shape), {}, made, self.sites[site])
    made = self.keep(made, node)
    return np.moveaxis(made, -1, axis) if stacked.ndim > 1 else made


def summed(self: Recorder, site: int, function: Any, things: Any, start: Any = 0) -> Any:
    """sum(things): one addition after another; of the entries or rows of an array, one operation."""
    total = start
    first = type(start) is int and not start
    if first and type(things) is np.ndarray and things.dtype.kind in "iuf" and things.size:
        return self.result("sum", np.sum, (self.resolved(things),), {"axis": 0}, function(things), site)
    for thing in self.iterate(things, site):
        total = thing if first and isinstance(thing, np.ndarray | float) else self.binary("add", total, thing, site)
        first = False
    return total


def zipped(self: Recorder, site: int, function: Any, *things: Any, **kwargs: Any) -> Any:
    """zip, enumerate, map, list and reversed over arrays: their items are known."""
    if function is map and not (self.own(things[0]) or not any(isinstance(t, np.ndarray) for t in things[1:])):
        inner = functools.partial(self.call, site, things[0])
        return map(inner, *(self.iterate(t, site) for t in things[1:]))
    if function is map:
        inner = things[0] if self.own(things[0]) else functools.partial(self.call, site, things[0])
        return map(inner, *(self.iterate(t, site) for t in things[1:]))
    if function is reversed and isinstance(things[0], np.ndarray):
        return iter([*self.iterate(things[0], site)][::-1])
    return function(*(self.iterate(t, site) for t in things), **kwargs)


def copied(self: Recorder, site: int, function: Any, thing: Any, memo: Any = None) -> Any:
    """copy.deepcopy: the copies of arrays depend on the arrays."""
    if isinstance(thing, np.ndarray):
        return self.library(site, "copy", np.copy, (thing,), {})
    found: dict[int, Any] = {}
    made = copy.deepcopy(thing, found)
    for old in list(walked(thing)):
        new = found.get(id(old))
        if isinstance(new, np.ndarray) and new is not old and (node := self.of_array(old)) is not None:
            node.used = True
            self.keep(new, self.add("array", np.array, (node,), {}, new, self.sites[site]))
    return made


def ordered(self: Recorder, site: int, function: Any, *things: Any) -> Any:
    """set(things): one that is gone through in the same order in every run."""
    return InOrder(*things)


def set_attribute(self: Recorder, site: int, function: Any, thing: Any, name: str, value: Any) -> None:
    """setattr(a, "W1", b)"""
    setattr(thing, name, value)
    self.name(value, f"self.{name}", site)


def walked(thing: Any, depth: int = 0) -> Iterator[Array]:
    """The arrays in a structure or an object."""
    if isinstance(thing, np.ndarray) and thing.dtype.kind != "O":
        yield thing
    elif depth < 6:
        held = list(thing.flat) if isinstance(thing, np.ndarray) else ()
        parts = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list | tuple) else held
        for part in (*parts, *(vars(thing).values() if hasattr(thing, "__dict__") else ())):
            yield from walked(part, depth + 1)


def whole_or_float(self: Recorder, site: int, function: Any, *args: Any, **kwargs: Any) -> Any:
    """float(x), int(x): the same number."""
    args = tuple(map(as_once, args))
    value = function(*args, **kwargs)
    if function is float and args and type(args[0]) is int and self.known(args[0]) is None:  # a length: no label
        value = float(str(value))
        return self.keep(value, self.new_leaf(value, "constant", self.sites[site]))
    truth = bool(args) and isinstance(args[0], bool | np.bool_) and self.known(args[0]) is None  # a label, perhaps
    if not args or truth or isinstance(args[0], str | bytes):
        if args and (function is float or truth):
            value, node = self.begun(value, "parsed", site)
            return self.keep(value, node)
        return value
    return self.one("array" if function is float else "int", function, self.resolved(args), {}, value, site)


SPECIAL: dict[Any, Any] = {
    builtins.sum: summed, max: larger, min: larger,
    zip: zipped, enumerate: zipped, map: zipped, list: zipped, tuple: zipped, reversed: zipped,
    copy.deepcopy: copied, setattr: set_attribute, set: ordered, float: whole_or_float, int: whole_or_float,
    np.apply_along_axis: along_axis,
}  # fmt: skip


_current: list[Recorder] = []


def current() -> Recorder:
    """The recorder of the program that runs now.

    Errors: LookupError if none does.
    """
    if not _current:
        raise LookupError("no program is being watched: leaf and pair are called while one runs.")
    return _current[-1]


def entry(array: Array, k: int) -> int:
    """A whole number of an array, known to the recorder of now; without one, only the number."""
    return _current[-1].entry(array, k) if _current else int(array[k])


def leaf(value: T, kind: str) -> T:
    """Mark an array as "data" or "labels" for the recorder of now; without one, only return it."""
    return _current[-1].leaf(value, kind) if _current else value
