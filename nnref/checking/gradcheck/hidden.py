"""Where a mistake in a vjp could hide: at one dY, at a dY of ones, and at arguments that are all ones or all zeros."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError, floating
from nnref.checking.gradcheck.layers import GivenLayer
from nnref.checking.gradcheck.roles import DY
from nnref.checking.results.findings import SURE, Finding
from nnref.checking.results.report import GradcheckReport
from nnref.precision import gathered, unit
from nnref.shapes import Array

SEED = 2
"""Seed of the drawn arguments: the same in every run."""

APART = 3
"""Number of constant arguments up to which they are drawn one at a time, to tell which was forgotten."""

MIX = (0.75, -1.5)
"""The coefficients a, b of the test vjp(a dY₁ + b dY₂) = a vjp(dY₁) + b vjp(dY₂): unequal, not 1, exact in binary."""


def looked_further(
    layer: GivenLayer,
    report: GradcheckReport,
    arguments: dict[str, Any],
    dY: Array,
    other: Array,
    options: Mapping[str, Any],
) -> GradcheckReport:
    """The report or, where that is ok, the first report that finds a mistake at another dY or other arguments.

    other is another dY; the report says what was found there. At a dY of ones the gradient of a norm is 0, and may show
    nothing: then a drawn dY decides.
    """
    flat = is_one_number(dY) and not report.wrong
    if not report.ok and not flat:
        unused = ignores_dY(layer, arguments, dY, other)
        return with_finding(report, "unused dY", "the same for another dY: vjp does not use it") if unused else report
    notes = []
    for where, why, at, by in other_points(layer, arguments, dY, other):
        try:
            found = layer.report(at, by, {**options, "progress": False})
        except GradcheckError as refused:
            notes.append(f"not looked at {where}: {refused}")
            continue
        if found.wrong:
            return with_finding(replace(found, method=f"{found.method}; {where}"), "hidden", why)
        if not found.ok:
            notes.append(f"cannot be told {where}")
        elif not report.ok:
            report = replace(found, method=f"{found.method}; judged {where}: at yours the gradient drowns in rounding")
        else:
            notes.append(f"right {where} too")
    return replace(report, method="; ".join([report.method, *notes]))


def with_finding(report: GradcheckReport, kind: str, what: str) -> GradcheckReport:
    """The report with one finding put before the others, in every row that is wrong."""
    return replace(
        report,
        entries=tuple(
            replace(entry, where=(Finding(kind, what), *entry.where)) if entry.verdict == "WRONG" else entry
            for entry in report.entries
        ),
    )


def other_points(
    layer: GivenLayer, arguments: dict[str, Any], dY: Array, other: Array
) -> Iterator[tuple[str, str, dict[str, Any], Array]]:
    """Other points to check: each with the words for a mistake that shows only there, the arguments, and dY."""
    if is_one_number(dY):
        yield "at a drawn dY", "right only for a dY that is all one number, which hid it", arguments, other
    elif not is_linear_in_dY(layer, arguments, dY, other):
        by = f"vjp is not linear in dY: {MIX[0]} dY + {-MIX[1]} dY' gives another sum"
        yield "at another dY", by, arguments, other
        yield "at a mixture of two dY", by, arguments, mixture(dY, other)
    along, found = other if is_one_number(dY) else dY, list(drawn_beside(layer, arguments))
    if len(found) > APART:
        every = {name: moved for name, _, moved in found}
        why = f"right only where {len(found)} arguments are one number each, which hides one that is forgotten"
        yield f"with {len(found)} arguments drawn beside one number each", why, arguments | every, along
        return
    for name, value, moved in found:
        why = f"right only where {name} is all {value}, which hides a forgotten {name}"
        yield f"with {name} drawn beside all {value}", why, {**arguments, name: moved}, along


def drawn_beside(layer: GivenLayer, arguments: dict[str, Any]) -> Iterator[tuple[str, str, Array]]:
    """The constant arguments, their value in words, and drawn arguments near it."""
    rng = np.random.default_rng(SEED)
    for name in (given for given in layer.roles.values() if given != DY):
        # An argument that the vjp does not take may be one that it remembers; that would then not match a drawn one.
        A = arguments.get(name)
        if isinstance(A, np.ndarray) and floating(A.dtype) and is_one_number(A):
            value = "zeros" if not A.any() else "ones" if (A == 1).all() else f"{A.flat[0]:g}"
            moved = A + (rng.random(A.shape) - 0.5) * (float(A.flat[0]) or 1.0)
            yield name, value, moved.astype(A.dtype)


def is_one_number(A: Array) -> bool:
    """Is an array constant? One with a single entry only counts if that is 0 or 1."""
    return A.size > 0 and bool((A.flat[0] == A).all()) and (A.size > 1 or A.flat[0] in (0, 1))


def mixture(first: Any, second: Any) -> Any:
    """The mixture of two, in their dtype."""
    first, second = np.asarray(first), np.asarray(second)
    return np.asarray(MIX[0] * first + MIX[1] * second).astype(first.dtype)


def gradients_for(layer: GivenLayer, arguments: dict[str, Any], *several: Array) -> list[dict[str, Any]]:
    """The gradients as a function of dY, at these arguments."""
    return [layer.gradients(arguments, dY) for dY in several]


def ignores_dY(layer: GivenLayer, arguments: dict[str, Any], dY: Array, other: Array) -> bool:
    """Does vjp return the same for another dY, and not only zeros?"""
    one, two = gradients_for(layer, arguments, dY, other)
    return all(np.array_equal(one[name], two[name]) for name in one) and any(np.any(A) for A in one.values())


def is_linear_in_dY(layer: GivenLayer, arguments: dict[str, Any], dY: Array, other: Array) -> bool:
    """Is the vjp linear in dY, within rounding? Where a first comparison fails, it is examined closely."""
    one, two, both = gradients_for(layer, arguments, dY, other, mixture(dY, other))
    for name, g in one.items():
        if g is None or two[name] is None or both[name] is None:
            continue
        parts, whole = mixture(g, two[name]), np.asarray(both[name])
        if parts.shape != whole.shape or not floating(parts.real.dtype):
            return False
        size = max((float(np.abs(A).max(initial=0)) for A in (g, two[name], whole)), default=0.0)
        room = SURE * gathered(max(parts.size, dY.size)) * unit(parts.real.dtype) * size
        if not (np.abs(parts - whole).astype("float64") <= room).all():
            return False
    return True
