"""Arrays in dictionaries, lists, tuples and objects, and which of them is W1."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from nnref.checking.reading.layout import fitting_layouts
from nnref.checking.reading.names import GRADIENTS, gradient_of, kind, numbers_in_name, plain_name
from nnref.shapes import Array

Path = tuple[Any, ...]

DEPTH = 5
"""How deep arrays are looked for: network.layers[0].params["W"] is four."""


def walk(tree: Any, path: Path = (), seen: set[int] | None = None) -> Iterator[tuple[Path, Array]]:
    """Every array or number in a nesting, with the path to it; a shared array comes once."""
    seen = set() if seen is None else seen
    if isinstance(tree, np.ndarray | np.generic | float | int):
        A = np.asarray(tree)
        if A.dtype.kind in "fiu" and id(tree) not in seen:
            if isinstance(tree, np.ndarray):
                seen.add(id(tree))
            yield path, (tree if isinstance(tree, np.ndarray) else A)
        elif A.dtype == object:
            yield from walk(A.tolist(), path, seen)
        return
    if len(path) > DEPTH or id(tree) in seen:
        return
    if not isinstance(tree, tuple):
        seen.add(id(tree))
    for key, part in parts(tree):
        yield from walk(part, (*path, key), seen)


def parts(tree: Any) -> Iterator[tuple[Any, Any]]:
    """The members of a container or of an object of a person's own class."""
    if isinstance(tree, Mapping):
        yield from tree.items()
    elif isinstance(tree, tuple) and hasattr(tree, "_fields"):
        yield from zip(tree._fields, tree, strict=True)
    elif isinstance(tree, list | tuple):
        yield from enumerate(tree)
    elif not isinstance(tree, type | FunctionType | MethodType | ModuleType):
        yield from members(tree).items()


def members(thing: Any) -> dict[str, Any]:
    """The attributes of an object, also of a class with __slots__; of what has none, nothing."""
    slots = [name for cls in type(thing).__mro__ for name in getattr(cls, "__slots__", ()) if isinstance(name, str)]
    own = {name: getattr(thing, name) for name in slots if not name.startswith("__") and hasattr(thing, name)}
    return own | getattr(thing, "__dict__", {})


@dataclass(frozen=True)
class FoundParameters:
    """Parameters of a tree: the way to each by the reference's name, and how the person spells it."""

    paths: dict[str, Path]
    spelling: dict[str, str]


def parameters(tree: Any) -> FoundParameters:
    """The weights and biases of a tree, numbered by the digits in their names, else in the order of appearance."""
    found: dict[str, list[Path]] = {"W": [], "b": []}
    for path, A in walk(tree):
        k = None if gradient_path(path) else kind_of(path, A)
        if (k == "W" and A.ndim == 2) or (k == "b" and (A.ndim == 1 or (A.ndim == 2 and 1 in A.shape))):
            found[k].append(path)
    paths = {f"{k}{l}": path for k in found for l, path in enumerate(in_order(found[k]), 1)}
    shapes = {name: np.shape(at(tree, path)) for name, path in paths.items()}
    if not fitting_layouts(shapes) and not any(isinstance(step, str) for path, _ in walk(tree) for step in path):
        return unnamed(tree)
    return FoundParameters(paths, {name: spelt(path) for name, path in paths.items()})


def unnamed(tree: Any) -> FoundParameters:
    """The parameters of a list or tuple without any names: W and b in turn, all W and then all b, or W alone.

    Shapes alone do not tell: of a layer with one neuron, W may look like b.
    """
    arrays = list(walk(tree))
    ways = [path for path, _ in arrays]
    half = len(ways) // 2
    orders = [(ways[0::2], ways[1::2]), (ways[:half], ways[half:]), (ways, [])]
    for W, b in orders:
        found = {f"W{l}": way for l, way in enumerate(W, 1)} | {f"b{l}": way for l, way in enumerate(b, 1)}
        shapes = {name: np.shape(at(tree, way)) for name, way in found.items()}
        if len(b) in (0, len(W)) and W and fitting_layouts(shapes):
            return FoundParameters(found, {name: spelt(way) for name, way in found.items()})
    return FoundParameters({}, {})


def ordered(arrays: list[Array], own: list[str], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """Gradients without names, in the order in which most of them have their parameter's shape.

    own is the order of the parameters, the likeliest; then W1 b1 W2 b2 …, W1 W2 … b1 b2 …, and both going back.
    """
    depth = range(1, sum(name[0] == "W" for name in own) + 1)
    orders = [own]
    for layers in (list(depth), list(reversed(depth))):
        orders += [[f"{p}{l}" for l in layers for p in "Wb"], [f"{p}{l}" for p in "Wb" for l in layers]]
    orders = [order for order in ([n for n in o if n in shapes] for o in orders) if len(order) == len(arrays)]
    if not orders:
        return {}
    fitting = [sum(A.shape == shapes[n] for n, A in zip(order, arrays, strict=True)) for order in orders]
    return dict(zip(orders[int(np.argmax(fitting))], arrays, strict=True))


def in_order(paths: list[Path]) -> list[Path]:
    """Paths in the order of the numbers in them, if each has its own; else unchanged."""
    numbers = [number(path) for path in paths]
    if all(numbers) and len(set(numbers)) == len(numbers):
        return [path for _, path in sorted(zip(numbers, paths, strict=True), key=lambda pair: pair[0])]
    return paths


def number(path: Path) -> tuple[int, ...]:
    """All numbers in the path to an array."""
    return tuple(n for step in path for n in ((step,) if isinstance(step, int) else numbers_in_name(str(step))))


WRAPPERS = frozenset(["data", "value", "val", "values", "array", "tensor", "grad", "gradient"])
"""Attributes in which an object of a person's own keeps an array: weight.data, weight.grad."""


def last_named_step(path: Path) -> str:
    """The last step that is a name, and not that of a wrapper around the array: weight of weight.data."""
    names = [step for step in path if isinstance(step, str)]
    while len(names) > 1 and plain_name(names[-1]) in WRAPPERS:
        names.pop()
    return names[-1] if names else ""


def kind_of(path: Path, A: Array) -> str | None:
    """W or b by the last name in the path; without any name, by shape."""
    name = last_named_step(path)
    if path and isinstance(path[-1], int) and (not name or kind(name) is None):
        return "W" if A.ndim == 2 and 1 not in A.shape else "b"
    return kind(name)


def gradient_path(path: Path) -> bool:
    """Is it the path of a gradient?"""
    names = [step for step in path if isinstance(step, str)]
    return any(plain_name(name) in GRADIENTS for name in names) or bool(names and gradient_of(names[-1]))


def spelt(path: Path) -> str:
    """The way to an array as a person writes it: layers[0].W, weights[1], W1."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def gradients_in_tree(tree: Any, of: FoundParameters, all_are: bool = False) -> dict[str, Array]:
    """The gradients in a tree by the name of their parameter; all_are says that everything named W1 there is one."""
    found: dict[str, list[tuple[Path, Array]]] = {"W": [], "b": []}
    for path, A in walk(tree):
        name = gradient_of(last_named_step(path)) or last_named_step(path)
        if all_are or gradient_path(path):
            k = kind(name) or (kind_of(path, A) if not name or isinstance(path[-1], int) else None)
            if k:
                found[k].append((path, A))
    result: dict[str, Array] = {}
    for k, arrays in found.items():
        result |= numbered(k, arrays, {p: path for p, path in of.paths.items() if p[0] == k})
    return result


def numbered(k: str, arrays: list[tuple[Path, Array]], paths: dict[str, Path]) -> dict[str, Array]:
    """Gradients matched with parameters: by equal numbers in their names, else one by one in their order."""
    by_number = {number(path): name for name, path in paths.items()}
    own = {number(path): A for path, A in arrays}
    if len(own) == len(arrays) and set(own) <= set(by_number) and all(own):
        return {by_number[n]: A for n, A in own.items()}
    ways = dict(zip(map(id, (A for _, A in arrays)), (path for path, _ in arrays), strict=True))
    ordered = [A for way in in_order(list(ways.values())) for path, A in arrays if path == way]
    return dict(zip(sorted(paths, key=numbers_in_name), ordered, strict=True)) if len(ordered) == len(paths) else {}


def backwards_lists(found: dict[str, Array], shapes: dict[str, tuple[int, ...]]) -> dict[str, Array]:
    """The same gradients, last layer first, if only so every shape fits: lists are often appended going back."""
    fits = all(found[name].shape == shapes[name] for name in found)
    turned: dict[str, Array] = {}
    for k in "Wb":
        names = [name for name in found if name[0] == k]
        turned |= dict(zip(names, [found[name] for name in reversed(names)], strict=True))
    return turned if not fits and found and all(turned[n].shape == shapes[n] for n in turned) else found


def at(tree: Any, path: Path) -> Any:
    """The value at the end of a path."""
    for step in path:
        tree = tree[step] if isinstance(tree, Mapping | list) or isinstance(step, int) else getattr(tree, step)
    return tree


def put_along(tree: Any, path: Path, A: Array) -> None:
    """Write numbers into the array at the end of a path: into the array itself, which others may share."""
    old = at(tree, path)
    if isinstance(old, np.ndarray) and old.dtype == A.dtype and old.flags.writeable and old.shape == A.shape:
        old[...] = A
        return
    holder, step = at(tree, path[:-1]), path[-1]
    if isinstance(holder, Mapping | list):
        holder[step] = A.copy()  # type: ignore[index]
    else:
        setattr(holder, step, A.copy())


def copied(tree: Any) -> Any:
    """A deep copy; what cannot be copied, such as a module kept in an attribute, is shared."""
    memo: dict[int, Any] = {}
    for _ in range(20):
        try:
            return copy.deepcopy(tree, dict(memo))
        except (TypeError, NotImplementedError):
            found = [part for _, part in parts(tree) if uncopyable(part)]
            memo |= {id(part): part for part in found if id(part) not in memo}
            if not found:
                break
    return tree


def uncopyable(part: Any) -> bool:
    """Does a deep copy of this fail?"""
    try:
        copy.deepcopy(part)
    except (TypeError, NotImplementedError):
        return True
    return False
