"""A file with only a cost and its gradient, as two functions: cost(X, y, theta) and gradient(X, y, theta).

Nothing in such a file says whether y is (m,) or (m, 1), and theta (n,) or (n, 1), so all combinations are tried that
both functions accept. The gradient is right if it is right for one of them, and wrong only if it is wrong for all.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.gradcheck import gradcheck
from nnref.checking.reading.names import plain_name
from nnref.checking.reading.source import Source
from nnref.checking.results.certificate import Certificate
from nnref.checking.results.diagnosis import Diagnosis
from nnref.checking.results.report import GradcheckReport
from nnref.checking.watching.calls.calling import own_functions
from nnref.checking.watching.program import execute
from nnref.checking.watching.recording.recorder import Recorder, current, leaf
from nnref.checking.watching.telling.report import settled
from nnref.checking.watching.watch import Watched, watch
from nnref.shapes import Array

COST = re.compile(r"(compute|calculate|calc|get)?(cost|loss|objective|j|mse|costfunction|lossfunction|squarederror)")
GRADIENT = re.compile(r"(compute|calculate|calc|get)?(grad|gradient|gradients|gradientfunction|costgradient|dj|dcost)")
THETA = re.compile(r"theta|w|weights?|params?|parameters|beta|coef(ficient)?s?")
DATA = re.compile(r"x|features|data|inputs?|xtrain")
LABELS = re.compile(r"y|labels?|targets?|t|outputs?|ytrain")
"""Patterns of the names of these functions and their arguments, in small letters and without underscores."""

EXAMPLES, FEATURES = 7, (2, 3, 4)
"""The number of examples, and the numbers of features that are tried: none equals the number of examples."""


@dataclass(frozen=True, eq=False)
class Attempt:
    """One choice of shapes: the arguments, the name of the parameter, and the report of gradcheck."""

    given: Mapping[str, Array]
    theta: str
    report: GradcheckReport

    @property
    def right(self) -> bool:
        """Is every entry of the gradient right?"""
        return all(entry.verdict == "ok" for entry in self.report.entries)

    @property
    def wrong(self) -> bool:
        """Is an entry wrong?"""
        return any(entry.verdict == "WRONG" for entry in self.report.entries)

    def shapes(self) -> str:
        """The arguments and their shapes, as text."""
        return ", ".join(f"{name} {A.shape}" for name, A in self.given.items())


def cost_and_gradient_judged(path: Path, source: Source, data: Any = None) -> Certificate | None:
    """The verdict on the gradient of a file's cost function; None if there is no such pair, or none that runs."""
    run = execute(source, path.resolve(), Recorder(), name="watched", data=data, definitions=True)
    functions = own_functions(run.namespace)
    costs = [f for name, f in functions.items() if COST.fullmatch(plain_name(name))]
    slopes = [f for name, f in functions.items() if GRADIENT.fullmatch(plain_name(name))]
    if len(costs) != 1 or len(slopes) != 1:
        return None
    tried = list(attempts(costs[0], slopes[0]))
    told = [a for a in tried if a.right] or ([a for a in tried if a.wrong] if all(a.wrong for a in tried) else [])
    if not told:
        return None
    best, line = told[0], slopes[0].__code__.co_firstlineno
    found = () if best.right else (mistake(path, source, data, slopes[0], best),)
    return Certificate(
        title=source.name,
        reading=f"{costs[0].__name__} and {slopes[0].__name__} (line {line}) called with {best.shapes()}",
        entries=best.report.entries,
        method=best.report.method,
        settings=best.report.settings,
        gradient_of_own_loss=best.right,
        same_loss=None,
        apart="it is taken as it stands",
        part="loss",
        diagnoses=found,
        read=seen(path, source, data, costs[0], slopes[0], best) if best.right else None,
    )


def seen(
    path: Path, source: Source, data: Any, cost: Callable[..., Any], gradient: Callable[..., Any], tried: Attempt
) -> Watched | None:
    """The two calls as watched, with different numbers in each run, if the gradient is right there too; else None."""

    def run(namespace: dict[str, Any]) -> None:
        rng, marks = np.random.default_rng(current().seed), current()
        given = {name: A if A.size == EXAMPLES else rng.standard_normal(A.shape) for name, A in tried.given.items()}
        kinds = {name: "labels" if A.size == EXAMPLES else "data" for name, A in given.items()} | {
            tried.theta: "random"
        }
        given = {name: marks.leaf(A.copy(), kinds[name]) for name, A in given.items()}
        namespace[cost.__name__](**given)
        marks.pair(given[tried.theta], namespace[gradient.__name__](**given), tried.theta)

    found = watch(path, source=source, data=data, definitions=True, then=run, how="as its names say")
    return found if settled(found) is True else None


def attempts(cost: Callable[..., Any], gradient: Callable[..., Any]) -> Iterator[Attempt]:
    """A check for all shapes of theta, X and y that both functions accept and where the gradient has theta's shape."""
    names, same = list(inspect.signature(cost).parameters), list(inspect.signature(gradient).parameters)
    roles = [[n for n in names if pattern.fullmatch(plain_name(n))] for pattern in (THETA, DATA, LABELS)]
    if sorted(names) != sorted(same) or len(names) != 3 or any(len(found) != 1 for found in roles):
        return
    theta, X, y = (found[0] for found in roles)
    rng = np.random.default_rng(0)
    for n, flat, column in product(FEATURES, (False, True), (True, False)):
        m = EXAMPLES
        given = {
            X: rng.standard_normal((m, n)),
            y: np.resize([0.0, 1.0, 1.0], (m,) if flat else (m, 1)),
            theta: 0.5 * rng.standard_normal((n, 1) if column else (n,)),
        }
        try:
            value, slope = cost(**given), np.asarray(gradient(**given), float)
            if np.size(value) != 1 or slope.shape != given[theta].shape:
                continue
            at = {k: A for k, A in given.items() if k != theta}
            loss, slopes = (partial(value_at, f, at, theta) for f in (cost, gradient))
            report = gradcheck(loss, given[theta], slopes)
        except (GradcheckError, ArithmeticError, TypeError, ValueError, IndexError):
            continue  # these shapes do not fit: others are tried
        yield Attempt(given, theta, report)


def value_at(function: Callable[..., Any], given: Mapping[str, Array], name: str, theta: Array) -> Any:
    """The function's value at theta, the argument of this name, beside the given arguments: a number, or an array."""
    made = np.asarray(function(**given, **{name: theta}))
    return made.reshape(()) if made.size == 1 and theta.size > 1 else made


def mistake(path: Path, source: Source, data: Any, gradient: Callable[..., Any], tried: Attempt) -> Diagnosis:
    """Where the gradient goes wrong: the first line that broadcasts (m,) against (m, 1), else the function's start."""
    recorder = Recorder()

    def run(namespace: dict[str, Any]) -> None:
        namespace[gradient.__name__](**{name: leaf(A.copy(), "data") for name, A in tried.given.items()})

    execute(source, path.resolve(), recorder, name="watched", data=data, definitions=True, then=run)
    name = f"d{tried.theta}"
    for node in recorder.tape:
        shapes = sorted(made.shape for made in node.inputs)
        if node.shape == (EXAMPLES, EXAMPLES) and shapes == [(EXAMPLES,), (EXAMPLES, 1)]:
            says = (
                f"({EXAMPLES}, 1) and ({EXAMPLES},) make {EXAMPLES} × {EXAMPLES}: every example meets every other. "
                f"Give both one shape."
            )
            return Diagnosis(None, name, says, place=line_with_text(source, node.site.line))
    first = gradient.__code__.co_firstlineno
    return Diagnosis(
        None, name, "It is not the slope of the cost.", place=f"at or after {line_with_text(source, first)}"
    )


def line_with_text(source: Source, line: int) -> str:
    """The place of a line, and its text."""
    return f"{source.where(line)}:  {source.line(line).strip()}"
