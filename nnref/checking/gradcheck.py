"""Is this the gradient of this loss? The loss is only called, never looked into."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nnref.checking.engines import Loss, Slope, complex_refusal, complex_slope
from nnref.checking.report import Entry, GradcheckReport, GradientMismatch, Worst
from nnref.checking.trees import GradcheckError, leaves, matched, rebuild
from nnref.checking.where import patterns, shapes
from nnref.shapes import Array

SURE = 4.0
"""A gap beyond this many error bars is wrong; one within a single bar is right; between the two it cannot be told."""

DECIDES = 1e-2
"""An error bar above this share of the tensor's largest entry decides nothing."""

SHRINKS = 2.0**-14
"""An error that shrinks at least so much when the parameters go from float32 to float64, whose unit is 2⁻²⁹ of it, is
rounding: a mistake stays as it is. This is how 1 − A² near A = 1 is told from a wrong formula."""

RIGHT, UNTOLD, WRONG = 0, 1, 2


def gradcheck(
    loss: Callable[[Any], Any],
    parameters: Any,
    gradients: Any,
    *,
    method: str = "auto",
    entries: str | int = "all",
    rng: np.random.Generator | None = None,
) -> GradcheckReport:
    """Compare gradients with the slopes of loss(parameters), each in multiples of its own error bar.

    gradients has the structure of parameters, or is a callable that returns it; None is "not written yet".
    method is "auto", "central" or "complex"; entries is "all" or how many to check in each tensor.
    Errors: GradcheckError for what cannot be checked. Exceptions of the loss itself pass through.
    """
    rng = rng or np.random.default_rng(0)
    if method not in ("auto", "central", "complex"):
        raise GradcheckError(f'method should be "auto", "central" or "complex"; {method!r} came.')
    if entries != "all" and (isinstance(entries, str | bool) or entries < 1):
        raise GradcheckError(f'entries should be "all" or a positive number for each tensor; {entries!r} came.')
    theta = leaves(parameters)
    yours = matched(parameters, untouched(gradients, parameters) if callable(gradients) else gradients)
    for name, A in theta.items():
        if not np.isfinite(A).all():
            raise GradcheckError(f"{name} holds NaN or infinity; no slope exists there. Look at its first such entry.")
    fine = finely(gradients, parameters, theta)
    scalar = Loss(steady(loss, parameters), list(theta.values()), rng)
    if not np.isfinite(scalar.at):
        raise GradcheckError(f"the loss is {scalar.at} at these parameters; it should be finite. Try smaller ones.")
    refusal = complex_refusal(scalar, rng) if method != "central" else "asked for"
    if method == "complex" and refusal:
        raise GradcheckError(f'method="complex" cannot be trusted here: {refusal}. Try method="auto".')
    found = tuple(
        judge(scalar, k, name, A, yours[name], fine[name], refusal is None, chosen(A, yours[name], entries, rng), rng)
        for k, (name, A) in enumerate(theta.items())
    )
    by = "complex step, confirmed by differences" if refusal is None else f"central differences ({refusal})"
    return GradcheckReport(found, by, {"entries": entries, "loss": scalar.at, "noise of the loss": scalar.noise})


def finely(gradients: Any, parameters: Any, theta: dict[str, Array]) -> dict[str, Array | None]:
    """The same gradients from float64 copies of parameters that were declared coarser; None where there are none."""
    if not callable(gradients) or all(A.dtype.itemsize >= 8 for A in theta.values()):
        return dict.fromkeys(theta)
    wide = rebuild(parameters, iter([A.astype("float64") for A in theta.values()]))
    return matched(parameters, gradients(wide))


def untouched(function: Callable[[Any], Any], parameters: Any) -> Any:
    """function(parameters), refusing one that changes its argument."""
    copies = [A.copy() for A in leaves(parameters).values()]
    given = rebuild(parameters, iter([A.copy() for A in copies]))
    result = function(given)
    for (name, A), before in zip(leaves(given).items(), copies, strict=True):
        if not np.array_equal(A, before, equal_nan=True):
            raise GradcheckError(f"the function changed {name}, its own argument. Work on a copy: {name} = {name} - …")
    return result


def steady(loss: Callable[[Any], Any], parameters: Any) -> Callable[[list[Array]], Array]:
    """The loss of a list of arrays, after it was seen to be one number, the same twice, and to change nothing."""

    def call(arrays: list[Array]) -> Array:
        L = np.asarray(loss(rebuild(parameters, iter(arrays))))
        if L.size != 1 or L.dtype.kind not in "fc":
            raise GradcheckError(
                f"the loss should be one floating-point number; {L.dtype} of shape {L.shape} came. "
                f"For a function with many outputs use check_vjp."
            )
        return L.reshape(())

    first, second = (np.asarray(untouched(loss, parameters)) for _ in range(2))
    if not np.array_equal(first, second, equal_nan=True):
        raise GradcheckError(
            f"the loss is {first} and then {second} at the same parameters. Switch off dropout, or fix its seed."
        )
    return call


def chosen(A: Array, g: Array | None, entries: str | int, rng: np.random.Generator) -> Array:
    """Which flat places to check: all, or so many at random, non-zero gradients first."""
    if isinstance(entries, str) or entries >= A.size:
        return np.arange(A.size)
    order = rng.permutation(A.size)
    if g is not None and g.shape == A.shape:
        order = order[np.argsort(g.reshape(-1)[order] == 0, kind="stable")]
    return np.sort(order[:entries])


def judge(
    loss: Loss,
    tensor: int,
    name: str,
    A: Array,
    g: Array | None,
    fine: Array | None,
    analytic: bool,
    places: Array,
    rng: np.random.Generator,
) -> Entry:
    """The verdict on one tensor's gradient g; fine is the same from float64 parameters, where g is coarser."""
    if g is None:
        return Entry(name, A.shape, A.size, 0, 0, 0, 0, None, "not written yet")
    if g.shape != A.shape:
        return Entry(name, A.shape, A.size, 0, A.size, 0, 0, None, "WRONG", (shapes(g.shape, A.shape),))
    a = g.astype("float64").reshape(-1)
    size = float(np.abs(a[np.isfinite(a)]).max(initial=0))
    slopes = truths(loss, tensor, places, analytic, size)
    t = np.array([s.value for s in slopes])
    scale = max(size, float(np.abs(t[np.isfinite(t)]).max(initial=0)))
    r = rounding(loss, tensor, A, places, slopes, analytic, scale, rng)
    verdicts = [verdict(a[k], s, r, scale) for k, s in zip(places, slopes, strict=True)]
    if analytic:  # a kink bends the complex step to one side: what it calls into question, differences decide
        for i, k in enumerate(places):
            if verdicts[i] != RIGHT:
                slopes[i] = loss.slope(tensor, int(k), scale)
                verdicts[i] = verdict(a[k], slopes[i], r, scale)
    # What float64 parameters cure is rounding, or a mistake of the coarse path alone: neither right nor wrong.
    if fine is not None and fine.shape == A.shape:
        for i, k in enumerate(places):
            gap, left = abs(a[k] - slopes[i].value), abs(fine.flat[k] - slopes[i].value)
            if verdicts[i] != RIGHT and left <= max(SHRINKS * gap, slopes[i].e) and slopes[i].e < gap / SURE:
                verdicts[i] = UNTOLD
    return summary(name, A.shape, a, places, slopes, verdicts, r)


def truths(loss: Loss, tensor: int, places: Array, analytic: bool, scale: float) -> list[Slope]:
    """The slope at every place, by the complex step or by differences."""
    if not analytic:
        return [loss.slope(tensor, int(k), scale) for k in places]
    basis = np.zeros(loss.arrays[tensor].shape)
    slopes = []
    for k in places:
        basis.flat[k] = 1
        slopes.append(Slope(complex_slope(loss, tensor, basis), 0.0))
        basis.flat[k] = 0
    return slopes


def rounding(
    loss: Loss,
    tensor: int,
    A: Array,
    places: Array,
    slopes: list[Slope],
    analytic: bool,
    scale: float,
    rng: np.random.Generator,
) -> float:
    """What rounding in the declared dtype may do to this tensor's gradient.

    Measured: how far the true slopes move when every parameter moves by one unit roundoff, as a rounded forward pass
    moves them; at most 32 places are moved. A sum of k terms rounds like 2 √k of those (noise.allowed); a batch's
    length cannot be seen, so k is taken to be 64 at least.
    """
    u = float(np.finfo(A.dtype).eps) / 2
    multiple = 2 * np.sqrt(max(64, *A.shape, 1))
    if not analytic and A.dtype.itemsize >= 8:
        return float(multiple * u * scale)  # differences carry far more noise than this, in their own bars
    some = np.unique(np.linspace(0, len(places) - 1, min(32, len(places))).astype(int))
    kept = loss.arrays
    loss.arrays = [B * (1 + u * rng.choice([-1, 1], B.shape)) for B in kept]
    try:
        moved = truths(loss, tensor, places[some], analytic, scale)
    finally:
        loss.arrays = kept
    gaps = [abs(m.value - slopes[i].value) for i, m in zip(some, moved, strict=True)]
    return float(multiple * (u * scale + max((gap for gap in gaps if np.isfinite(gap)), default=0.0)))


def verdict(a: float, slope: Slope, r: float, scale: float) -> int:
    """Right, wrong, or cannot tell, for your value a."""
    bar = slope.e + r
    if not np.isfinite(a):
        return WRONG
    if slope.between:
        low, high = slope.between
        if low - bar <= a <= high + bar:
            return RIGHT
    gap = abs(a - slope.value)
    if gap == 0 or (gap <= bar <= DECIDES * scale):
        return RIGHT
    return WRONG if gap > SURE * bar else UNTOLD


def summary(
    name: str,
    shape: tuple[int, ...],
    a: Array,
    places: Array,
    slopes: list[Slope],
    verdicts: list[int],
    r: float,
) -> Entry:
    """The row of the table: counts, the worst entry, and where the wrong ones lie."""
    judged = np.array(verdicts, dtype=int)
    wrong, untold = int((judged == WRONG).sum()), int((judged == UNTOLD).sum())
    t, checked, bad = np.full(a.size, np.nan), np.zeros(a.size, bool), np.zeros(a.size, bool)
    t[places], checked[places], bad[places] = [s.value for s in slopes], True, judged == WRONG
    noises = [
        noise_of(a[k], s, r) if v or not s.between else 0.0 for k, s, v in zip(places, slopes, verdicts, strict=True)
    ]
    worst = None
    if len(places):
        i = max(range(len(places)), key=lambda i: (judged[i], noises[i]))
        at = tuple(int(j) for j in np.unravel_index(int(places[i]), shape))
        worst = Worst(at, float(a[places[i]]), slopes[i].value, noises[i])
    words = "WRONG" if wrong else "cannot tell" if untold else "ok"
    kinks = sum(1 for s, v in zip(slopes, verdicts, strict=True) if s.between and v == RIGHT)
    found = patterns(*(x.reshape(shape) for x in (a, t, checked, bad))) if wrong else ()
    return Entry(name, shape, a.size, len(places), wrong, untold, kinks, worst, words, found)


def noise_of(a: float, slope: Slope, r: float) -> float:
    """The gap in multiples of the error bar: 0 for exact equality, infinite for NaN."""
    gap, bar = abs(a - slope.value), slope.e + r
    return 0.0 if gap == 0 else float(gap / bar) if bar > 0 and np.isfinite(gap) else float("inf")


def check_vjp(
    forward: Callable[..., Any],
    vjp: Callable[..., Any],
    arguments: Mapping[str, Any],
    *,
    wrt: str | tuple[str, ...] | None = None,
    dY: Array | None = None,
) -> GradcheckReport:
    """Is vjp the vector-Jacobian product of forward? Checked as the gradient of the loss ⟨dY, forward(arguments)⟩.

    vjp takes, by name, whichever arguments it needs, dY (any other name that opens with d) and, if it wants it, the
    output (any name left over); it returns one gradient, or one for every name in wrt, in that order or by name.
    """
    names = (wrt,) if isinstance(wrt, str) else tuple(wrt or arguments)
    if unknown := [name for name in names if name not in arguments]:
        raise GradcheckError(f"wrt should name arguments among {list(arguments)}; {unknown} came.")
    Y = np.asarray(forward(**arguments))
    dY = np.random.default_rng(0).standard_normal(Y.shape).astype(Y.dtype) if dY is None else dY
    if dY.shape != Y.shape:
        raise GradcheckError(f"dY should have the shape of the output, {Y.shape}; {dY.shape} came.")
    others = [p for p in inspect.signature(vjp).parameters if p not in arguments]
    slot = next((p for p in others if p.startswith("d")), None)
    if slot is None:
        raise GradcheckError(f"vjp should take dY, under a name that opens with d; it takes {others}.")
    taken = [p for p in inspect.signature(vjp).parameters if p in arguments]
    outputs = [p for p in others if p != slot]

    def gradients(moved: dict[str, Any]) -> dict[str, Any]:
        now = {**arguments, **moved}
        g = vjp(**{p: now[p] for p in taken} | {p: np.asarray(forward(**now)) for p in outputs} | {slot: dY})
        if not isinstance(g, Mapping):
            g = dict(zip(names, (g,) if len(names) == 1 and not isinstance(g, tuple) else g, strict=True))
        return {name: g[name] for name in names}

    at = {name: arguments[name] for name in names}
    return gradcheck(lambda moved: (dY * forward(**{**arguments, **moved})).sum(), at, gradients)


def assert_gradients(loss: Callable[[Any], Any], parameters: Any, gradients: Any, **options: Any) -> None:
    """Raise GradientMismatch, which carries the report and prints the table, unless every gradient is right."""
    report = gradcheck(loss, parameters, gradients, **options)
    if not report.ok:
        raise GradientMismatch(report)
