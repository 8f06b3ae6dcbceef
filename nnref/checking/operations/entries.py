"""Activations as people write them, entry by entry; and the mistakes made with their slopes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nnref import sigmoid
from nnref.checking.operations.known import KnownLayer, LayerReading, Layout, Slip, Symbols, Tried
from nnref.checking.operations.record import activations, names, record
from nnref.checking.operations.running import Running
from nnref.checking.operations.running_error import WithError
from nnref.layer import ACTIVATIONS, Layer, activation
from nnref.shapes import Array

Settings = Mapping[str, Any]

FURTHER = 8.0
"""Size of inputs that tells apart activations that agree near 0, such as ReLU and ReLU6."""

QUICK = 1.702
"""GELU by a sigmoid is Z σ(1.702 Z) (Hendrycks & Gimpel 2016, §2)."""

BELOW = ("elu", "leaky_relu")
"""Activations whose parameter is their factor below 0."""

NEAR = 2.0**-40
"""Relative error within which a factor measured from outputs is taken for the number of few digits near it."""


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Every activation, of a function of one array."""
    if len(tried.arguments) != 1 or len(tried.floats) != 1:
        return
    ((x, X),) = tried.floats.items()
    if X.shape != tried.Y.shape:
        return
    flat, further = Layout.reshaped(X.shape, (1, X.size)), at_larger(tried, x)
    named = activations()
    for name in [*named, *(name for name in ACTIVATIONS if name not in named), *with_a_number(flat, X, tried.Y)]:
        if further is not None and not agrees(name, flat.take(FURTHER * X), flat.take(further)):
            continue
        yield LayerReading(name, f"{name}, entry by entry", {x: "Z"}, {"Z": flat}, flat, settings={"activation": name})


def with_a_number(flat: Layout, X: Array, Y: Array) -> Iterator[str]:
    """Activations whose parameter is their factor below 0, with the factor that the most negative input has."""
    Z, A = flat.take(X), flat.take(Y)
    k = Z.argmin()
    for name in BELOW if Z.flat[k] < 0 else ():
        factor = A.flat[k] / activation(f"{name} 1").forward((), Z).flat[k]
        if np.isfinite(factor) and factor > 0 and (name, factor) != ("leaky_relu", 1):  # the identity
            near = float(f"{factor:.6g}")
            yield f"{name} {near if abs(near - factor) <= NEAR * factor else factor}"


def at_larger(tried: Tried, x: str) -> Array | None:
    """The function's outputs for larger inputs; None where they are not finite."""
    try:
        Y = np.asarray(tried.call({x: FURTHER * tried.floats[x]}), "float64")
    except Exception:  # a stranger's function
        return None
    return Y if Y.shape == tried.Y.shape and np.isfinite(Y).all() else None


def agrees(name: str, Z: Array, Y: Array) -> bool:
    """Is an activation of Z approximately Y?"""
    return np.allclose(activation(name).forward((), Z), Y, rtol=2.0**-20, atol=2.0**-20)


def layer(settings: Settings) -> Layer:
    """The activation as a layer."""
    return activation(settings["activation"])


def forward(at: Symbols, settings: Settings) -> Any:
    """f(Z)."""
    return layer(settings).forward((), at["Z"])


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """f'(Z) dY."""
    return {"Z": layer(settings).dA((), at["Z"], forward(at, settings), dY)}


def carried(A: Running) -> WithError:
    """Running as WithError, for the formulas of a record."""
    return WithError(A.value, A.e, 0.0)


def running(A: WithError) -> Running:
    """WithError as Running."""
    return Running(A.value, A.e)


def of_another(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """The slope of each other activation, at the input, and as a function of this one's output; GELU's by a sigmoid."""
    own = settings["activation"]
    A = forward(at, settings)
    for name in activations():
        other = layer({"activation": name})
        if name != own:
            yield {"Z": other.dA((), at["Z"], other.forward((), at["Z"]), dY)}
            yield {"Z": other.dA((), at["Z"], A, dY)}
    share = sigmoid.forward(QUICK * at["Z"])
    yield {"Z": share * (1 + QUICK * at["Z"] * (1 - share)) * dY}


def misplaced(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """The right formula of the wrong argument, as the record has it."""
    yield from by_formulas("misplaced", at, dY, settings)


def miswritten(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """A slip in the formula, as the record has it."""
    yield from by_formulas("miswritten", at, dY, settings)


def by_formulas(which: str, at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """A record's formulas of one kind."""
    if settings["activation"].partition(" ")[0] not in names():
        return
    slopes = record(settings["activation"]).slopes
    Z, A = carried(at["Z"]), carried(forward(at, settings))
    for formula in getattr(slopes, which):
        yield {"Z": running(formula.of(Z, A)) * dY}


def other_way(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """A mask inverted: of two slopes, such as 0 and 1, each where the other belongs."""
    slope = gradients(at, Running(np.ones(dY.shape)), settings)["Z"].value
    low, high = slope.min(), slope.max()
    if ((slope == low) | (slope == high)).all():
        yield {"Z": dY * np.where(slope == low, high, low)}


def twice(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """The slope applied twice."""
    yield gradients(at, gradients(at, dY, settings)["Z"], settings)


def missing(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """DY as it came."""
    yield {"Z": dY * 1}


def alone(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """The slope without dY."""
    yield gradients(at, Running(np.ones(dY.shape)), settings)


SLIPS = (
    Slip("entry.dY_ignored", "the slope is returned as it is, and dY is not multiplied by it", alone),
    Slip("entry.slope_missing", "dY is passed on as it came: the slope is missing", missing),
    Slip("entry.slope_twice", "the slope is applied twice", twice),
    Slip("entry.mask_inverted", "the mask is the wrong way round", other_way),
    Slip(
        "entry.argument",
        "the slope's formula is right, but of the wrong argument: input and output are mixed up",
        misplaced,
    ),
    Slip("entry.formula", "there is a slip in the slope's formula", miswritten),
    Slip("entry.other", "the slope is that of another activation, or of its other approximation", of_another),
)

KNOWN = KnownLayer("activation", readings, forward, gradients, SLIPS)
