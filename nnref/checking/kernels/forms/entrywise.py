"""Functions of one entry: GELU, SiLU, ReLU, sigmoid, tanh, softplus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import pi, sqrt
from typing import Any

from nnref import gelu, gelu_tanh, relu, sigmoid, silu, softplus, tanh
from nnref.arrays import namespace
from nnref.checking.kernels.arithmetic import normal, rows
from nnref.checking.kernels.forms.form import Change, Form, Mistake, Settings, Values, once
from nnref.shapes import Array

ROOT = sqrt(2 * pi)


def density(Z: Array) -> Array:
    """The normal density φ."""
    return namespace(Z).exp(-Z * Z / 2) / ROOT


def logistic(Z: Array) -> Array:
    """σ, stable."""
    return sigmoid.forward(Z)


def as_tanh(Z: Array) -> Array:
    """The slope of GELU's tanh approximation."""
    xp, c = namespace(Z), sqrt(2 / pi)
    t = xp.tanh(c * (Z + 0.044715 * Z * Z * Z))
    return (1 + t) / 2 + Z / 2 * (1 - t * t) * c * (1 + 3 * 0.044715 * Z * Z)


def roughly(Z: Array) -> Array:
    """Σ|terms| of a wrong slope, whatever it is, of degree three at most."""
    return (1 + abs(Z)) * (1 + Z * Z)


def entrywise(
    name: str,
    module: Any,
    slope: Callable[[Array], Array],
    size: Callable[[Array], Array],
    wrong: Mapping[str, tuple[str, Callable[[Array], Array]]],
    of_output: Callable[[Any, Any], Any] | None = None,
    words: str = "",
) -> Form:
    """The form of a function A = f(z): its slope f', Σ|terms| of the slope as it is computed, and wrong slopes.

    A term in size counts with what the rounding of its own argument does to it. of_output is the slope by the output,
    which a kernel keeps in its own dtype, as it may what it makes of it.
    """

    def forward(ar: Any, values: Values, settings: Settings) -> Any:
        return output(ar, values)

    def output(ar: Any, values: Values) -> Any:
        return ar.store(ar.function(ar.given(rows(values["z"])), module.forward, abs, lambda Z: 1 + abs(Z)))

    def gradients(ar: Any, values: Values, dY: Array, settings: Settings, change: Change) -> dict[str, Any]:
        made = (wrong[change.which][1], roughly) if change.which else (slope, size)
        s = ar.function(ar.given(rows(values["z"])), made[0], abs, made[1])
        if of_output and not change.which:
            s = ar.either(s, lambda: of_output(ar, output(ar, values)))
        return {"z": ar.store(s) * rows(dY)}

    def truth(values: Values, dY: Array, settings: Settings) -> dict[str, Array]:
        Z = rows(values["z"])
        back = module.dZ if hasattr(module, "dZ") else module.dX
        return {"z": back(module.forward(Z) if of_output else Z, rows(dY))}

    mistakes = tuple(Mistake(key, says) for key, (says, _) in wrong.items())
    return Form(name, ("z",), once, forward, gradients, truth, mistakes, axes={"z": ("rows", "columns")}, words=words)


GELU = entrywise(
    "gelu",
    gelu,
    lambda Z: normal(Z) + Z * density(Z),
    lambda Z: 1 + abs(Z) * density(Z) * (2 + Z * Z),
    {
        "tanh": ("the slope of the tanh approximation; the forward pass is the exact GELU", as_tanh),
        "no density": ("Φ(z) alone: z φ(z) is forgotten", normal),
        "no z": ("Φ(z) + φ(z): the density is not multiplied by z", lambda Z: normal(Z) + density(Z)),
        "no root": ("the density is not divided by √(2π)", lambda Z: normal(Z) + Z * density(Z) * ROOT),
        "no half": ("exp(−z²) where exp(−z²/2) should be", lambda Z: normal(Z) + Z * density(sqrt(2) * Z)),
        "logistic": ("the slope of z σ(1.702 z)", lambda Z: silu.dZ(1.702 * Z, 0 * Z + 1)),
    },
    words="GELU",
)

GELU_TANH = entrywise(
    "gelu_tanh",
    gelu_tanh,
    as_tanh,
    lambda Z: 1 + abs(Z) * (1 + Z * Z / 7),  # 1 − tanh² cancels where the cubic beside it is large
    {
        "exact": (
            "the slope of the exact GELU; the forward pass is the tanh form",
            lambda Z: normal(Z) + Z * density(Z),
        ),
    },
    words="GELU's tanh form",
)

SILU = entrywise(
    "silu",
    silu,
    lambda Z: logistic(Z) * (1 + Z * (1 - logistic(Z))),
    lambda Z: 1 + abs(Z) * logistic(Z),
    {
        "sigmoid": ("σ(z) alone: z σ(z) (1 − σ(z)) is forgotten", logistic),
        "z twice": ("σ(z) (1 + z σ(z)): 1 − σ(z) is written σ(z)", lambda Z: logistic(Z) * (1 + Z * logistic(Z))),
        "of a": ("of the output, where the input belongs", lambda Z: silu.dZ(silu.forward(Z), 0 * Z + 1)),
    },
    words="SiLU",
)

SIGMOID = entrywise(
    "sigmoid",
    sigmoid,
    lambda Z: logistic(Z) * (1 - logistic(Z)),
    lambda Z: 0 * Z + 1,
    {"of z": ("σ(z) where σ(z) (1 − σ(z)) should be", logistic)},
    of_output=lambda ar, A: ar.store(A * ar.store(-A + 1)),
)

TANH = entrywise(
    "tanh",
    tanh,
    lambda Z: 1 - namespace(Z).tanh(Z) * namespace(Z).tanh(Z),
    lambda Z: 0 * Z + 1,
    {"no square": ("1 − tanh z, without the square", lambda Z: 1 - namespace(Z).tanh(Z))},
    of_output=lambda ar, A: ar.store(-ar.store(A * A) + 1),
)

SOFTPLUS = entrywise("softplus", softplus, logistic, lambda Z: 0 * Z + 1, {"minus": ("σ(−z)", lambda Z: logistic(-Z))})

RELU = entrywise(
    "relu",
    relu,
    lambda Z: namespace(Z).where(Z > 0, 0 * Z + 1, 0 * Z),
    lambda Z: 0 * Z,
    {"everywhere": ("1 everywhere: it is 0 where z ≤ 0", lambda Z: 0 * Z + 1)},
    words="ReLU",
)
