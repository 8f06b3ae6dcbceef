"""How people write attention: rows or columns, heads and batches, any mask and scale; and its mistakes going back.

The attention weights are measured: the output is linear in the values, so values that are 1 at one key and 0 elsewhere
give the weights of that key. The mask is where weights are 0 for all inputs, and the scale follows from their
logarithms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import permutations
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from nnref import attention, masked_softmax
from nnref.arrays import namespace
from nnref.checking.operations.known import KnownLayer, LayerReading, Layout, Slip, Symbols, Tried, square
from nnref.shapes import Array

Settings = Mapping[str, Any]

ORDERS = {2: ((0, 1), (1, 0)), 3: ((0, 1, 2), (1, 0, 2), (0, 2, 1)), 4: ((0, 1, 2, 3), (0, 2, 1, 3))}
"""The axes of queries, keys and values as (…, positions, width), by their number."""

MANY = 256
"""Most calls of a function to measure its weights."""

SHARE = 1e-9
"""How far rounding may move a weight below 0 or above 1."""

LARGEST = 1 << 23
"""Most weights that are measured."""


def layout(shape: tuple[int, ...], order: tuple[int, ...]) -> Layout:
    """An array as (batch, positions, width)."""
    sizes = tuple(shape[k] for k in order)
    return Layout.of(shape, order, (int(np.prod(sizes[:-2])), *sizes[-2:]))


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Every attention of three arrays."""
    floats = {name: A for name, A in tried.floats.items() if A.ndim == tried.Y.ndim}
    for names in permutations(floats, 3):
        for order in ORDERS.get(tried.Y.ndim, ()):
            parts = [layout(floats[name].shape, order) for name in names]
            output = layout(tried.Y.shape, order)
            if fit(parts[0].shape, parts[1].shape, parts[2].shape, output.shape):
                P = weights_by_asking(tried, names[2], parts, output)
                yield from read(tried, names, parts, output, P) if P is not None else ()


def fit(Q: tuple[int, ...], K: tuple[int, ...], V: tuple[int, ...], Y: tuple[int, ...]) -> bool:
    """Do shapes (batch, positions, width) fit together?"""
    same_batch = Q[0] == K[0] == V[0] == Y[0]
    few = K[1] <= MANY * V[2] and Q[0] * Q[1] * K[1] <= LARGEST
    return same_batch and Q[2] == K[2] and K[1] == V[1] and Y[1:] == (Q[1], V[2]) and few


def weights_by_asking(tried: Tried, name: str, parts: list[Layout], output: Layout) -> Array | None:
    """The weights (batch, queries, keys): what comes out for values that are 1 at one key, and 0 elsewhere.

    Each column of the values measures another key, so that one call measures as many as the values are wide.
    """
    _, keys, width = parts[2].shape
    weights = []
    for first in range(0, keys, width):
        V = np.zeros(parts[2].shape)
        asked_for = np.arange(first, min(first + width, keys))
        V[:, asked_for, asked_for - first] = 1
        try:
            Y = output.take(np.asarray(tried.call({**tried.arguments, name: parts[2].give(V)}), "float64"))
        except Exception:  # a stranger's function
            return None
        weights.append(Y[:, :, : len(asked_for)])
        if not ((weights[-1] > -SHARE) & (weights[-1] < 1 + SHARE)).all():
            return None
    P = np.concatenate(weights, axis=2)
    # With drawn values it is checked that the output is these weights times the values, column by column.
    V = parts[2].take(tried.floats[name])
    close = np.allclose(P.sum(axis=2), 1) and np.allclose(P @ V, output.take(tried.Y), rtol=1e-8, atol=1e-10)
    return P if close else None


def read(tried: Tried, names: tuple[str, ...], parts: list[Layout], output: Layout, P: Array) -> Iterator[LayerReading]:
    """The attention with these weights: its mask is where they are not 0, its scale follows from their logarithms."""
    Q, K = (part.take(tried.floats[name]) for part, name in zip(parts[:2], names[:2], strict=True))
    M = (P > 0).astype("float64")
    scale = scale_of(Q @ np.swapaxes(K, 1, 2), P, M)
    if scale is None:
        return
    natural = 1 / sqrt(Q.shape[2])
    scale = next((s for s in (natural, 1.0, 1 / Q.shape[2]) if abs(s - scale) <= 1e-9 * abs(s)), scale)
    scaled = Layout(parts[0].theirs, parts[0].split, parts[0].order, parts[0].shape, scale=scale / natural)
    says = ["attention", masked(M)]
    says += [f"scores times {scale:.6g}"] if scale != natural else []
    roles = dict(zip(names, "QKV", strict=True))
    layouts = {"Q": scaled, "K": parts[1], "V": parts[2]}
    settings = {"scale": scale / natural}
    yield LayerReading("attention", ", ".join(filter(None, says)), roles, layouts, output, {"M": M}, settings)


def scale_of(S: Array, P: Array, M: Array) -> float | None:
    """The factor of the scores whose softmax under the mask the weights are."""
    with np.errstate(all="ignore"):
        logs = np.where(M > 0, np.log(P), 0)
    seen = M.sum(axis=2, keepdims=True)
    logs, S = (np.where(M > 0, A - (A * M).sum(axis=2, keepdims=True) / seen, 0) for A in (logs, S))
    square = float((S * S).sum())
    return float((S * logs).sum()) / square if square else None


def masked(M: Array) -> str:
    """What a mask is called."""
    if M.all():
        return ""
    T, U = M.shape[1:]
    causal = any((np.tri(T, U, k) == M).all() for k in (0, U - T))
    return "causal" if causal else "under a mask"


def each(f: Callable[..., Any], at: Symbols, *names: str, dY: Any = None) -> Any:
    """A function of one example's arrays, for every example, stacked."""
    given = [at[name] for name in names] + ([] if dY is None else [dY])
    parts = [f(*(A[k] for A in given)) for k in range(at["Q"].shape[0])]
    return namespace(parts[0]).stack(parts, axis=0)


def forward(at: Symbols, settings: Settings) -> Any:
    """Softmax of the scores under the mask, times the values."""
    return each(attention.forward, at, "Q", "K", "V", "M")


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """The proved gradients."""
    return {
        "Q": each(attention.dQ, at, "Q", "K", "V", "M", dY=dY),
        "K": each(attention.dK, at, "Q", "K", "V", "M", dY=dY),
        "V": each(attention.dV, at, "Q", "K", "M", dY=dY),
    }


class AttentionBackward(NamedTuple):
    """The arrays of one example's backward pass: weights, their gradient, and c = 1/√d.

    The queries include the scale relative to 1/√d; a mistake that omits the scale has to be divided by it.
    """

    Q: Any
    K: Any
    V: Any
    M: Any
    P: Any
    dP: Any
    dY: Any
    c: float
    scale: float

    def sums(self, A: Any, axis: int = 1) -> Any:
        """The sums along an axis, which stays."""
        return namespace(A).sum(A, axis=axis, keepdims=True)

    def of_scores(self, dS: Any, dV: Any = None) -> Symbols:
        """The gradients of queries and keys from that of the scores."""
        found = {"Q": dS @ self.K * self.c, "K": dS.T @ self.Q * self.c}
        return found if dV is None else found | {"V": dV}

    def times(self, factor: float) -> Symbols:
        """The gradients of queries and keys, with another factor than c."""
        dS = self.back(self.P)
        return {"Q": dS @ self.K * factor, "K": dS.T @ self.Q * factor}

    def back(self, P: Any) -> Any:
        """The gradient of the scores, with these weights."""
        return P * (self.dP - self.sums(P * self.dP))

    def weights(self, M: Any) -> Any:
        """The weights under another mask."""
        return masked_softmax.forward((self.Q @ self.K.T * self.c).T, M.T).T


def of(key: str, says: str, *ways: Callable[[AttentionBackward], Symbols]) -> Slip:
    """A mistake with its ways to make it, applied to every example."""

    def made(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        for way in ways:
            try:
                yield together([way(one(at, dY, k, settings["scale"])) for k in range(at["Q"].shape[0])])
            except ValueError:  # impossible with these shapes
                yield {}

    return Slip(key, says, made)


def one(at: Symbols, dY: Any, k: int, scale: float) -> AttentionBackward:
    """What goes back through example k."""
    c = 1 / sqrt(at["Q"].shape[2])
    Q, K, V, M = (at[name][k] for name in "QKVM")
    P = masked_softmax.forward((Q @ K.T * c).T, M.T).T
    return AttentionBackward(Q, K, V, M, P, dY[k] @ V.T, dY[k], c, scale)


def together(parts: list[Symbols]) -> Symbols:
    """The examples stacked."""
    return {s: namespace(parts[0][s]).stack([part[s] for part in parts], axis=0) for s in parts[0]}


def ones(b: AttentionBackward) -> Array:
    """A mask that hides nothing."""
    return np.ones(b.M.shape)


def causal(b: AttentionBackward) -> Array:
    """A causal mask."""
    return np.tri(*b.M.shape)


SLIPS = (
    of(
        "attention.mask_only_backward",
        "the backward pass masks scores that the forward pass does not: the mask is on one side only",
        lambda b: b.of_scores(b.back(b.P * causal(b)), (b.P * causal(b)).T @ b.dY),
        lambda b: b.of_scores(b.back(b.weights(b.M * causal(b))), b.weights(b.M * causal(b)).T @ b.dY),
        lambda b: b.of_scores(b.back(b.P) * causal(b)),
        lambda b: b.of_scores(b.back(b.P * causal(b))),
    ),
    of(
        "attention.mask_only_forward",
        "the backward pass leaves out the mask of the forward pass: the mask is on one side only",
        lambda b: b.of_scores(b.back(b.weights(ones(b))), b.weights(ones(b)).T @ b.dY),
        lambda b: b.of_scores(b.back(b.weights(ones(b)))),
        lambda b: b.of_scores(b.back(b.weights(ones(b))), b.P.T @ b.dY),
    ),
    of(
        "attention.sum_missing",
        "the row sums Σ P dP are not subtracted in the softmax's backward pass",
        lambda b: b.of_scores(b.P * b.dP),
    ),
    of(
        "attention.elementwise",
        "the softmax's slope is taken as P (1 − P), entry by entry: the weights of a query depend on each other",
        lambda b: b.of_scores(b.P * (1 - b.P) * b.dP),
    ),
    of(
        "attention.sum_across",
        "the sums Σ P dP are along the queries, not along the keys",
        lambda b: b.of_scores(b.P * (b.dP - b.sums(b.P * b.dP, 0))),
        lambda b: b.of_scores(b.P * (b.dP - square(b.sums(b.P * b.dP) * ones(b)).T)),
    ),
    of(
        "attention.sum_unweighted",
        "the sums that are subtracted are Σ dP, without the weights",
        lambda b: b.of_scores(b.P * (b.dP - b.sums(b.dP))),
    ),
    of(
        "attention.sign",
        "the row sums Σ P dP are added where they should be subtracted",
        lambda b: b.of_scores(b.P * (b.dP + b.sums(b.P * b.dP))),
    ),
    of(
        "attention.softmax_missing",
        "the softmax is not gone back through: dP stands where dS belongs",
        lambda b: b.of_scores(b.dP * 1),
    ),
    of(
        "attention.scale_missing",
        "the scale 1/√d is missing in the backward pass",
        lambda b: b.times(1 / b.scale),
        lambda b: {"Q": b.times(1 / b.scale)["Q"]},
        lambda b: {"K": b.times(1 / b.scale)["K"]},
    ),
    of(
        "attention.scale_twice",
        "the scale 1/√d is applied twice in the backward pass",
        lambda b: b.times(b.c * b.c * b.scale),
        lambda b: {"Q": b.times(b.c * b.c * b.scale)["Q"]},
        lambda b: {"K": b.times(b.c * b.c * b.scale)["K"]},
    ),
    of(
        "attention.not_transposed",
        "a transpose is missing: weights or scores go back from queries to keys as their transpose",
        lambda b: {"V": square(b.P) @ b.dY},
        lambda b: {"K": square(b.back(b.P)) @ b.Q * b.c},
        lambda b: {"Q": square(b.back(b.P)).T @ b.K * b.c},
        lambda b: {"Q": square(b.back(b.P)).T @ b.K * b.c, "K": b.back(b.P) @ b.Q * b.c},
    ),
    of(
        "attention.queries_for_keys",
        "queries and keys are mixed up: dQ takes the keys, and dK the queries",
        lambda b: {"Q": square(b.back(b.P)) @ b.Q * b.c, "K": b.back(b.P).T @ b.K * b.c},
        lambda b: {"Q": square(b.back(b.P)) @ b.Q * b.c},
        lambda b: {"K": square(b.back(b.P)).T @ b.K * b.c},
        lambda b: {"Q": square(b.back(b.P)).T @ b.Q * b.c, "K": b.back(b.P) @ b.K * b.c},
    ),
)

KNOWN = KnownLayer("attention", readings, forward, gradients, SLIPS)
