"""Single layers: affine_forward and affine_backward, or a class with both, each judged by check_vjp.

A file that holds layers and no network is judged layer by layer: forward is the truth, and backward has to be the
transpose of its derivative. Shapes are tried until both run; a layer that runs with none of them is not judged.
"""

from __future__ import annotations

import copy
import inspect
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from time import process_time
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.vjp import check_numpy_vjp
from nnref.checking.reading.arguments import named_parameters
from nnref.checking.reading.names import ROLES, plain_name
from nnref.checking.reading.network import same_chance
from nnref.checking.reading.source import Source, returned
from nnref.checking.results.entry import Entry
from nnref.checking.results.report import GradcheckReport
from nnref.checking.watching.calls.calling import own_functions
from nnref.checking.watching.calls.layer import Layer, Ways, line_of
from nnref.checking.watching.calls.layer_classes import of_classes
from nnref.checking.watching.calls.layer_shapes import EXAMPLES, Shapes, argument_choices
from nnref.checking.watching.calls.own_calls import Given, floats
from nnref.checking.watching.calls.pairing import is_gradient_of
from nnref.shapes import Array

BACK = re.compile(r"(?:_?(?:backwards?|bwd|backprop|back|vjp|bprop|backward_pass|backward_propagation))(?=_|$)")
"""The word for backward in a function's name, beside the name of the layer."""

FORTH = ("_forward", "_fwd", "", "_fprop", "_forward_pass", "_forward_propagation")
"""The words for forward in the same place of the forward function's name."""

WHOLE = re.compile(r"^_*(l?_?model|network|net|nn|mlp|full|all|)_*$", re.IGNORECASE)
"""Names of the whole network, which is no layer."""

RUNS, SOON = 8, 1.5
"""Runs of a layer that the check of one entry takes, and CPU seconds that all of them may take."""


@dataclass(frozen=True)
class LayerVerdict:
    """One layer: its name, the line of its backward pass, an entry for each argument, and a note for the reader.

    entries are empty if the layer could not be judged; note then says why.
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


def layer_verdicts(
    source: Source, namespace: Mapping[str, Any], heard: Mapping[str, Given] | None = None
) -> tuple[LayerVerdict, ...]:
    """The verdict on each layer that a file defines and implements, in the order of their lines.

    heard holds, by function, the arguments with which the file itself calls it.
    """
    found = []
    with same_chance(), redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        for name, line, ways in [*of_functions(source, namespace, heard or {}), *of_classes(source, namespace)]:
            verdict = first_that_runs(name, line, ways) if line else None
            if verdict is not None:
                found.append(verdict)
    return tuple(sorted(found, key=lambda verdict: verdict.line))


def first_that_runs(name: str, line: int, ways: Iterator[Layer]) -> LayerVerdict | None:
    """The verdict on a layer at the first shapes with which it runs; None if it is not implemented.

    A layer that is right as the file calls it may be wrong at another stride: it is also judged at usual shapes.
    """
    forward_reason, back_reason = "none of the usual shapes fit what it takes", ""
    right: LayerVerdict | None = None
    for layer in ways:
        try:
            Y = np.asarray(layer.forward(**copies(layer.arguments)))
        except Exception as error:  # shapes were guessed: an error says nothing about the layer
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
            return right
        if any(np.shape(g) != np.shape(layer.arguments[k]) and np.size(g) != 1 for k, g in given.items()):
            back_reason = back_reason or "no gradient has the shape of its argument"
            continue
        found = judged(layer, tuple(given))
        if right is not None or not layer.own or found.verdict != "ok":
            return found if right is None or found.verdict == "WRONG" else right
        right = found
    return right or LayerVerdict(name, line, (), f"not judged: {back_reason or forward_reason}")


def judged(layer: Layer, names: tuple[str, ...]) -> LayerVerdict:
    """The verdict of check_vjp; a mean over the batch, or a slope that is left to the loss, is not called a mistake."""
    try:
        report = checked(layer, names, {})
        if report.ok or not report.wrong:
            return verdict_without_mistake(layer, names, report)
        wrong = [entry.name for entry in report.wrong]
        if passes_on(layer, names):
            note = "its backward pass hands on what it is given: right if the loss has the slope already, else wrong"
            return LayerVerdict(layer.name, layer.line, (), f"cannot tell: {note}")
        means = None
        if len(wrong) < len(names) and nearly(layer, report, EXAMPLES):
            means = checked(layer, names, dict.fromkeys(wrong, float(EXAMPLES)))
        if means is not None and means.ok:
            note = f"{' and '.join(wrong)}: the mean over the examples, so that nothing else may divide by their number"
            return verdict_without_mistake(layer, names, means, note)
        single = None
        if nearly(layer, report):
            single = checked(replace(layer, arguments=in_single_precision(layer.arguments)), names, {})
        if single is not None and single.ok:
            return verdict_without_mistake(layer, names, single, "right in single precision, in which it computes")
    except GradcheckError as error:
        return LayerVerdict(layer.name, layer.line, (), f"not judged: {error}")
    return LayerVerdict(layer.name, layer.line, report.entries)


def nearly(layer: Layer, report: GradcheckReport, times: float = 1.0) -> bool:
    """Are the worst entries, scaled by times, right to half the digits of single precision, relative to the largest?

    If not, no other convention makes the gradients right, and none need be tried.
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


def verdict_without_mistake(
    layer: Layer, names: tuple[str, ...], report: GradcheckReport, note: str = ""
) -> LayerVerdict:
    """A verdict without a mistake; an argument that changes the output but has no gradient prevents "ok"."""
    first = next(iter(layer.arguments))  # a first layer may leave out the gradient of its input: no update needs it
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
    """The report of check_vjp, with some gradients multiplied by factors."""

    def vjp(dY: Array, **given: Any) -> dict[str, Any]:
        found = layer.back(dY, **given)
        return {name: np.asarray(found[name]) * factors.get(name, 1.0) for name in names}

    takes = inspect.Parameter.KEYWORD_ONLY
    signature = inspect.Signature([inspect.Parameter(name, takes) for name in ("dY", *layer.arguments)])
    vjp.__signature__ = signature  # type: ignore[attr-defined]
    return check_numpy_vjp(layer.forward, vjp, layer.arguments, wrt=names, **in_time(layer, names))


def in_time(layer: Layer, names: tuple[str, ...]) -> dict[str, Any]:
    """Options that keep a check short: for a slow layer, a few entries, and a few directions through all entries."""
    given, begin = copies(layer.arguments), process_time()
    layer.forward(**given)
    cost = RUNS * (process_time() - begin)
    if cost * sum(np.size(layer.arguments[name]) for name in names) < SOON:
        return {}
    return {"entries": max(1, int(SOON / (2 * cost * len(names)))), "directions": max(2, int(SOON / (2 * cost)))}


def passes_on(layer: Layer, names: tuple[str, ...]) -> bool:
    """Does the backward pass return dY unchanged, as that of a softmax whose derivative is in the loss's gradient?"""
    Y = np.asarray(layer.forward(**copies(layer.arguments)))
    dY = np.random.RandomState(5).randn(*Y.shape)
    back = layer.back(dY, **copies(layer.arguments))
    return len(names) == 1 and np.shape(back[names[0]]) == Y.shape and bool(np.all(back[names[0]] == dY))


def copies(given: Mapping[str, Any]) -> dict[str, Any]:
    """Copies of the arguments, which a layer may write into."""
    return {name: copy.deepcopy(value) for name, value in given.items()}


def of_functions(source: Source, namespace: Mapping[str, Any], heard: Mapping[str, Given]) -> Iterator[Ways]:
    """Backward functions, each with the forward function of the same layer, as layers to run."""
    functions = own_functions(dict(namespace))
    for name, forward in pairs(functions).items():
        back = functions[name]
        if upstream(back):
            head, _ = head_and_tail(name)
            given = [heard[forward]] if forward in heard else []
            yield head, line_of(source, name), of_pair(source, head, functions[forward], back, given)


def pairs(names: Iterable[str]) -> dict[str, str]:
    """The names of backward functions, each with the name of the forward function of the same layer."""
    found: dict[str, str] = {}
    among = set(names)
    for name in names:
        if not BACK.search(name) or WHOLE.match(BACK.sub("", name, count=1)):
            continue
        head, tail = head_and_tail(name)
        ways = [f"{head}{ending}{tail}" for ending in FORTH] + [f"forward_{head}", head]
        forward = next((n for n in ways if n in among and n != name), None)
        if forward is not None:
            found[name] = forward
    return found


def head_and_tail(name: str) -> tuple[str, str]:
    """What stands before and after the word for backward: conv and _naive of conv_backward_naive."""
    head, tail = BACK.split(name, maxsplit=1)
    return (head, tail) if head else (tail.lstrip("_"), "")


def upstream(back: Callable[..., Any]) -> list[str]:
    """The first arguments of a backward function, the gradients of the layer's outputs: dout, dA, dnext_h, grad."""
    found = []
    for name in named_parameters(back):
        word = plain_name(name)
        if not (re.match(r"d(?!ict|ata|im|rop|type|ecay)\w", word) or ROLES.get(word) == "upstream"):
            break
        found.append(name)
    return found


def of_pair(
    source: Source, name: str, forward: Callable[..., Any], back: Callable[..., Any], heard: Sequence[Given]
) -> Iterator[Layer]:
    """A pair of functions, with the file's own arguments and then with every choice of shapes."""
    line, names, made = (
        line_of(source, back.__name__),
        *(returned(source.definition(f.__name__)) for f in (back, forward)),
    )
    for given in [*heard, *(Given(found, {}) for found in argument_choices(named_parameters(forward), Shapes(name)))]:
        yield Layer(name, line, given.values, *run_with(given, forward, back, names, made), given in heard)


def run_with(
    given: Given,
    forward: Callable[..., Any],
    back: Callable[..., Any],
    names: list[str] | None,
    made: list[str] | None,
) -> tuple[Callable[..., Array], Callable[..., dict[str, Any]]]:
    """Forward and backward of a pair as functions of the values; names and made name what back and forward return."""
    slots = upstream(back)

    def ahead(values: dict[str, Any]) -> tuple[list[Array], Any]:
        with same_chance():
            outputs, cache = outputs_and_cache(forward(**given.together(values)), slots, made)
        return [np.asarray(part) for part in outputs], cache

    def run(**values: Any) -> Array:
        return end_to_end(ahead(values)[0])

    def come_back(dY: Array, **values: Any) -> dict[str, Any]:
        outputs, cache = ahead(values)
        passed, whole = dict(zip(slots, split(dY, outputs), strict=True)), given.together(values)
        for other, parameter in named_parameters(back).items():
            if other in passed:
                continue
            if other in whole:
                passed[other] = whole[other]
            elif parameter.default is parameter.empty:
                passed[other] = cache
        return named(back(**passed), names, [k for k, v in values.items() if floats(v)])

    return run, come_back


def outputs_and_cache(raw: Any, slots: list[str], names: list[str] | None) -> tuple[list[Any], Any]:
    """The outputs that a forward function returned, and the cache for its backward function.

    Of several outputs only those count whose gradients the backward function takes: a_next if it takes da_next.
    """
    parts = list(raw) if isinstance(raw, tuple) else [raw]
    if len(parts) == len(slots) + 1:
        return parts[:-1], parts[-1]
    if len(parts) < len(slots) + 1 or isinstance(parts[-1], np.ndarray):
        return parts[: len(slots)], tuple(parts[len(slots) :])
    by_name = dict(zip(names, parts, strict=True)) if names and len(names) == len(parts) else {}
    named_so = [[part for name, part in by_name.items() if is_gradient_of((slot,), (name,))] for slot in slots]
    found = [same[0] for same in named_so if len(same) == 1]
    return found if len(found) == len(slots) else parts[: len(slots)], parts[-1]


def end_to_end(parts: list[Array]) -> Array:
    """One output as it is; several flattened and concatenated."""
    return parts[0] if len(parts) == 1 else np.concatenate([part.ravel() for part in parts])


def split(dY: Array, parts: list[Array]) -> list[Array]:
    """The gradient of each output, cut from dY."""
    if len(parts) == 1:
        return [dY]
    ends = np.cumsum([part.size for part in parts])[:-1]
    return [piece.reshape(part.shape) for piece, part in zip(np.split(dY, ends), parts, strict=True)]


def named(raw: Any, names: list[str] | None, wanted: list[str]) -> dict[str, Any]:
    """The gradients by the names of the arguments: by their keys or names in the return statement, else in order."""
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
