"""Softmax over the last axis: P = exp x / Σ exp x, dx = P (dP − Σ P dP)."""

from __future__ import annotations

from typing import Any

from nnref import softmax
from nnref.arrays import namespace
from nnref.checking.operations.kernel_arithmetic import rows_of_last_axis
from nnref.checking.operations.kernel_form import Change, ClosedForm, KernelMistake, Settings, Summed, Values, once
from nnref.shapes import Array


def probabilities(ar: Any, x: Array) -> Any:
    """P. An error in the subtracted maximum does not matter: it cancels in the quotient."""
    shifted = ar.given(x) - namespace(x).max(x, axis=-1, keepdims=True)
    E = ar.exp(shifted)
    return ar.store(E / ar.sum(E, -1))


def forward(ar: Any, values: Values, settings: Settings) -> Any:
    """P, as rows."""
    return probabilities(ar, rows_of_last_axis(values["x"]))


def gradients(ar: Any, values: Values, dY: Array, settings: Settings, change: Change) -> dict[str, Any]:
    """P is stored from the forward pass in the kernel's dtype; kernels that pass twice over a row store P dP too.

    PyTorch's on a GPU is one of these: it stores P dP, adds up what is stored, and subtracts P times the sum.
    """
    P, dP = probabilities(ar, rows_of_last_axis(values["x"])), ar.given(rows_of_last_axis(dY))
    terms = dP if change.which == "unweighted" else ar.store(P * dP)
    s = ar.sum(terms * change.kept("columns"), -1)
    if change.which == "diagonal":
        s = P * dP
    made = P * dP if change.which == "no sum" else ar.store_term(P * (dP - s), P * dP)
    return {"x": dP - s if change.which == "no P" else made}


def truth(values: Values, dY: Array, settings: Settings) -> dict[str, Array]:
    """By softmax.dZ, a column an example."""
    P = softmax.forward(rows_of_last_axis(values["x"]).T)
    return {"x": softmax.dZ(P, rows_of_last_axis(dY).T).T}


FORMS = (
    ClosedForm(
        "softmax",
        ("x",),
        once,
        forward,
        gradients,
        truth,
        mistakes=(
            KernelMistake(
                "diagonal", "P (1 − P) dY, the diagonal of the Jacobian alone: Σ P dY runs over the whole row"
            ),
            KernelMistake("no sum", "P dY: Σ P dY is not subtracted"),
            KernelMistake("no P", "dY − Σ P dY: not multiplied by P"),
            KernelMistake("unweighted", "Σ dY is subtracted where Σ P dY should be"),
        ),
        sums=(Summed("columns", "columns", ("x",), "x", -1, "the sum of P dY"),),
        axes={"x": ("rows", "columns")},
    ),
)
