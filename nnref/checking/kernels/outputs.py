"""Several outputs: each is a question of its own, and then all together are one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.kernels.case import Case
from nnref.checking.kernels.report import KernelReport
from nnref.checking.results.entry import Entry
from nnref.checking.results.findings import Finding
from nnref.checking.results.report import GradcheckReport

TOGETHER = 32
"""Entries of each gradient that are compared for all outputs at once, when each alone is right everywhere."""

Asking = Callable[[Case, Any], GradcheckReport]
"""The check of one output, with its dY or None for a drawn one."""


@dataclass
class Output:
    """One output of a function: what it is called, and where it stands among all that is returned."""

    name: str
    place: int


def output_leaves(Y: Any, name: str = "") -> list[tuple[str, Any]]:
    """What a function returned, by name: (y, (h, c)) is 0, 1.0 and 1.1; None is nothing."""
    if Y is None:
        return []
    if isinstance(Y, Mapping):
        parts = [(str(key), part) for key, part in Y.items()]
    elif isinstance(Y, tuple | list):
        parts = [(str(k), part) for k, part in enumerate(Y)]
    else:
        return [(name, Y)]
    return [leaf for key, part in parts for leaf in output_leaves(part, f"{name}.{key}" if name else key)]


def outputs_asked(case: Case, wanted: Any) -> list[Output]:
    """The outputs that are differentiated: those that are wanted, by number or name, or all that can be.

    A library that knows says which can be: PyTorch leaves out what is marked non-differentiable.
    Errors: GradcheckError for an output that is not there, or none that is an array.
    """
    found = case.framework.several(case.f, case.given, case.wrt, output_leaves)
    names = [name for name, _, _ in found]
    arrays = [k for k, (_, A, _) in enumerate(found) if case.framework.owns(A) and case.framework.floating(A)]
    if not arrays:
        came = ", ".join(type(A).__name__ for _, A, _ in found) or "None"
        raise GradcheckError(f"the function should return an array of floating-point numbers; {came} came.")
    if wanted is not None:
        asked = [str(one) for one in (wanted if isinstance(wanted, tuple | list) else [wanted])]
        if unknown := [one for one in asked if one not in [names[k] for k in arrays]]:
            there = ", ".join(names[k] or "0" for k in arrays)
            raise GradcheckError(f"outputs should be among {there}; {', '.join(unknown)} came.")
        return [Output(one, names.index(one)) for one in asked]
    chosen = [k for k in arrays if found[k][2]] or arrays
    if case.vjp and len(chosen) > 1:
        raise GradcheckError(
            f"beside a vjp of your own the function should return one array; {len(chosen)} came. "
            "Try lambda *x: forward(*x)[0], or outputs=0."
        )
    return [Output(names[k], k) for k in chosen]


def picked(case: Case, output: Output, alone: bool = False) -> Case:
    """The question of one output. A truth of one output is that of an output that is asked for alone.

    Errors: GradcheckError for a truth of fewer outputs.
    """

    def of(f: Callable[..., Any]) -> Callable[..., Any]:
        def of_one(*given: Any) -> Any:
            made = output_leaves(f(*given))
            if len(made) == 1 and alone:
                return made[0][1]
            if len(made) <= output.place:
                raise GradcheckError(f"truth should return output {output.name} too; {len(made)} came.")
            return made[output.place][1]

        return of_one

    return replace(case, f=of(case.f), truth=of(case.truth) if case.truth else None)


def joined_outputs(case: Case, outputs: list[Output]) -> Case:
    """The question of several outputs as one long vector."""
    f, framework = case.f, case.framework

    def of_all(*given: Any) -> Any:
        made = output_leaves(f(*given))
        return framework.joined([made[output.place][1] for output in outputs])

    return replace(case, f=of_all, truth=None, wrote=set())


def each(case: Case, outputs: list[Output], dY: Any, ask: Asking, ask_all: Asking) -> GradcheckReport:
    """The report on each output by itself; where all is right, on all at once too.

    A vector-Jacobian product is linear in dY: what is right for each is right for all, if the backward pass is linear.
    Errors: GradcheckError for a dY that is not one for each output.
    """
    given = [None] * len(outputs) if dY is None else list(dY) if isinstance(dY, tuple | list) else [dY]
    if len(given) != len(outputs):
        names = ", ".join(output.name for output in outputs)
        raise GradcheckError(f"dY should be one for each of the outputs {names}; {len(given)} came.")
    parts = [picked(case, output) for output in outputs]
    reports = [ask(part, one) for part, one in zip(parts, given, strict=True)]
    if all(report.ok for report in reports):
        together = ask_all(joined_outputs(case, outputs), None)
        if together.wrong:
            says = "right for each output alone, not for all at once: does one overwrite what another adds?"
            entries = [replace(e, where=(Finding("outputs", says), *e.where)) for e in together.entries]
            return replace(together, entries=tuple(entries))
    ignored = [not report.ok and silent(part) for part, report in zip(parts, reports, strict=True)]
    return put_together(outputs, reports, ignored)


def silent(case: Case) -> bool:
    """Does nothing come back through an output: is every gradient 0, or none?"""
    found = case.gradients(case.drawn_dY(case.output()))
    return all(g is None or not case.framework.host(g).any() for g in found)


def put_together(outputs: list[Output], reports: list[GradcheckReport], ignored: list[bool]) -> GradcheckReport:
    """One report of several, each entry with the output that it is of."""
    entries: list[Entry] = []
    shares: dict[str, float] = {}
    histograms: dict[str, tuple[int, ...]] = {}
    for output, report, nothing in zip(outputs, reports, ignored, strict=True):
        for entry in report.entries:
            name = f"{entry.name} of {output.name}"
            passed = nothing and entry.verdict != "ok"
            entries.append(replace(passed_over(entry, output) if passed else entry, name=name))
            if isinstance(report, KernelReport) and entry.name in report.shares:
                shares[name], histograms[name] = report.shares[entry.name], report.histograms[entry.name]
    of: dict[str, list[str]] = {}
    for output, report in zip(outputs, reports, strict=True):
        of.setdefault(report.method, []).append(output.name)
    said = [f"output {', '.join(names)}: {method}" for method, names in of.items()]
    return KernelReport(tuple(entries), ". ".join(said), {}, shares=shares, histograms=histograms)


def passed_over(entry: Entry, output: Output) -> Entry:
    """The entry of an output through which nothing comes back."""
    says = (
        f"nothing comes back through output {output.name}: its dY is ignored. If it is to have no gradient, "
        "mark it so, or ask for the others with outputs="
    )
    return replace(entry, where=(Finding("ignored", says),))
