"""What each mistake of the catalogue does to the numbers: of a small network's gradient one entry, wrong and right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import nnref
from nnref.checking.diagnosis.backward_lines import HIDDEN, TOP, BackwardMistake, BackwardState, known, right_line
from nnref.checking.diagnosis.diagnose import CATALOGUE
from nnref.checking.reference.forward_errors import ForwardErrors
from nnref.checking.reference.intermediates import Case
from nnref.layer import Affine

NETWORKS = (
    ("relu", (6, 5, 4, 3), 7, 1.0, ""),
    ("relu", (4, 4, 4, 4), 4, 1.0, "with square layers"),
    ("tanh", (4, 4, 4, 4), 4, 1.0, "with tanh"),
    ("relu", (5, 4, 3), 6, 40.0, "with large inputs"),
    ("relu", (5, 4, 3), 7, 0.0, "where every input is 0"),
)
"""Activation, sizes, examples, the size of the inputs, and what to say of it. In the first nothing fits by accident;
the others are for mistakes that the ones before do not show."""

UNKNOWN = 0.1
"""What stands for the number that a mistake leaves open, such as a learning rate or a slope."""

GRADIENTS = {"W": ("dW", "gradient"), "b": ("db", "gradient")}


def network(activation: str, sizes: tuple[int, ...], N: int, size: float) -> ForwardErrors:
    """Dense signed inputs of that size and labels of every class; no bias is zero unless the inputs are."""
    rng = np.random.default_rng(0)
    layers = nnref.mlp(list(sizes), activation)
    start = nnref.initialise(layers, dtype="float64")
    theta = tuple(Affine(t.W, np.sign(size) * rng.standard_normal(t.b.shape)) if t else () for t in start)
    Y = nnref.one_hot(np.arange(N) % sizes[-1], sizes[-1])
    return ForwardErrors.of(Case.of(layers, theta, size * rng.standard_normal((sizes[0], N)), Y), "float64")


def halved(G: Any) -> Any:
    """Numbers cut at half of the largest."""
    return np.clip(G, -abs(G).max() / 2, abs(G).max() / 2)


def given(numbers: ForwardErrors) -> Iterator[dict[str, Any]]:
    """Gradients from which a mistake may read its bound, as programs give them: cut, or made of a cut dZ."""
    case = numbers.case
    yield {name: halved(g) for name, g in case.gradients.items()}
    yield {f"W{l}": halved(case.dZ[f"dZ{l}"]) @ case.A[f"A{l - 1}"].T for l in range(1, numbers.depth + 1)}


def places(numbers: ForwardErrors) -> Iterator[tuple[BackwardState, tuple[str, ...]]]:
    """Before each layer's lines, from the last layer down, for its weights and for its bias; all above is right."""
    for yours in given(numbers):
        dZs: dict[int, Any] = {}
        for l in range(numbers.depth, 0, -1):
            lines = TOP if l == numbers.depth else HIDDEN
            for theta, last in GRADIENTS.items():
                yield BackwardState(numbers, l, yours, dict(dZs), theta), (*lines, *last)
            at = BackwardState(numbers, l, yours, dict(dZs))
            for line in lines:
                at = at.put(line, right_line(line, at))
            dZs[l] = known(at.dZ)


def run(at: BackwardState, lines: tuple[str, ...], mistake: BackwardMistake | None) -> Any:
    """The gradient that these lines make, with the mistake on its line; None where it cannot be made here."""
    made = mistake is None
    for line in (*lines, "scale"):
        if line == "scale" and (mistake is None or mistake.line != line):
            continue
        ways = list(mistake.predict(at)) if mistake is not None and line == mistake.line else []
        if ways:
            at, made = at.put("gradient" if line == "scale" else line, ways[0].make(at, UNKNOWN)), True
        elif line != "scale":
            at = at.put(line, right_line(line, at))
    return np.asarray(known(at.g).value) if made else None


def told(mistake: BackwardMistake, numbers: ForwardErrors) -> str:
    """The first gradient that the mistake changes: its entry that is furthest off, or its shape."""
    for at, lines in places(numbers):
        with np.errstate(all="ignore"):
            yours, truth = run(replace(at), lines, mistake), run(at, lines, None)
        if yours is None:
            continue
        name = f"d{at.theta}{at.l}"
        if yours.shape != truth.shape:
            return f"{name} has the shape {yours.shape}, right is {truth.shape}"
        worst = np.unravel_index(np.nan_to_num(abs(yours - truth), nan=np.inf).argmax(), truth.shape)
        if yours[worst] != truth[worst]:
            where = ", ".join(map(str, worst))
            return f"{name}[{where}] = {apart(yours[worst], truth[worst])}"
    return ""


def apart(yours: float, truth: float) -> str:
    """Two numbers with as many digits as it takes to tell them apart, and four at least."""
    digits = next((d for d in range(4, 17) if f"{yours:.{d}g}" != f"{truth:.{d}g}"), 17)
    return f"{yours:.{digits}g}, right is {truth:.{digits}g}"


def first(mistake: BackwardMistake, networks: list[tuple[ForwardErrors, str]]) -> str:
    """What it gives on the first network that shows it.

    Errors: LookupError for a mistake that changes no number on any.
    """
    for numbers, says in networks:
        if found := told(mistake, numbers):
            return f"{found}{says and ', '}{says}"
    raise LookupError(f"{mistake.key} changes no number on any of the networks that were tried")


def made() -> dict[str, Any]:
    """For every mistake what it gives, by its key."""
    networks = [(network(*drawn), says) for *drawn, says in NETWORKS]
    return {"figures": {}, "values": {f"mistake {m.key}": first(m, networks) for m in CATALOGUE}}
