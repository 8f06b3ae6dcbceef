"""The true gradient of the reference network at a point, by the strictest affordable method; and units at kinks."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import DTypeLike

from nnref import network
from nnref.checking.operations import record
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from nnref.checking.reference import balls, noise, truth
from nnref.checking.reference.forward_errors import ForwardErrors
from nnref.checking.reference.intermediates import Case
from nnref.layer import Affine
from nnref.network import Layers, Parameters, named
from nnref.shapes import Array

ENCLOSED = 1 << 24
"""Parameters times examples up to which every entry is enclosed in a ball: about 1.5 seconds."""

BITS = 1 << 10
"""Largest precision in bits at which a ReLU whose sign is undecided is evaluated again."""

ONE_BY_ONE = 1 << 18
"""Parameters times examples up to which every entry is found by its own complex step: about a tenth of a second."""

DIRECTIONS = 3
"""Random directions of each parameter along which the complex step confirms the backward pass."""

SEED = 0
"""Seed of the directions: the same in every run."""


@dataclass(frozen=True)
class Truth:
    """The true gradient in float64, by name; how it was found, and the error of each entry."""

    method: str
    gradient: dict[str, Array]
    error: dict[str, Array]


def reference_truth(layers: Layers, theta: Parameters, X: Array, Y: Array) -> Truth:
    """The true gradient by the strictest method that takes at most two seconds: balls, complex steps, a confirmed
    pass."""
    theta = tuple(network.rounded(theta_l, "float64") for theta_l in theta)
    work = sum(p.size for p in named(theta).values()) * X.shape[1]
    if work <= ENCLOSED and find_spec("flint") and (truth := truth_in_balls(layers, theta, X, Y)):
        return truth
    return in_float64(layers, theta, X, Y, work <= ONE_BY_ONE)


def truth_in_balls(layers: Layers, theta: Parameters, X: Array, Y: Array) -> Truth | None:
    """The truth by balls, with rigorous bounds; None where a kink stays undecided."""
    try:
        T, radius, bits = balls.truth(layers, theta, X, Y, most=BITS)
    except record.Undecided:
        return None
    error = named(radius)
    largest = max(float(r.max()) for r in error.values())
    return Truth(
        f"every entry enclosed in a ball ({bits} bits; midpoints as float64, no radius above {largest:.2g})",
        named(T),
        error,
    )


def in_float64(layers: Layers, theta: Parameters, X: Array, Y: Array, one_by_one: bool) -> Truth:
    """The truth where there are no balls.

    One by one: the complex step, entry by entry, which shares nothing with any backward pass. Else, where that would
    take minutes: the reference's backward pass in float64, whose rounding the noise floor counts as it counts yours,
    confirmed on the spot by the complex step along random directions of every parameter. A wrong entry is missed only
    by a direction that is orthogonal to the error, which has probability 0.
    """
    if one_by_one:
        method, gradient, lost = "complex step of every entry", truth.gradient(layers, theta, X, Y), truth.FLOOR
    else:
        method, gradient, lost = "reference backward pass", network.gradients(layers, theta, X, Y), 0.0
        confirm(layers, theta, X, Y, gradient)
        method += " confirmed by complex steps along random directions"
    S = named(noise.scale(layers, theta, X, Y, "float64"))
    error = {name: noise.unit("float64") * s + lost for name, s in S.items()}
    return Truth(f"{method}, in float64", named(gradient), error)


def confirm(layers: Layers, theta: Parameters, X: Array, Y: Array, gradient: Parameters) -> None:
    """Compare the gradient with slopes of the loss along random directions of each parameter.

    Errors: ArithmeticError where they differ by more than rounding: the reference itself is then at fault.
    """
    rng = np.random.default_rng(SEED)
    G, S = named(gradient), named(noise.scale(layers, theta, X, Y, "float64"))
    most = noise.allowed(layers, theta, X.shape[1]) * 2 * noise.unit("float64")
    for name, p in named(theta).items():
        for _ in range(DIRECTIONS):
            d = rng.choice([-1.0, 1.0], p.shape)
            slope = slope_along(layers, theta, X, Y, name, d)
            if not abs(slope - float((G[name] * d).sum())) <= most * float(S[name].sum()):
                raise ArithmeticError(f"the reference's d{name} is not the slope of its loss along a random direction.")


def slope_along(layers: Layers, theta: Parameters, X: Array, Y: Array, name: str, d: Array) -> float:
    """Im L(θ + iH d) / H, the direction d within one parameter."""
    moved = {**named(theta), name: named(theta)[name] + 1j * truth.H * d}
    loss = network.loss(layers, network.unnamed(moved, layers), X, Y)
    return float(np.imag(loss)) / truth.H


def units_at_kinks(case: Case, dtype: DTypeLike) -> dict[int, Array]:
    """The ReLUs, by layer, whose input has another sign in a finer precision, or is 0 within rounding.

    Shapes: masks (n_l, N). Where Z is 0 and nothing was rounded, the convention ReLU'(0) = 0 decides.
    """
    numbers = ForwardErrors.of(case, dtype)
    theta = tuple(network.rounded(theta_l, dtype) for theta_l in case.theta)
    coarse = network.activations(case.layers, theta, case.X.astype(dtype))
    found: dict[int, Array] = {}
    l = 0
    for k, layer in enumerate(case.layers):
        l += isinstance(case.theta[k], Affine)
        for kink in record.kinks(layer.name):
            Z = numbers.Z[l]
            near = (abs(Z.value - kink.at) <= noise.SAFE * Z.u * Z.e) & (Z.e > 0)
            found[l] = found.get(l, False) | near | ((coarse[k] > kink.at) != (Z.value > kink.at))
    return found


def doubtful(case: Case, units: dict[int, Array]) -> dict[str, Array]:
    """The largest change of every entry of the gradient by the choice of a slope at those units.

    Shapes: by name, shaped like the parameters
    """
    found = {}
    depth = len(case.Z)
    W = {name: abs(p) for name, p in named(case.theta).items()}
    D = np.zeros_like(case.dZ[f"dZ{depth}"])
    for l in range(depth, 0, -1):
        if l < depth:
            D = W[f"W{l + 1}"].T @ D
            jump = max((kink.jump for kink in record.kinks(case.activation[l - 1])), default=0.0)
            D = np.where(units.get(l, False), D + jump * abs(case.dA[f"dA{l}"]), slopes_along(case, l) * D)
        found[f"W{l}"] = D @ abs(case.A[f"A{l - 1}"]).T
        found[f"b{l}"] = D.sum(axis=1, keepdims=True)
    return found


def slopes_along(case: Case, l: int) -> Array:
    """The size of the derivative of layer l's activation."""
    Z, A = (WithError.exact(case_of[f"{name}{l}"], 0.0) for name, case_of in (("Z", case.Z), ("A", case.A)))
    return abs(record.slope(case.activation[l - 1], Z, A, Precision.of("float64")).value)


def notes_on_kinks(units: dict[int, Array]) -> tuple[str, ...]:
    """Notes on the ReLUs whose sign is undecided."""
    named_ones = [
        f"unit {i} of layer {l}, example {s}" for l, mask in units.items() for i, s in np.argwhere(mask).tolist()
    ]
    if not named_ones:
        return ()
    more = f" and {len(named_ones) - 3} more" if len(named_ones) > 3 else ""
    return (f"cannot tell which side of its kink a rectifier is on: {'; '.join(named_ones[:3])}{more}",)
