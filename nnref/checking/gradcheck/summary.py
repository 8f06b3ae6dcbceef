"""The summary of a judged tensor: counts, the worst entry, and where the wrong entries lie."""

from __future__ import annotations

import numpy as np

from nnref.checking.gradcheck.slopes import DECIDES
from nnref.checking.gradcheck.verdicts import RIGHT, UNTOLD, WRONG, JudgedTensor, Tensor, Truths
from nnref.checking.results.entry import Entry, Worst
from nnref.checking.results.findings import Finding, patterns, share
from nnref.shapes import Array


def summary(t: Tensor, judged: JudgedTensor) -> Entry:
    """Counts, the worst entry, and where the wrong ones lie."""
    truths, verdicts, r, scale = judged.truths, judged.verdicts, judged.r, judged.scale
    shape, bars = t.A.shape, truths.e + r
    wrong, untold = int((verdicts == WRONG).sum()), int((verdicts == UNTOLD).sum())
    noises = gaps_in_bars(t.a[t.places], truths, bars, verdicts)
    i = int(np.lexsort((noises, verdicts))[-1])
    at = tuple(int(j) for j in np.unravel_index(int(t.places[i]), shape))
    worst = Worst(at, float(t.a[t.places[i]]), float(truths.value[i]), float(noises[i]))
    why = t.reasons.get(max(t.reasons, key=lambda k: noises[k], default=0), "") if untold else ""
    hidden = float(r / scale) if scale > 0 else 0.0
    return Entry(
        name=t.name,
        shape=shape,
        size=t.A.size,
        checked=len(t.places),
        wrong=wrong,
        cannot_tell=untold,
        subgradients=int((~np.isnan(truths.low) & (verdicts == RIGHT)).sum()),
        worst=worst,
        verdict="WRONG" if wrong else "cannot tell" if untold else "ok",
        where=(Finding("tied", t.tied),)
        if t.tied
        else patterns_among_wrong(t, truths, bars, verdicts)
        if wrong
        else (),
        reason=why,
        coarse=f"{t.A.dtype.name}: what is below {share(hidden)} is rounding" if hidden >= DECIDES else "",
    )


def gaps_in_bars(a: Array, truths: Truths, bars: Array, verdicts: Array) -> Array:
    """The gaps in multiples of their error bars: 0 for exact equality and within a kink, infinite for nan."""
    gap = np.abs(a - truths.value)
    with np.errstate(all="ignore"):
        noises = np.where(gap == 0, 0.0, np.where(np.isfinite(gap / bars), gap / bars, np.inf))
    return np.where(~np.isnan(truths.low) & (verdicts == RIGHT), 0.0, noises)


def patterns_among_wrong(t: Tensor, truths: Truths, bars: Array, verdicts: Array) -> tuple[Finding, ...]:
    """The patterns among the wrong entries, on the tensor's own shape."""
    truth, e, bar = np.full(t.a.size, np.nan), np.zeros(t.a.size), np.zeros(t.a.size)
    checked, wrong = np.zeros(t.a.size, bool), np.zeros(t.a.size, bool)
    truth[t.places], e[t.places], bar[t.places] = truths.value, truths.e, bars
    checked[t.places], wrong[t.places] = True, verdicts == WRONG
    return patterns(*(x.reshape(t.A.shape) for x in (t.a, truth, e, bar, checked, wrong)))
