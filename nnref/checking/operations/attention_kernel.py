"""Scaled dot product attention, for any number of batches and heads: Y = softmax(Q Kᵀ / √d) V, causal or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod, sqrt
from typing import Any

from nnref import attention
from nnref.arrays import namespace
from nnref.checking.operations.kernel_form import Change, Form, Mistake, Settings, Summed, Values
from nnref.shapes import Array, trusted

HIDDEN = 1e30
"""Taken off the scores of keys that are not seen, so that their exponential is 0."""


def masks(
    shapes: Mapping[str, tuple[int, ...]], output: tuple[int, ...], numbers: list[Any]
) -> Iterator[dict[str, Any]]:
    """Every query sees all keys, those up to itself, or those up to itself counted from the end; and the scale."""
    Q, K, V = shapes["Q"], shapes["K"], shapes["V"]
    fits = len(Q) >= 2 and Q[:-2] == K[:-2] == V[:-2] and Q[-1] == K[-1] and K[-2] == V[-2]
    if fits and output == (*Q[:-1], V[-1]):
        scales = [x for x in numbers if isinstance(x, float) and x > 0]
        said = [x for x in numbers if isinstance(x, bool)]
        kinds = ["causal" if said[0] else "full"] if said else ["full", "causal"]
        if Q[-2] < K[-2] and "causal" in kinds:
            kinds.append("causal from the end")
        yield from ({"mask": mask, "scale": scale} for scale in (*scales, 1 / sqrt(Q[-1])) for mask in kinds)


def mask(Q: Array, K: Array, kind: str, further: int = 0) -> Array:
    """1 where a query sees a key, else 0: (T, U)."""
    xp, (T, U) = namespace(Q), (Q.shape[-2], K.shape[-2])
    ones = 0 * xp.reshape(Q, (-1, Q.shape[-1]))[:T, :1] + 1
    beside = 0 * xp.reshape(K, (-1, K.shape[-1]))[:U, :1] + 1
    if kind == "full":
        return ones @ beside.T
    q, k = counting(ones), counting(beside)
    late = U - T if kind == "causal from the end" else 0
    return namespace(Q).astype(q + late + further >= k.T, Q.dtype)


def counting(ones: Array) -> Array:
    """1, 2, 3, … down a column of ones."""
    xp = namespace(ones)
    return xp.cumulative_sum(ones, axis=0) if hasattr(xp, "cumulative_sum") else xp.cumsum(ones, axis=0)


def turned(A: Array) -> Array:
    """The last two axes exchanged."""
    return namespace(A).matrix_transpose(A)


def weights(ar: Any, values: Values, settings: Settings, change: Change) -> Any:
    """P. The scores too may be kept in the kernel's dtype."""
    Q, K, which = values["Q"], values["K"], change.which
    xp = namespace(Q)
    kind = "full" if which == "no mask" else settings["mask"]
    seen = mask(Q, K, kind, 1 if which == "mask off" else 0)
    scale = 1.0 if which == "no scale inside" else settings["scale"]
    S = ar.store(ar.matmul(ar.given(Q), ar.given(turned(K))) * scale) + (seen - 1) * HIDDEN
    E = ar.exp(S - xp.max(ar.value(S), axis=-1, keepdims=True))
    return ar.store(E / ar.sum(E * change.kept("keys in the softmax"), -1))


def forward(ar: Any, values: Values, settings: Settings) -> Any:
    """P V."""
    return ar.matmul(weights(ar, values, settings, Change()), ar.given(values["V"]))


def gradients(ar: Any, values: Values, dY: Array, settings: Settings, change: Change) -> dict[str, Any]:
    """DV = Pᵀ dY; dS = P (dP − D), where D is Σ P dP or Σ O dO, whichever a kernel takes; dQ and dK by dS."""
    Q, K, V, dO, which = (*(ar.given(values[name]) for name in "QKV"), ar.given(dY), change.which)
    P = weights(ar, values, settings, change)
    dP = ar.store(ar.matmul(dO, ar.moved(V, turned)))
    D = ar.either(ar.sum(P * dP * change.kept("keys in D"), -1), lambda: ar.sum(dO * ar.store(ar.matmul(P, V)), -1))
    dS = ar.store(P * dP if which == "no D" else P * (dP - D))
    scale = {"no scale": 1.0, "scale twice": settings["scale"] ** 2}.get(which, settings["scale"])
    keys = dS * change.kept("keys")
    queries = change.kept("queries")
    back = dS if which == "not transposed" else ar.moved(dS * queries, turned)
    return {
        "Q": ar.matmul(keys, K) * scale,
        "K": ar.matmul(back, Q) * scale,
        "V": ar.matmul(ar.moved(P * queries, turned), dO),
    }


def truth(values: Values, dY: Array, settings: Settings) -> dict[str, Array]:
    """By nnref.attention, head after head. Its scores are over √d, so another scale goes into Q."""
    Q, K, V = values["Q"], values["K"], values["V"]
    xp = namespace(Q)
    M = mask(Q, K, settings["mask"])
    share = settings["scale"] * sqrt(Q.shape[-1])
    heads = [xp.reshape(A, (prod(A.shape[:-2]), *A.shape[-2:])) for A in (share * Q, K, V, dY)]
    with trusted():
        found = [each(q, k, v, M, d, share) for q, k, v, d in zip(*heads, strict=True)]
    made = {name: xp.stack([one[name] for one in found], axis=0) for name in "QKV"}
    return {name: xp.reshape(A, values[name].shape) for name, A in made.items()}


def each(q: Array, k: Array, v: Array, M: Array, d: Array, share: float) -> dict[str, Array]:
    """The three gradients of one head."""
    dQ = attention.dQ(q, k, v, M, d)
    return {"Q": share * dQ, "K": attention.dK(q, k, v, M, d), "V": attention.dV(q, k, M, d)}


SCORES = ("Q", "K")

FORMS = (
    Form(
        "attention",
        ("Q", "K", "V"),
        masks,
        forward,
        gradients,
        truth,
        mistakes=(
            Mistake("no scale", "the scale 1/√d is forgotten going back", SCORES),
            Mistake("scale twice", "the scale 1/√d is taken twice", SCORES),
            Mistake("no scale inside", "P is made again without the scale 1/√d"),
            Mistake("no mask", "the causal mask is forgotten going back"),
            Mistake("mask off", "the causal mask is off by one: a query sees one key too many"),
            Mistake("no D", "the row sums of P dP are not subtracted", SCORES),
            Mistake("not transposed", "dS is not transposed", ("K",)),
        ),
        sums=(
            Summed("keys", "keys", ("Q",), "K", -2, "the sum over keys"),
            Summed("queries", "queries", ("K", "V"), "Q", -2, "the sum over queries"),
            Summed("keys in D", "keys", SCORES, "K", -2, "the row sums of P dP"),
            Summed("keys in the softmax", "keys", ("Q", "K", "V"), "K", -2, "the sum of the exponentials"),
        ),
        axes=dict.fromkeys("QKV", ("positions", "columns")),
    ),
)
