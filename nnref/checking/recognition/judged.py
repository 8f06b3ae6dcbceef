"""The gradients of a recognised layer beside its closed form, and the mistake in those that are wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nnref.checking.operations.known import Slip
from nnref.checking.operations.running import Running
from nnref.checking.recognition.layers import Recognised, bar, drawn, holds_floats, running, same, widened
from nnref.checking.results.findings import SURE, Finding
from nnref.checking.results.report import GradcheckReport
from nnref.precision import unit
from nnref.shapes import Array, trusted

SEED = 6
"""Seed of the dY at which a mistake is confirmed: the same in every run."""

Gradients = Callable[[dict[str, Any], Array], dict[str, Any]]
"""What a vjp returns for arguments and dY, by name."""


@dataclass(frozen=True)
class Point:
    """One point of evaluation: the arguments, dY, what the vjp returned there, and the closed form."""

    arguments: Mapping[str, Any]
    dY: Array
    yours: Mapping[str, Array]
    truth: Mapping[str, Running]

    def units(self, name: str, of: Running) -> Array:
        """The distance of a returned gradient from these numbers, entry by entry, in units of their rounding."""
        yours = self.yours[name]
        gap = abs(np.asarray(yours, "float64") - of.value)
        room = bar(of, coarsest(yours, self.arguments), self.arguments)
        with np.errstate(all="ignore"):
            units = np.where(gap == 0, 0.0, gap / room)
        return np.where(np.isfinite(units), units, np.inf)

    def furthest(self, name: str, of: Running | None = None) -> float:
        """The largest such distance, by default from the truth; infinite where the shapes differ."""
        of = self.truth[name] if of is None else of
        if self.yours[name].shape != of.shape:
            return np.inf
        return float(self.units(name, of).max(initial=0))

    def made(self, found: Recognised, slip: Slip) -> Iterator[dict[str, Running]]:
        """The gradients that a mistake gives here, one dictionary for each way to make it."""
        given = running(widened(self.arguments))
        for way in found.known.mistaken(slip, found.reading, given, Running(self.dY), self.yours):
            yield {name: A if isinstance(A, Running) else Running(A) for name, A in way.items()}


def coarsest(yours: Array, arguments: Mapping[str, Any]) -> Any:
    """The coarsest dtype there is: a float64 gradient of float32 arguments may have been computed in either.

    A factor such as 1 / np.sqrt(d) is a float64, and turns a float32 result into a float64.
    """
    given = [A for A in arguments.values() if floats(A)]
    return max((A.dtype for A in (yours, *given)), key=unit)


def judged(
    report: GradcheckReport,
    found: Recognised,
    gradients: Gradients,
    arguments: Mapping[str, Any],
    dY: Array,
) -> GradcheckReport:
    """The report of a layer of the handbook with its name, and the mistake in what is wrong; the verdicts stay."""
    with trusted(), np.errstate(all="ignore"):
        points = [p for p in compared_at(found, gradients, arguments, dY) if p]
        if not points:
            return report
        named = mistakes_by_name(found, points, [entry.name for entry in report.wrong])
        right = [e.name for e in report.entries if e.verdict == "ok" and e.name in points[0].truth]
        units = max((points[0].furthest(name) for name in right), default=None)
    entries = tuple(
        replace(entry, where=(named[entry.name], *entry.where)) if entry.name in named else entry
        for entry in report.entries
    )
    method = f"{report.method}; forward is {found.reading.says}"
    if units is not None and units <= SURE:
        method += f": what is ok is within {units:.2g} of what rounding may do to its closed form"
    elif units is not None:
        method += ": what is ok is right, but by another formula, or another subgradient, than its closed form"
    return replace(report, entries=entries, method=method)


def drawn_anew(
    found: Recognised,
    output: Callable[[dict[str, Any]], Array],
    gradients: Gradients,
    arguments: dict[str, Any],
    dY: Array,
    may: set[str],
) -> dict[str, Any] | None:
    """Other arguments at which a vjp is far from the closed form of its layer, which forward is there too; or None.

    They have both signs or, where forward is not the layer there, the signs of the given ones. Only arguments that the
    vjp itself takes are drawn: anything it remembers would belong to the earlier arguments.
    """
    with trusted(), np.errstate(all="ignore"):
        for signed in (True, False):
            others = in_dtypes_of(arguments, drawn(widened(arguments), signed, found.positive))
            if found.reading.name == "max_pool":  # whole numbers, of which several are the largest
                others = {name: np.round(A) if floats(A) else A for name, A in others.items()}
            at = {name: others[name] if name in may else A for name, A in arguments.items()}
            if is_layer_at(found, output, widened(at)):
                there = point(found, gradients, at, dY)
                return at if there and any(there.furthest(name) > SURE * SURE for name in there.truth) else None
    return None


def floats(A: Any) -> bool:
    """An array of floating-point numbers?"""
    return isinstance(A, np.ndarray) and holds_floats(A)


def is_layer_at(found: Recognised, output: Callable[[dict[str, Any]], Array], arguments: dict[str, Any]) -> bool:
    """Is forward the layer here too?"""
    try:
        return same(found, arguments, np.asarray(output(arguments), "float64"))
    except Exception:  # a stranger's function
        return False


def compared_at(
    found: Recognised, gradients: Gradients, arguments: Mapping[str, Any], dY: Array
) -> Iterator[Point | None]:
    """The given arguments, and drawn ones, at which no special value hides a mistake.

    The drawn ones have the dtypes of the given ones, so that a single-precision kernel is judged as one.
    """
    yield point(found, gradients, dict(arguments), dY)
    other = np.random.default_rng(SEED).standard_normal(np.shape(dY))
    yield point(
        found,
        gradients,
        in_dtypes_of(arguments, drawn(widened(arguments), positive=found.positive)),
        in_dtype_of(dY, other),
    )


def in_dtypes_of(arguments: Mapping[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """Other arguments in the dtypes of these."""
    return {name: in_dtype_of(arguments[name], A) if isinstance(A, np.ndarray) else A for name, A in others.items()}


def in_dtype_of(A: Any, B: Array) -> Array:
    """An array in the dtype of another."""
    return B.astype(np.asarray(A).dtype)


def point(found: Recognised, gradients: Gradients, arguments: dict[str, Any], dY: Array) -> Point | None:
    """The evaluation at one point; None where the vjp fails there, or returns no numbers."""
    try:
        given = gradients(arguments, dY)
        yours = {name: np.asarray(g) for name, g in given.items() if g is not None}
        truth = found.truth(widened(arguments), np.asarray(dY, "float64"))
    except Exception:  # a stranger's function
        return None
    if any(g.dtype.kind not in "fV" for g in yours.values()):
        return None
    return Point(arguments, np.asarray(dY, "float64"), yours, {name: t for name, t in truth.items() if name in yours})


def mistakes_by_name(found: Recognised, points: list[Point], wrong: list[str]) -> dict[str, Finding]:
    """By name, the mistake that reproduces a wrong gradient at every point."""
    names = [name for name in wrong if all(name in p.truth for p in points)]
    says: dict[str, list[str]] = {}
    for slip in found.known.slips if names else ():
        fits = names_explained(found, slip, points, names)
        for name in (name for name in names if name in fits):
            if slip.says not in says.setdefault(name, []):
                says[name].append(slip.says)
    sentences = {name: "; or else: ".join(says[name]) for name in names if name in says}
    found_at: dict[str, str] = {}
    for name, said in sentences.items():
        found_at.setdefault(said, name)
    return {
        name: Finding("layer", said if found_at[said] == name else f"the same mistake as in {found_at[said]}")
        for name, said in sentences.items()
    }


def names_explained(found: Recognised, slip: Slip, points: list[Point], names: list[str]) -> set[str]:
    """The names of the wrong gradients that one way to make a mistake explains, if it explains all that it changes."""
    try:
        several = zip(*(list(p.made(found, slip)) for p in points), strict=True)
        for made in several:
            touched = [name for name in made[0] if name in points[0].truth]
            if touched and all(
                explains(p, name, way[name]) for p, way in zip(points, made, strict=True) for name in touched
            ):
                apart = {n for n in touched if n in names and any(p.furthest(n) > SURE * SURE for p in points)}
                if apart:
                    return apart
    except (ValueError, IndexError):  # impossible with these shapes
        return set()
    return set()


def explains(p: Point, name: str, made: Running) -> bool:
    """Does the returned gradient equal these numbers, where they differ from the truth?"""
    return p.furthest(name, made) <= SURE
