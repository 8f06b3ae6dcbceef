"""The catalogued mistakes of a layer, looked for in the gradients of a kernel that computes that layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.checking.kernels.judge import JudgedGradient, host
from nnref.checking.kernels.naming import Question
from nnref.checking.operations.kernel_arithmetic import UNITS, Plain
from nnref.checking.operations.running import Running
from nnref.checking.recognition.layers import Recognised, recognised, running
from nnref.checking.results.findings import SURE, Finding
from nnref.precision import gathered
from nnref.shapes import Array, trusted

LARGE = 1 << 18
"""Size of a gradient above which the catalogue is not tried, as its mistakes are computed on the host."""


def layer_slip(q: Question) -> Finding | None:
    """The mistake of the layer's catalogue that gives this gradient.

    The layer is the one that has the closed form's outputs, along any axis and in any layout.
    """
    if prod(q.j.t.shape) > LARGE:
        return None
    known, case = q.known, q.case
    arguments = {role: host(case, case.given[place]) for role, place in known.places.items()}
    dY = host(case, q.dY)

    def call(at: Mapping[str, Any]) -> Array:
        return np.asarray(known.form.forward(Plain(), at, known.settings)).reshape(dY.shape)

    with trusted(), np.errstate(all="ignore"):
        found = recognised(call, arguments, call(arguments))
        made = predicted_gradients(found, arguments, dY, q.j, host(case, q.j.a)) if found else iter(())
        return next((Finding("mistake", says) for says, w in made if explains_gradient(q, w)), None)


def predicted_gradients(
    found: Recognised, arguments: dict[str, Any], dY: Array, j: JudgedGradient, yours: Array
) -> Iterator[tuple[str, Running]]:
    """Every mistake in words, with this gradient as each way to make the mistake gives it."""
    at = running(arguments)
    for one in found.known.slips:
        try:
            for made in found.known.mistaken(one, found.reading, at, Running(dY), {j.role: yours}):
                if j.role in made:
                    yield one.says, namespace(made[j.role]).reshape(made[j.role], yours.shape)
        except (ValueError, IndexError):  # impossible with these shapes
            continue


def explains_gradient(q: Question, made: Running) -> bool:
    """Does the kernel's gradient equal these numbers up to rounding, where they differ from the truth?"""
    a, t, likely = (host(q.case, A) for A in (q.j.a, q.j.t, q.j.likely))
    w, longest = made.value, max(a.shape, default=1)
    of_its_own = max(UNITS[q.accumulate] * gathered(longest), UNITS[q.j.dtype]) * made.e
    room = 2 * likely + SURE * of_its_own + np.finfo("float64").tiny
    if not np.isfinite(w).all() or not (abs(a - w) <= room).all():
        return False
    return bool((abs(w - t) > room).any())
