"""gradcheck: is this the gradient of this loss? The loss is a black box that is only called."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.complexes import any_complex, check_parts
from nnref.checking.gradcheck.directions import judged_along
from nnref.checking.gradcheck.kinks import settle
from nnref.checking.gradcheck.loss import PerturbedLoss, steady, untouched
from nnref.checking.gradcheck.nesting import leaves, matched, rebuild, refuse_shared_memory
from nnref.checking.gradcheck.slopes import complex_refusal, difference
from nnref.checking.gradcheck.summary import summary
from nnref.checking.gradcheck.verdicts import Tensor, judge_tensor
from nnref.checking.gradcheck.workers import Workers, progress_tick, willing
from nnref.checking.results.entry import Entry
from nnref.checking.results.findings import Finding, readings_of_shape
from nnref.checking.results.report import GradcheckReport, GradientMismatch
from nnref.checking.results.sampling import at_random
from nnref.shapes import Array

READ = 64
"""Entries at which a gradient of the wrong shape is compared with the truth, to say what it computes."""


def gradcheck(
    loss: Callable[[Any], Any],
    parameters: Any,
    gradients: Any,
    *,
    method: str = "auto",
    entries: str | int = "all",
    directions: int = 0,
    rng: np.random.Generator | None = None,
    executor: Executor | None = None,
    progress: bool | Callable[[int, int], None] | None = None,
) -> GradcheckReport:
    """Compare gradients with the slopes of loss(parameters), each in multiples of its own error bar.

    loss is called with float64 copies in the same nesting. gradients has the structure of parameters, or is a callable
    that returns it; None means "not written yet". method is "auto", "central" or "complex"; entries is "all" or how
    many to check in each tensor, drawn from rng; directions is along how many directions of random signs all entries of
    a tensor are checked at once, beside. executor is any concurrent.futures.Executor. progress None shows a bar on a
    terminal where the check takes long; True, also lines elsewhere; a function is told (done, total). A complex
    parameter x + iy is two real ones, and its gradient ∂L/∂x + i ∂L/∂y.
    Errors: GradcheckError, a ValueError of one sentence, for what cannot be checked.
    """
    rng = rng or np.random.default_rng(0)
    refuse_options(method, entries, directions)
    if any_complex(parameters):
        asked = {"method": method, "entries": entries, "directions": directions, "rng": rng}
        spread = {"executor": executor, "progress": progress}
        return check_parts(gradcheck, loss, parameters, gradients, **asked, **spread)
    theta = movable(parameters)
    yours = matched(parameters, untouched("gradients", gradients, parameters) if callable(gradients) else gradients)
    fine = gradients_in_float64(gradients, parameters, theta)
    scalar = steady_loss(loss, parameters, theta, rng, executor)
    refusal = complex_refused(scalar, method, rng)
    places = {name: places_to_check(A, yours[name], entries, rng) for name, A in theta.items()}
    with progress_tick(progress, sum(map(len, places.values()))) as tick:
        workers = Workers(executor, tick)
        tensors = [Tensor(scalar, k, *named, refusal is None, workers, rng) for k, named in enumerate(theta.items())]
        found = judged_rows(tensors, yours, fine, places, directions, rng)
    if workers.again:
        warnings.warn(f"{workers.again} blocks of entries were done again here: their workers were lost", stacklevel=2)
    refuse_changed(scalar, theta)
    by = "complex step, confirmed by differences" if refusal is None else f"central differences ({refusal})"
    done = what_was_done(scalar, tensors, entries, found, refusal is None)
    return GradcheckReport(found, by, done, difference=partial(difference, scalar), noise=scalar.noise)


def movable(parameters: Any) -> dict[str, Array]:
    """The arrays of the parameters by name, each of which can be moved by itself.

    Errors: GradcheckError where there is nothing to move, no slope, or one array under two names.
    """
    theta = leaves(parameters)
    refuse_without_slope(theta)
    refuse_shared_memory(theta)
    return theta


def steady_loss(
    loss: Callable[[Any], Any],
    parameters: Any,
    theta: dict[str, Array],
    rng: np.random.Generator,
    executor: Executor | None,
) -> PerturbedLoss:
    """The loss at copies of the parameters, once seen to be one number, and reproducible on the executor too."""
    call, away = steady(loss, parameters)
    scalar = PerturbedLoss(call, list(theta.values()), rng, away)
    if executor:
        willing(executor, scalar)
    return scalar


def refuse_changed(scalar: PerturbedLoss, theta: dict[str, Array]) -> None:
    """Refuse a loss that modified its arguments, or that now gives another number at the same parameters."""
    if not all(np.array_equal(A, B.astype("float64")) for A, B in zip(scalar.arrays, theta.values(), strict=True)):
        raise GradcheckError("the loss changed its own argument in a later call. Work on a copy of the parameters.")
    scalar.check_same(everywhere=True)


def what_was_done(
    loss: PerturbedLoss, tensors: list[Tensor], entries: str | int, found: tuple[Entry, ...], analytic: bool
) -> dict[str, Any]:
    """What the check did: its number of evaluations, and the least that so many entries need."""
    return {
        "entries": entries if isinstance(entries, str) else int(entries),
        "loss": loss.at,
        "noise of the loss": loss.noise,
        "steps of differences": {t.name: t.step.h for t in tensors if t.step},
        "evaluations": loss.evaluations,
        "least evaluations": sum(entry.checked for entry in found) * (1 if analytic else 2),
    }


def complex_refused(scalar: PerturbedLoss, method: str, rng: np.random.Generator) -> str | None:
    """Why the complex step cannot be trusted for this loss, or None; then rounding is searched more widely."""
    refusal = complex_refusal(scalar, rng) if method != "central" else "asked for"
    if method == "complex" and refusal:
        raise GradcheckError(f'method="complex" cannot be trusted here: {refusal}. Try method="auto".')
    if refusal:
        scalar.look_wide(rng)
    return refusal


def judged_rows(
    tensors: list[Tensor],
    yours: dict[str, Array | None],
    fine: dict[str, Array | None],
    places: dict[str, Array],
    directions: int,
    rng: np.random.Generator,
) -> tuple[Entry, ...]:
    """The row of each tensor. Entries near kinks are settled together, and all are checked along directions too."""
    with np.errstate(all="ignore"):  # a loss that overflows near the point shows in the values found
        found = [row_of_tensor(t, yours[t.name], fine[t.name], places[t.name]) for t in tensors]
        for k, judged in settle(tensors, rng).items():
            found[k] = summary(tensors[k], judged)
    if directions:
        found = [judged_along(t, entry, directions, rng) for t, entry in zip(tensors, found, strict=True)]
    return tuple(found)


def refuse_options(method: str, entries: str | int, directions: int = 0) -> None:
    """Refuse options of unknown value."""
    if method not in ("auto", "central", "complex"):
        raise GradcheckError(f'method should be "auto", "central" or "complex"; {method!r} came.')
    whole = isinstance(entries, int | np.integer) and not isinstance(entries, bool) and entries >= 1
    if entries != "all" and not whole:
        raise GradcheckError(f'entries should be "all" or a positive number for each tensor; {entries!r} came.')
    if isinstance(directions, bool) or not isinstance(directions, int | np.integer) or directions < 0:
        raise GradcheckError(f"directions should be 0 or a positive number; {directions!r} came.")


def refuse_without_slope(theta: dict[str, Array]) -> None:
    """Refuse parameters without entries, or that are not finite."""
    if not any(A.size for A in theta.values()):
        raise GradcheckError("parameters should hold at least one number; none came, so there is nothing to check.")
    for name, A in theta.items():
        bad = np.argwhere(~np.isfinite(A.astype("float64")))
        if len(bad):
            first = tuple(int(k) for k in bad[0])
            raise GradcheckError(f"{name} holds NaN or infinity, first at {first}; no slope exists there.")


def row_of_tensor(tensor: Tensor, g: Array | None, fine: Array | None, places: Array) -> Entry:
    """The tensor with its gradient g; fine is the gradient from float64 parameters, where g is of a coarser dtype."""
    A = tensor.A
    if g is None:
        return Entry(tensor.name, A.shape, A.size, 0, 0, 0, 0, None, "not written yet")
    if g.shape != A.shape:
        return misshapen(tensor, g.astype("float64"), places)
    tensor.a, tensor.places = g.astype("float64").reshape(-1), places
    tensor.coarse = A.dtype.itemsize < 8
    if fine is not None and fine.shape == A.shape and fine.dtype.itemsize >= 8:
        tensor.fine = fine.reshape(-1)
    return entry_of_tensor(tensor)


def entry_of_tensor(tensor: Tensor) -> Entry:
    """The row of a tensor whose entries to check are chosen; without any, nothing is wrong."""
    if not len(tensor.places):
        return Entry(tensor.name, tensor.A.shape, tensor.A.size, 0, 0, 0, 0, None, "ok")
    return summary(tensor, judge_tensor(tensor))


def misshapen(tensor: Tensor, g: Array, places: Array) -> Entry:
    """The row of a gradient of another shape: wrong. Likely causes are tested against the truth at a few entries."""
    A = tensor.A
    finding, seen = Finding("shape", f"shape {g.shape} for {A.shape}"), None
    for likely, values in readings_of_shape(g, A.shape):
        tensor.a, tensor.places = values.reshape(-1), places[:: max(1, len(places) // READ)]
        judged = entry_of_tensor(tensor)
        if seen is None or judged.verdict == "ok":
            finding, seen = likely, judged
        if judged.verdict == "ok":
            finding, seen = Finding(likely.kind, f"{likely.says}; the values are right"), replace(judged, worst=None)
            break
    tensor.judged = None
    checked, worst = (seen.checked, seen.worst) if seen else (0, None)
    return Entry(tensor.name, A.shape, A.size, checked, checked or A.size, 0, 0, worst, "WRONG", (finding,))


def gradients_in_float64(gradients: Any, parameters: Any, theta: dict[str, Array]) -> dict[str, Array | None]:
    """The same gradients from float64 copies of parameters that were declared coarser; None where there are none."""
    if not callable(gradients) or all(A.dtype.itemsize >= 8 for A in theta.values()):
        return dict.fromkeys(theta)
    wide = rebuild(parameters, iter([A.astype("float64") for A in theta.values()]))
    try:
        return matched(parameters, gradients(wide))
    # A kernel may support only its own precision; it is then judged without the float64 gradients.
    except Exception:
        return dict.fromkeys(theta)


def places_to_check(A: Array, g: Array | None, entries: str | int, rng: np.random.Generator) -> Array:
    """Flat indices to check: all, or a random sample, half of it from all entries, half from those with a gradient.

    In a sparse gradient, a sample of all entries would hold only zeros, and one of the others no wrong zero.
    """
    if g is None:
        return np.arange(0)
    if isinstance(entries, str) or entries >= A.size:
        return np.arange(A.size)
    order = rng.permutation(A.size)
    if g.shape == A.shape:
        first, others = np.split(order, [at_random(entries)])
        order = np.concatenate([first, others[np.argsort(g.reshape(-1)[others] == 0, kind="stable")]])
    return np.sort(order[:entries])


def assert_gradients(loss: Callable[[Any], Any], parameters: Any, gradients: Any, **options: Any) -> None:
    """Raise GradientMismatch, which carries the report and prints the table, unless every gradient is right."""
    __tracebackhide__ = True  # pytest then shows the caller's line
    report = gradcheck(loss, parameters, gradients, **options)
    if not report.ok:
        raise GradientMismatch(report)
