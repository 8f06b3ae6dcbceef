"""Which array is the gradient of which parameter, after a backward pass that updates nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from nnref.checking.reading.names import GRADIENTS, plain_name
from nnref.checking.watching.calls.calling import arrays_in
from nnref.checking.watching.recording.recorder import current

AFFIX = re.compile(
    r"^(gradients?of|gradients?|grads?|nabla|delta|deriv|d[ljce]d|dl|dj|dc|de|del|d|g)(?=.)|(?<=.)(gradients?|grads?|g)$"
)
"""Prefixes and suffixes of a gradient's name, beside the name of its parameter."""

D = re.compile("^d(?=.)")
"""The prefix d alone: dc_prev is the gradient of c_prev, though dc is a prefix of other gradients' names."""

Path = tuple[Any, ...]


def stated(parameters: Mapping[Path, Any], gradients: Mapping[Path, Any]) -> tuple[list[str], list[str]]:
    """Tell the recorder which gradient belongs to which parameter; return the names of those paired, and the others."""
    found = dict(paired(parameters, gradients))
    for path, gradient in found.items():
        current().pair(parameters[path], gradient, spelt(path))
    return [spelt(p) for p in found], [spelt(p) for p in parameters if p not in found]


def paired(parameters: Mapping[Path, Any], gradients: Mapping[Path, Any]) -> Iterator[tuple[Path, Any]]:
    """Each parameter with the gradient named after it; if no name fits, in order, if the sizes allow one order only."""
    left = dict(gradients)
    met: dict[Path, Any] = {}
    for path in parameters:
        named = [other for other in left if is_gradient_of(other, path)]
        if len(named) == 1 or (named and len({spelt(n) for n in named}) == 1):
            met[path] = left.pop(named[0])
    yield from met.items()
    rest = {path: value for path, value in parameters.items() if path not in met}
    if not met and rest:
        yield from in_order(rest, left)


def is_gradient_of(gradient: Path, parameter: Path) -> bool:
    """Is an array, by its name, the gradient of a parameter: dW1 of W1, grads["W1"] of W1, nabla_w[0] of weights[0]?"""
    return steps(parameter) in (steps(gradient), steps(gradient, AFFIX), steps(gradient, D))


def steps(path: Path, without: re.Pattern[str] | None = None) -> tuple[str, ...]:
    """The steps of a path as plain words, without names of containers, and without the affix of a gradient's name."""
    words = []
    for step in path:
        word = plain_name(str(step))
        if word not in CONTAINERS:
            word = without.sub("", word, count=1) if without is not None else word
            words.append(SHORT.get(word, word))
    return tuple(words)


CONTAINERS = GRADIENTS | {"dict", "params", "parameters", "model", "p", "cache", "g"}
"""Names of containers of parameters, or of gradients under the names of the parameters."""

SHORT = {"weights": "w", "weight": "w", "ws": "w", "biases": "b", "bias": "b", "bs": "b"}
"""Long names, and the letter that often stands for each in a gradient's name."""


def in_order(parameters: Mapping[Path, Any], gradients: Mapping[Path, Any]) -> Iterator[tuple[Path, Any]]:
    """Parameters and gradients paired in order, or in reverse order, if just one of the two fits by size."""
    if len(parameters) != len(gradients):
        return
    ways: list[Sequence[Any]] = [list(gradients.values()), list(gradients.values())[::-1]]
    fitting = [
        way for way in ways if all(np.size(p) == np.size(g) for p, g in zip(parameters.values(), way, strict=True))
    ]
    if len(fitting) == 1 or (fitting and len(parameters) == 1):
        yield from zip(parameters, fitting[0], strict=True)


def gradients_of(
    raw: Any, names: Sequence[str | None] | None, after: Any, before: Mapping[Path, Any]
) -> dict[Path, Any]:
    """The gradients of a backward pass: returned values, by name, and new arrays of an object named as gradients."""
    found: dict[Path, Any] = {}
    if isinstance(raw, tuple) or (isinstance(raw, list) and names and len(names) == len(raw)):
        known = names if names and len(names) == len(raw) else [None] * len(raw)
        for k, (name, part) in enumerate(zip(known, raw, strict=True)):
            head = (name,) if name else () if isinstance(part, dict) else (k,)
            found |= {(*head, *path): value for path, value in arrays_in(part)}
    elif raw is not None:
        found |= dict(arrays_in(raw))
    old = {id(value) for value in before.values()}
    held = dict(arrays_in(after)) if after is not None else {}
    new = {path: value for path, value in held.items() if id(value) not in old and path not in before}
    return found | {path: value for path, value in new.items() if looks_like_gradient(path)}


def looks_like_gradient(path: Path) -> bool:
    """Does some step of the path name a gradient?"""
    words = [plain_name(str(step)) for step in path if not isinstance(step, int)]
    return any(word in GRADIENTS or AFFIX.search(word) for word in words)


def spelt(path: Path) -> str:
    """A path as one would write it: layers[0].W, params["W1"] as params.W1."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text or "the parameter"


def unmoved(before: dict[Any, Any], kept: dict[Any, Any], after: dict[Any, Any]) -> dict[Any, Any]:
    """The parameters that a backward pass did not change: those it updates are judged by their updates."""
    return {
        path: A
        for path, A in before.items()
        if after.get(path) is A and A is not None and np.shape(A) == kept[path].shape and bool(np.all(kept[path] == A))
    }
