"""Functions of several outputs: each output is checked by itself, then all of them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.kernels.case import KernelCase
from nnref.checking.kernels.report import KernelReport
from nnref.checking.results.entry import Entry
from nnref.checking.results.findings import Finding
from nnref.checking.results.report import GradcheckReport

TOGETHER = 32
"""Sample size: entries of each gradient compared for all outputs together, after each was right by itself."""

Asking = Callable[[KernelCase, Any], GradcheckReport]
"""The check of one output, with its dY or None for a drawn one."""


@dataclass
class KernelOutput:
    """One output of a function: its name, and its position among the returned leaves."""

    name: str
    place: int


def output_leaves(Y: Any, name: str = "") -> list[tuple[str, Any]]:
    """The returned leaves by name: those of (y, (h, c)) are 0, 1.0 and 1.1; None is left out."""
    if Y is None:
        return []
    if isinstance(Y, Mapping):
        parts = [(str(key), part) for key, part in Y.items()]
    elif isinstance(Y, tuple | list):
        parts = [(str(k), part) for k, part in enumerate(Y)]
    else:
        return [(name, Y)]
    return [leaf for key, part in parts for leaf in output_leaves(part, f"{name}.{key}" if name else key)]


def outputs_asked(case: KernelCase, wanted: Any) -> list[KernelOutput]:
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
        return [KernelOutput(one, names.index(one)) for one in asked]
    chosen = [k for k in arrays if found[k][2]] or arrays
    if case.vjp and len(chosen) > 1:
        raise GradcheckError(
            f"beside a vjp of your own the function should return one array; {len(chosen)} came. "
            "Try lambda *x: forward(*x)[0], or outputs=0."
        )
    return [KernelOutput(names[k], k) for k in chosen]


def case_of_output(case: KernelCase, output: KernelOutput, alone: bool = False) -> KernelCase:
    """The case of one output. A truth with a single output belongs to the one output asked for, if alone.

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


def joined_outputs(case: KernelCase, outputs: list[KernelOutput]) -> KernelCase:
    """The case of several outputs, joined to one long vector."""
    f, framework = case.f, case.framework

    def of_all(*given: Any) -> Any:
        made = output_leaves(f(*given))
        return framework.joined([made[output.place][1] for output in outputs])

    return replace(case, f=of_all, truth=None, wrote=set())


def each(case: KernelCase, outputs: list[KernelOutput], dY: Any, ask: Asking, ask_all: Asking) -> GradcheckReport:
    """The report on each output by itself and, where all are right, on all of them together.

    A vector-Jacobian product is linear in dY: what is right for each is right for all, if the backward pass is linear.
    Errors: GradcheckError for a dY that is not one for each output.
    """
    given = [None] * len(outputs) if dY is None else list(dY) if isinstance(dY, tuple | list) else [dY]
    if len(given) != len(outputs):
        names = ", ".join(output.name for output in outputs)
        raise GradcheckError(f"dY should be one for each of the outputs {names}; {len(given)} came.")
    parts = [case_of_output(case, output) for output in outputs]
    reports = [ask(part, one) for part, one in zip(parts, given, strict=True)]
    if all(report.ok for report in reports):
        together = ask_all(joined_outputs(case, outputs), None)
        if together.wrong:
            says = "right for each output alone, not for all at once: does one overwrite what another adds?"
            entries = [replace(e, where=(Finding("outputs", says), *e.where)) for e in together.entries]
            return replace(together, entries=tuple(entries))
    ignored = [not report.ok and silent(part) for part, report in zip(parts, reports, strict=True)]
    return put_together(outputs, reports, ignored)


def silent(case: KernelCase) -> bool:
    """Is every gradient of this output 0, or absent?"""
    found = case.gradients(case.drawn_dY(case.output()))
    return all(g is None or not case.framework.host(g).any() for g in found)


def put_together(outputs: list[KernelOutput], reports: list[GradcheckReport], ignored: list[bool]) -> GradcheckReport:
    """One report on several outputs, each row with the name of its output."""
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


def passed_over(entry: Entry, output: KernelOutput) -> Entry:
    """The row of an output all of whose gradients are 0."""
    says = (
        f"nothing comes back through output {output.name}: its dY is ignored. If it is to have no gradient, "
        "mark it so, or ask for the others with outputs="
    )
    return replace(entry, where=(Finding("ignored", says),))
