"""A kernel against a closed form: every entry, at the given arguments and at drawn ones, in two calls."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.roles import possible_roles
from nnref.checking.kernels.case import KernelCase
from nnref.checking.kernels.judge import JudgedGradient, judged_gradients
from nnref.checking.kernels.naming import Question, common_factor, findings, unseen
from nnref.checking.kernels.recognise import KnownKernel, added_in
from nnref.checking.kernels.report import KernelReport
from nnref.checking.kernels.slips import layer_slip
from nnref.checking.results.entry import Entry, Worst
from nnref.checking.results.findings import Finding, shapes
from nnref.checking.results.report import GradcheckReport

CALLS = 4
"""Further calls compared with a wrong gradient; misses a race that shows in every second call with probability 6 %."""

ELSEWHERE = 11
"""Seed of the drawn arguments at which a right gradient is checked again."""


@dataclass
class Look:
    """What was found at one point: a row for each gradient, its largest error in units of rounding, its histogram."""

    entries: list[Entry]
    shares: dict[str, float] = field(default_factory=dict)
    histograms: dict[str, tuple[int, ...]] = field(default_factory=dict)
    hidden: dict[str, set[str]] = field(default_factory=dict)
    gradients: list[Any] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Is all right?"""
        return all(entry.verdict == "ok" for entry in self.entries)

    @property
    def wrong(self) -> bool:
        """Is anything wrong, or not there?"""
        return any(entry.verdict not in ("ok", "cannot tell") for entry in self.entries)


def closed(case: KernelCase, known: KnownKernel, dY: Any, accumulate: str | None) -> GradcheckReport:
    """The report on a kernel that computes, or should compute, a closed form."""
    added = added_in(case, accumulate)
    Y = case.output()
    if dY is None:
        dY = case.drawn_dY(Y)
    elif tuple(dY.shape) != tuple(Y.shape):
        raise GradcheckError(f"dY should have the shape of the output, {tuple(Y.shape)}; {tuple(dY.shape)} came.")
    first = seen(case, known, dY, added)
    notes = [f"the closed form of {known.form.called}{settled(known)}, {added} sums"]
    if known.share > 1:
        first.entries.insert(0, unlike_forward(known, Y))
    look = first
    if not first.wrong:
        drawn = case.elsewhere(ELSEWHERE)
        second = seen(drawn, known, drawn.drawn_dY(drawn.output(), ELSEWHERE), added)
        case.wrote |= drawn.wrote
        if first.ok and second.ok:
            notes.append("right at drawn arguments too")
            for name, says in first.hidden.items():
                note(first, name, says & second.hidden.get(name, says), case.stored)
        elif first.ok or second.wrong:
            yours = "right" if first.ok else "cannot be told"
            look = marked(second, f"{yours} at your arguments, and not right at drawn ones")
            notes.append("at drawn arguments")
    again = steadiness(case, dY, added, known, first)
    notes += [again] if again else []
    return KernelReport(
        tuple(look.entries), "; ".join(notes), {"u": added}, shares=look.shares, histograms=look.histograms
    )


def settled(known: KnownKernel) -> str:
    """The settings that were found, in brackets."""
    said = [
        f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in known.settings.items()
    ]
    return f" ({', '.join(said)})" if said else ""


def seen(case: KernelCase, known: KnownKernel, dY: Any, added: str) -> Look:
    """The look at one point."""
    given = gradients(case, known, dY, added)
    look = Look([], gradients=given)
    with case.framework.precise(), np.errstate(all="ignore"):
        by_name = {j.name: j for j in judged_gradients(case, known, dY, given, added)}
        for place, g in zip(case.wrt, given, strict=True):
            name, A = case.names[place], case.given[place]
            shape = tuple(A.shape)
            if name in by_name:
                add(look, Question(case, known, dY, by_name[name], added))
            elif g is None:
                look.entries.append(Entry(name, shape, prod(shape), 0, 0, 0, 0, None, "not written yet"))
            else:
                found = shapes(tuple(g.shape), shape)
                size = prod(shape)
                look.entries.append(Entry(name, shape, size, size, size, 0, 0, None, "WRONG", (found,)))
    return look


def gradients(case: KernelCase, known: KnownKernel, dY: Any, added: str) -> list[Any]:
    """The gradients; a user's vjp is called in the way that makes them least wrong."""
    if case.vjp is None or case.roles is not None:
        return case.gradients(dY)
    best, least = None, float("inf")
    for roles in possible_roles(case.vjp, dict(zip(case.names, case.given, strict=True))):
        case.roles = roles
        try:
            with case.framework.precise(), np.errstate(all="ignore"):
                far = sum(distance(j) for j in judged_gradients(case, known, dY, case.gradients(dY), added))
        except GradcheckError:  # the vjp rejects this way of calling it
            continue
        if far < least:
            best, least = roles, far
        if far == 0:
            break
    case.roles = best
    return case.gradients(dY)


def counted(mask: Any) -> int:
    """How many entries a mask holds."""
    xp = namespace(mask)
    return int(xp.sum(xp.astype(mask, xp.int64)))


def distance(j: JudgedGradient) -> float:
    """How far a gradient is from right; 0 where it is right."""
    xp = namespace(j.t)
    return float(xp.mean(xp.log(xp.maximum(j.shares, 0 * j.t + 1)))) if prod(j.t.shape) else 0.0


def add(look: Look, q: Question) -> None:
    """The entry of one gradient."""
    j, xp = q.j, namespace(q.j.t)
    size = prod(j.t.shape)
    wrong, untold = counted(j.wrong), counted(j.untold)
    shares = xp.reshape(j.shares, (-1,))
    at = int(xp.argmax(shares))
    index = tuple(int(k) for k in np.unravel_index(at, tuple(j.t.shape)))
    a, t, share = (float(xp.reshape(A, (-1,))[at]) for A in (j.a, j.t, shares))
    found = findings(q, layer_slip) if wrong or untold else ()
    coarse = f"at most {share:.2g} of what rounding may do" if not wrong else ""
    reason = "rounding can do so much, but is not likely to" if untold else ""
    if not wrong and not untold:
        alike, hidden = unseen(q)
        one = common_factor(q)
        together = [f"as if {says}" for says in alike] or ([one] if one else [])
        if together:
            advice = "" if q.case.stored in ("float32", "float64") else "; the same kernel in float32 would show it"
            untold, reason = size, f"cannot tell in {q.case.stored}: {together[0]}{advice}"
        look.hidden[j.name] = set(hidden)
    verdict = "WRONG" if wrong else "cannot tell" if untold else "ok"
    if untold and found and not wrong:
        reason = f"{reason}; {found[0].says}" if reason else found[0].says
    entry = Entry(
        j.name,
        tuple(j.t.shape),
        size,
        size,
        wrong,
        untold,
        0,
        Worst(index, a, t, share),
        verdict,
        found if wrong else (),
        reason,
        coarse,
    )
    look.entries.append(entry)
    look.shares[j.name], look.histograms[j.name] = share, j.histogram()


def note(look: Look, name: str, hidden: set[str], dtype: str) -> None:
    """Note below a right gradient which mistakes its dtype is too coarse to show."""
    if hidden:
        k = next(k for k, entry in enumerate(look.entries) if entry.name == name)
        said = f"{look.entries[k].coarse}; {dtype} cannot show at this size: {'; '.join(sorted(hidden))}"
        look.entries[k] = replace(look.entries[k], coarse=said)


def marked(look: Look, says: str) -> Look:
    """The look with a sentence put before the other remarks on what is wrong."""
    look.entries = [
        replace(e, where=(Finding("hidden", says), *e.where)) if e.verdict == "WRONG" else e for e in look.entries
    ]
    return look


def unlike_forward(known: KnownKernel, Y: Any) -> Entry:
    """The row of an output that differs from that of the form the caller named."""
    shape = tuple(Y.shape)
    says = f"not the output of {known.form.called} with any setting that was tried: {known.share:.3g} times the allowed"
    return Entry("output", shape, prod(shape), prod(shape), 1, 0, 0, None, "WRONG", (Finding("forward", says),))


def steadiness(case: KernelCase, dY: Any, added: str, known: KnownKernel, first: Look) -> str:
    """Whether further calls give other numbers: because the order of additions varies, or because of a race.

    Where the first call was wrong, more are made, as a race need not show every time.
    """
    apart, others = 0.0, [case.gradients(dY) for _ in range(CALLS if first.wrong else 1)]
    with case.framework.precise(), np.errstate(all="ignore"):
        firsts = judged_gradients(case, known, dY, first.gradients, added)
        for other in others:
            for j, k in zip(firsts, judged_gradients(case, known, dY, other, added), strict=True):
                apart = max(apart, furthest_apart(j, k))
    if apart == 0:
        return "the same in every call"
    if apart <= 1:
        return f"calls differ by up to {apart:.2g} of what rounding may do: sums in a changing order"
    return f"calls differ by up to {apart:.3g} times what rounding may do: a race, or memory that was never written"


def furthest_apart(j: JudgedGradient, k: JudgedGradient) -> float:
    """The largest difference between two calls in units of rounding; infinite for NaN beside a number."""
    if not prod(j.t.shape):
        return 0.0
    xp = namespace(j.t)
    gap = abs(j.a - k.a) / j.likely
    gap = xp.where(xp.isnan(gap) & ~(xp.isnan(j.a) & xp.isnan(k.a)), 0 * j.t + xp.inf, gap)
    return float(xp.max(xp.where(xp.isnan(gap), 0 * j.t, gap)))
