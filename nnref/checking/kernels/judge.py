"""The verdict on each gradient: every entry, on its own device, with its error in units of rounding."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.checking.kernels.case import KernelCase
from nnref.checking.kernels.framework import dtype_name
from nnref.checking.kernels.recognise import KnownKernel
from nnref.checking.kernels.report import EDGES
from nnref.checking.operations.kernel_arithmetic import KernelPrecision, Rounded
from nnref.checking.operations.kernel_form import RIGHT, Change
from nnref.shapes import Array


@dataclass
class JudgedGradient:
    """One gradient: the kernel's, the truth and the two bounds, in float64 on the device; None where there is none.

    Shapes: all as the argument's.
    """

    name: str
    role: str
    a: Any
    t: Any
    likely: Any
    most: Any
    dtype: str

    @property
    def gap(self) -> Any:
        """How far off each entry is."""
        return abs(self.a - self.t)

    @property
    def wrong(self) -> Any:
        """Entries whose error no rounding can reach, or that are NaN."""
        xp = namespace(self.t)
        return xp.isfinite(self.t) & ~(self.gap <= self.most)

    @property
    def untold(self) -> Any:
        """Entries whose error rounding can reach but is unlikely to; or whose truth is NaN."""
        xp = namespace(self.t)
        return (~xp.isfinite(self.t) | ~(self.gap <= self.likely)) & ~self.wrong

    @property
    def shares(self) -> Any:
        """The error of each entry relative to the likely rounding error; infinite for NaN."""
        xp = namespace(self.t)
        share = self.gap / xp.maximum(self.likely, 0 * self.likely + 2.0**-1070)
        return xp.where(xp.isnan(share), 0 * xp.where(xp.isnan(share), 1 + 0 * self.likely, share) + xp.inf, share)

    def histogram(self) -> tuple[int, ...]:
        """The entries by share: up to the first edge, between edges, beyond the last."""
        xp, shares = namespace(self.t), self.shares
        beyond = [prod(shares.shape), *(int(xp.sum(xp.astype(shares > edge, xp.int64))) for edge in EDGES)]
        return (*(x - y for x, y in pairwise(beyond)), beyond[-1])


def truths(case: KernelCase, known: KnownKernel, dY: Any) -> dict[str, Any]:
    """The closed form's gradients by role, by nnref's proven formulas, in float64."""
    wide = case.framework.wide(dY)
    found = known.form.truth(known.values(case), wide, known.settings)
    return {role: shaped(A, case.given[known.places[role]]) for role, A in found.items()}


def bounds(
    case: KernelCase, known: KnownKernel, dY: Any, precision: KernelPrecision, change: Change = RIGHT
) -> dict[str, tuple[Any, Any, Any]]:
    """The value, likely and largest rounding error of each gradient by role, in a kernel of this precision."""
    ar = Rounded(precision)
    found = known.form.gradients(ar, known.values(case), case.framework.wide(dY), known.settings, change)
    return {
        role: tuple(shaped(A, case.given[known.places[role]]) for A in (C.value, C.likely, C.most))
        for role, C in found.items()
    }


def shaped(A: Any, like: Any) -> Any:
    """An array in the shape of another; a single number is broadcast."""
    shape = tuple(like.shape)
    if isinstance(A, float):
        return A
    return namespace(A).reshape(A, shape)


def judged_gradients(
    case: KernelCase, known: KnownKernel, dY: Any, found: list[Any], accumulate: str
) -> list[JudgedGradient]:
    """Each gradient that was returned, with its truth and its bounds."""
    true, room = truths(case, known, dY), bounds(case, known, dY, known.precision(case, accumulate))
    roles = {place: role for role, place in known.places.items()}
    made = []
    for place, g in zip(case.wrt, found, strict=True):
        role = roles[place]
        if g is None or tuple(g.shape) != tuple(case.given[place].shape):
            continue
        t, (_, likely, most) = true[role], room[role]
        own = KernelPrecision.of(dtype_name(g), "float64")
        likely, most = (e + own.coarse * (abs(t) + e) + own.grain for e in (likely, most))
        made.append(JudgedGradient(case.names[place], role, case.framework.wide(g), t, likely, most, dtype_name(g)))
    return made


def host(case: KernelCase, A: Any) -> Array:
    """Numbers for the report."""
    made: Array = np.asarray(A) if isinstance(A, np.ndarray) else case.framework.host(A)
    return made
