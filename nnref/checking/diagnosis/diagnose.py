"""Which mistakes give these gradients? Each mistake of the catalogue predicts wrong numbers, which are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import DTypeLike

from nnref.checking.diagnosis.backward_lines import HIDDEN, TOP, BackwardMistake
from nnref.checking.diagnosis.catalogue.deltas import DELTAS
from nnref.checking.diagnosis.catalogue.gradients import BIASES, EITHER, WEIGHTS
from nnref.checking.diagnosis.factors import CONSTANT, SCALES
from nnref.checking.diagnosis.search import ExplanationSearch
from nnref.checking.diagnosis.wording import diagnoses_of, worded
from nnref.checking.reference import noise
from nnref.checking.reference.forward_errors import ForwardErrors
from nnref.checking.reference.intermediates import Case
from nnref.checking.results.diagnosis import Diagnosis
from nnref.network import named, unnamed
from nnref.shapes import Array

CATALOGUE: tuple[BackwardMistake, ...] = (*SCALES, CONSTANT, *DELTAS, *WEIGHTS, *BIASES, *EITHER)
"""Every mistake that can be named."""

INPUTS_SEARCHED = 32
"""Number of inputs that the search uses; its result must then explain all inputs."""


LOGITS = {"scale"} | set(TOP) - set(HIDDEN)
"""The lines between the logits and their gradient."""


def catalogue() -> list[dict[str, str]]:
    """The catalogue as plain data: key, line, says, wrong, right, claim; the lines are those of a 3-layer network.

    Mistakes at the logits are shown in its last layer, all others in its second, where every name in them exists; those
    that reach two layers up, in its first. The activation is ReLU, except for SHOWN_WITH_TANH.
    """
    names = ("key", "line", "says", "wrong", "right", "claim")
    return [
        {name: worded(getattr(mistake, name), shown_layer(mistake), shown_activation(mistake), "W") for name in names}
        for mistake in CATALOGUE
    ]


def shown_layer(mistake: BackwardMistake) -> int:
    """The layer of a 3-layer network in which a mistake is shown."""
    return 3 if mistake.line in LOGITS else 1 if "{above}" in mistake.wrong else 2


SHOWN_WITH_TANH = ("slope.twice", "slope.argument", "slope.formula")
"""The mistakes that ReLU does not show: its slope is its own square, and is no formula of A to be miswritten."""


def shown_activation(mistake: BackwardMistake) -> str:
    """The activation with which a mistake is shown."""
    return "tanh" if mistake.key in SHOWN_WITH_TANH else "relu"


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

    gradients by "W1", "b1", … as columns, in whatever shape they came, None for one not written yet; slack is the error
    allowed to each beyond rounding; intermediates are the given "dZ2", "dA1", ….
    """
    yours = {name: None if (g := gradients.get(name)) is None else np.asarray(g, "float64") for name in case.gradients}
    room = {
        name: slack_for_shape(slack.get(name) if isinstance(slack, Mapping) else slack, g) for name, g in yours.items()
    }
    given = {name: np.asarray(V, "float64") for name, V in (intermediates or {}).items() if name[:2] in ("dZ", "dA")}
    allowed = noise.allowed(case.layers, case.theta, case.X.shape[1])
    inputs = largest_inputs(case, yours)
    among: set[str] | None = None
    if inputs is not None:
        n, thin = len(case.X), case_at_inputs(case, inputs)
        theirs = {name: None if g is None else at_inputs(g, inputs, n) for name, g in yours.items()}
        thin_room = {name: at_inputs(r, inputs, n) if isinstance(r, np.ndarray) else r for name, r in room.items()}
        search = ExplanationSearch(ForwardErrors.of(thin, dtype), theirs, thin_room, allowed, learning_rate, given)
        among = {m.key for e in search.explanations() for fault in e.faults for m in fault.mistakes}
    search = ExplanationSearch(ForwardErrors.of(case, dtype), yours, room, allowed, learning_rate, given, among)
    return diagnoses_of(case, search, search.explanations())


def slack_for_shape(slack: Array | float | None, g: Array | None) -> Array | float:
    """The error allowed to each entry of a gradient; in another shape, the largest for all."""
    if slack is None or isinstance(slack, float | int):
        return slack or 0.0
    return slack if g is not None and g.shape == slack.shape else float(np.max(slack, initial=0.0))


def largest_inputs(case: Case, yours: Mapping[str, Array | None]) -> Array | None:
    """The inputs with the largest values, if there are many; None where another layer has the same width."""
    n, N = case.X.shape
    others = {N, *(size for Z in case.Z.values() for size in Z.shape)}
    if n <= 2 * INPUTS_SEARCHED or n in others:
        return None
    return np.sort(np.argsort((case.X**2).sum(axis=1))[-INPUTS_SEARCHED:])


def case_at_inputs(case: Case, inputs: Array) -> Case:
    """The same case with some of its inputs only: the backward pass uses X and W1 nowhere else."""
    X = case.X[inputs]
    arrays = {name: at_inputs(p, inputs, len(case.X)) for name, p in named(case.theta).items()}
    return replace(case, X=X, A={**case.A, "A0": X}, theta=unnamed(arrays, case.layers))


def at_inputs(g: Array, inputs: Array, n: int) -> Array:
    """The part of an array that belongs to some of the n inputs, on whichever axis they lie."""
    for axis in range(g.ndim):
        g = np.take(g, inputs, axis) if g.shape[axis] == n else g
    return g
