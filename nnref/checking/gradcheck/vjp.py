"""Is a vector-Jacobian product right? A layer or a kernel, checked as the gradient of the loss ⟨dY, f(x)⟩."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError, array, array_from, floating
from nnref.checking.gradcheck.full_size import everywhere, fewer, large
from nnref.checking.gradcheck.hidden import looked_further, with_finding
from nnref.checking.gradcheck.layers import GivenLayer
from nnref.checking.gradcheck.roles import in_words, is_taken_for_output, parameters_of, possible_roles
from nnref.checking.recognition.judged import drawn_anew, judged
from nnref.checking.recognition.layers import Recognised, recognised
from nnref.checking.results.findings import Finding
from nnref.checking.results.report import GradcheckReport
from nnref.precision import unit
from nnref.shapes import Array

SEED = 0
"""Seed of dY: the same in every run, so that failures can be reproduced."""

TRIED = 4
"""Entries at which a way to call a vjp is tried: a wrong way is right at none, except zeros."""


def check_numpy_vjp(
    forward: Callable[..., Any],
    vjp: Callable[..., Any],
    arguments: Any,
    *,
    wrt: str | tuple[str, ...] | None = None,
    dY: Array | None = None,
    **options: Any,
) -> GradcheckReport:
    """Is vjp the vector-Jacobian product of forward? Checked as the gradient of the loss ⟨dY, forward(**arguments)⟩.

    arguments are by name; a tuple is taken in forward's order, and an array alone as its first. forward is the truth,
    called with float64 copies; it need not be the kernel's own, and a float32 or bfloat16 vjp is judged in the unit of
    the arguments it is given. vjp takes, by name, whichever arguments it needs, dY and, if it wants it, the output;
    what a parameter of another name is, is found by trying. It returns one gradient, or one for every name in wrt, in
    that order or by name. wrt None means every floating-point argument; dY None is drawn from a fixed seed, dense and
    without pattern, in the coarsest dtype of those. Everything is given as a copy. A vjp that is right is looked at
    again where a mistake could hide: at another dY, and at drawn arguments in place of constant ones. A layer of the
    handbook, which forward is if its numbers say so, is compared with its closed form at full size. Of complex
    numbers ⟨dY, Y⟩ is the real part of Σ conj(dY) Y. Options are those of gradcheck.
    Errors: GradcheckError for what cannot be checked.
    """
    arguments = arguments_by_name(forward, arguments)
    names = differentiated(arguments, wrt)
    Y = GivenLayer(forward, vjp, names, {}).output(arguments)
    coarsest = max((real(arguments[name], name).dtype for name in names), key=unit)
    if dY is None:
        dY = drawn(Y, coarsest, SEED)
    elif np.shape(dY) != Y.shape:
        raise GradcheckError(f"dY should have the shape of the output, {Y.shape}; {np.shape(dY)} came.")
    layer = likeliest(forward, vjp, arguments, names, np.asarray(dY))
    dY = np.asarray(dY)
    found = recognised(layer.output, arguments, Y)
    few = found is not None and large(arguments, names, options)
    options = fewer(options) if few else options
    report = layer.report(arguments, dY, options)
    report = looked_further(layer, report, arguments, dY, drawn(Y, coarsest, SEED + 1), options)
    if found is not None:
        report = everywhere(report, found, layer, arguments, dY) if few else report
        report = judged(report, found, layer.gradients, arguments, dY)
        report = elsewhere(report, found, layer, arguments, dY, options) if report.ok else report
    return replace(report, method="; ".join([report.method, *beside(report, layer, arguments)]))


def beside(report: GradcheckReport, layer: GivenLayer, arguments: Mapping[str, Any]) -> list[str]:
    """The report with remarks: arguments that the vjp modified, and how it was called if that may be the mistake."""
    notes = [f"vjp writes into {name}, of which it was given a copy" for name in sorted(layer.wrote)]
    if (not report.ok or is_taken_for_output(layer.roles)) and len(possible_roles(layer.vjp, arguments)) > 1:
        # A parameter without an argument of its name may be one under another name, which is no mistake.
        notes.append(f"vjp was given {in_words(layer.roles)}")
    return notes


def elsewhere(
    report: GradcheckReport,
    found: Recognised,
    layer: GivenLayer,
    arguments: dict[str, Any],
    dY: Array,
    options: Mapping[str, Any],
) -> GradcheckReport:
    """The report, or that at drawn arguments if there the vjp of a recognised layer makes a catalogued mistake.

    Inputs that are all positive, or errors that are all beyond Huber's δ, hide mistakes for other values. A vjp that
    merely remembers the given arguments makes no catalogued mistake at others: then the report stays, and says so. It
    stays too where only equal pixels would show a mistake, as there may never be any.
    """
    at = drawn_anew(found, layer.output, layer.gradients, arguments, dY, set(layer.roles.values()))
    if at is None:
        return report
    there = layer.report(at, dY, {**options, "progress": False})
    if not there.wrong:
        return report
    there = judged(replace(there, method=f"{there.method}; with arguments drawn anew"), found, layer.gradients, at, dY)
    says = next((f.says for entry in there.entries for f in entry.where if f.kind == "layer"), None)
    if says is None or found.reading.name == "max_pool":
        caution = Finding("elsewhere", f"at other arguments: {says or 'not the gradient, unless vjp remembers yours'}")
        first, *others = report.entries
        return replace(report, entries=(replace(first, where=(*first.where, caution)), *others))
    return with_finding(there, "hidden", "right at the arguments given, and wrong at others that were drawn")


def likeliest(
    forward: Callable[..., Any], vjp: Callable[..., Any], arguments: dict[str, Any], names: tuple[str, ...], dY: Array
) -> GivenLayer:
    """The layer with the roles under which its vjp is right at a few entries or, if none is, least wrong."""
    ways = possible_roles(vjp, arguments)
    if len(ways) == 1:
        return GivenLayer(forward, vjp, names, ways[0])
    best, least = ways[0], np.inf
    for roles in ways:
        try:
            found = GivenLayer(forward, vjp, names, roles).report(arguments, dY, {"entries": TRIED, "progress": False})
        except GradcheckError:  # another shape, or an error of the user's function under a wrong way to call it
            continue
        if found.ok:
            return GivenLayer(forward, vjp, names, roles)
        wrong = sum(entry.wrong + entry.cannot_tell for entry in found.entries)
        if wrong < least:
            best, least = roles, wrong
    return GivenLayer(forward, vjp, names, best)


def real(A: Any, name: str) -> Array:
    """The argument's real part, whose dtype decides what rounds."""
    A = array_from(A, name)
    return A.real if A.dtype.kind == "c" else array(A, name)


def drawn(Y: Array, dtype: np.dtype[Any], seed: int) -> Array:
    """A dY like the output, dense and without pattern."""
    rng = np.random.default_rng(seed)
    D = rng.standard_normal(Y.shape).astype(dtype)
    return D + 1j * rng.standard_normal(Y.shape).astype(dtype) if Y.dtype.kind == "c" else D


def arguments_by_name(forward: Callable[..., Any], arguments: Any) -> dict[str, Any]:
    """The arguments under the names that forward gives them."""
    if isinstance(arguments, Mapping):
        return dict(arguments)
    places = arguments if isinstance(arguments, tuple | list) else (arguments,)
    if any(p.kind is p.VAR_POSITIONAL for p in parameters_of(forward)):
        raise GradcheckError(
            'forward does not name its arguments, so that vjp cannot be given them; try {"x": x} and vjp(x, dY).'
        )
    try:
        return dict(inspect.signature(forward).bind(*places).arguments)
    except TypeError as error:
        raise GradcheckError(f"arguments should be those of forward; {len(places)} came: {error}.") from error


def differentiated(arguments: Mapping[str, Any], wrt: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """The names of the arguments to check: those of wrt, or every floating-point one, real or complex."""
    if wrt is None:
        dtypes = {name: np.asarray(A).dtype for name, A in arguments.items()}
        names = tuple(name for name, dtype in dtypes.items() if floating(dtype) or dtype.kind == "c")
        if not names:
            raise GradcheckError(f"arguments should hold a floating-point array to move; {list(arguments)} hold none.")
        return names
    names = (wrt,) if isinstance(wrt, str) else tuple(wrt)
    if unknown := [name for name in names if name not in arguments]:
        raise GradcheckError(f"wrt should name arguments among {list(arguments)}; {unknown} came.")
    return names
