"""The rows of the report where the loss is the reference's: every gradient against the reference's."""

from __future__ import annotations

import numpy as np

from nnref.checking.homework.entry_verdict import Tolerance, judged_entry
from nnref.checking.homework.recognition import NetworkReading
from nnref.checking.reading.network import RATE
from nnref.checking.reference import noise
from nnref.checking.results.entry import Entry
from nnref.network import named
from nnref.shapes import Array

STRANGER = 16.0
"""Multiple of the reference's rounding that is allowed: other formulas for the same (an unshifted exponential, a
division in every line, −y/p through the softmax's Jacobian) round a few times more. Mistakes are about 10¹⁰ times as
large."""


def entries_against_reference(reading: NetworkReading, slack: dict[str, Array]) -> list[Entry]:
    """Every entry of every gradient against the reference's, in units of its rounding, the last layer first."""
    case = reading.case
    assert case is not None
    S = named(noise.scale(case.layers, case.theta, case.X, case.Y, reading.dtype))
    allowed, shapes = allowance(reading), reading.network.shapes()
    found = []
    for name in sorted(reading.gradients, key=lambda n: (-int(n[1:]), n[0])):
        # The truth is the reference's backward pass in float64, whose own rounding is u64 S.
        error = noise.unit("float64") * S[name] + slack.get(name, 0.0) / allowed
        bar = Tolerance(S[name], reading.dtype, allowed, error)
        shape, g = shapes[name], reading.gradients[name]
        came = np.shape(reading.backward_pass.gradients[name]) if g is not None else None
        turned = reading.convention.weights == "rows" if 1 not in shape else shape[0] == 1
        found.append(
            judged_entry(name, g, case.gradients[name], bar, shape, came=came, turned=turned, absent="not found")
        )
    return found


def allowance(reading: NetworkReading) -> float:
    """The multiple of u S that is allowed to other people's formulas."""
    assert reading.case is not None
    return STRANGER * noise.allowed(reading.case.layers, reading.case.theta, reading.X.shape[1])


def gradients_right(entries: list[Entry]) -> bool | None:
    """Are the gradients right? None if none is wrong, but some are undecided or absent."""
    verdicts = {entry.verdict for entry in entries}
    return False if "WRONG" in verdicts else True if verdicts <= {"ok"} else None


def slack_of_update(reading: NetworkReading) -> dict[str, Array]:
    """The error of a gradient read from (before − after) / rate: the parameter was rounded, before and after."""
    if not reading.backward_pass.updated or reading.case is None:
        return {}
    u = noise.unit(reading.dtype)
    theta = dict(zip(parameter_names(reading), parameters_in_order(reading), strict=True))
    step = reading.backward_pass.step
    return {n: 2 * u * (2 * np.abs(p) / RATE / step + np.abs(reading.case.gradients[n])) for n, p in theta.items()}


def parameter_names(reading: NetworkReading) -> list[str]:
    """W1, b1, W2, … of the network's layers."""
    return [f"{p}{l}" for l in range(1, len(reading.sizes)) for p in "Wb"]


def parameters_in_order(reading: NetworkReading) -> list[Array]:
    """The parameters as columns, in that order."""
    return [A for layer in reading.theta for A in layer]
