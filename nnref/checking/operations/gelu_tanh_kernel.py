"""GELU's tanh form as a kernel: z (1 + tanh(√(2/π) (z + 0.044715 z³))) / 2, and its slope."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

from nnref import gelu, gelu_tanh
from nnref.arrays import namespace
from nnref.checking.operations.kernel_arithmetic import rows
from nnref.checking.operations.kernel_form import Change, Form, Mistake, Settings, Values, once
from nnref.shapes import Array


def slope(Z: Array) -> Array:
    """The slope."""
    xp, c = namespace(Z), sqrt(2 / pi)
    t = xp.tanh(c * (Z + 0.044715 * Z * Z * Z))
    made: Array = (1 + t) / 2 + Z / 2 * (1 - t * t) * c * (1 + 3 * 0.044715 * Z * Z)
    return made


def size(Z: Array) -> Array:
    """Σ|terms| of the slope: 1 − tanh² cancels where the cubic beside it is large."""
    return 1 + abs(Z) * (1 + Z * Z / 7)


def forward(ar: Any, values: Values, settings: Settings) -> Any:
    """The function."""
    return ar.store(ar.function(ar.given(rows(values["z"])), gelu_tanh.forward, abs, lambda Z: 1 + abs(Z)))


def gradients(ar: Any, values: Values, dY: Array, settings: Settings, change: Change) -> dict[str, Any]:
    """The slope, stored, times dY."""
    made = (lambda Z: gelu.dZ(Z, 0 * Z + 1)) if change.which == "exact" else slope
    return {"z": ar.store(ar.function(ar.given(rows(values["z"])), made, abs, size)) * rows(dY)}


def truth(values: Values, dY: Array, settings: Settings) -> dict[str, Array]:
    """By nnref.gelu_tanh."""
    return {"z": gelu_tanh.dX(rows(values["z"]), rows(dY))}


FORMS = (
    Form(
        "gelu_tanh",
        ("z",),
        once,
        forward,
        gradients,
        truth,
        mistakes=(Mistake("exact", "the slope of the exact GELU; the forward pass is the tanh form"),),
        axes={"z": ("rows", "columns")},
    ),
)
