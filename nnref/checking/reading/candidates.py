"""Which functions, classes and parameters of a file are its network: found by name, and kept if they can be called."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from inspect import getmembers
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from nnref.checking.reading.arguments import Pool, Unbound, UnmadeParameters, build, call, globals_of, named_parameters
from nnref.checking.reading.containers import FoundParameters, last_named_step, members, parameters, parts, walk
from nnref.checking.reading.layout import fitting_layouts
from nnref.checking.reading.loading import Later, sentence, value
from nnref.checking.reading.names import ROLES, canonical, kind, numbers_in_name, plain_name, ranked
from nnref.checking.reading.network import UPDATES, Network
from nnref.checking.reading.source import Source, named_last, returned
from nnref.checking.reading.uses import learning_rate

WIDTHS = [6, 8, 7, 4]
"""The network's sizes where the file does not say its own: all distinct, so that a missing transpose shows."""

OURS = frozenset(
    [
        "m",
        "n",
        "N",
        "batch_size",
        "num_examples",
        "n_samples",
        "num_samples",
        "n_examples",
        "m_train",
        "n_train",
        "batchsize",
        "m_train",
    ]
)
"""Global names that count examples, and are set to our batch even where the file gives them a value."""


class Unread(Exception):
    """Nothing in the file could be read as a network: what was found, and what is missing."""

    def __init__(self, found: list[str], missing: list[str]) -> None:
        super().__init__("; ".join(missing))
        self.found, self.missing = found, missing


def searched(namespace: dict[str, Any], name: str | None) -> dict[str, Any]:
    """The names to search: all of the namespace, or those of one object."""
    own = {k: v for k, v in namespace.items() if not k.startswith("__") and not isinstance(v, Later)}
    if name is None:
        return own
    if name not in own:
        raise Unread(listed(own), [f"nothing in the file is called {name}"])
    return {k: v for k, v in own.items() if k == name or isinstance(v, FunctionType)}


def networks(own: dict[str, Any], namespace: dict[str, Any], source: Source | None) -> Iterator[Network]:
    """Every way to read the names `own` of a module as a network, the likeliest first.

    Errors: Unread when there is none.
    """
    problems: list[str] = []
    own = {name: thing for name, thing in own.items() if not is_numpy(thing)}  # as "from numpy import *" brings them
    candidates = [*classes(own, namespace, source, problems), *functions(own, namespace, source, problems)]
    if not candidates:
        raise Unread(listed(own), problems or ["a function or method that goes backward, such as backward(X, Y)"])
    for network in candidates:
        bind_globals(network)
    yield from candidates


def listed(own: dict[str, Any]) -> list[str]:
    """The functions and classes of a module, for a person to see what was found."""
    return [f"{'class ' if isinstance(v, type) else ''}{k}" for k, v in own.items() if callable(v)]


def classes(
    own: dict[str, Any], namespace: dict[str, Any], source: Source | None, problems: list[str]
) -> list[Network]:
    """Objects, and classes that can be made, with a method that goes backward; the ones with most layers first."""
    found = []
    for name, thing in own.items():
        if isinstance(thing, type):
            network = of_class(name, thing, namespace, source, problems)
        elif not isinstance(thing, FunctionType | ModuleType) and members(thing) and not is_numpy(type(thing)):
            network = of_object(thing, namespace, source, True)
        else:
            continue
        if network is not None:
            network.functions["loss"] = network.functions.get("loss") or free(own, "loss")
            criterion(network, own)
            found.append(network)
    return sorted(found, key=lambda n: -sum(p[0] == "W" for p in n.found.paths))


def is_numpy(thing: Any) -> bool:
    """Is it one of numpy's own classes or functions?"""
    return str(getattr(thing, "__module__", "")).split(".")[0] == "numpy"


def of_class(
    name: str, cls: type, namespace: dict[str, Any], source: Source | None, problems: list[str]
) -> Network | None:
    """The network of a class, if it has a method that goes backward and can be made."""
    methods = [n for n, _ in getmembers(cls, callable) if not n.startswith("__")]
    if not going_back(methods) or issubclass(cls, BaseException):
        return None
    data = np.ones((5, WIDTHS[0])), np.ones((5, WIDTHS[-1]))
    widths = widths_for(dict(vars(cls)))
    try:
        thing, own_widths = build(cls, name, source, namespace, widths, data)
    except Unbound as error:
        problems.append(f"class {name} cannot be made: {error}")
        return None
    except Exception as error:
        problems.append(f"class {name} cannot be made: {sentence(error, source)}")
        return None
    network = of_object(thing, namespace, source, own_widths)
    if network is None and (whole := assembled(name, source, namespace)) is not None:
        network = of_object(whole, namespace, source, True)
    if network is None:
        problems.append(f"an object of class {name} holds no weights W1, W2, … (attributes: {attributes(thing)})")
    return network


def attributes(thing: Any) -> str:
    """The attributes of an object, in a few words."""
    return ", ".join(list(members(thing))[:8]) or "none"


def of_object(thing: Any, namespace: dict[str, Any], source: Source | None, own_widths: bool) -> Network | None:
    """The network of an object that holds weights."""
    methods = [n for n, _ in getmembers(type(thing), callable) if not n.startswith("__")]
    backward = going_back(methods)
    found = chained(thing)
    if not backward or not found.paths:
        return None
    chosen: dict[str, Any] = {"backward": backward[0]}
    for purpose in ("forward", "loss"):
        if names := [n for n in ranked(methods, purpose) if purpose == "loss" or n != backward[0]]:
            chosen[purpose] = names[0]
    return Network(thing, found, namespace, chosen, source, own_widths=own_widths)


def chained(thing: Any) -> FoundParameters:
    """The parameters of an object: all of them, or, where they make no chain, those of the first attribute that do.

    An optimiser keeps more of the same names and shapes, which begin as zeros.
    """
    found = parameters(thing)
    if found.paths and fitting_layouts(shapes_of(thing, found)):
        return found
    for name, part in parts(thing):
        own = parameters({name: part})
        if own.paths and fitting_layouts(shapes_of(thing, own)) and any(A.any() for _, A in walk(part)):
            return own
    return FoundParameters({}, {})


def going_back(names: list[str]) -> list[str]:
    """The functions that may give gradients, those that train last; else those of the loss, which may return both."""
    likely = ranked(names, "backward")
    return sorted(likely, key=lambda name: plain_name(name).startswith(UPDATES)) or ranked(names, "loss")


def shapes_of(tree: Any, found: FoundParameters) -> dict[str, tuple[int, ...]]:
    """The shapes of the parameters that were found in a tree."""
    ways = {path: name for name, path in found.paths.items()}
    return {ways[path]: A.shape for path, A in walk(tree) if path in ways}


def free(own: dict[str, Any], purpose: str) -> Callable[..., Any] | None:
    """The likeliest function of the module for a purpose."""
    names = [name for name, f in own.items() if isinstance(f, FunctionType)]
    likely = ranked(names, purpose)
    return own[likely[0]] if likely else None


def criterion(network: Network, own: dict[str, Any]) -> None:
    """The loss as a class of its own, with forward and perhaps backward, where the file has no function for it."""
    for name, cls in own.items():
        if not isinstance(cls, type) or not re.search("loss|entropy|criterion|cost|objective", plain_name(name)):
            continue
        methods = [n for n, _ in getmembers(cls, callable) if not n.startswith("__") or n == "__call__"]
        forward = [*ranked(methods, "forward"), *ranked(methods, "loss"), *(n for n in methods if n == "calculate")]
        if forward:
            network.functions["loss"] = network.functions.get("loss") or loss_of(cls, forward[0])
            if backward := ranked(methods, "backward"):
                network.functions["upstream"] = upstream_of(cls, forward[0], backward[0])


def loss_of(cls: type, forward: str) -> Callable[[Any, Any], Any]:
    """The loss that a class gives of an output and labels."""

    def loss(output: Any, Y: Any) -> Any:
        return call(getattr(cls(), forward), Pool({"output": output, "X": output, "Y": Y}), ("output", "Y"))

    return loss


def upstream_of(cls: type, forward: str, backward: str) -> Callable[[Any, Any], Any]:
    """The gradient with respect to the output that a class of loss starts the backward pass with."""

    def upstream(output: Any, Y: Any) -> Any:
        thing = cls()
        pool = Pool({"output": output, "X": output, "Y": Y, "upstream": output})
        call(getattr(thing, forward), pool, ("output", "Y"))
        back = call(getattr(thing, backward), pool, ("output", "Y"))
        return back if back is not None else getattr(thing, "dinputs", None)

    return upstream


def assembled(name: str, source: Source | None, namespace: dict[str, Any]) -> Any:
    """A network as the file puts it together: net = Network(), then net.add(Dense(784, 64)); None if it does not."""
    nodes = source.nodes if source else []
    for node in nodes:
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and named_last(node.value) == name):
            continue
        variable = ast.unparse(node.targets[0])
        steps = [
            n.value
            for n in nodes
            if isinstance(n, ast.Expr) and isinstance(n.value, ast.Call) and isinstance(n.value.func, ast.Attribute)
            and ast.unparse(n.value.func.value) == variable and re.match("add|append|use|set", n.value.func.attr)
        ]  # fmt: skip
        thing = tried(value, node.value, namespace)
        for step in sorted(steps, key=lambda s: s.lineno):
            tried(taken, thing, step, namespace)
        if thing is not None:
            return thing
    return None


def taken(thing: Any, step: ast.Call, namespace: dict[str, Any]) -> None:
    """One step of putting a network together, such as net.add(Dense(784, 64))."""
    getattr(thing, named_last(step) or "")(*(value(argument, namespace) for argument in step.args))


def tried(make: Callable[..., Any], *args: Any) -> Any:
    """The result, or None if the person's code raises."""
    try:
        return make(*args)
    except Exception:
        return None


def functions(
    own: dict[str, Any], namespace: dict[str, Any], source: Source | None, problems: list[str]
) -> list[Network]:
    """Networks made of free functions: every backward function, with the likeliest forward, loss and init."""
    names = [name for name, f in own.items() if isinstance(f, FunctionType)]
    found = []
    for backward in going_back(names):
        for forward in [*ranked([n for n in names if n != backward], "forward"), None]:
            functions = {"backward": own[backward], "forward": own.get(forward or ""), "loss": free(own, "loss")}
            try:
                tree, layer_names, own_widths = made(own, names, source, namespace, functions)
            except (Unbound, UnmadeParameters) as error:
                problems.append(str(error))
                continue
            except Exception as error:
                problems.append(f"the parameters cannot be made: {sentence(error, source)}")
                continue
            view = dict(zip(layer_names, tree, strict=False)) if layer_names else tree
            places = parameters(view)
            if places.paths and fitting_layouts(shapes_of(view, places)):
                found.append(Network(tree, places, namespace, functions, source, layer_names, own_widths))
            elif tree:
                shapes = ", ".join(f"{n} {s}" for n, s in sorted(shapes_of(view, places).items())) or "none found"
                problems.append(f"what {backward} needs was made, but its weights make no chain of layers: {shapes}")
    return found


def made(
    own: dict[str, Any], names: list[str], source: Source | None, namespace: dict[str, Any], functions: dict[str, Any]
) -> tuple[Any, list[str] | None, bool]:
    """The parameters: from an init function, from the module's own arrays, or from the arguments' names alone."""
    widths = widths_for(functions)
    trouble: Exception | None = None
    for name in ranked(names, "init"):
        try:
            tree, own_widths = build(own[name], name, source, namespace, widths)
        except Exception as error:
            trouble = error
            continue
        if parameters(tree if not isinstance(tree, tuple) else list(tree)).paths:
            layer_names = returned(source.definition(name), calls=False) if source else None
            named = isinstance(tree, tuple | list) and not hasattr(tree, "_fields") and layer_names
            told = named and all(layer_names or ()) and len(set(layer_names or ())) == len(tree)
            return tree, layer_names if told else None, own_widths
        shapes = ", ".join(f"{last_named_step(path)} {A.shape}".strip() for path, A in walk(tree))
        trouble = UnmadeParameters(f"what {name} makes is no chain of layers: {shapes or type(tree).__name__}")
    for name, cls in own.items():
        thing = tried(build, cls, name, source, namespace, widths) if isinstance(cls, type) else None
        if thing is not None and parameters(thing[0]).paths:
            return thing[0], None, thing[1]
    arrays = {k: v for k, v in own.items() if kind(k) and isinstance(v, np.ndarray)}
    trees = [
        v for k, v in own.items() if ROLES.get(plain_name(k)) == "parameters" and isinstance(v, dict | list | tuple)
    ]
    if arrays or trees:
        return (arrays or trees[0]), None, True
    invented = from_arguments(functions, widths)
    if not invented:
        raise trouble or UnmadeParameters(
            "backward needs parameters that nothing in the file makes: write an init function that returns W1, b1, …"
        )
    return invented, None, False


def widths_for(functions: dict[str, Any]) -> list[int]:
    """Layer sizes, as many as the highest number of a weight among the arguments requires."""
    named = {n for f in functions.values() if isinstance(f, FunctionType) for n in mentioned(f.__code__)}
    layers = [numbers_in_name(n)[0] for n in named if kind(n) == "W" and len(numbers_in_name(n)) == 1]
    depth = max(layers, default=3)
    return [WIDTHS[0], *(8 - l % 2 + l // 2 for l in range(depth - 1)), WIDTHS[-1]] if 1 <= depth <= 6 else WIDTHS


def mentioned(code: CodeType) -> Iterator[str]:
    """Every name in a function: arguments, variables, attributes, names of the module, and keys such as "W1"."""
    yield from (*code.co_varnames, *code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, str) and len(constant) < 12:
            yield constant
        elif isinstance(constant, CodeType):
            yield from mentioned(constant)


def from_arguments(functions: dict[str, Any], widths: list[int]) -> dict[str, Any]:
    """Parameters for functions that take, or look up, W1, b1, …, where nothing makes them: columns, sizes ours."""
    f = functions.get("forward") or functions["backward"]
    wanted = [n for n in [*named_parameters(f), *globals_of(f.__code__)] if kind(n) and canonical(n)]
    made = {}
    for name in wanted:
        l = numbers_in_name(name)[0]
        if l < len(widths):
            made[name] = np.zeros((widths[l], widths[l - 1] if kind(name) == "W" else 1))
    return made


def bind_globals(network: Network) -> None:
    """Note the module's names that the functions read and nnref has to set, such as the batch size and the data."""
    codes = []
    for f in network.namespace.values():
        if isinstance(f, FunctionType):
            codes.append(f.__code__)
        elif isinstance(f, type):
            codes += [m.__code__ for m in vars(f).values() if isinstance(m, FunctionType)]
    used = {name for code in codes for name in globals_of(code)}
    for name in sorted(used):
        missing = name not in network.namespace and name not in vars(np) and not hasattr(__import__("builtins"), name)
        role = ROLES.get(plain_name(name))
        counts = name in OURS and isinstance(network.namespace.get(name, 0), int | float)
        if (role == "N" and (missing or counts)) or (role in ("X", "Y") and missing):
            network.globals[name] = role
            network.notes.append(f"{name} set to {'the batch' if role == 'N' else 'our ' + role}")
        elif not missing and not network.is_object and network.namespace.get(name) is network.tree:
            network.globals[name] = "parameters"
        elif role == "rate" and (missing or (is_number(network, name) and learning_rate(name, namesakes(network)))):
            network.globals[name] = role
        else:
            for parameter, path in network.found.paths.items():
                if len(path) == 1 and path[0] == name and not network.is_object:
                    network.globals[name] = parameter


def is_number(network: Network, name: str) -> bool:
    """Is a global name one number?"""
    return isinstance(network.namespace.get(name), int | float | np.floating)


def namesakes(network: Network) -> dict[str, Any]:
    """Every function and method of the module, by its name."""
    found = {name: f for name, f in network.namespace.items() if isinstance(f, FunctionType)}
    for cls in [v for v in network.namespace.values() if isinstance(v, type)]:
        found |= {name: f for name, f in vars(cls).items() if isinstance(f, FunctionType)}
    return found
