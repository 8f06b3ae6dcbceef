"""The gradient enclosed once more, without any formula for a derivative: L(θ + t e) as a power series in t, mod t².

A number x(t) = x₀ + x₁ t is a pair of balls. Each operation's record says how it maps such a pair: a linear map acts on
both; a ReLU is decided by x₀; exp, log and quotients are flint's power series. The coefficient of t in the loss is
∂L/∂e, and has to overlap the ball from the backward pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import inf, nextafter
from time import perf_counter

from nnref.checking.operations import softmax_cross_entropy
from nnref.checking.operations.record import Ball, Matrix, part
from nnref.checking.reference.balls import BITS, Enclosure, enclosures, exactly, precision
from nnref.layer import Affine
from nnref.network import Layers, Parameters, named
from nnref.shapes import Array


@dataclass(frozen=True)
class Agreement:
    """How many entries were enclosed twice, how many pairs of balls overlap, and the widest radius of a series."""

    entries: int
    overlapping: int
    radius: float
    seconds: float

    @property
    def ok(self) -> bool:
        """Every entry's two enclosures overlap."""
        return self.entries == self.overlapping > 0


def agreement(layers: Layers, theta: Parameters, X: Array, Y: Array, executor: Executor | None = None) -> Agreement:
    """Enclose every entry of the gradient both ways, a neuron at a time; an executor's processes share the neurons.

    Shapes: X (n0, N), Y (n_L, N)
    Errors: those of `balls.enclosures`. An executor must be one of processes: flint's precision is global.
    """
    start = perf_counter()
    neurons = [(l, i) for l, theta_l in enumerate(theta) if isinstance(theta_l, Affine) for i in range(len(theta_l.W))]
    chunks = [neurons[k::8] for k in range(8)]
    names = [layer.name for layer in layers]
    found = list((executor.map if executor else map)(partial(agreement_of, names, theta, X, Y), chunks))
    return Agreement(
        entries=sum(p.size for p in named(theta).values()),
        overlapping=sum(overlapping for overlapping, _ in found),
        radius=max(radius for _, radius in found),
        seconds=perf_counter() - start,
    )


def agreement_of(
    names: list[str], theta: Parameters, X: Array, Y: Array, neurons: list[tuple[int, int]]
) -> tuple[int, float]:
    """(overlapping, widest radius) over the weights and biases of some neurons, each (layer, unit)."""
    from nnref.layer import activation, affine_layer

    layers = [affine_layer(1, 1) if name == "affine" else activation(name) for name in names]  # a Layer's functions
    E = enclosures(layers, theta, X, Y)  # do not pickle; of an affine layer only its name is used
    overlapping, radius = 0, 0.0
    affines = [l for l, theta_l in enumerate(theta) if isinstance(theta_l, Affine)]
    with first_order(max(E.bits, BITS)):
        W = [exactly(W=theta_l.W) if isinstance(theta_l, Affine) else None for theta_l in theta]
        for l, i in neurons:
            name = affines.index(l) + 1
            n = E.A[l].nrows()
            truths = [E.gradients[f"W{name}"][i, j] for j in range(n)] + [E.gradients[f"b{name}"][i, 0]]
            for slope, truth in zip(slopes(names, W, E, Y, l, i), truths, strict=True):
                overlapping += bool(slope.overlaps(truth))
                radius = max(radius, nextafter(float(slope.rad()), inf))
    return overlapping, radius


@contextmanager
def first_order(bits: int) -> Iterator[None]:
    """Compute with power series mod t², and restore what was set before."""
    import flint

    before = flint.ctx.cap
    flint.ctx.cap = 2
    try:
        with precision(bits):
            yield
    finally:
        flint.ctx.cap = before


def slopes(names: list[str], W: list[Matrix], E: Enclosure, Y: Array, l: int, i: int) -> list[Ball]:
    """∂L/∂W_ij for every j, then ∂L/∂b_i, of unit i of layer l: the bias is a weight whose input is always 1.

    Raising W_ij by t raises unit i of Z = W A + b by t A_j and nothing else.
    """
    import flint

    N, n = E.A[l].ncols(), E.A[l].nrows()
    total = [flint.arb(0)] * (n + 1)
    for s in range(N):
        t = [E.A[l][j, s] for j in range(n)] + [flint.arb(1)]
        moved = of_example(names, W, E, [row[s] for row in Y.tolist()], l, i, s, t)
        total = [a + b for a, b in zip(total, moved, strict=True)]
    return [x / N for x in total]


def of_example(
    names: list[str], W: list[Matrix], E: Enclosure, y: list[float], l: int, i: int, s: int, t: list[Ball]
) -> list[Ball]:
    """The coefficients of t in the loss of example s, when unit i of the output of layer l moves by t times each of t.

    rows holds the coefficients of the units that depend on t, one for each entry of t: at first unit i, then what each
    operation's record gives.
    """
    import flint

    K = len(t)
    rows = {i: t}
    for k in range(l + 1, len(names)):
        rows = part(names[k], "series")(W[k], lambda r, k=k: E.A[k][r, s], rows)
        if not rows:
            return [flint.arb(0)] * K
    logits = [E.A[-1][r, s] for r in range(E.A[-1].nrows())]
    still = [flint.arb(0)] * K
    loss = softmax_cross_entropy.RECORD.series
    return [loss(logits, [rows.get(r, still)[c] for r in range(len(logits))], y)[1] for c in range(K)]
