"""Guessed calls for a file that calls nothing: objects are made and trained, functions are called in their order."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from nnref.checking.reading.arguments import Unbound, UnmadeParameters, build, calls
from nnref.checking.reading.candidates import assembled, from_arguments, going_back
from nnref.checking.reading.containers import at, parameters, walk
from nnref.checking.reading.layout import fitting_layouts
from nnref.checking.reading.names import ROLES, WIDTHS, kind, plain_name, ranked
from nnref.checking.reading.source import Source, returned
from nnref.checking.reading.uses import names_in
from nnref.checking.watching.calls.calling import (
    CLASSES,
    FORMS,
    HIDDEN,
    WIDTH,
    Caller,
    DataForm,
    arrays_in,
    batch,
    data_arguments,
    image_shape,
    kept_data,
    methods,
    outputs,
    own_classes,
    own_functions,
    required_parameters,
)
from nnref.checking.watching.calls.pairing import gradients_of, looks_like_gradient, stated, unmoved
from nnref.checking.watching.recording.recorder import current

TRAINS = re.compile(
    r"^(train|fit|learn|sgd|gd|training|partialfit|optimi[sz]e|backprop(agation)?train|runtraining|trainnetwork|"
    r"train(step|batch|model|nn|net|network|epoch|onestep|loop)|gradientdescent|\w*descent|\w*model|\w*train|"
    r"\w*regression|neuralnetwork|nn|perceptron|updateminibatch|step|trainstep)$"
)
"""Names of functions that train on given data, without underscores."""

STARTS = re.compile(r"^(main|train|run|demo|start|example|test|solve|experiment)\w*$")
"""Names of functions that run the program when called without arguments."""

UPDATES = re.compile(r"update|^step$|optimi|apply|adjust|descent")
SLOPES = re.compile(r"(cost|loss|error)\w*(prime|deriv)")
"""Names of functions that compute the derivative of a loss."""

NEVER = re.compile(
    r"plot|save|load|deriv|prime|print|show|accura|numerical|check|evaluat|visual|score|export|draw|init"
)
"""Names of functions that do not train."""


SPREAD = 0.5
"""The epsilon of a constructor that takes widths too: the spread of random weights around 0, no guard against 0 / 0."""


@dataclass(frozen=True)
class WayToCall:
    """One way to make a file compute a gradient: `run(namespace)` makes the calls, in a namespace of definitions.

    guessed says that arguments or their order are guesses: an error in such a call never counts against the file.
    plan is what is called, without the form of the data; owner is the object or class whose methods are called.
    """

    name: str
    run: Callable[[dict[str, Any]], None]
    guessed: bool = True
    plan: str = ""
    form: DataForm | None = None
    owner: str = ""

    @property
    def alone(self) -> bool:
        """Is it called with only one example?"""
        return self.form is not None and self.form.alone


class Unsuited(Exception):
    """Data of this form do not fit the network that the program made; outputs is its number of outputs."""

    def __init__(self, outputs: int) -> None:
        super().__init__(f"it has {outputs} output{'s' * (outputs != 1)}")
        self.outputs = outputs


def ways_of_calling(source: Source, namespace: dict[str, Any]) -> Iterator[WayToCall]:
    """The ways to call what is defined in a namespace, the likeliest first."""
    functions, classes = own_functions(namespace), defined_here_first(source, own_classes(namespace))
    forms = forms_for(source)
    for name, function in functions.items():
        starts, needed = STARTS.match(plain_name(name)), [p.name for p in required_parameters(function)]
        if NEVER.search(plain_name(name)) or not (starts or TRAINS.match(plain_name(name))):
            continue
        if own_arrays(namespace, needed) if needed else starts:
            yield WayToCall(f"{name}({', '.join(needed)})", partial(called_with, name, needed), guessed=False)
    things = {k: v for k, v in namespace.items() if type(v) in classes.values()}
    for name, thing in things.items():
        yield from of_thing(source, name, type(thing), forms)
    parts = used_by_others(functions, classes)
    for name, cls in classes.items():
        if cls not in map(type, things.values()) and name not in parts:
            yield from of_thing(source, name, cls, forms)
    yield from of_functions(source, functions, forms)


def defined_here_first(source: Source, classes: dict[str, type]) -> dict[str, type]:
    """The classes, those that the file itself defines before those that it imports."""
    here = {node.name for node in source.nodes if isinstance(node, ast.ClassDef)}
    return dict(sorted(classes.items(), key=lambda item: item[0] not in here))


def used_by_others(functions: dict[str, Any], classes: dict[str, type]) -> set[str]:
    """The classes that other code of the program uses: parts of a network, and not the network."""
    found = {name for f in functions.values() for name in names_in(f)}
    for name, cls in classes.items():
        bodies = [f for f in vars(cls).values() if callable(f) and hasattr(f, "__code__")]
        found |= {word for f in bodies for word in names_in(f)} - {name}
    return found & set(classes)


def forms_for(source: Source) -> tuple[DataForm, ...]:
    """The forms of data, images first if the program unpacks a shape of four sizes or mentions convolution."""
    shapes = [n for n in source.nodes if isinstance(n, ast.Assign) and ast.unparse(n.value).endswith(".shape")]
    parts = [len(t.elts) for n in shapes for t in n.targets if isinstance(t, ast.Tuple)]
    images = 4 in parts or "conv" in " ".join(source.lines).lower()
    return tuple(sorted(FORMS, key=lambda form: "image" not in form.examples)) if images else FORMS


def own_arrays(namespace: dict[str, Any], names: Sequence[str]) -> bool:
    """Does the file itself give all of these names a value, and at least two of them an array?"""
    values = [namespace.get(name) for name in names]
    return all(v is not None and not callable(v) for v in values) and sum(isinstance(v, np.ndarray) for v in values) > 1


def called_with(name: str, names: Sequence[str], namespace: dict[str, Any]) -> None:
    """Call a function with the file's own variables of the same names as its arguments."""
    namespace[name](*(namespace[argument] for argument in names))


def of_thing(source: Source, name: str, cls: type, forms: tuple[DataForm, ...]) -> Iterator[WayToCall]:
    """The ways to use an object or class, with every form of data: a training method, then forward and backward."""
    names = methods(cls)
    trains = [n for n in names if may_train(n)]
    trains.sort(key=lambda n: not plain_name(n).startswith(("fit", "train")))
    slopes = [n for n in names if SLOPES.search(plain_name(n))]
    backward = list(dict.fromkeys(n for n in (*slopes, *going_back(names)) if n not in trains))
    for method in trains:
        for form in forms:
            yield way_to_call(f"{name}.{method}", form, partial(trained, source, name, method, form), name)
    for method in backward[:2]:
        for form in forms:
            yield way_to_call(f"{name}: forward and {method}", form, partial(stepped, source, name, method, form), name)


def may_train(name: str) -> bool:
    """Does a function's name say that it trains (TRAINS), and not that it does something else (NEVER)?"""
    return bool(TRAINS.match(plain_name(name))) and not NEVER.search(plain_name(name))


def of_functions(source: Source, functions: dict[str, Any], forms: tuple[DataForm, ...]) -> Iterator[WayToCall]:
    """The ways to use functions: one that trains, then init, forward, loss, backward and update in turn."""
    names = list(functions)
    for name in names:
        if may_train(name) and len(required_parameters(functions[name])) >= 2:
            for form in forms:
                yield way_to_call(name, form, partial(one_function, source, name, form))
    for name in going_back(names)[:3]:
        for form in forms:
            yield way_to_call(f"{name} and what goes before", form, partial(in_turn, source, name, form))


def way_to_call(plan: str, form: DataForm, run: Callable[[dict[str, Any]], None], owner: str = "") -> WayToCall:
    """A guessed way to call: a plan with a form of data."""
    return WayToCall(f"{plan}, {form.name}", run, True, plan, form, owner)


def widths(classes: int) -> list[int]:
    """The layer widths of a network where the program leaves them open."""
    return [WIDTH, HIDDEN, HIDDEN - 1, classes]


def made(source: Source, name: str, namespace: dict[str, Any], form: DataForm) -> tuple[Any, Any, Any]:
    """The object of this name, or a new one if it names a class, with data that fit it.

    Errors: Unsuited if no data of this form fit; Unbound and whatever else the class raises.
    """
    several = outputs(form, CLASSES)
    data = batch(form, WIDTH, CLASSES if several else 1, current().seed)
    thing = namespace[name]
    if isinstance(thing, type):
        whole = assembled(name, source, namespace)
        if whole is not None and any(A.ndim == 2 for _, A in walk(whole)):
            thing = whole
        else:
            cls = thing
            thing = built(cls, name, source, namespace, widths(CLASSES if several else 1), data)
            given = [(*args, *named.values()) for args, named in calls(name, source, namespace)]
            if {"X", "Y"} <= data_arguments(cls) and (not given or any(map(np.ndim, sum(given, ())))):
                return (thing, *data)  # the constructor has taken these data
            wide = any((CLASSES if several else 1) in np.shape(A) for _, A in arrays_in(thing))
            if asks_for_widths(cls) and not given and (wide or not several):
                return (thing, *data)
    data = fitting(form, thing, data)
    kept_data(thing, *data)
    return (thing, *data)


def asks_for_widths(cls: type) -> bool:
    """Must a constructor be given the numbers of inputs and outputs? Then they are known in any layout."""
    roles = {WIDTHS.get(plain_name(p.name)) for p in required_parameters(cls)}
    return {"input width", "output width"} <= roles or "widths" in roles


def built(
    make: Any,
    name: str,
    source: Source,
    namespace: dict[str, Any],
    sizes: list[int],
    data: tuple[Any, Any] | None = None,
) -> Any:
    """The parameters or network that `make` returns, called as the file calls it, or by the names of its arguments."""
    with suppress(Unbound):
        return build(make, name, source, namespace, sizes, data)[0]
    caller = Caller(source, namespace, *(data or (None, None)))
    caller.roles |= {"input width": sizes[0], "output width": sizes[-1], "widths": sizes, "one": 1}
    if data is None:
        caller.roles |= {"X": None, "Y": None}
    if asks_for_widths(make):
        caller.known["epsilon"] = SPREAD
    return caller(make)


def fitting(form: DataForm, tree: Any, data: tuple[Any, Any]) -> tuple[Any, Any]:
    """Data that fit a network: n inputs by its first matrix, k outputs by its last.

    Errors: Unsuited if the network has one output and the form several, or the other way round.
    """
    held = (A for _, A in arrays_in(tree) if np.ndim(A) == 2 and A is not data[0] and A is not data[1])
    shapes = [A.shape for A in held if min(A.shape) > 0]
    if not shapes:
        return data
    ways = sides(tree, shapes)
    n, k = ways["columns" if form.examples == "columns" or (form.examples != "rows" and "rows" not in ways) else "rows"]
    if not outputs(form, k):
        raise Unsuited(k)
    if (n, k) == (WIDTH, CLASSES if k > 1 else 1):
        return data
    return batch(form, image_shape(tree, form) or n, k, current().seed)


def sides(tree: Any, shapes: list[tuple[int, ...]]) -> dict[str, tuple[int, int]]:
    """Inputs and outputs for each layout: from the chain of W and b, found by name, else from the outer matrices."""
    named = parameters(tree)
    chains = fitting_layouts({name: np.shape(at(tree, path)) for name, path in named.paths.items()})
    found = {layout: (sizes[0], sizes[-1]) for layout, sizes in chains}
    if found:
        return (
            found | {"rows" if "columns" in found else "columns": next(iter(found.values()))}
            if len(found) < 2
            else found
        )
    wide = [shape for shape in shapes if min(shape) > 1] or shapes
    return {"rows": (wide[0][0], wide[-1][1]), "columns": (wide[0][1], wide[-1][0])}


def trained(source: Source, name: str, method: str, form: DataForm, namespace: dict[str, Any]) -> None:
    """Make an object and call its training method."""
    thing, X, Y = made(source, name, namespace, form)
    set_rate_if_none(thing)
    owner = type(thing).__name__
    before = {path: A for path, A in arrays_in(thing) if A is not X and A is not Y}
    kept = {path: np.array(A) for path, A in before.items()}
    raw = Caller(source, namespace, X, Y)(getattr(thing, method), owner, ("X", "Y"))
    if isinstance(raw, tuple | dict):  # gradients may be returned, and the step left to the caller
        given = gradients_of(raw, returned(source.definition(method, owner)), None, before)
        stated(unmoved(before, kept, dict(arrays_in(thing))), given)


def set_rate_if_none(thing: Any) -> None:
    """An object whose learning rate is 0 or None gets one."""
    for name in ("lr", "learning_rate", "alpha", "eta"):
        if getattr(thing, name, 1.0) in (None, 0, 0.0):
            setattr(thing, name, 0.1)


def stepped(source: Source, name: str, backward: str, form: DataForm, namespace: dict[str, Any]) -> None:
    """Make an object, call forward, loss, backward and update; pair gradients of unmoved parameters by name."""
    thing, X, Y = made(source, name, namespace, form)
    caller, owner = Caller(source, namespace, X, Y), type(thing).__name__
    names = methods(type(thing))
    before = {path: A for path, A in arrays_in(thing) if A is not X and A is not Y}
    for forward in likeliest_first(ranked(names, "forward"), backward)[:1]:
        caller.forward(getattr(thing, forward), owner, thing)
    before |= {p: A for p, A in arrays_in(thing) if p not in before and kind(str(p[-1]) if p else "")}
    kept = {path: np.array(A) for path, A in before.items()}
    for loss in [n for n in ranked(names, "loss") if n != backward][:1]:
        attempted(caller, getattr(thing, loss), owner)
    raw = caller(getattr(thing, backward), owner)
    given = gradients_of(raw, returned(source.definition(backward, owner)), thing, before)
    left_over, _ = stated(unmoved(before, kept, dict(arrays_in(thing))), given)
    caller.known |= {str(path[-1]): A for path, A in given.items() if path}
    caller.roles["upstream"] = raw
    updates = [n for n in names if UPDATES.search(plain_name(n)) and n != backward]
    for update in [n for n in updates if not NEVER.search(plain_name(n))][:1]:
        attempted(caller, getattr(thing, update), owner)
    if not left_over and trains_alone(getattr(thing, backward), before, dict(arrays_in(thing))):
        attempted(caller, getattr(thing, backward), owner)  # its next step uses the updated parameters


def trains_alone(method: Any, before: dict[Any, Any], after: dict[Any, Any]) -> bool:
    """Does a method need only data and labels, and replace arrays of the object by new ones?"""
    given = {ROLES.get(plain_name(p.name)) for p in required_parameters(method)}
    return given == {"X", "Y"} and any(after.get(path) is not A for path, A in before.items())


def attempted(caller: Caller, function: Any, owner: str | None = None) -> Any:
    """Call a function whose result is not needed; None if it fails."""
    try:
        return caller(function, owner, ("output", "Y"))
    except Exception:
        return None


def one_function(source: Source, name: str, form: DataForm, namespace: dict[str, Any]) -> None:
    """Call one function that trains, then the update if the first leaves its gradients in global variables."""
    caller, before = begun(source, name, form, namespace)
    had = set(namespace)
    raw = caller(namespace[name], order=("X", "Y"))
    found = made_since(namespace, had)
    stated(before, gradients_of(raw, returned(source.definition(name)), None, before) | found)
    if found:
        then_updated(caller, own_functions(namespace), name)


def in_turn(source: Source, backward: str, form: DataForm, namespace: dict[str, Any]) -> None:
    """Call functions in turn: what makes the parameters, forward, the loss, backward, the update."""
    caller, before = begun(source, backward, form, namespace)
    functions = own_functions(namespace)
    for forward in likeliest_first(ranked(list(functions), "forward"), backward)[:1]:
        caller.forward(functions[forward])
    for loss in [n for n in ranked(list(functions), "loss") if n != backward][:1]:
        attempted(caller, functions[loss])
    had = set(namespace)
    raw = caller(functions[backward])
    given = gradients_of(raw, returned(source.definition(backward)), None, before) | made_since(namespace, had)
    stated(before, given)
    caller.roles["upstream"] = raw
    caller.known |= {"grads": raw, "gradients": raw}
    then_updated(caller, functions, backward)


def likeliest_first(names: list[str], backward: str) -> list[str]:
    """The candidates for forward, first the one named like backward: L_model_forward for L_model_backward."""
    same = backward.replace("backward", "forward")
    return sorted((name for name in names if name != backward), key=lambda name: name != same)


def made_since(namespace: dict[str, Any], had: set[str]) -> dict[Any, Any]:
    """The arrays named like gradients in new global variables: those not in `had`."""
    new = {k: v for k, v in namespace.items() if k not in had and isinstance(v, np.ndarray | float | list | dict)}
    return {path: A for path, A in arrays_in(new) if looks_like_gradient(path)}


def then_updated(caller: Caller, functions: dict[str, Any], backward: str) -> None:
    """Call the function that updates, if there is one."""
    updates = [n for n in functions if UPDATES.search(plain_name(n)) and n != backward]
    for update in [n for n in updates if not TRAINS.match(plain_name(n))][:1]:
        attempted(caller, functions[update])


def begun(source: Source, name: str, form: DataForm, namespace: dict[str, Any]) -> tuple[Caller, dict[Any, Any]]:
    """A Caller with the parameters: made by the file, held by it, or drawn for the names of arguments.

    Errors: Unsuited, Unbound, and whatever the function that makes the parameters raises.
    """
    several = outputs(form, CLASSES)
    functions = own_functions(namespace)
    tree, names = parameters_of(source, name, namespace, functions, widths(CLASSES if several else 1), form)
    before = dict(arrays_in(dict(zip(names, tree, strict=True)) if names else tree))
    for parameter in before.values():  # recorded before anything is computed with it: other runs change it here
        current().known(parameter)
    data = batch(form, WIDTH, CLASSES if several else 1, current().seed)
    X, Y = fitting(form, dict(zip(names, tree, strict=True)) if names else tree, data)
    caller = Caller(source, namespace, X, Y)
    caller.roles["parameters"] = tree
    caller.known |= {str(path[-1]): value for path, value in before.items() if path}
    if isinstance(tree, dict):
        caller.known |= {str(key): part for key, part in tree.items()}
    return caller, before


def parameters_of(
    source: Source, name: str, namespace: dict[str, Any], functions: dict[str, Any], sizes: list[int], form: DataForm
) -> tuple[Any, list[str] | None]:
    """The parameters, and their names where they come as a tuple."""
    begin = [n for n in functions if n != name and n in source.setters and not data_arguments(functions[n])]
    makers = ranked([n for n in functions if n != name], "init")
    for maker in dict.fromkeys([*makers, *(n for n in begin if not UPDATES.search(plain_name(n)))]):
        try:
            tree = built(functions[maker], maker, source, namespace, sizes)
        except (Unbound, UnmadeParameters, TypeError, ValueError, IndexError, KeyError):
            continue
        if any(np.size(A) for _, A in arrays_in(tree)):
            names = returned(source.definition(maker), calls=False) if isinstance(tree, tuple) else None
            return tree, names if names and len(names) == len(tree) and all(names) else None
    held = {
        k: v for k, v in namespace.items() if not k.startswith("_") and kind(k) and isinstance(v, np.ndarray | list)
    }
    if held:
        return held, None
    invented = from_arguments({"backward": functions[name]}, sizes)
    return drawn(invented, form) if invented else of_one_layer(functions[name], sizes, form), None


def drawn(shapes: dict[str, Any], form: DataForm) -> dict[str, Any]:
    """Random parameters for a program that takes them as arguments; transposed if examples are rows."""
    random = np.random.RandomState(current().seed + 3)
    turned = form.examples == "rows"
    return {k: 0.5 * random.randn(*(A.shape[::-1] if turned else A.shape)) for k, A in shapes.items()}


def of_one_layer(function: Any, sizes: list[int], form: DataForm) -> dict[str, Any]:
    """Random W and b, or theta, of one layer, for a function whose arguments have no layer number."""
    random = np.random.RandomState(current().seed + 3)
    n, k = sizes[0], sizes[-1]
    found: dict[str, Any] = {}
    for parameter in required_parameters(function):
        which = kind(parameter.name)
        flat = form.labels in ("0 and 1", "-1 and 1", "numbers", "a number")
        if which == "W":
            found[parameter.name] = (
                random.randn(n) if flat else random.randn(*((n, k) if form.examples == "rows" else (k, n)))
            )
        elif which == "b" and k == 1:
            found[parameter.name] = current().number(random.randn())
        elif which == "b":
            found[parameter.name] = random.randn(*((k,) if form.examples == "rows" else (k, 1)))
    return found
