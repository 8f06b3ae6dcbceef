"""Which closed form does a function compute? The one with its outputs, at the given arguments and at drawn ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations
from math import isnan
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.kernels.case import SMALL, KernelCase
from nnref.checking.kernels.framework import dtype_name
from nnref.checking.operations.closed_forms import forms
from nnref.checking.operations.kernel_arithmetic import KernelPrecision, Rounded
from nnref.checking.operations.kernel_form import ClosedForm, Settings
from nnref.shapes import ShapeError

PROBE = 7
"""The seed of the arguments at which a form is confirmed."""

SIZES = (2.0**-3, 2.0**-6, 2.0**-9, 2.0**-12)
"""Scales of rows that tell settings apart: an ε shows beside squares of its own size."""

LARGE = (4.0, 16.0)
"""Scales of rows that tell forms apart: GELU and its tanh form differ beyond 2, ReLU6 and ReLU beyond 6."""


@dataclass(frozen=True)
class KnownKernel:
    """A closed form, its settings, and the position of the argument for each of its roles."""

    form: ClosedForm
    settings: Settings
    places: dict[str, int]
    share: float

    def values(self, case: KernelCase) -> dict[str, Any]:
        """The arguments by role, floating-point ones in float64."""
        made = {}
        for role, place in self.places.items():
            A = case.given[place]
            made[role] = case.framework.whole(A) if role in self.form.whole else case.framework.wide(A)
        return made

    def precision(self, case: KernelCase, accumulate: str) -> KernelPrecision:
        """The kernel's units of rounding."""
        return KernelPrecision.of(case.stored, accumulate)


def added_in(case: KernelCase, accumulate: str | None) -> str:
    """The dtype in which a kernel accumulates: as given, else float32 or its own if that is finer."""
    return accumulate or ("float64" if case.stored == "float64" else "float32")


def form_of(reference: Any) -> ClosedForm:
    """The form that a caller names: a module such as nnref.rms_norm, one of its functions, or its name.

    Errors: GradcheckError naming the forms there are.
    """
    name = getattr(reference, "__module__", None) if callable(reference) else getattr(reference, "__name__", reference)
    stem = str(name).removeprefix("nnref.")
    for form in forms():
        if stem in (form.name, form.called.replace("-", "_")):
            return form
    known = ", ".join(form.name for form in forms())
    raise GradcheckError(f"reference should be one of nnref's {known}; {reference!r} came. Or give truth=, in float64.")


def known_forms(case: KernelCase, accumulate: str | None, reference: Any = None) -> list[KnownKernel]:
    """The closed forms that have the function's outputs; or the named one, with its settings found.

    Mostly one or none. Several, where the dtype is too coarse to tell them apart: then the gradient of any of them is
    right.
    Errors: GradcheckError where what is named does not take such arguments.
    """
    Y = case.output()
    if 0 in Y.shape or any(0 in case.given[k].shape for k in case.wrt):
        return []
    points, named = [(case, Y), at(case, SMALL)], [form_of(reference)] if reference is not None else []
    found = [known for form in named or forms() for known in in_this_form(form, case, points, accumulate, bool(named))]
    fits = [known for known in found if known.share <= 1]
    if len(fits) > 1:
        fits = ranked(fits, [*points, at(case, LARGE)], accumulate)
        return [known for known in fits if known.share <= 1] or fits[:1]
    if named and not found:
        shapes = ", ".join(str(tuple(A.shape)) for A in case.given if hasattr(A, "shape"))
        form = named[0]
        raise GradcheckError(
            f"{form.called} takes {', '.join(form.roles)}; shapes {shapes} came, output {tuple(Y.shape)}."
        )
    return fits or sorted(found, key=lambda known: known.share)[:1]


def in_this_form(
    form: ClosedForm, case: KernelCase, points: list[tuple[KernelCase, Any]], accumulate: str | None, anyway: bool
) -> list[KnownKernel]:
    """The form with the settings and order of arguments that fit best; [] if none fits, unless `anyway`."""
    shape, found = tuple(points[0][1].shape), []
    for places in orders(form, case):
        tried = [KnownKernel(form, settings, places, 0.0) for settings in fitting_settings(form, case, places, shape)]
        made = ranked(tried, points, accumulate)
        if len(fits := [known for known in made if known.share <= 1]) > 1:
            made = ranked(fits, [*points, *(at(case, (size,)) for size in SIZES)], accumulate)
        found += made[:1]
    best = sorted(found, key=lambda known: known.share)[:1]
    return [known for known in best if anyway or known.share <= 1]


def at(case: KernelCase, sizes: tuple[float, ...]) -> tuple[KernelCase, Any]:
    """Drawn arguments with rows of these sizes, and the output there."""
    drawn = case.elsewhere(PROBE, sizes)
    return drawn, drawn.output()


def ranked(tried: list[KnownKernel], points: list[tuple[KernelCase, Any]], accumulate: str | None) -> list[KnownKernel]:
    """Forms with settings, the one that is least off at its worst point first."""
    found = [replace(known, share=furthest(known, points, accumulate)) for known in tried]
    return sorted(found, key=lambda known: known.share)


def furthest(known: KnownKernel, points: list[tuple[KernelCase, Any]], accumulate: str | None) -> float:
    """The largest error of the output at these points, in units of rounding; stops at the first that does not fit."""
    share = 0.0
    for case, Y in points:
        share = max(share, off(known, case, Y, accumulate))
        if not share <= 1:
            break
    return share


def orders(form: ClosedForm, case: KernelCase) -> Iterator[dict[str, int]]:
    """Assignments of the arguments' positions to the roles of a form, the given order first."""
    arrays = [k for k, A in enumerate(case.given) if case.framework.owns(A)]
    floating = [k for k in arrays if case.framework.floating(case.given[k])]
    whole = [k for k in arrays if k not in floating]
    roles = [role for role in form.roles if role not in form.whole]
    if len(whole) == len(form.whole) and len(roles) - form.optional <= len(floating) <= len(roles):
        for order in permutations(floating):
            yield dict(zip(roles, order, strict=False)) | dict(zip(form.whole, whole, strict=True))
    for mask in (whole or floating) if form.mask and len(arrays) == len(roles) + 1 else ():
        for order in permutations([k for k in arrays if k != mask]):
            yield dict(zip(roles, order, strict=True)) | {form.mask: mask}


def fitting_settings(
    form: ClosedForm, case: KernelCase, places: dict[str, int], output: tuple[int, ...]
) -> list[dict[str, Any]]:
    """The settings that a form may have for arguments of these shapes; none where it cannot take them."""
    shapes = {role: tuple(case.given[place].shape) for role, place in places.items()}
    try:
        return list(form.settings(shapes, output, case.numbers))
    except IndexError:  # the form takes another number of axes
        return []


def off(known: KnownKernel, case: KernelCase, Y: Any, accumulate: str | None) -> float:
    """The largest error of the output, in units of the form's rounding."""
    framework = case.framework
    with framework.precise(), np.errstate(all="ignore"):
        ar = Rounded(known.precision(case, added_in(case, accumulate)))
        try:
            made = known.form.forward(ar, known.values(case), known.settings)
        except ShapeError:
            return float("inf")
        own = Rounded(KernelPrecision.of(dtype_name(Y), "float64")).store(made)
        Y64 = framework.wide(Y)
        xp = namespace(Y64)
        gap = abs(xp.reshape(own.value, Y64.shape) - Y64)
        room = xp.reshape(own.likely, Y64.shape)
        if not bool(xp.any(room < xp.max(abs(Y64)))) and bool(xp.any(Y64 != 0)):
            return float("inf")  # bounds wider than the values themselves decide nothing
        share = xp.max(xp.where(gap <= room, gap / room, 1 + gap / room))
        found = float(share)
    return float("inf") if isnan(found) else found
