"""The effect of each mistake of the catalogue: its line is executed, as shown, in a plain backward pass."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

import nnref
from nnref.checking.diagnosis.diagnose import catalogue
from nnref.layer import Affine

NETWORKS = (
    ("relu", (6, 5, 4, 3), 7, 1.0, 1.0, ""),
    ("relu", (4, 4, 4, 4), 4, 1.0, 1.0, "with square layers"),
    ("relu", (6, 5, 4, 3), 7, 0.0, 1.0, "where every input is 0"),
    ("relu", (6, 5, 4, 3), 7, 1.0, 9.0, "with large weights"),
    ("tanh", (6, 5, 4, 3), 7, 1.0, 1.0, "with tanh"),
)
"""Activation, sizes, examples, the size of the inputs and of the weights, and what to say of it. In the first nothing
fits by accident; the others are for mistakes that the ones before do not show."""

SLOPES = {"relu": "(Z{l} > 0)", "tanh": "(1 - A{l}**2)"}
"""The slope as the backward pass writes it."""

UNKNOWN = 0.1
"""Value of the unknown number in a mistake, such as a learning rate or a slope."""

BACKWARD = """
E = np.exp(Z3 - Z3.max(axis=0))
P = E / E.sum(axis=0)
dZ3 = (P - Y) / N
dW3 = dZ3 @ A2.T
db3 = np.sum(dZ3, axis=1, keepdims=True)
dA2 = W3.T @ dZ3
dZ2 = dA2 * slope(2)
dW2 = dZ2 @ A1.T
db2 = np.sum(dZ2, axis=1, keepdims=True)
dA1 = W2.T @ dZ2
dZ1 = dA1 * slope(1)
dW1 = dZ1 @ A0.T
db1 = np.sum(dZ1, axis=1, keepdims=True)
""".strip().splitlines()
"""The backward pass of the pages, a line a quantity; slope(l) is that of the activation of layer l."""

FROM_P = "dZ3 = P * (dP - (dP * P).sum(axis=0)) / N"
"""The line of dZ3 where the mistake is in dP, the gradient with respect to the probabilities."""

Numbers = Mapping[str, Any]


def network(activation: str, sizes: tuple[int, ...], N: int, size: float, weight: float) -> dict[str, Any]:
    """The forward pass by name: dense signed inputs, labels of every class; no bias is zero unless the inputs are.

    size is that of the inputs; weight multiplies every weight.
    """
    rng = np.random.default_rng(0)
    layers = nnref.mlp(list(sizes), activation)
    start = nnref.initialise(layers, dtype="float64")
    theta = tuple(Affine(weight * t.W, np.sign(size) * rng.standard_normal(t.b.shape)) if t else () for t in start)
    X = size * rng.standard_normal((sizes[0], N))
    A0, Z1, A1, Z2, A2, Z3 = nnref.network.activations(layers, theta, X)
    passed = {"A0": A0, "Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2, "Z3": Z3, **nnref.named(theta)}
    Y = nnref.one_hot(np.arange(N) % sizes[-1], sizes[-1], "float64")
    return passed | {"Y": Y, "N": N, "K": sizes[-1], "activation": activation}


def assigned(line: str) -> str:
    """The name that a line gives a value, or changes."""
    return re.match(r"\w+", line.rsplit(";", maxsplit=1)[-1].strip())[0]  # type: ignore[index]  # every line begins with a name


def with_mistake(wrong: str) -> list[str]:
    """The backward pass with the wrong line in the place where it belongs."""
    name, lines = assigned(wrong), list(BACKWARD)
    if name == "Y":
        return [wrong, *lines]
    if name == "dP":
        return [line if assigned(line) != "dZ3" else f"{wrong}\n{FROM_P}" for line in lines]
    k = [assigned(line) for line in lines].index(name)
    if re.fullmatch(r"dZ\d\[.*\]", wrong):  # fewer examples of dZ need as many of A
        part = wrong[wrong.index("[") :]
        below = f"A{int(name[2]) - 1}"
        lines[k + 1 : k + 3] = [re.sub(rf"\b({name}|{below})\b", rf"\1{part}", line) for line in lines[k + 1 : k + 3]]
        return lines
    last = wrong.rsplit(";", maxsplit=1)[-1]
    changed = "+=" in last or re.search(rf"\b{name}\b", last.partition("=")[2])  # it stands after the right line
    return [*lines[: k + 1], wrong, *lines[k + 1 :]] if changed else [*lines[:k], wrong, *lines[k + 1 :]]


def run(lines: list[str], start: Numbers) -> dict[str, Any]:
    """The gradients computed by these lines."""
    names = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in start.items()}
    names |= {"np": np, "one_hot": lambda labels: np.eye(start["K"])[:, labels]}
    names |= dict.fromkeys(("alpha", "c", "eps", "lam"), UNKNOWN)
    with np.errstate(all="ignore"):
        for line in lines:
            exec(re.sub(r"slope\((\d)\)", lambda found: SLOPES[start["activation"]].format(l=found[1]), line), names)
    return {name: names[name] for name in ("dW3", "db3", "dW2", "db2", "dW1", "db1")}


def told(wrong: str, start: Numbers) -> str:
    """The first gradient that the line changes: its entry that is furthest off, or its shape; or nothing."""
    truth = run(BACKWARD, start)
    try:
        yours = run(with_mistake(wrong), start)
    except ValueError:  # shapes that do not broadcast
        return ""
    for name, G in yours.items():
        if np.shape(G) != truth[name].shape:
            return f"{name} has the shape {np.shape(G)}, right is {truth[name].shape}"
        worst = np.unravel_index(np.nan_to_num(abs(G - truth[name]), nan=np.inf).argmax(), G.shape)
        if G[worst] != truth[name][worst]:
            return f"{name}[{', '.join(map(str, worst))}] = {apart(G[worst], truth[name][worst])}"
    return ""


def apart(yours: float, truth: float) -> str:
    """Two numbers with as many digits as it takes to tell them apart, and four at least."""
    digits = next((d for d in range(4, 17) if f"{yours:.{d}g}" != f"{truth:.{d}g}"), 17)
    return f"{yours:.{digits}g}, right is {truth:.{digits}g}"


def activation_of(right: str) -> str | None:
    """The activation whose slope stands in a right line; None where there is none."""
    return next((name for name, slope in SLOPES.items() for l in "12" if slope.format(l=l) in right), None)


def first(entry: Mapping[str, str], networks: list[tuple[dict[str, Any], str]]) -> str:
    """The effect of a mistake's line on the first network that shows it, with the activation of its right line.

    Errors: LookupError for a line that changes no number on any.
    """
    activation = activation_of(entry.get("right", ""))
    for start, says in networks:
        if activation not in (None, start["activation"]):
            continue
        if found := told(entry["wrong"], start):
            return f"{found}{says and ', '}{says}"
    raise LookupError(f"{entry['key']}: {entry['wrong']} changes no number on any of the networks that were tried")


def made() -> dict[str, Any]:
    """The effect of every mistake, by its key."""
    networks = [(network(*drawn), says) for *drawn, says in NETWORKS]
    return {"figures": {}, "values": {f"mistake {entry['key']}": first(entry, networks) for entry in catalogue()}}
