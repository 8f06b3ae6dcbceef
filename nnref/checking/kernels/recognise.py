"""Which closed form is a function? The one whose numbers it gives, at your arguments and at drawn ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations
from math import isnan
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.kernels.case import SMALL, Case
from nnref.checking.kernels.framework import dtype_name
from nnref.checking.operations.closed_forms import forms
from nnref.checking.operations.kernel_arithmetic import Precision, Rounded
from nnref.checking.operations.kernel_form import Form, Settings
from nnref.shapes import ShapeError

PROBE = 7
"""The seed of the arguments at which a form is confirmed."""

SIZES = (2.0**-3, 2.0**-6, 2.0**-9, 2.0**-12)
"""Sizes of rows at which settings that fit otherwise are told apart: an ε shows beside squares of its own size."""

LARGE = (4.0, 16.0)
"""Sizes of rows at which forms that fit otherwise are told apart: GELU and its tanh form beyond 2, ReLU6 beyond 6."""


@dataclass(frozen=True)
class Known:
    """A form, its settings, and the place of the argument that plays each of its roles."""

    form: Form
    settings: Settings
    places: dict[str, int]
    share: float

    def values(self, case: Case) -> dict[str, Any]:
        """The arguments by role, what is floating in float64."""
        made = {}
        for role, place in self.places.items():
            A = case.given[place]
            made[role] = case.framework.whole(A) if role in self.form.whole else case.framework.wide(A)
        return made

    def precision(self, case: Case, accumulate: str) -> Precision:
        """The units of the kernel."""
        return Precision.of(case.stored, accumulate)


def added_in(case: Case, accumulate: str | None) -> str:
    """The dtype in which a kernel adds up: float32, or its own where that is finer, unless told."""
    return accumulate or ("float64" if case.stored == "float64" else "float32")


def form_of(reference: Any) -> Form:
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


def known_forms(case: Case, accumulate: str | None, reference: Any = None) -> list[Known]:
    """The forms that the function is, by its numbers; the one that is named, with its settings found.

    Mostly one or none. Several, where no output of the dtype tells them apart: a gradient is right that is one of
    theirs.
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
    form: Form, case: Case, points: list[tuple[Case, Any]], accumulate: str | None, anyway: bool
) -> list[Known]:
    """The form with the settings and the order of arguments that fit best: [] where none fits, but for anyway."""
    shape, found = tuple(points[0][1].shape), []
    for places in orders(form, case):
        tried = [Known(form, settings, places, 0.0) for settings in fitting_settings(form, case, places, shape)]
        made = ranked(tried, points, accumulate)
        if len(fits := [known for known in made if known.share <= 1]) > 1:
            made = ranked(fits, [*points, *(at(case, (size,)) for size in SIZES)], accumulate)
        found += made[:1]
    best = sorted(found, key=lambda known: known.share)[:1]
    return [known for known in best if anyway or known.share <= 1]


def at(case: Case, sizes: tuple[float, ...]) -> tuple[Case, Any]:
    """Drawn arguments with rows of these sizes, and the output there."""
    drawn = case.elsewhere(PROBE, sizes)
    return drawn, drawn.output()


def ranked(tried: list[Known], points: list[tuple[Case, Any]], accumulate: str | None) -> list[Known]:
    """Forms with settings, the one that is least off at its worst point first."""
    found = [replace(known, share=furthest(known, points, accumulate)) for known in tried]
    return sorted(found, key=lambda known: known.share)


def furthest(known: Known, points: list[tuple[Case, Any]], accumulate: str | None) -> float:
    """The most that the output is off at these points; at the first where it does not fit."""
    share = 0.0
    for case, Y in points:
        share = max(share, off(known, case, Y, accumulate))
        if not share <= 1:
            break
    return share


def orders(form: Form, case: Case) -> Iterator[dict[str, int]]:
    """The places of the arguments by the roles that they may play in a form, in their own order first."""
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


def fitting_settings(form: Form, case: Case, places: dict[str, int], output: tuple[int, ...]) -> list[dict[str, Any]]:
    """The settings of a form for arguments of these shapes; none where it does not take them."""
    shapes = {role: tuple(case.given[place].shape) for role, place in places.items()}
    try:
        return list(form.settings(shapes, output, case.numbers))
    except IndexError:  # another number of axes than it takes
        return []


def off(known: Known, case: Case, Y: Any, accumulate: str | None) -> float:
    """The most that the output is off, in shares of what rounding may do to that form's."""
    framework = case.framework
    with framework.precise(), np.errstate(all="ignore"):
        ar = Rounded(known.precision(case, added_in(case, accumulate)))
        try:
            made = known.form.forward(ar, known.values(case), known.settings)
        except ShapeError:
            return float("inf")
        own = Rounded(Precision.of(dtype_name(Y), "float64")).store(made)
        Y64 = framework.wide(Y)
        xp = namespace(Y64)
        gap = abs(xp.reshape(own.value, Y64.shape) - Y64)
        room = xp.reshape(own.likely, Y64.shape)
        if not bool(xp.any(room < xp.max(abs(Y64)))) and bool(xp.any(Y64 != 0)):
            return float("inf")  # bounds that are wider than all there is say nothing
        share = xp.max(xp.where(gap <= room, gap / room, 1 + gap / room))
        found = float(share)
    return float("inf") if isnan(found) else found
