"""Complex parameters: each is two real ones, and its gradient is ∂L/∂x + i ∂L/∂y at x + iy.

That is the direction in which a real loss grows fastest, and what PyTorch and TensorFlow return; JAX returns its
conjugate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nnref.checking.gradcheck.border import array_from
from nnref.checking.gradcheck.loss import untouched
from nnref.checking.gradcheck.nesting import leaves, matched, rebuild
from nnref.checking.results.entry import Entry
from nnref.checking.results.report import GradcheckReport
from nnref.shapes import Array

CONVENTION = "of a complex x + iy, yours is taken as ∂L/∂x + i ∂L/∂y (PyTorch's convention; JAX's is the conjugate)"

Check = Callable[..., GradcheckReport]


def any_complex(parameters: Any) -> bool:
    """Is there a complex array among the parameters?"""
    return any(A.dtype.kind == "c" for A in leaves(parameters, leaf=array_from).values())


def check_parts(
    check: Check, loss: Callable[[Any], Any], parameters: Any, gradients: Any, **options: Any
) -> GradcheckReport:
    """Check a loss of complex parameters as a loss of their real and imaginary parts."""
    theta = leaves(parameters, leaf=array_from)
    kinds = {name: A.dtype.kind == "c" for name, A in theta.items()}

    def whole(parts: dict[str, Any]) -> Any:
        return rebuild(parameters, iter([joined(parts[name]) for name in theta]))

    def yours(parts: dict[str, Any]) -> dict[str, Any]:
        given = untouched("gradients", gradients, whole(parts), array_from) if callable(gradients) else gradients
        found = matched(parameters, given, leaf=array_from)
        return {name: None if g is None else split(g, kinds[name]) for name, g in found.items()}

    def conjugates(parts: dict[str, Any]) -> dict[str, Any]:
        return {
            name: {"real": g["real"], "imag": -g["imag"]} if isinstance(g, dict) else g
            for name, g in yours(parts).items()
        }

    def real_loss(parts: dict[str, Any]) -> Any:
        return loss(whole(parts))

    at = {name: split(A, kinds[name]) for name, A in theta.items()}
    report = check(real_loss, at, yours, **options)
    found = report.entries
    if report.wrong and check(real_loss, at, conjugates, **options).ok:
        found = tuple(unsure(entry) if entry.verdict == "WRONG" else entry for entry in found)
    return replace(report, entries=found, method=f"{report.method}; {CONVENTION}")


def split(A: Array, parts: bool) -> Any:
    """The real and the imaginary part of a complex array; a real array has no second part."""
    return {"real": A.real.copy(), "imag": A.imag.copy()} if parts else A


def joined(A: Any) -> Any:
    """The complex array of a real and an imaginary part; an array that was not split, as it is."""
    return A["real"] + 1j * A["imag"] if isinstance(A, dict) else A


def unsure(entry: Entry) -> Entry:
    """The row as "cannot tell", for a gradient that is wrong in one convention and right in the other."""
    why = "right by JAX's convention, of which this one is the conjugate: pass its conjugate if that is meant"
    return replace(
        entry, verdict="cannot tell", wrong=0, cannot_tell=entry.cannot_tell + entry.wrong, where=(), reason=why
    )
