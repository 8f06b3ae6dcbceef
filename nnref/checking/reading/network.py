"""A person's network as a function of its parameters: no call changes the state for the next."""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from types import FrameType, FunctionType, ModuleType
from typing import Any

import numpy as np

from nnref.checking.reading.arguments import Pool, call
from nnref.checking.reading.containers import (
    FoundParameters,
    at,
    backwards_lists,
    copied,
    gradients_in_tree,
    members,
    ordered,
    parts,
    put_along,
    walk,
)
from nnref.checking.reading.layout import fitting_layouts
from nnref.checking.reading.names import GRADIENTS, ROLES, canonical, gradient_of, plain_name
from nnref.checking.reading.source import Source, returned
from nnref.checking.reading.uses import argument_roles, functions_called, learning_rate, methods_of_object
from nnref.shapes import Array

RATE = 1.0
"""The learning rate we set: (before − after) / 1 loses nothing but the rounding of the parameter itself."""

UPDATES = ("train", "fit", "step", "update")
"""Openings of the names of functions that return new parameters rather than gradients."""


@dataclass
class Passed:
    """One forward pass: what was returned, every array by its name, and the network it left behind."""

    raw: Any
    named: dict[str, Any]
    holder: Any


@dataclass
class BackwardPass:
    """One backward pass: gradients by "W1", "b1", …, in the person's layout; whether they were read from an update.

    step is the factor of that update beside the learning rate.
    """

    gradients: dict[str, Array]
    updated: bool = False
    step: float = 1.0
    variables: dict[str, Any] = field(default_factory=dict)


@dataclass
class Network:
    """Functions or methods, and the parameters they work on. `forward` and `loss` may be missing, `backward` not.

    tree holds the parameters: an object with methods, or what init returned; found says where each of them lies.
    """

    tree: Any
    found: FoundParameters
    namespace: dict[str, Any]
    functions: dict[str, Any]
    source: Source | None = None
    names: list[str] | None = None
    own_widths: bool = False
    notes: list[str] = field(default_factory=list)
    syntax: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_object(self) -> bool:
        """Are the functions methods of the tree?"""
        return isinstance(self.functions.get("backward"), str)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every parameter, as the person has it."""
        return {name: A.shape for name, A in self.arrays().items()}

    def arrays(self) -> dict[str, Array]:
        """The parameters as they were made."""
        ways = {path: name for name, path in self.found.paths.items()}
        return {ways[path]: A for path, A in walk(self.view(self.tree)) if path in ways}

    def in_their_order(self) -> list[str]:
        """The names of the parameters as they follow one another in the tree."""
        ways = {path: name for name, path in self.found.paths.items()}
        return [ways[path] for path, _ in walk(self.view(self.tree)) if path in ways]

    def view(self, holder: Any) -> Any:
        """The tree with names instead of positions, where init returned a tuple of names."""
        if self.names and isinstance(holder, list | tuple):
            return dict(zip(self.names, holder, strict=False))
        return holder

    def holding(self, theta: dict[str, Array]) -> Any:
        """A copy of the tree with other numbers in its parameters."""
        holder = copied(list(self.tree) if type(self.tree) is tuple else self.tree)
        for name, path in self.found.paths.items():
            if name in theta:
                steps = (self.names.index(path[0]), *path[1:]) if self.names else path
                put_along(holder, steps, theta[name])
        return tuple(holder) if type(self.tree) is tuple else holder

    def function(self, purpose: str, holder: Any) -> Callable[..., Any] | None:
        """The function or bound method for a purpose."""
        f = self.functions.get(purpose)
        return getattr(holder, f) if isinstance(f, str) else f

    def forward(self, theta: dict[str, Array], X: Any, Y: Any) -> Passed:
        """One forward pass. Errors: Unbound; whatever the function raises."""
        with self.alone(X, Y, theta):
            return self.pass_forward(self.holding(theta), X, Y)

    def pass_forward(self, holder: Any, X: Any, Y: Any) -> Passed:
        """Forward through the network in holder."""
        give_data(holder, X, Y)
        f = self.function("forward", holder)
        if f is None:
            return Passed(None, {}, holder)
        # An alpha with a default is no learning rate here.
        raw = call(f, self.pool(holder, X, Y, {}, None), ("X",), argument_roles(self.definition("forward")), ("rate",))
        named = names_of(raw, returned(self.definition("forward")))
        if self.is_object:
            named = attributes(holder) | named
        return Passed(raw, named, holder)

    def definition(self, purpose: str) -> Any:
        """The syntax of a function of the file; found once, for a loss is called hundreds of times."""
        if purpose not in self.syntax:
            f = self.functions.get(purpose)
            owner = type(self.tree).__name__ if isinstance(f, str) else None
            name = f if isinstance(f, str) else getattr(f, "__name__", "")
            self.syntax[purpose] = self.source.definition(name, owner) if self.source and f is not None else None
        return self.syntax[purpose]

    def going_back(self) -> list[Any]:
        """The syntax of the backward function and of what it calls in the file, but for what goes forward."""
        return [] if self.source is None else functions_called(self.source, self.definition("backward"))

    def pool(self, holder: Any, X: Any, Y: Any, named: dict[str, Any], raw: Any) -> Pool:
        """What can be given to a function: data, parameters, and what the forward pass returned."""
        view = self.view(holder)
        N = batch(X, Y)
        own = {} if self.is_object else {str(path[-1]): A for path, A in walk(view)}
        if not self.is_object:
            own |= {str(name): part for name, part in parts(view)}
            own |= {name: at_way(view, path) for name, path in self.found.paths.items()}
        given: dict[str, Any] = {"X": X, "Y": Y, "N": N, "rate": RATE}
        if not self.is_object:
            given["parameters"] = holder
        if raw is not None:
            given["cache"] = cache_of(raw)
            out = output_of(named, raw, self.width(), N, self.depth)
            if out is not None:
                given["output"] = out
        return Pool(given, own | named)

    @property
    def depth(self) -> int:
        """The number of layers."""
        return sum(name[0] == "W" for name in self.found.paths)

    def width(self) -> int:
        """The number of outputs."""
        return fitting_layouts(self.shapes())[0][1][-1]

    def backward(
        self,
        theta: dict[str, Array],
        X: Any,
        Y: Any,
        upstream: Any = None,
        begun: Callable[[dict[str, Any]], None] | None = None,
    ) -> BackwardPass:
        """One forward and one backward pass; upstream(output) is what a backward that starts at the output is given.

        begun is told before it the arrays that the functions will work on. Errors: Unbound; whatever they raise.
        """
        with self.alone(X, Y, theta):
            holder = self.holding(theta)
            set_rate(holder)
            if begun is not None:
                begun(self.held(holder))
            passed = self.pass_forward(holder, X, Y)
            f = self.function("backward", holder)
            assert f is not None
            pool = self.pool(holder, X, Y, passed.named, passed.raw)
            if upstream is not None:
                pool.roles["upstream"] = upstream(pool.roles.get("output"))
            with variables_of(f) as variables:
                raw = call(f, pool, ("X", "Y"), argument_roles(self.definition("backward")))
            return replace(self.gradients_of_backward(f, raw, theta, holder), variables=variables)

    def held(self, holder: Any) -> dict[str, Any]:
        """The parameters that the functions work on: those of the module where they look them up there."""
        found = {name: at_way(self.view(holder), path) for name, path in self.found.paths.items()}
        for own, role in self.globals.items():
            if role == "parameters":
                view = self.view(self.namespace[own])
                found |= {name: at_way(view, path) for name, path in self.found.paths.items()}
            elif role in found:
                found[role] = self.namespace[own]
        return found

    def gradients_of_backward(self, f: Any, raw: Any, theta: dict[str, Array], holder: Any) -> BackwardPass:
        """The gradients, from what was returned, from the network's attributes, or from how its parameters moved."""
        named = names_of(raw, returned(self.definition("backward")))
        updates = plain_name(f.__name__).startswith(UPDATES)
        found = gradients_in_tree(named, self.found, all_are=not updates)
        if not found and not updates:
            found = self.unnamed(raw)
        if not found:
            found = gradients_in_tree(holder if self.is_object else self.of_module(), self.found)
        shapes = {name: A.shape for name, A in theta.items()}
        if found:
            return BackwardPass(backwards_lists({n: np.asarray(g) for n, g in found.items()}, shapes))
        after = {name: np.asarray(at_way(self.view(holder), path)) for name, path in self.found.paths.items()}
        if not any(A.shape != theta[n].shape or (theta[n] != A).any() for n, A in after.items()):
            after = gradients_in_tree(named, self.found, all_are=True) or self.unnamed(raw) if updates else {}
        return BackwardPass({n: (theta[n] - np.asarray(A)) / RATE for n, A in after.items()}, updated=bool(after))

    def unnamed(self, raw: Any) -> dict[str, Array]:
        """What was returned as a list or tuple of arrays, one for each parameter."""
        if not isinstance(raw, list | tuple) or len(raw) != len(self.found.paths):
            return {}
        return ordered([np.asarray(A) for A in raw], self.in_their_order(), self.shapes())

    def of_module(self) -> dict[str, Any]:
        """Possible gradients in the module: dictionaries named so, and dW1, db1, …."""
        return {k: v for k, v in self.namespace.items() if plain_name(k) in GRADIENTS or gradient_of(k)}

    def loss(self, passed: Passed, X: Any, Y: Any) -> Any:
        """The person's own loss after a forward pass, as they return it; None where there is none."""
        named = {plain_name(name): value for name, value in passed.named.items()}
        f = self.function("loss", passed.holder)
        if f is None:
            return next((named[k] for k in ("loss", "cost", "totalloss", "datal") if k in named), None)
        pool = self.pool(passed.holder, X, Y, passed.named, passed.raw)
        raw = call(f, pool, ("output", "Y"), argument_roles(self.definition("loss")), ("rate",))
        if isinstance(raw, tuple):
            raw = names_of(raw, returned(self.definition("loss"))).get("loss", raw[0])
        return raw

    def loss_at(self, theta: dict[str, Array], X: Any, Y: Any) -> Any:
        """The same at other parameters."""
        with self.alone(X, Y, theta):
            return self.loss(self.pass_forward(self.holding(theta), X, Y), X, Y)

    @contextmanager
    def alone(self, X: Any, Y: Any, theta: dict[str, Array]) -> Iterator[None]:
        """Within the block, prints are dropped and numpy's warnings are off; afterwards their module is restored."""
        kept = {k: copied(v) for k, v in self.namespace.items() if keeps_state(k, v)}
        names = set(self.namespace)
        self.namespace |= self.of_globals(X, Y, theta)
        try:
            with same_chance(), redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
                yield
        except SystemExit:
            raise RuntimeError("it called sys.exit()") from None
        finally:
            for name in set(self.namespace) - names:
                del self.namespace[name]
            self.namespace |= kept

    globals: dict[str, str] = field(default_factory=dict)
    """Names that their functions look up in the module, and the role that we give them: {"m": "N"}.

    "parameters" is the module's own dictionary of them.
    """

    def of_globals(self, X: Any, Y: Any, theta: dict[str, Array]) -> dict[str, Any]:
        """Values for the module's names that play a role."""
        values = {"X": X, "Y": Y, "N": batch(X, Y), "rate": RATE} | {n: A.copy() for n, A in theta.items()}
        if "parameters" in self.globals.values():
            values["parameters"] = self.holding(theta)
        return {name: values[role] for name, role in self.globals.items() if role in values}


@contextmanager
def same_chance() -> Iterator[None]:
    """The same random numbers in every call, so that a dropout drops the same units; then the state as it was."""
    state, own = np.random.get_state(), random.getstate()  # noqa: NPY002  # what a person's file uses
    np.random.seed(0)  # noqa: NPY002
    random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
        random.setstate(own)


@contextmanager
def variables_of(f: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """What a function's variables hold when it returns: by their values one knows which of them is dZ2."""
    code = getattr(getattr(f, "__func__", f), "__code__", None)
    found: dict[str, Any] = {}

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is code:
            found.update(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield found
    finally:
        sys.setprofile(before)


def keeps_state(name: str, value: Any) -> bool:
    """May calling the functions change this name of the module, so that it must be put back?"""
    return not name.startswith("__") and not isinstance(value, type | FunctionType | ModuleType) and not callable(value)


def batch(X: Any, Y: Any) -> int:
    """The number of examples: the length that data and labels share."""
    x, y = np.shape(X), np.shape(Y)
    return next((n for n in x if n in y), x[-1] if len(x) > 1 and y else 1)


def at_way(tree: Any, path: Any) -> Any:
    """What lies at the end of a way; None where it is gone."""
    try:
        return at(tree, path)
    except (KeyError, IndexError, AttributeError, TypeError):
        return None


def give_data(holder: Any, X: Any, Y: Any) -> None:
    """An object that was made with its data keeps them in attributes: ours are put there."""
    if isinstance(holder, dict | list | tuple):
        return
    for name, value in members(holder).items():
        role = ROLES.get(plain_name(name))
        if role in ("X", "Y") and isinstance(value, np.ndarray):
            setattr(holder, name, X if role == "X" else Y)
        elif role == "N" and isinstance(value, int):
            setattr(holder, name, batch(X, Y))


def set_rate(holder: Any) -> None:
    """An object's own learning rate becomes ours; an alpha of its forward pass is none."""
    if isinstance(holder, dict | list | tuple):
        return
    for name, value in members(holder).items():
        rate = ROLES.get(plain_name(name)) == "rate" and isinstance(value, float | int)
        if rate and learning_rate(name, methods_of_object(holder)):
            setattr(holder, name, RATE)


def names_of(raw: Any, names: list[str] | None) -> dict[str, Any]:
    """What a function returned, by the names in its `return`, a dictionary's own keys, and those of any within."""
    if isinstance(raw, dict):
        found = {str(k): v for k, v in raw.items()}
    elif isinstance(raw, tuple) and hasattr(raw, "_fields"):
        found = dict(zip(raw._fields, raw, strict=True))
    elif isinstance(raw, list | tuple):
        listed = names if names and len(names) == len(raw) else [f"[{i}]" for i in range(len(raw))]
        found = {}
        for i, (name, part) in enumerate(zip(listed, raw, strict=True)):
            found |= {name or f"[{i}]": part}
    elif raw is None:
        return {}
    else:
        return {"[0]": raw} if not isinstance(raw, np.ndarray | float | int | np.generic) else {"result": raw}
    for part in list(found.values()):
        if isinstance(part, dict):  # a key such as 1 means nothing outside its dictionary
            found = {str(k): v for k, v in part.items() if isinstance(k, str)} | found
    return found


def attributes(holder: Any) -> dict[str, Any]:
    """The arrays that an object keeps, also in a cache of its own."""
    found: dict[str, Any] = {}
    for name, part in parts(holder):
        if isinstance(part, np.ndarray | float | np.generic):
            found[str(name)] = part
        elif isinstance(part, dict):
            found |= {str(k): v for k, v in part.items() if isinstance(v, np.ndarray)}
    return found


def cache_of(raw: Any) -> Any:
    """What a backward function calls its cache: the one part that is no array, or everything."""
    if isinstance(raw, tuple):
        others = [part for part in raw if not isinstance(part, np.ndarray | float | np.generic)]
        return others[0] if len(others) == 1 else raw
    return raw


def output_of(named: dict[str, Any], raw: Any, width: int, N: int, depth: int) -> Any:
    """The network's output among what the forward pass gave: by name, else the last of the right shape.

    A hidden layer may be as wide as the output: what is numbered counts only with the number of the last layer.
    """

    def fits(A: Any) -> bool:
        if not isinstance(A, np.ndarray) or A.dtype.kind != "f":
            return False
        return sorted(A.shape) == sorted((width, N)) or (N == 1 and A.shape == (width,))

    if fits(raw):
        return raw
    # Of a list, one entry a layer, the last may be it.
    ends = {name: A[-1] if isinstance(A, list | tuple) and A else A for name, A in named.items()}
    outputs = {name: A for name, A in ends.items() if fits(A) and is_last(canonical(name), depth)}
    for name, A in outputs.items():
        if ROLES.get(plain_name(name)) == "output" and plain_name(name) not in ("z", "scores", "logits"):
            return A
    by_letter = {(canonical(name) or " Z"[plain_name(name) in ("z", "zs")])[0]: A for name, A in outputs.items()}
    return by_letter.get("A", by_letter.get(" ", by_letter.get("Z")))


def is_last(quantity: str | None, depth: int) -> bool:
    """Can this be the output: Z or A of the last layer, or something without a number?"""
    return quantity is None or quantity in (f"A{depth}", f"Z{depth}")
