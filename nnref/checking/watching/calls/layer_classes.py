"""Layers as classes with a forward and a backward method, made and run with every choice of shapes."""

from __future__ import annotations

import ast
import copy
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from nnref.checking.reading.arguments import named_parameters
from nnref.checking.reading.names import ROLES, plain_name
from nnref.checking.reading.network import same_chance
from nnref.checking.reading.source import Source
from nnref.checking.watching.calls.calling import arrays_in, methods, own_classes
from nnref.checking.watching.calls.layer import Layer, Ways, line_of
from nnref.checking.watching.calls.layer_shapes import Shapes
from nnref.checking.watching.calls.own_calls import floats
from nnref.checking.watching.calls.pairing import is_gradient_of
from nnref.shapes import Array

RATE = 0.5
"""The learning rate for a layer that updates its own parameters: (before - after) / RATE is the gradient."""


def of_classes(source: Source, namespace: Mapping[str, Any]) -> Iterator[Ways]:
    """Classes of layers: those with a forward method, and a backward method that takes a gradient."""
    for name, cls in own_classes(dict(namespace)).items():
        names = methods(cls)
        back = next((n for n in names if re.match(r"back|bwd|bprop", plain_name(n))), None)
        forth = next((n for n in names if re.match(r"forw|fwd|fprop|call$|__call__$", plain_name(n))), None)
        if back is None or forth is None or inspect.isabstract(cls):
            continue
        needed = [p for n, p in named_parameters(getattr(cls, back)).items() if n != "self" and p.default is p.empty]
        roles = {ROLES.get(plain_name(p.name)) for p in needed}
        if not needed or "Y" in roles or "X" in roles or holds_others(cls, namespace):
            continue
        if unwritten(source.definition(forth, name)) or unwritten(source.definition(back, name)):
            continue
        line = line_of(source, back, name) or line_of_class(source, name)
        yield name, line, of_object(name, line, cls, forth, back)


def unwritten(definition: ast.FunctionDef | None) -> bool:
    """Is a method not implemented: only a docstring, pass, or raise NotImplementedError?"""
    return definition is not None and all(
        isinstance(node, ast.Pass | ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in definition.body
    )


def line_of_class(source: Source, name: str) -> int:
    """The line on which a class is defined; 0 where it comes from another file."""
    return next((n.lineno for n in source.nodes if isinstance(n, ast.ClassDef) and n.name == name), 0)


def holds_others(cls: type, namespace: Mapping[str, Any]) -> bool:
    """Does the class use other classes of the file? Then it is the network, and no layer."""
    from nnref.checking.reading.uses import names_in

    others = set(own_classes(dict(namespace))) - {cls.__name__}
    return any(names_in(f) & others for f in vars(cls).values() if hasattr(f, "__code__"))


def of_object(name: str, line: int, cls: type, forth: str, back: str) -> Iterator[Layer]:
    """A class of layers, made and run with every choice of shapes."""
    made = named_parameters(cls)
    x = next(iter([n for n in named_parameters(getattr(cls, forth)) if n != "self"]), None)
    rate = [n for n in named_parameters(getattr(cls, back)) if n != "self"][1:]
    if x is None:
        return
    for settings, X in Shapes(name).of_object(made):
        try:
            thing = cls(**settings)
            getattr(copy.deepcopy(thing), forth)(X.copy())
        except Exception:
            continue
        own = {path: A for path, A in arrays_in(thing) if floats(A) and A.size}
        keys = {re.sub(r"\W", "_", "_".join(map(str, path))): path for path in own}
        given = {x: X, **{key: own[path].copy() for key, path in keys.items()}}
        yield Layer(name, line, given, *run_of(thing, keys, x, forth, back, rate))


def run_of(
    thing: Any, keys: dict[str, Any], x: str, forth: str, back: str, rate: list[str]
) -> tuple[Callable[..., Any], Callable[..., dict[str, Any]]]:
    """Forward and backward of a layer object, as functions of its input and parameters; each call uses a fresh copy.

    Backward gives each gradient that it returns or keeps, or that follows from its update of a parameter.
    """

    def ready(values: dict[str, Any]) -> Any:
        fresh = copy.deepcopy(thing)
        for key, path in keys.items():
            put(fresh, path, np.array(values[key]))
        return fresh

    def forward(**values: Any) -> Any:
        with same_chance():
            return getattr(ready(values), forth)(values[x].copy())

    def come_back(dY: Array, **values: Any) -> dict[str, Any]:
        fresh = ready(values)
        with same_chance():
            getattr(fresh, forth)(values[x].copy())
        raw = getattr(fresh, back)(dY, *([RATE] if rate else []))
        first = raw[0] if isinstance(raw, tuple) else raw
        found = {x: first} if isinstance(first, np.ndarray) else {}
        after = dict(arrays_in(fresh))
        for key, path in keys.items():
            moved = after.get(path)
            kept = [A for other, A in after.items() if other != path and other not in keys.values()
                    and is_gradient_of(other, path) and np.size(A)]  # fmt: skip
            if rate and moved is not None and np.any(moved != values[key]):
                found[key] = (values[key] - moved) / RATE
            elif kept:
                found[key] = kept[0]
        return found

    return forward, come_back


def put(tree: Any, path: tuple[Any, ...], value: Any) -> None:
    """Put an array at the end of a path."""
    for step in path[:-1]:
        tree = tree[step] if isinstance(tree, dict | list | tuple) else getattr(tree, step)
    if isinstance(tree, dict | list):
        tree[path[-1]] = value
    else:
        setattr(tree, path[-1], value)
