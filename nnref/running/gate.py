"""The gate: before the first step, every gradient that training will use is checked against forward passes alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from math import inf
from time import perf_counter
from typing import Any

import numpy as np

from nnref import bridge, network
from nnref.checking.operations.record import errors, kinks
from nnref.checking.operations.rounding import Precision
from nnref.checking.reference import noise, trees, truth
from nnref.layer import Affine
from nnref.network import Layers, Parameters, activations, named, rounded
from nnref.parameters import mapped
from nnref.shapes import Array, dims

FEW = 3
"""Examples of a batch of a network of general layers, whose truth costs a forward pass for every single parameter."""

CANDIDATES = 24
"""Examples that such a batch is chosen from: those on one side of all kinks, whatever rounding does."""

DENSE = 5
"""Examples in the dense batch: more than one, so that a lost 1/N or an unsummed db shows, and fewer than classes."""

FIRST = 8
"""Examples taken from the first training batch: real data, with the exact zeros that a dense batch lacks."""

SEED = 0
"""The dense batch is the same in every run, so that a failure can be had again."""


Gradient = Callable[[Parameters, Array, Array], tuple[Array, Parameters]]
"""The loss and the gradients at θ, X, Y."""


@dataclass(frozen=True)
class Entry:
    """The worst entry of one parameter's gradient, over both batches."""

    parameter: str
    shape: tuple[int, ...]
    wrong: int
    index: tuple[int, ...]
    yours: float
    truth: float
    multiple: float


@dataclass(frozen=True)
class Gate:
    """What the gate found. checked counts parameters, failed those whose gradient is wrong on either batch."""

    checked: int
    failed: int
    nonzero: float
    worst: float
    allowed: float
    left_out: tuple[str, ...]
    entries: tuple[Entry, ...]
    fault: str | None
    seconds: float
    seconds_table: float

    @property
    def ok(self) -> bool:
        """Every shape is the derivation's, and every gradient is within rounding of the truth."""
        return self.fault is None and self.failed == 0

    def to_dict(self) -> dict[str, Any]:
        """The same as plain numbers and strings, for JSON."""
        return asdict(self) | {"ok": self.ok, "worst": self.worst if np.isfinite(self.worst) else None}

    def __str__(self) -> str:
        worst = max(self.entries, key=lambda entry: (entry.wrong > 0, entry.multiple), default=None)
        lines = [self.fault] if self.fault else []
        if worst:
            lines.append(
                f"gate: {len(self.entries)} shapes as derived; {self.checked:,} gradients checked on two batches, "
                f"{self.failed:,} wrong, {self.nonzero:.0%} not zero"
            )
            place = f"d{worst.parameter}[{', '.join(map(str, worst.index))}]"
            if worst.wrong:
                lines.append(f"gate: {place} is {worst.yours:.9g}; forward passes alone say {worst.truth:.9g}")
            lines.append(
                f"gate: the largest difference is {worst.multiple:.3g} of {self.allowed:.0f} units of rounding, at "
                f"{place}; {self.seconds:.2f} s, {self.seconds_table:.2f} of them to load the derivation"
            )
        return "\n".join([*lines, *self.left_out])


@dataclass(frozen=True)
class Examined:
    """One batch: the gradients that training would use, the truth, and how far apart they are."""

    yours: dict[str, Array]
    truth: dict[str, Array]
    multiples: dict[str, Array]
    allowed: float


def check(
    layers: Layers, theta: Parameters, X: Array, Y: Array, gradients: Gradient | None = None, elsewhere: bool = False
) -> Gate:
    """Shapes against the derivation's table, then all gradients at theta on a dense batch and on the head of X, Y.

    gradients(θ, X, Y) gives the loss and the gradients that training will use; None is nnref's own in numpy. elsewhere
    says that another library computes them, whose forward pass is not seen.

    Shapes: X (n0, N), Y (n_L, N), the first training batch in the dtype of training
    Errors: none for a wrong gradient, which is reported.
    """
    if not named(theta):
        raise ValueError("gate: the layers learn nothing, so that there is no gradient to check.")
    start = perf_counter()
    table = bridge.shapes_of(theta) if trees.general(layers) else bridge.parameter_shapes(widths(theta))
    seconds_table = perf_counter() - start
    notes: list[str] = []
    examined: list[Examined] = []
    for theta_b, X_b, Y_b in batches(layers, theta, X, Y, elsewhere):
        on_one_side, left_out = decided(layers, theta_b, X_b, elsewhere)
        notes += left_out
        fault: str | None = NOTHING_TOLD
        if on_one_side.any():
            examined.append(examine(layers, theta_b, X_b[:, on_one_side], Y_b[:, on_one_side], gradients))
            fault = shape_fault(examined[-1].yours, table)
        if fault:
            return Gate(0, 0, 0.0, inf, 0.0, tuple(notes), (), fault, perf_counter() - start, seconds_table)
    entries = [worst_entry(p, examined) for p in table]
    moved = sum(int(np.any([batch.yours[p] != 0 for batch in examined], axis=0).sum()) for p in table)
    checked = sum(math.prod(shape) for shape in table.values())
    return Gate(
        checked=checked,
        failed=sum(e.wrong for e in entries),
        nonzero=moved / checked,
        worst=max(e.multiple for e in entries),
        allowed=min(batch.allowed for batch in examined),
        left_out=tuple(notes),
        entries=tuple(entries),
        fault=None,
        seconds=perf_counter() - start,
        seconds_table=seconds_table,
    )


def batches(
    layers: Layers, theta: Parameters, X: Array, Y: Array, elsewhere: bool
) -> Iterator[tuple[Parameters, Array, Array]]:
    """Parameters and examples that the gradients are checked at: dense ones, and the first of those to learn from.

    Of general layers the dense ones are in double precision where numpy computes, which leaves no room for a wrong
    formula. (Another library may have no double precision on its device.)
    """
    dtype = next(p.dtype for p in named(theta).values())
    if not trees.general(layers):
        yield with_biases(theta, dtype), *dense_batch(len(X), len(Y), dtype)
        yield theta, X[:, :FIRST], Y[:, :FIRST]
        return
    fine = dtype if elsewhere else np.dtype("float64")
    yield with_biases(rounded(theta, fine), fine), *dense_batch(len(X), len(Y), fine, CANDIDATES)
    yield theta, X[:, :CANDIDATES], Y[:, :CANDIDATES]


NOTHING_TOLD = "gate: cannot tell: every example of a batch has a unit within rounding of its kink"


def first_step_fault(
    layers: Layers, theta: Parameters, X: Array, Y: Array, gradients: Gradient, after: Parameters, alpha: float
) -> str | None:
    """How the first step of the training loop differs from θ − α dθ with the gradients that were checked, or None.

    The loop may be compiled apart from the gradients. Both are within what rounding may do, twice that of one; α, its
    product with dθ and the difference are rounded once each.
    """
    S_tree, allowed = noise_of(layers, theta, X, Y)
    G, S = named(gradients(theta, X, Y)[1]), named(S_tree)
    u, reach = noise.unit(X.dtype), 2 * allowed
    for p, q in named(after).items():
        start, step = named(theta)[p].astype("float64"), alpha * G[p].astype("float64")
        gap, room = abs(q - (start - step)), u * (alpha * reach * S[p] + 3 * (abs(start) + abs(step)))
        if not (gap <= room).all():
            index = np.unravel_index(int(np.argmax(np.where(gap <= room, 0, gap))), gap.shape)
            return (
                f"gate: the first step takes {p}[{', '.join(map(str, index))}] from {start[index]:.9g} to "
                f"{q[index]:.9g}; θ − α dθ is {(start - step)[index]:.9g}"
            )
    return None


def examine(layers: Layers, theta: Parameters, X: Array, Y: Array, gradients: Gradient | None = None) -> Examined:
    """The gradients of one batch beside the truth, in units of rounding."""
    found = gradients(theta, X, Y) if gradients else network.loss_and_gradients(layers, theta, X, Y)
    G = named(found[1])
    S_tree, allowed = noise_of(layers, theta, X, Y)
    true = trees.gradient if trees.general(layers) else truth.gradient
    T, S = named(true(layers, theta, X, Y)), named(S_tree)
    multiples = {}
    for p in T:
        if G[p].shape == T[p].shape:
            M = noise.multiples(G[p], T[p], S[p], X.dtype, truth.FLOOR)
            multiples[p] = np.where(np.isnan(M), inf, M)  # what is no number is infinitely far from the truth
    return Examined(G, T, multiples, allowed)


def noise_of(layers: Layers, theta: Parameters, X: Array, Y: Array) -> tuple[Parameters, float]:
    """The running-error scale of every gradient, and the multiple of it that rounding may reach."""
    if trees.general(layers):
        return trees.scale(layers, theta, X, Y, X.dtype)
    return noise.scale(layers, theta, X, Y, X.dtype), noise.allowed(layers, theta, X.shape[1])


def shape_fault(G: dict[str, Array], table: Mapping[str, tuple[int, ...]]) -> str | None:
    """The first gradient whose shape is not that of its parameter in the derivation's table, or None."""
    for p, shape in table.items():
        if p not in G or G[p].shape != shape:
            came = dims(G[p]) if p in G else "missing"
            return f"gate: d{p} is {came}; the derivation gives {p} the shape {' × '.join(map(str, shape))}"
    return None


def widths(theta: Parameters) -> list[int]:
    """The widths of the network, input first."""
    affines = [theta_l for theta_l in theta if isinstance(theta_l, Affine)]
    return [affines[0].W.shape[1], *(theta_l.W.shape[0] for theta_l in affines)]


def with_biases(theta: Parameters, dtype: np.dtype[Any]) -> Parameters:
    """The same weights with biases and gains that differ: a forgotten one goes unseen where all are zero, or one."""
    rng = np.random.default_rng(SEED)

    def moved(p: Array) -> Array:
        column = p.ndim == 1 or p.shape[1] == 1
        return p + (0.1 * rng.standard_normal(p.shape)).astype(dtype) if column or (p.flat[0] == p).all() else p

    return tuple(
        Affine(theta_l.W, moved(theta_l.b)) if isinstance(theta_l, Affine) else mapped(moved, theta_l)
        for theta_l in theta
    )


def dense_batch(n: int, classes: int, dtype: np.dtype[Any], count: int = DENSE) -> tuple[Array, Array]:
    """Examples without a zero, of both signs, whose labels differ as far as the classes go."""
    rng = np.random.default_rng(SEED)
    labels = rng.permutation(np.arange(count) % classes)
    return rng.standard_normal((count, n)).astype(dtype).T, network.one_hot(labels, classes, dtype)


def decided(layers: Layers, theta: Parameters, X: Array, elsewhere: bool = False) -> tuple[Array, list[str]]:
    """Which examples have every unit on one side of its kinks in X's dtype and in float64, and a line for each other.

    Within rounding of its kink a unit's slope is 0 or 1 by the accident of the last digit: neither can be called wrong.
    elsewhere: a pass in another library may round in another order, so that the whole reach of rounding is left out.
    """
    if trees.general(layers):
        return few(trees.decided(layers, theta, X))
    exact = rounded(theta, "float64")
    passed = activations(layers, theta, X), activations(layers, exact, X.astype("float64"))
    reach: list[Any] = reaches(layers, exact, passed[1], X.dtype) if elsewhere else [0.0] * len(passed[1])
    on_one_side = np.ones(X.shape[1], bool)
    notes = []
    for l, (layer, Z, Z_exact, r) in enumerate(zip(layers, *passed, reach, strict=False)):
        for kink in kinks(layer.name):
            for unit, s in np.argwhere(((kink.at < Z) != (Z_exact > kink.at)) | (abs(Z_exact - kink.at) < r)):
                of_layer = f"unit {unit} of layer {l // 2 + 1}"
                notes.append(f"gate: example {s} left out: {of_layer} is within rounding of {kink.at:g}")
                on_one_side[s] = False
    return on_one_side, notes


def few(told: Array) -> tuple[Array, list[str]]:
    """The first few of the examples that can be told, and a line on how many cannot."""
    chosen = told & (np.cumsum(told) <= FEW)
    left = int((~told).sum())
    notes = [f"gate: {left} of {told.size} examples have a unit within rounding of a kink: others were taken"]
    return chosen, notes if left else []


def reaches(layers: Layers, theta: Parameters, A: list[Array], dtype: np.dtype[Any]) -> list[Array]:
    """How far rounding may take each number of a forward pass in dtype, in whatever order its sums are added."""
    c = noise.allowed(layers, theta, A[0].shape[1])
    precision = Precision.of(dtype, c)
    E = [np.zeros_like(A[0])]
    for l, layer in enumerate(layers):
        E.append(errors(layer.name).forward(theta[l], A[l], E[l], A[l + 1], precision))
    return [c * noise.unit(dtype) * e for e in E]


def worst_entry(p: str, examined: list[Examined]) -> Entry:
    """The worst entry of parameter p over the batches, and how many of its entries are wrong on any of them."""
    batch = max(examined, key=lambda batch: float(batch.multiples[p].max()))
    index = np.unravel_index(int(batch.multiples[p].argmax()), batch.multiples[p].shape)
    return Entry(
        parameter=p,
        shape=batch.yours[p].shape,
        wrong=int(np.any([b.multiples[p] > b.allowed for b in examined], axis=0).sum()),
        index=tuple(int(i) for i in index),
        yours=float(batch.yours[p][index]),
        truth=float(batch.truth[p][index]),
        multiple=float(batch.multiples[p][index]),
    )
