"""Layers by themselves: affine_forward and affine_backward, or a class with both, each judged by check_vjp.

A file that holds layers and no network is judged layer by layer: forward is the truth, and backward has to be its
transpose. Shapes are tried until forward and backward both run; a layer that runs with none of them is not judged.
"""

from __future__ import annotations

import ast
import copy
import inspect
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.vjp import check_numpy_vjp
from nnref.checking.reading.arguments import arguments
from nnref.checking.reading.names import ROLES, plain
from nnref.checking.reading.network import same_chance
from nnref.checking.reading.source import Source, returned
from nnref.checking.results.entry import Entry
from nnref.checking.results.report import GradcheckReport
from nnref.checking.watching.calls.calling import arrays_in, methods, own_classes, own_functions
from nnref.checking.watching.calls.layer_shapes import EXAMPLES, Shapes, choices
from nnref.checking.watching.calls.pairing import is_gradient_of
from nnref.shapes import Array

BACK = re.compile(r"(?:_?(?:backwards?|bwd|backprop|back|vjp|bprop|backward_pass|backward_propagation))(?=_|$)")
"""What the name of a layer's backward function has beside the name of the layer."""

FORTH = ("_forward", "_fwd", "", "_fprop", "_forward_pass", "_forward_propagation")
"""What the name of its forward function has in that place."""

WHOLE = re.compile(r"^_*(l?_?model|network|net|nn|mlp|full|all|)_*$", re.IGNORECASE)
"""Names of what is no layer, but the network."""

RATE = 0.5
"""The step that a layer is given which moves its own parameters: what moved, divided by it, is the gradient."""


@dataclass(frozen=True)
class LayerVerdict:
    """One layer: its name, the line of its backward pass, a verdict an argument, and what is to be said of it.

    entries are empty where the layer could not be run; note then says why.
    """

    name: str
    line: int
    entries: tuple[Entry, ...]
    note: str = ""

    @property
    def verdict(self) -> str:
        """One of "ok", "WRONG" and "cannot tell"."""
        kinds = {entry.verdict for entry in self.entries}
        return "WRONG" if "WRONG" in kinds else "ok" if kinds == {"ok"} else "cannot tell"


@dataclass(frozen=True)
class Layer:
    """A layer that can be run: its arguments by name, forward(**arguments), and the gradients back(dY, **arguments).

    outputs is how many arrays forward gives: they and what comes back for them are laid end to end.
    """

    name: str
    line: int
    arguments: dict[str, Any]
    forward: Callable[..., Any]
    back: Callable[..., dict[str, Any]]


def layer_verdicts(source: Source, namespace: Mapping[str, Any]) -> tuple[LayerVerdict, ...]:
    """The verdict on each layer that a file defines, in the order of its lines; what is no layer is left out."""
    found = []
    with same_chance(), redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        for name, line, ways in [*of_functions(source, namespace), *of_classes(source, namespace)]:
            verdict = first_that_runs(name, line, ways) if line else None
            if verdict is not None:
                found.append(verdict)
    return tuple(sorted(found, key=lambda verdict: verdict.line))


def first_that_runs(name: str, line: int, ways: Iterator[Layer]) -> LayerVerdict | None:
    """The verdict on a layer with the first shapes that it runs with; None if it is not written at all."""
    forward_reason, back_reason = "none of the usual shapes fit what it takes", ""
    for layer in ways:
        try:
            Y = np.asarray(layer.forward(**copies(layer.arguments)))
        except Exception as error:  # shapes were guessed: an error says nothing of the layer
            forward_reason = f"its forward pass stops, whatever shapes are tried: {type(error).__name__}: {error}"
            continue
        try:
            given = layer.back(np.ones(Y.shape), **copies(layer.arguments))
        except NotImplementedError:
            return None
        except Exception as error:
            back_reason = back_reason or f"its backward pass stops: {type(error).__name__}: {error}"
            continue
        if not given:
            return None
        if any(np.shape(g) != np.shape(layer.arguments[k]) and np.size(g) != 1 for k, g in given.items()):
            back_reason = back_reason or "no gradient has the shape of its argument"
            continue
        return judged(layer, tuple(given))
    return LayerVerdict(name, line, (), f"not judged: {back_reason or forward_reason}")


def judged(layer: Layer, names: tuple[str, ...]) -> LayerVerdict:
    """check_vjp of a layer; a mean over the batch and a layer whose slope is left to the loss are conventions."""
    try:
        report = checked(layer, names, {})
        if report.ok or not report.wrong:
            return whole(layer, names, report)
        wrong = [entry.name for entry in report.wrong]
        if passes_on(layer, names):
            note = "its backward pass hands on what it is given: right if the loss has the slope already, else wrong"
            return LayerVerdict(layer.name, layer.line, (), f"cannot tell: {note}")
        means = None
        if len(wrong) < len(names) and nearly(layer, report, EXAMPLES):
            means = checked(layer, names, dict.fromkeys(wrong, float(EXAMPLES)))
        if means is not None and means.ok:
            note = f"{' and '.join(wrong)}: the mean over the examples, so that nothing else may divide by their number"
            return whole(layer, names, means, note)
        single = None
        if nearly(layer, report):
            single = checked(replace(layer, arguments=in_single_precision(layer.arguments)), names, {})
        if single is not None and single.ok:
            return whole(layer, names, single, "right in single precision, in which it computes")
    except GradcheckError as error:
        return LayerVerdict(layer.name, layer.line, (), f"not judged: {error}")
    return LayerVerdict(layer.name, layer.line, report.entries)


def nearly(layer: Layer, report: GradcheckReport, times: float = 1.0) -> bool:
    """Are the worst entries, taken so many times, right in half the digits of single precision, beside the largest?

    If not, no other way to read the gradients makes them right, and none need be tried.
    """
    Y = np.asarray(layer.forward(**copies(layer.arguments)))
    back = layer.back(np.random.RandomState(5).randn(*Y.shape), **copies(layer.arguments))
    half = np.sqrt(np.finfo(np.float32).eps)
    return all(
        abs(times * entry.worst.yours - entry.worst.truth) <= half * times * np.max(np.abs(back[entry.name]), initial=0)
        for entry in report.wrong
        if entry.worst
    )


def in_single_precision(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as float32."""
    return {name: value.astype(np.float32) if floats(value) else value for name, value in given.items()}


def whole(layer: Layer, names: tuple[str, ...], report: GradcheckReport, note: str = "") -> LayerVerdict:
    """A verdict without a mistake; what moves the output and has no gradient is named, and then nothing is green."""
    first = next(iter(layer.arguments))  # the gradient of the input moves no parameter: a first layer may leave it out
    missing = [name for name in layer.arguments if name not in (first, *names) and moves(layer, name)]
    entries = list(report.entries)
    for name in missing:
        A = layer.arguments[name]
        entries.append(Entry(name, A.shape, A.size, 0, 0, 0, 0, None, "not found"))
    said = [note] if note else []
    said += [found.says for entry in entries for found in entry.where if found.kind == "elsewhere"]
    if missing:
        said.append(f"no gradient of {' and '.join(missing)} was found, which moves the output")
    return LayerVerdict(layer.name, layer.line, tuple(entries), "; ".join(said))


def moves(layer: Layer, name: str) -> bool:
    """Does an argument change the output?"""
    if not floats(layer.arguments[name]):
        return False
    moved = copies(layer.arguments)
    moved[name] = moved[name] + 0.01
    return bool(np.any(layer.forward(**moved) != layer.forward(**copies(layer.arguments))))


def checked(layer: Layer, names: tuple[str, ...], factors: dict[str, float]) -> GradcheckReport:
    """check_vjp, what some gradients give taken so many times."""

    def vjp(dY: Array, **given: Any) -> dict[str, Any]:
        found = layer.back(dY, **given)
        return {name: np.asarray(found[name]) * factors.get(name, 1.0) for name in names}

    takes = inspect.Parameter.KEYWORD_ONLY
    signature = inspect.Signature([inspect.Parameter(name, takes) for name in ("dY", *layer.arguments)])
    vjp.__signature__ = signature  # type: ignore[attr-defined]
    return check_numpy_vjp(layer.forward, vjp, layer.arguments, wrt=names)


def passes_on(layer: Layer, names: tuple[str, ...]) -> bool:
    """Does the backward pass return what it is given, as that of a softmax whose loss has its slope?"""
    Y = np.asarray(layer.forward(**copies(layer.arguments)))
    dY = np.random.RandomState(5).randn(*Y.shape)
    back = layer.back(dY, **copies(layer.arguments))
    return len(names) == 1 and np.shape(back[names[0]]) == Y.shape and bool(np.all(back[names[0]] == dY))


def copies(given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that a layer may write into."""
    return {name: copy.deepcopy(value) for name, value in given.items()}


Ways = tuple[str, int, Iterator[Layer]]


def of_functions(source: Source, namespace: Mapping[str, Any]) -> Iterator[Ways]:
    """Functions that go back, each with the one that goes forward under the same name."""
    functions = own_functions(dict(namespace))
    for name, back in functions.items():
        match = BACK.search(name)
        stem = BACK.sub("", name, count=1) if match else ""
        if match is None or WHOLE.match(stem) or not upstream(back):
            continue
        tail = name[match.end() :] if match.start() else ""
        head = name[: match.start()] if match.start() else name[match.end() :].lstrip("_")
        forward = next((n for ending in FORTH if (n := f"{head}{ending}{tail}") in functions and n != name), None)
        forward = forward or next((n for n in (f"forward_{head}", f"{head}") if n in functions and n != name), None)
        if forward is not None:
            yield head, line_of(source, name), of_pair(source, head, functions[forward], back)


def line_of(source: Source, name: str, owner: str | None = None) -> int:
    """The line on which a function is defined."""
    definition = source.definition(name, owner)
    return definition.lineno if definition is not None else 0


def upstream(back: Callable[..., Any]) -> list[str]:
    """The arguments of a backward function that are gradients of its outputs: dout, dA, dnext_h, grad."""
    found = []
    for name in arguments(back):
        word = plain(name)
        if not (re.match(r"d(?!ict|ata|im|rop|type|ecay)\w", word) or ROLES.get(word) == "upstream"):
            break
        found.append(name)
    return found


def of_pair(source: Source, name: str, forward: Callable[..., Any], back: Callable[..., Any]) -> Iterator[Layer]:
    """A pair of functions in every choice of shapes."""
    line, slots = line_of(source, back.__name__), upstream(back)
    names = returned(source.definition(back.__name__))
    for given in choices(arguments(forward), Shapes(name)):
        state: dict[str, Any] = {}

        def run(state: dict[str, Any] = state, **values: Any) -> Array:
            with same_chance():
                raw = forward(**values)
            parts = list(raw) if isinstance(raw, tuple) else [raw]
            state["cache"] = parts[-1] if len(parts) == len(slots) + 1 else tuple(parts[len(slots) :])
            state["outputs"] = [np.asarray(part) for part in parts[: len(slots)]]
            state["values"] = values
            return end_to_end(state["outputs"])

        def come_back(dY: Array, state: dict[str, Any] = state, run: Any = run, **values: Any) -> dict[str, Any]:
            run(**values)
            passed = dict(zip(slots, split(dY, state["outputs"]), strict=True))
            for other, parameter in arguments(back).items():
                if other in passed:
                    continue
                if other in values:
                    passed[other] = values[other]
                elif parameter.default is parameter.empty:
                    passed[other] = state["cache"]
            return named(back(**passed), names, [k for k, v in values.items() if floats(v)])

        yield Layer(name, line, given, run, come_back)


def end_to_end(parts: list[Array]) -> Array:
    """One output as it is; several laid end to end."""
    return parts[0] if len(parts) == 1 else np.concatenate([part.ravel() for part in parts])


def split(dY: Array, parts: list[Array]) -> list[Array]:
    """What comes back for each output."""
    if len(parts) == 1:
        return [dY]
    ends = np.cumsum([part.size for part in parts])[:-1]
    return [piece.reshape(part.shape) for piece, part in zip(np.split(dY, ends), parts, strict=True)]


def floats(value: Any) -> bool:
    """Is this an array of floats, which can have a gradient?"""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def named(raw: Any, names: list[str] | None, wanted: list[str]) -> dict[str, Any]:
    """The gradients by the names of the arguments: as they are called in the return, else in order."""
    if isinstance(raw, dict):
        found = {k: g for k in wanted for key, g in raw.items() if is_gradient_of((str(key),), (k,))}
        return {k: g for k, g in found.items() if g is not None}
    parts = list(raw) if isinstance(raw, tuple | list) else [raw]
    if names and len(names) == len(parts):
        found = {k: g for k in wanted for name, g in zip(names, parts, strict=True) if is_gradient_of((name,), (k,))}
        if len(found) == len([g for g in parts if isinstance(g, np.ndarray)]):
            return found
    in_order = [g for g in parts if g is not None]
    return dict(zip(wanted, in_order, strict=False)) if len(in_order) <= len(wanted) else {}


def of_classes(source: Source, namespace: Mapping[str, Any]) -> Iterator[Ways]:
    """Classes of layers: a method that goes forward, and one that goes back and is given a gradient."""
    for name, cls in own_classes(dict(namespace)).items():
        names = methods(cls)
        back = next((n for n in names if re.match(r"back|bwd|bprop", plain(n))), None)
        forth = next((n for n in names if re.match(r"forw|fwd|fprop|call$|__call__$", plain(n))), None)
        if back is None or forth is None or inspect.isabstract(cls):
            continue
        needed = [p for n, p in arguments(getattr(cls, back)).items() if n != "self" and p.default is p.empty]
        roles = {ROLES.get(plain(p.name)) for p in needed}
        if not needed or "Y" in roles or "X" in roles or holds_others(cls, namespace):
            continue
        if unwritten(source.definition(forth, name)) or unwritten(source.definition(back, name)):
            continue
        line = line_of(source, back, name) or line_of_class(source, name)
        yield name, line, of_object(name, line, cls, forth, back)


def unwritten(definition: ast.FunctionDef | None) -> bool:
    """Does a method only say what others will do: a docstring, pass, or raise NotImplementedError?"""
    return definition is not None and all(
        isinstance(node, ast.Pass | ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in definition.body
    )


def line_of_class(source: Source, name: str) -> int:
    """The line on which a class is defined; 0 where it comes from another file."""
    return next((n.lineno for n in source.nodes if isinstance(n, ast.ClassDef) and n.name == name), 0)


def holds_others(cls: type, namespace: Mapping[str, Any]) -> bool:
    """Does the class make objects of others of the file? Then it is the network."""
    from nnref.checking.reading.uses import names_in

    others = set(own_classes(dict(namespace))) - {cls.__name__}
    return any(names_in(f) & others for f in vars(cls).values() if hasattr(f, "__code__"))


def of_object(name: str, line: int, cls: type, forth: str, back: str) -> Iterator[Layer]:
    """A class of layers, made and run in every choice of shapes."""
    made = arguments(cls)
    x = next(iter([n for n in arguments(getattr(cls, forth)) if n != "self"]), None)
    rate = [n for n in arguments(getattr(cls, back)) if n != "self"][1:]
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
    """Forward of a copy of an object at other parameters, and what it gives, keeps or moves going back."""

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
    """Put an array at the end of a way."""
    for step in path[:-1]:
        tree = tree[step] if isinstance(tree, dict | list | tuple) else getattr(tree, step)
    if isinstance(tree, dict | list):
        tree[path[-1]] = value
    else:
        setattr(tree, path[-1], value)
