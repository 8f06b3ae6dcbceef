"""What mistake makes a right gradient into this one? Each mistake of the catalogue predicts the wrong numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import DTypeLike

from nnref.checking import noise
from nnref.checking.case import Case
from nnref.checking.mistakes_of_deltas import DELTAS
from nnref.checking.mistakes_of_gradients import BIASES, EITHER, WEIGHTS
from nnref.checking.place import SLOPES, Mistake, Numbers, Prediction
from nnref.checking.scales import CONSTANT, SCALES, ZERO
from nnref.checking.search import Explanation, Fault, Search
from nnref.network import unnamed
from nnref.shapes import Array

__all__ = ["CATALOGUE", "Case", "Diagnosis", "Mistake", "Prediction", "catalogue", "diagnose"]

CATALOGUE: tuple[Mistake, ...] = (*SCALES, CONSTANT, ZERO, *DELTAS, *WEIGHTS, *BIASES, *EITHER)
"""Every mistake that can be named."""

THIN = 32
"""Inputs that the search looks at; what it finds must then explain all of them."""


@dataclass(frozen=True)
class Diagnosis:
    """One mistake found: its name, or None where none of the catalogue explains every wrong entry, and where it is.

    parameter is the first quantity that is wrong, such as "db2" or "dZ1"; also, where the same mistake was made again;
    cleared, what comes before it and is right; explains of `of` wrong entries follow from it. alternatives are other
    mistakes that make the very same numbers on these data.
    """

    mistake: Mistake | None
    parameter: str
    says: str
    explains: int
    of: int
    also: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()
    wrong: str = ""
    right: str = ""
    claim: str | None = None
    detail: str = ""
    alternatives: tuple[Mistake, ...] = ()


def catalogue() -> list[dict[str, str]]:
    """The catalogue as plain data: key, line, says, wrong, right, claim."""
    names = ("key", "line", "says", "wrong", "right", "claim")
    return [{name: worded(getattr(mistake, name), 1, "relu", "W") for name in names} for mistake in CATALOGUE]


def worded(template: str, l: int, activation: str, theta: str) -> str:
    """A line or a sentence for layer l: W2 for W{k}, X for A0."""
    slope = SLOPES[activation].format(l=l)
    text = template.format(l=l, j=l - 1, k=l + 1, theta=theta, activation=activation, slope=slope)
    return text.replace("A0", "X")


def diagnose(
    case: Case,
    gradients: Mapping[str, Array | None],
    *,
    dtype: DTypeLike = "float64",
    slack: Mapping[str, Array] | float = 0.0,
    learning_rate: float | None = None,
    intermediates: Mapping[str, Array] | None = None,
) -> tuple[Diagnosis, ...]:
    """The mistakes that explain these gradients, first mistake first; () if all are right.

    gradients by "W1", "b1", … as columns, in whatever shape they came, None for one not written yet; slack is what each
    may be off beside rounding; intermediates are yours of "dZ2", "dA1", ….
    """
    yours = {name: None if g is None else np.asarray(g, "float64") for name, g in gradients.items()}
    yours = {name: yours.get(name) for name in case.gradients}
    room: dict[str, Array | float] = {
        name: slack if isinstance(slack, float | int) else slack.get(name, 0.0) for name in case.gradients
    }
    given = {name: np.asarray(V, "float64") for name, V in (intermediates or {}).items() if name[:2] in ("dZ", "dA")}
    allowed = noise.allowed(case.layers, case.theta, case.X.shape[1])
    inputs = telling_inputs(case, yours)
    among: set[str] | None = None
    if inputs is not None:
        thin, theirs = thinned(case, inputs), {name: taken(g, inputs, len(case.X)) for name, g in yours.items()}
        thin_room = {name: taken(r, inputs, len(case.X)) if isinstance(r, np.ndarray) else r for name, r in room.items()}
        search = Search(Numbers.of(thin, dtype), theirs, thin_room, allowed, learning_rate, given)
        among = {m.key for e in search.explanations() for fault in e.faults for m in fault.mistakes}
    search = Search(Numbers.of(case, dtype), yours, room, allowed, learning_rate, given, among)
    found = search.explanations()
    return Reporter(case, search, found).diagnoses()


def telling_inputs(case: Case, yours: Mapping[str, Array | None]) -> Array | None:
    """The inputs with the largest values, if there are more than enough; None where no width is theirs alone."""
    n, N = case.X.shape
    others = {N, *(size for Z in case.Z.values() for size in Z.shape)}
    if n <= 2 * THIN or n in others:
        return None
    return np.sort(np.argsort((case.X**2).sum(axis=1))[-THIN:])


def thinned(case: Case, inputs: Array) -> Case:
    """The same case, seen from some of its inputs only: going back, nothing else of X and W1 is used."""
    X = case.X[inputs]
    arrays = {name: taken(p, inputs, len(case.X)) for name, p in parameters(case).items()}
    return replace(case, X=X, A={**case.A, "A0": X}, theta=unnamed(arrays, case.layers))


def taken(g: Array | None, inputs: Array, n: int) -> Array | None:
    """The part of an array that belongs to some of the n inputs, on whichever axis they lie."""
    for axis in range(0 if g is None else g.ndim):
        g = np.take(g, inputs, axis) if g.shape[axis] == n else g
    return g
