"""The true gradient, enclosed: every number is a ball that holds the real one, by python-flint's Arb (Johansson 2017).

The formulas are those of the derivations; every rounding error is added to the radius. The inputs are binary fractions,
and so exact. `nnref.checking.reference.series` encloses the same gradient without any formula for a derivative.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf, nextafter

import numpy as np
from numpy.typing import DTypeLike

from nnref.checking.operations import record, softmax_cross_entropy
from nnref.checking.operations.entrywise import entries
from nnref.checking.operations.record import Ball, Matrix, Undecided
from nnref.layer import Affine
from nnref.network import Gradients, Layers, Parameters, named, unnamed
from nnref.precision import unit
from nnref.shapes import Array, composable, one_hot_columns

BITS = 128
"""Precision in bits to begin with: the 53 of a float64, and 75 that may be lost."""

LIMIT = 1 << 14
"""Largest precision in bits: what it leaves undecided is treated as a tie."""


@dataclass(frozen=True)
class Enclosure:
    """Balls around the loss, every A[l] (A[0] is X, then the output of each layer), every ∂L/∂A[l], and dW, db by name.

    dA[0], with respect to the data, is None: it is not needed.
    """

    bits: int
    loss: Ball
    A: list[Matrix]
    dA: list[Matrix]
    gradients: dict[str, Matrix]


def enclosures(
    layers: Layers, theta: Parameters, X: Array, Y: Array, bits: int = BITS, most: int | None = None
) -> Enclosure:
    """Balls around the loss and all its derivatives, at the first precision from bits that decides every kink.

    The loss is the mean of log Σ exp z − Σ y z, for the labels Y as they are. Not for several threads at once: the
    precision is flint's global one.

    Shapes: X (n0, N), Y (n_L, N)
    Errors: Undecided, which names the unit, if no precision up to `most` bits (LIMIT) decides; ShapeError if Y does not
    fit; ValueError for numbers that are not finite.
    """
    while True:
        try:
            with precision(bits):
                return enclosed(layers, theta, X, Y, bits)
        except Undecided:
            if bits >= (most or LIMIT):
                raise
            bits *= 2


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Compute with so many bits, and restore what was set before."""
    import flint

    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = before


def enclosed(layers: Layers, theta: Parameters, X: Array, Y: Array, bits: int) -> Enclosure:
    """One forward and one backward pass in balls, at the precision that is set, by the record of each operation."""
    exact = [Affine(exactly(W=theta_l.W), exactly(b=theta_l.b)) if theta_l else () for theta_l in theta]
    A = [exactly(X=X)]
    for l, theta_l in enumerate(exact):
        if isinstance(theta_l, Affine):
            composable(W=theta[l].W, A=np.empty((A[l].nrows(), A[l].ncols())))
        of = record.enclosures_of(layers[l].name)
        A.append(of.forward(theta_l, A[l], f"layer {l // 2 + 1}, {bits} bits"))
    one_hot_columns(np.empty((A[-1].nrows(), A[-1].ncols())), Y)
    loss, dZ = softmax_cross_entropy.RECORD.enclosed(A[-1], Y.tolist())
    dA, G = [None] * (len(A) - 1) + [dZ], {}
    for l, theta_l in reversed(list(enumerate(exact))):
        of = record.enclosures_of(layers[l].name)
        if gradients := of.gradients(A[l], dA[l + 1]):
            G[l] = gradients
        dA[l] = of.dA(theta_l, A[l], A[l + 1], dA[l + 1]) if l else None
    by_name = {f"{p}{k}": G[l][p] for k, l in enumerate(sorted(G), 1) for p in Affine._fields}
    return Enclosure(bits, loss, A, dA, by_name)


def exactly(**arrays: Array) -> Matrix:
    """The matrix of exact balls for an array of floats, given by its name."""
    import flint

    ((name, P),) = arrays.items()
    if P.ndim != 2 or P.dtype not in ("float16", "float32", "float64") or not np.isfinite(P).all():
        raise ValueError(
            f"{name} should be a matrix of finite float32 or float64 numbers; {P.dtype} of shape {P.shape} came"
            f"{'' if P.dtype.kind != 'f' or np.isfinite(P).all() else ', not all of them finite'}."
        )
    return flint.arb_mat(*P.shape, P.astype("float64").ravel().tolist())


def nearest(M: Matrix, dtype: DTypeLike = "float64") -> tuple[Array, Array]:
    """For each ball of a matrix, the nearest float, and whether it is the nearest to every number of the ball.

    Rounding is monotone, so a float is nearest to all of a ball where it is nearest to both ends.
    """
    balls, shape = entries(M), (M.nrows(), M.ncols())
    low, high = (nearest_floats(ends, dtype) for ends in ([x.lower() for x in balls], [x.upper() for x in balls]))
    return low.reshape(shape) + 0, (low == high).reshape(shape)  # + 0 turns −0 into 0


def nearest_floats(exact: list[Ball], dtype: DTypeLike) -> Array:
    """The floats nearest to exact balls, ties to even."""
    near = np.array([float(x) for x in exact])  # flint rounds to the nearest float64, subnormal ones too
    if np.dtype(dtype) == np.float64:
        return near
    with np.errstate(over="ignore", invalid="ignore"):
        twice = near.astype(dtype)
        other = np.nextafter(twice, np.where(near > twice, np.inf, -np.inf).astype(dtype))
        midway = (near != twice) & (near - twice == other - near)
    # Rounding twice equals rounding once, unless the first result is midway between two numbers: then x decides.
    for k in np.flatnonzero(midway):
        if exact[k] != near[k]:
            twice[k] = (max if exact[k] > near[k] else min)(twice[k], other[k])
    return twice


def gradient(
    layers: Layers, theta: Parameters, X: Array, Y: Array, dtype: DTypeLike = "float64"
) -> tuple[Gradients, Enclosure]:
    """The correctly rounded gradient: for every entry the one float nearest to the real number, and its enclosure.

    The precision is doubled until every entry is decided, so no BLAS, compiler or order of summation matters.

    Shapes: X (n0, N), Y (n_L, N) -> a gradient shaped like theta, in dtype
    Errors: Undecided, which names the entry; and those of `enclosures`.
    """
    bits = BITS
    while True:
        enclosure = enclosures(layers, theta, X, Y, bits)
        with precision(enclosure.bits):
            found = {p: nearest(G, dtype) for p, G in enclosure.gradients.items()}
        open_ = [(p, index) for p, (_, told) in found.items() for index in np.argwhere(~told)]
        if not open_:
            return unnamed({p: floats for p, (floats, _) in found.items()}, layers), enclosure
        if enclosure.bits >= LIMIT:
            p, (i, j) = open_[0]
            raise Undecided(f"d{p}[{i}, {j}] = {enclosure.gradients[p][i, j]} lies between two {np.dtype(dtype)}.")
        bits = 2 * enclosure.bits


def truth(
    layers: Layers, theta: Parameters, X: Array, Y: Array, most: int | None = None
) -> tuple[Gradients, Gradients, int]:
    """The gradient in float64, for each entry a radius within which the real number lies, and the bits used.

    Shapes: X (n0, N), Y (n_L, N) -> a gradient and a radius shaped like theta, float64
    Errors: those of `enclosures`.
    """
    T, radius = {}, {}
    enclosure = enclosures(layers, theta, X, Y, most=most)
    for p, G in enclosure.gradients.items():
        shape = (G.nrows(), G.ncols())
        T[p] = np.array([float(x) for x in entries(G)]).reshape(shape)
        balls = np.array([float(x.rad()) for x in entries(G)]).reshape(shape)
        radius[p] = np.where((T[p] == 0) & (balls == 0), 0, np.nextafter(balls + np.spacing(abs(T[p])) / 2, np.inf))
    return unnamed(T, layers), unnamed(radius, layers), enclosure.bits


def multiples_in_balls(yours: Gradients, enclosure: Enclosure, S: Parameters, dtype: DTypeLike) -> dict[str, Array]:
    """|yours − truth| / (u S) of every entry, rounded up: the real quotient is no larger.

    Where S = 0 nothing was rounded, and any difference is infinitely many units; NaN is too.
    """
    multiples = {}
    with precision(enclosure.bits), np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        for (p, G), scale in zip(named(yours).items(), named(S).values(), strict=True):
            units = np.full(G.shape, np.inf)
            if np.isfinite(G).all():
                gap = (exactly(**{f"d{p}": G}) - enclosure.gradients[p]) * (1 / unit(dtype))  # exact: a power of 2
                upper = [0.0 if x.is_zero() else nextafter(float(x.abs_upper()), inf) for x in entries(gap)]
                units = np.array(upper).reshape(G.shape)
            quotient = np.nextafter(units / scale, np.inf)
            known = (scale > 0) & np.isfinite(scale)
            multiples[p] = np.where(units == 0, 0.0, np.where(known, quotient, np.inf))
    return multiples


def other_side(layers: Layers, enclosure: Enclosure, A: list[Array]) -> list[tuple[int, int, int]]:
    """(layer, unit, example) of every unit that rounding moved across a kink in the activations A.

    A ReLU's slope is then 0 where the true one is 1, or the reverse, which is no mistake in the code.
    """
    found = []
    for l, layer in enumerate(layers):
        for kink in record.kinks(layer.name):
            above = np.array([bool(z > kink.at) for z in entries(enclosure.A[l])]).reshape(A[l].shape)
            found += [(l // 2 + 1, int(i), int(s)) for i, s in np.argwhere((A[l] > kink.at) != above)]
    return found
