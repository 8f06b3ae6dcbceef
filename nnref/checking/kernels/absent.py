"""Arguments without a gradient (is there none, or was it forgotten?), and functions that draw random numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from nnref.arrays import namespace
from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.kernels.case import KernelCase
from nnref.checking.kernels.framework import dtype_name
from nnref.checking.operations.kernel_arithmetic import UNITS
from nnref.checking.results.entry import Entry
from nnref.checking.results.findings import Finding
from nnref.checking.results.report import GradcheckReport
from nnref.precision import gathered

SEED = 17
"""The seed of the other numbers that an argument is given, to see whether the output depends on it."""


def decided_where_none_came(case: KernelCase, report: GradcheckReport) -> GradcheckReport:
    """The report, where no gradient came for an argument: right where the output does not depend on it.

    An argument of two numbers, of which one is 0, is a mask: that none came says that it has none.
    """
    missing = [e.name for e in report.entries if e.verdict == "not written yet"]
    if not missing:
        return report
    masks = [name for name in missing if is_mask(case, case.given[case.names.index(name)])]
    entries = [e if e.name not in missing else of_none(case, e) for e in report.entries if e.name not in masks]
    if not entries:
        return report
    said = [f"no gradient came for {', '.join(masks)}, a mask: held fixed"] if masks else []
    return replace(report, entries=tuple(entries), method="; ".join([report.method, *said]))


def of_none(case: KernelCase, entry: Entry) -> Entry:
    """The entry of an argument for which no gradient came."""
    if depends(case, case.names.index(entry.name)):
        says = "no gradient came, and the output depends on it: leave it out of wrt= if it is to have none"
        return replace(entry, where=(Finding("absent", says),))
    return replace(entry, verdict="ok", coarse="no gradient came, and the output does not depend on it")


def depends(case: KernelCase, place: int) -> bool:
    """Does the output change with this argument?"""
    A, given = case.given[place], list(case.given)
    given[place] = case.framework.drawn(tuple(A.shape), A, np.random.default_rng(SEED))
    return not case.framework.same(case.output(), replace(case, given=given).output())


def is_mask(case: KernelCase, A: Any) -> bool:
    """Does it hold 0 and one other number, and nothing else?"""
    with case.framework.precise():
        wide = case.framework.wide(A)
        xp = namespace(wide)
        size = int(np.prod(wide.shape))
        if not size:
            return False
        most, least = xp.max(wide), xp.min(wide)
        two = bool(xp.all((wide == most) | (wide == least)))
        return two and bool(most != least) and bool((most == 0) | (least == 0))


def steady_case(case: KernelCase) -> tuple[KernelCase, list[str]]:
    """The case with a function that repeats itself: its random numbers get one seed, and a note says so.

    Errors: GradcheckError for a function that changes from call to call all the same.
    """
    if same_again(case):
        return case, []
    again = replace(case, framework=case.framework.seeded())
    if not same_again(again):
        raise GradcheckError(
            "the function gives another output in each call, by more than rounding does: there is no gradient to "
            "compare. If it draws random numbers, give it the mask or the key as an argument, or call .eval()."
        )
    return again, ["what it draws is drawn with one seed in every call"]


def same_again(case: KernelCase) -> bool:
    """Do two calls agree, up to rounding from another order of additions?"""
    framework, Y, Z = case.framework, case.output(), case.output()
    if framework.same(Y, Z):
        return True
    with framework.precise(), np.errstate(all="ignore"):
        unit, (Y, Z) = UNITS[dtype_name(Y)], (framework.wide(A) for A in (Y, Z))
        xp = namespace(Y)
        largest = max([max(map(int, A.shape), default=1) for A in case.given if framework.owns(A)], default=1)
        room = unit * gathered(largest) * xp.max(abs(Y))
        return bool(xp.all(~(abs(Y - Z) > room)))
