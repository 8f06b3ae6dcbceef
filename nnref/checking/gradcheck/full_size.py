"""A layer of full size: a few entries by differences, all entries by the closed form of the layer it is recognised as.

Differences cost several forward passes for each entry: too slow for a million. For a recognised function the closed
form gives all entries at once. Where a gradient differs from it, differences decide on the entries with the largest
gap, since another formula may be right and round more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nnref.checking.gradcheck.gradcheck import gradcheck
from nnref.checking.gradcheck.layers import GivenLayer, Inner, wide_of
from nnref.checking.recognition.judged import Point, point
from nnref.checking.recognition.layers import Recognised, bar
from nnref.checking.results.entry import Entry, Worst
from nnref.checking.results.findings import SURE, patterns
from nnref.checking.results.report import GradcheckReport
from nnref.shapes import Array, trusted

WHOLE = 1 << 14
"""Total number of entries up to which differences are taken for each."""

ASKED = 256
"""Entries of a larger gradient for which differences are taken: random ones, and those furthest from the formula."""


def large(arguments: Mapping[str, Any], names: tuple[str, ...], options: Mapping[str, Any]) -> bool:
    """Are there more than WHOLE entries, and did the caller not say how many to check?"""
    return "entries" not in options and sum(np.size(arguments[name]) for name in names) > WHOLE


def fewer(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a check by differences of a few entries."""
    return {**options, "entries": ASKED}


def everywhere(
    report: GradcheckReport, found: Recognised, layer: GivenLayer, arguments: Mapping[str, Any], dY: Array
) -> GradcheckReport:
    """The report of a few entries, extended to all by the closed form."""
    with trusted(), np.errstate(all="ignore"):
        here = point(found, layer.gradients, dict(arguments), dY)
        if here is None:
            return report
        entries = tuple(
            extended(entry, here, layer, arguments, dY) if comparable(entry, here) else entry
            for entry in report.entries
        )
    extended_to = [entry.name for entry in entries if comparable(entry, here)]
    note = f"{ASKED} entries of each; every entry of {', '.join(extended_to)} beside the closed form"
    return replace(report, entries=entries, method=f"{report.method}; {note}" if extended_to else report.method)


def comparable(entry: Entry, here: Point) -> bool:
    """Is there a closed form of the same shape?"""
    return entry.name in here.truth and here.yours[entry.name].shape == here.truth[entry.name].shape


def extended(entry: Entry, here: Point, layer: GivenLayer, arguments: Mapping[str, Any], dY: Array) -> Entry:
    """The verdict on all entries of one gradient."""
    name, truth = entry.name, here.truth[entry.name]
    units = here.units(name, truth)
    apart = units > SURE
    if not apart.any():
        return replace(entry, checked=entry.size)
    furthest = np.argsort(units, axis=None)[::-1][: min(ASKED, int(apart.sum()))]
    asked = by_differences(name, furthest, here, layer, arguments, dY)
    if entry.verdict != "WRONG" and asked.verdict == "ok":
        return entry  # another formula that rounds more: differences decide
    if entry.verdict != "WRONG" and asked.verdict != "WRONG":
        return replace(entry, cannot_tell=int(apart.sum()), verdict="cannot tell", reason=asked.reason)
    a, t = np.asarray(here.yours[name], "float64"), truth.value
    room = bar(truth, here.yours[name].dtype, here.arguments)
    where = patterns(a, t, 0 * t, room, np.ones(t.shape, bool), apart)
    at = tuple(int(k) for k in np.unravel_index(int(furthest[0]), t.shape))
    worst = Worst(at, float(a[at]), float(t[at]), float(units[at]))
    return replace(
        entry, checked=entry.size, wrong=int(apart.sum()), cannot_tell=0, worst=worst, verdict="WRONG", where=where
    )


def by_differences(
    name: str, places: Array, here: Point, layer: GivenLayer, arguments: Mapping[str, Any], dY: Array
) -> Entry:
    """The verdict of differences on these entries of one gradient."""
    A = np.asarray(arguments[name])
    loss = Inner(layer, dict(arguments), wide_of(dY))

    def moved(values: Array) -> Array:
        B = A.astype(values.dtype)
        B.reshape(-1)[places] = values
        return loss({name: B})

    report = gradcheck(moved, A.reshape(-1)[places], here.yours[name].reshape(-1)[places], progress=False)
    return report.entries[0]
