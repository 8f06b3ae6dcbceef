"""Calls of a program's functions: data in the forms that programs take, and arguments by their names."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np

from nnref.checking.reading.arguments import Pool, Unbound, call, named_parameters
from nnref.checking.reading.containers import members, parts
from nnref.checking.reading.names import ROLES, plain_name
from nnref.checking.reading.network import names_of
from nnref.checking.reading.source import Source, returned
from nnref.checking.reading.uses import argument_roles
from nnref.checking.watching.recording.recorder import current, leaf
from nnref.shapes import Array

EXAMPLES = 7
"""Batch size of guessed data: larger than the number of classes, and equal to no width."""

WIDTH, HIDDEN, CLASSES = 6, 5, 3
"""Inputs, hidden units and classes where the program fixes none: all differ, so that a missing transpose shows."""


def settings(value: Any, names: str) -> dict[str, Any]:
    """One value under many names."""
    return dict.fromkeys(names.split(), value)


SETTINGS: dict[str, Any] = {
    **settings(0.05, "lambda lambd lambda_ reg l2 lam weightdecay regstrength regularization regparam l2reg decay"),
    **settings(0.05, "lambdafactor lambdaparam l2penalty regfactor regularizationstrength regularizationparameter"),
    **settings(0.7, "temperature temp tempparameter tau"),
    **settings(2, "epochs iterations numiterations niter numepochs nepochs iters maxiter steps epoch numpasses passes"),
    **settings(0.9, "beta beta1 momentum mu"),
    **settings(0.1, "rate lr learningrate alpha eta stepsize learnrate"),
    **settings(0.0, "dropout dropoutrate"),
    **settings(False, "printcost printloss verbose plot"),
    **settings(0.99, "beta2"),
    **settings(1e-8, "epsilon"),
}
"""Values of settings without a default, by name. Weight decay is not 0, so that its gradient is judged."""


SIDE = 8
"""Height and width in pixels of a guessed image."""


@dataclass(frozen=True)
class DataForm:
    """The form of the data: examples as rows, as columns or one alone; labels one-hot, as classes or as numbers."""

    examples: str
    labels: str

    @property
    def name(self) -> str:
        """In words: "rows, one-hot labels"."""
        return f"{self.examples}, {self.labels}"

    @property
    def several(self) -> bool:
        """Are the labels those of several classes?"""
        return self.labels in ("one-hot labels", "classes", "classes in a column", "a class")

    @property
    def alone(self) -> bool:
        """Is there only one example?"""
        return self.examples.startswith("one ")


FORMS = (
    DataForm("rows", "one-hot labels"),
    DataForm("rows", "classes"),
    DataForm("rows", "0 and 1 in a column"),
    DataForm("columns", "one-hot labels"),
    DataForm("columns", "classes"),
    DataForm("columns", "0 and 1 in a row"),
    DataForm("rows", "classes in a column"),
    DataForm("rows", "0 and 1"),
    DataForm("rows", "-1 and 1"),
    DataForm("rows", "numbers in a column"),
    DataForm("rows", "numbers"),
    DataForm("one vector", "one-hot labels"),
    DataForm("one column", "one-hot labels"),
    DataForm("one vector", "a class"),
    DataForm("one vector", "a number"),
    DataForm("pairs", "one-hot labels"),
    DataForm("rows, each a matrix", "one-hot labels"),
    DataForm("rows, each a matrix", "0 and 1 in a column"),
    DataForm("one image", "a class"),
    DataForm("images", "one-hot labels"),
    DataForm("images with a channel", "one-hot labels"),
    DataForm("images with a channel", "classes"),
)
"""The forms that are tried, those of many examples first: one example hides a missing transpose and a missing 1/N."""


def batch(form: DataForm, width: int | tuple[int, ...], classes: int, seed: int) -> tuple[Any, Any]:
    """X and Y in a form, recorded as data and labels: X is dense with both signs, and a batch has every class.

    width is the number of inputs, or the shape of an image with its channels.
    """
    random = np.random.RandomState(seed + 9)
    count = 1 if form.alone else EXAMPLES
    X = random.randn(count, *shape_of(form, width))
    y = random.randint(0, max(classes, 2), count)
    y[: min(classes, count)] = np.arange(classes)[:count]
    Y = labels(form.labels, y, classes, random)
    if form.examples == "columns":
        X, Y = np.ascontiguousarray(X.T), np.ascontiguousarray(Y.T) if Y.ndim == 2 else Y
    elif form.examples == "one vector":
        X, Y = X[0].copy(), Y[0].copy() if Y.ndim == 2 else Y
    elif form.examples == "one image":
        X = X[0].copy()
    elif form.examples == "rows, each a matrix":
        X, Y = X[:, None, :].copy(), Y[:, None, :].copy()
    elif form.examples in ("one column", "pairs"):
        return pairs(X, Y, form.examples == "one column")
    X, Y = leaf(X, "data"), leaf(Y, "labels")
    return X, current().item(Y, 0, 0) if form.alone and np.shape(Y) == (1,) else Y


def shape_of(form: DataForm, width: int | tuple[int, ...]) -> tuple[int, ...]:
    """The shape of one example; images with a channel are 28 × 28, as most such networks are made for digits."""
    if isinstance(width, tuple):
        return width
    if form.examples == "images with a channel":
        return 1, 28, 28
    return (SIDE, SIDE) if "image" in form.examples else (width,)


IMAGE_SHAPE = re.compile(r"^(in|input|image|img)(dims?|shape|size)$")
"""Names of the shape of one image, without underscores."""


def image_shape(thing: Any, form: DataForm) -> tuple[int, ...] | None:
    """The image shape in an object's attributes or class defaults: input_dim=(3, 32, 32); None for other forms."""
    if form.examples != "images with a channel" or isinstance(thing, dict | list | tuple):
        return None
    named = {name: p.default for name, p in named_parameters(type(thing)).items()} | members(thing)
    shapes = (
        value for name, value in named.items() if IMAGE_SHAPE.match(plain_name(name)) and isinstance(value, tuple)
    )
    return next((shape for shape in shapes if len(shape) == 3 and all(isinstance(n, int) for n in shape)), None)


def pairs(X: Array, Y: Array, alone: bool) -> tuple[Any, Any]:
    """One example as columns (n, 1) and (k, 1), or a list of such pairs (x, y) and a list of the y."""
    made = [(leaf(x[:, None].copy(), "data"), leaf(y[:, None].copy(), "labels")) for x, y in zip(X, Y, strict=True)]
    return made[0] if alone else (made, [y for _, y in made])


def labels(kind: str, y: Array, classes: int, random: np.random.RandomState) -> Array:
    """Labels of one kind, one row per example."""
    if kind == "one-hot labels":
        return np.eye(classes)[y]
    if kind in ("classes", "classes in a column", "a class"):
        return y[:, None] if kind.endswith("column") else y
    if kind.startswith("number") or kind == "a number":
        values = random.randn(len(y), 1)
        return values if kind.endswith("column") else values[:, 0]
    both = (y % 2).astype(float)
    if kind == "-1 and 1":
        return 2 * both - 1
    return both if kind == "0 and 1" else both[:, None]


def outputs(form: DataForm, classes: int) -> bool:
    """Do the labels of this form fit a network with this number of outputs?"""
    return form.several == (classes > 1)


@dataclass
class Caller:
    """Calls functions of a program, and keeps what they return, by name.

    known holds values by exact name, roles holds values by what they are for, and log lists the functions called.
    """

    source: Source
    namespace: dict[str, Any]
    X: Any
    Y: Any
    known: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, Any] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def __call__(self, function: Callable[..., Any], owner: str | None = None, order: tuple[str, ...] = ()) -> Any:
        """What the function returns; order lists the roles of arguments whose names say nothing.

        Errors: Unbound; whatever it raises.
        """
        name = getattr(function, "__name__", "")
        definition = self.source.definition(name, owner)
        count = EXAMPLES if np.ndim(self.X) == 2 or isinstance(self.X, list) else 1
        given = {"X": self.X, "Y": self.Y, "N": count, "one": 2, "rate": 0.1, "hidden width": HIDDEN}
        n, k = width_of(self.X), width_of(self.Y)
        given |= {"input width": n, "output width": k, "widths": [n, HIDDEN, k]} | self.roles
        # Values from the program come first: `l2` may name a setting, or be another spelling of A2.
        pool = Pool(given, {**self.known, **(SETTINGS | first_strings(self.source) | self.known)})
        by_use = self.by_name(function, pool)
        if isinstance(self.roles.get("cache"), dict):
            taken = {name for name, _ in keyed(definition)} & {*named_parameters(function)}
            by_use |= {name: "cache" for name in taken if ROLES.get(plain_name(name)) in ("cache", "output")}
        by_use |= argument_roles(definition)
        raw = call(function, pool, order, by_use, ("rate", "N"))
        self.learn(raw, returned(definition))
        self.log.append(name)
        return raw

    def by_name(self, function: Callable[..., Any], pool: Pool) -> dict[str, str]:
        """The roles of arguments with unknown names, from the words in the names."""
        unknown = [p.name for p in required_parameters(function) if not pool.find(p.name)[0]]
        return {name: role for name in unknown if (role := role_by_words(name)) is not None}

    def learn(self, raw: Any, names: list[str] | None) -> None:
        """Keep the returned values, by the names in the return statement or by their keys."""
        self.known |= {name: value for name, value in names_of(raw, names).items() if not name.startswith("[")}

    def forward(self, function: Callable[..., Any], owner: str | None = None, thing: Any = None) -> Any:
        """Call a forward function; note its cache, and its output, which it returns or keeps in an object."""
        raw = self(function, owner, ("X",))
        found = names_of(raw, returned(self.source.definition(getattr(function, "__name__", ""), owner)))
        if thing is not None:
            found = {k: v for k, v in members(thing).items() if isinstance(v, np.ndarray)} | found
        if raw is not None:
            self.roles["cache"] = cache_in(raw) if isinstance(raw, tuple) else raw
        if (output := output_in(raw, found)) is not None:
            self.roles["output"] = output
        return raw


def width_of(data: Any) -> int:
    """The number of values per example, for examples as rows; for class labels, the number of classes."""
    if np.ndim(data) == 2:
        return int(np.shape(data)[1])
    return CLASSES if isinstance(data, np.ndarray) and data.dtype.kind in "iu" else 1


def output_in(raw: Any, found: dict[str, Any]) -> Any:
    """The output of a forward pass: the only array, the array before a cache, the one named so, or the last."""
    if isinstance(raw, np.ndarray):
        return raw
    if isinstance(raw, tuple) and raw and isinstance(raw[0], np.ndarray) and cache_in(raw) is not raw:
        return raw[0]
    named = [v for k, v in found.items() if ROLES.get(plain_name(k)) == "output" and isinstance(v, np.ndarray)]
    arrays = [v for v in found.values() if isinstance(v, np.ndarray)]
    parts = list(raw.values()) if isinstance(raw, dict) else list(raw) if isinstance(raw, list) else []
    return next(iter([*named, *parts[-1:], *arrays[-1:]]), None)


INPUT = re.compile(r"^(x|xs|in|inputs?|data|features?|images?|imgs?|samples?|pixels|observations?|entradas?)$")
LABEL = re.compile(r"^(y|ys|t|labels?|targets?|truth|true|expected|desired|output|outputs|answers?|actual|classes)$")
SIZE = re.compile(r"^(n|num|nb|size|sizes|dim|dims|nodes?|units?|neurons?|count|width|number|layer|shape|len|length)$")
HIDES = re.compile(r"hid|^h\d*$|hdim")


def role_by_words(name: str) -> str | None:
    """The role of an argument from the words in its name: "X" for input_array; None if they say nothing."""
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)]
    if any(HIDES.search(word) for word in words):
        return "hidden width"
    sizes = any(SIZE.match(word) for word in words)
    for pattern, data, width in ((INPUT, "X", "input width"), (LABEL, "Y", "output width")):
        if any(pattern.match(word) for word in words):
            return width if sizes else data
    return None


def keyed(function: ast.FunctionDef | None) -> Iterator[tuple[str, str]]:
    """Every (name, key) where a name is subscripted by a string."""
    for node in ast.walk(function) if function is not None else ():
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and isinstance(node.slice, ast.Constant)
        ):
            yield node.value.id, str(node.slice.value)


def cache_in(raw: tuple[Any, ...]) -> Any:
    """The cache in a returned tuple: the only part that is neither array nor number, else the whole tuple."""
    others = [part for part in raw if not isinstance(part, np.ndarray | float | np.generic)]
    return others[0] if len(others) == 1 else raw


def first_strings(source: Source) -> dict[str, str]:
    """The first string that each name is compared with: {"activation": "relu"}."""
    found: dict[str, str] = {}
    for node in source.nodes:
        if isinstance(node, ast.Compare) and isinstance(node.comparators[0], ast.Constant):
            name = getattr(node.left, "id", getattr(node.left, "attr", None))
            if name and isinstance(node.comparators[0].value, str):
                found.setdefault(name, node.comparators[0].value)
    return found


def own_functions(namespace: dict[str, Any]) -> dict[str, Callable[..., Any]]:
    """The functions that the program itself defines, or imports from its own modules."""
    return {k: f for k, f in namespace.items() if isinstance(f, FunctionType) and not library(f.__code__.co_filename)}


def own_classes(namespace: dict[str, Any]) -> dict[str, type]:
    """The classes that the program itself defines, or imports from its own modules."""
    found = {}
    for name, cls in namespace.items():
        if isinstance(cls, type) and not issubclass(cls, BaseException):
            bodies = [f for c in cls.__mro__ for f in vars(c).values() if isinstance(f, FunctionType)]
            if any(not library(f.__code__.co_filename) for f in bodies):
                found[name] = cls
    return found


def library(file: str) -> bool:
    """Is this a file of an installed package, or of nnref itself?"""
    return "site-packages" in file or "/nnref/checking/" in file.replace("\\", "/") or file.startswith("<frozen")


def methods(cls: type) -> list[str]:
    """The methods of a class, in the order of their definition, those that it inherits last."""
    names = [n for c in cls.__mro__ if c is not object for n, f in vars(c).items() if isinstance(f, FunctionType)]
    return [n for n in dict.fromkeys(names) if not n.startswith("__") or n == "__call__"]


def required_parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters that have no default."""
    return [p for p in named_parameters(function).values() if p.default is p.empty]


def data_arguments(function: Callable[..., Any]) -> set[str]:
    """Which of "X" and "Y" the function takes, by the names of its arguments."""
    return {role for name in named_parameters(function) if (role := ROLES.get(plain_name(name))) in ("X", "Y")}


def kept_data(thing: Any, X: Any, Y: Any) -> None:
    """Replace the data that an object keeps in attributes by X and Y."""
    for name, value in members(thing).items():
        role = ROLES.get(plain_name(name))
        if role in ("X", "Y") and isinstance(value, np.ndarray):
            setattr(thing, name, X if role == "X" else Y)


def arrays_in(tree: Any, path: tuple[Any, ...] = (), seen: set[int] | None = None) -> Iterator[tuple[Any, Any]]:
    """Every array of floats, and every float, in a tree of objects, with the path to it."""
    seen = set() if seen is None else seen
    if isinstance(tree, np.ndarray | float | np.floating):
        if (not isinstance(tree, np.ndarray) or tree.dtype.kind == "f") and id(tree) not in seen:
            seen.add(id(tree))
            yield path, tree
        return
    if len(path) > 5 or id(tree) in seen or isinstance(tree, str | int):
        return
    seen.add(id(tree))
    for key, part in parts(tree):
        yield from arrays_in(part, (*path, key), seen)


__all__ = ["FORMS", "Caller", "DataForm", "Unbound", "arrays_in", "batch", "outputs"]
