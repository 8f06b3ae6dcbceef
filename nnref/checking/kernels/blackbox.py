"""A kernel without a closed form: judged by differences of the function in float64, or of the user's truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from keyword import iskeyword
from math import prod
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.vjp import check_numpy_vjp as check_in_numpy
from nnref.checking.kernels.case import KernelCase
from nnref.checking.kernels.framework import Framework, dtype_name
from nnref.checking.operations.kernel_arithmetic import UNITS
from nnref.checking.results.findings import Finding
from nnref.checking.results.report import GradcheckReport
from nnref.shapes import Array

ENTRIES = 256
"""Sample size: entries compared of a gradient that has more; results/sampling.py says what that can miss."""

DIRECTIONS = 10
"""Random sign vectors along which the other entries are judged at once; misses a wrong one with probability 0.1 %."""


def by_differences(case: KernelCase, dY: Any, options: Mapping[str, Any]) -> GradcheckReport:
    """The report. A kernel of a coarse dtype is checked in float32 too, where less is hidden by rounding."""
    report = in_own_dtype(case, dY, options)
    if UNITS[case.stored] <= UNITS["float32"] or report.wrong:
        return report
    try:
        finer = in_own_dtype(with_float32_copies(case), None, options)
    except GradcheckError:  # the kernel supports its own dtype only
        return replace(report, method=f"{report.method}; the function does not take float32, which would show more")
    if not finer.wrong:
        said = "right with float32 copies too" if finer.ok else "with float32 copies it cannot be told either"
        return replace(report, method=f"{report.method}; {said}")
    says = f"{case.stored} hides it: with float32 copies of the same numbers"
    why = Finding("float32", says)
    entries = [replace(e, where=(why, *e.where)) if e.verdict == "WRONG" else e for e in finer.entries]
    return replace(finer, entries=tuple(entries))


def with_float32_copies(case: KernelCase) -> KernelCase:
    """The case with float32 copies of coarser arrays."""
    given = list(case.given)
    for k, A in enumerate(given):
        if case.framework.owns(A) and case.framework.floating(A) and UNITS[dtype_name(A)] > UNITS["float32"]:
            given[k] = case.framework.guest(case.framework.host(A).astype("float32"), A)
    return replace(case, given=given, wrote=set())


def in_own_dtype(case: KernelCase, dY: Any, options: Mapping[str, Any]) -> GradcheckReport:
    """The report: the kernel's gradients as they come from the device, the truth by float64 calls of the function."""
    framework, shown_as = case.framework, {alias(case.names[k], k): case.names[k] for k in case.wrt}
    moved = list(shown_as)
    at = {name: numbers(framework, case.given[k], name) for name, k in zip(moved, case.wrt, strict=True)}
    slots = dict(zip(moved, case.wrt, strict=True))

    def forward(**arrays: Array) -> Array:
        given = list(case.given)
        with framework.precise():
            for name, k in slots.items():
                given[k] = framework.guest(wide(arrays[name]), case.given[k])
            for k, A in enumerate(given):
                if k not in case.wrt and framework.owns(A) and framework.floating(A):
                    given[k] = framework.guest(framework.host(A), A)
            return output_in_numpy(framework, framework.output(case.truth or case.f, given))

    def vjp(dY: Array, **arrays: Array) -> dict[str, Any]:
        given = list(case.given)
        for name, k in slots.items():
            given[k] = arrived(framework, arrays[name], case.given[k])
        here = replace(case, given=given, wrote=set())
        fine = all(arrays[name].dtype.name == "float64" for name in slots)
        with framework.precise() if fine else nullcontext():
            Y = here.output()
            found = here.gradients(put(framework, np.asarray(dY, "float64"), Y))
        case.wrote |= here.wrote
        return {name: None if g is None else numbers(framework, g, name) for name, g in zip(moved, found, strict=True)}

    Y = case.output()
    along = numbers(framework, case.drawn_dY(Y) if dY is None else dY, "dY")
    if along.shape != tuple(Y.shape):
        raise GradcheckError(f"dY should have the shape of the output, {tuple(Y.shape)}; {along.shape} came.")
    if max(prod(A.shape) for A in at.values()) > ENTRIES:
        options = {"entries": ENTRIES, **options}
    if "entries" in options:
        options = {"directions": DIRECTIONS, **options}
    report = check_in_numpy(named(forward, moved), named(vjp, ["dY", *moved]), at, dY=along, **options)
    entries, method = tuple(replace(e, name=shown_as[e.name]) for e in report.entries), report.method
    for other, name in shown_as.items():
        method = method.replace(other, name)
    return replace(report, entries=entries, method=method)


def alias(name: str, place: int) -> str:
    """A valid Python name for an argument: a module's layer.0.weight is none."""
    return name if name.isidentifier() and not iskeyword(name) and name != "dY" else f"argument_{place}_"


def wide(A: Array) -> Array:
    """In double precision, real or complex."""
    A = np.asarray(A)
    return A.astype("complex128" if A.dtype.kind == "c" else "float64")


def named(function: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    """The function with a signature that shows these names of its arguments."""
    import inspect

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    function.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])  # type: ignore[attr-defined]
    return function


def numbers(framework: Framework, A: Any, name: str) -> Array:
    """The array in numpy, in its own dtype; bfloat16 needs the package ml_dtypes.

    Errors: GradcheckError where that is not installed.
    """
    wide, kind = framework.host(A), dtype_name(A)
    if kind != "bfloat16":
        return wide.astype(kind)
    try:
        import ml_dtypes
    except ImportError as error:
        raise GradcheckError(
            f"{name} is bfloat16, which numpy does not know: pip install ml_dtypes, or give reference= or float32."
        ) from error
    return wide.astype(ml_dtypes.bfloat16)


def put(framework: Framework, A: Array, like: Any) -> Any:
    """A numpy array in the dtype and on the device of another."""
    A = np.asarray(A)
    if A.dtype.name == dtype_name(like):
        return framework.guest(A, like)
    return framework.cast(framework.guest(A.astype("float32" if A.dtype.name == "bfloat16" else A.dtype), like), like)


def arrived(framework: Framework, A: Array, like: Any) -> Any:
    """A numpy array as one of the library, in its own dtype; bfloat16 is passed as float32."""
    A = np.asarray(A)
    if A.dtype.name == "bfloat16":
        return framework.cast(framework.guest(A.astype("float32"), like), like)
    return framework.guest(A, like)


def output_in_numpy(framework: Framework, Y: Any) -> Array:
    """An output of float64 or complex128 in numpy."""
    if "complex" in dtype_name(Y):
        return np.asarray(Y.detach().cpu().numpy() if hasattr(Y, "detach") else Y)
    return framework.host(Y)
