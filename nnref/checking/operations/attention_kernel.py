"""Scaled dot product attention of any batches and heads: Y = softmax(Q Kᵀ / √d) V, under any mask or bias."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod, sqrt
from typing import Any

from nnref import attention
from nnref.arrays import namespace
from nnref.checking.operations.kernel_arithmetic import Plain, flags
from nnref.checking.operations.kernel_form import Change, ClosedForm, KernelMistake, Settings, Summed, Values
from nnref.shapes import Array, ShapeError, trusted

HIDDEN = 1e30
"""Subtracted from the scores of hidden keys, so that their exponential is 0."""


def masks(
    shapes: Mapping[str, tuple[int, ...]], output: tuple[int, ...], numbers: list[Any]
) -> Iterator[dict[str, Any]]:
    """Every query sees all keys, those up to itself, or those up to itself counted from the end; and the scale.

    A mask that came along is 1 where a query sees a key, or 1 where it does not, or is added to the scores.
    """
    Q, K, V, M = shapes["Q"], shapes["K"], shapes["V"], shapes.get("M")
    fits = len(Q) >= 2 and Q[:-2] == K[:-2] == V[:-2] and Q[-1] == K[-1] and K[-2] == V[-2]
    if fits and output == (*Q[:-1], V[-1]):
        scales = [x for x in numbers if isinstance(x, float) and x > 0]
        said = [x for x in numbers if isinstance(x, bool)]
        kinds = ["causal" if said[0] else "full"] if said else ["full", "causal"]
        if Q[-2] < K[-2] and "causal" in kinds:
            kinds.append("causal from the end")
        if M is not None:
            kinds = ["given", "given, 1 hides", "added"] if stretches(M, (*Q[:-1], K[-2])) else []
        yield from ({"mask": mask, "scale": scale} for scale in (*scales, 1 / sqrt(Q[-1])) for mask in kinds)


def stretches(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Does an array of this shape stand for one of that?"""
    return len(shape) <= len(to) and all(n in (1, m) for n, m in zip(shape[::-1], to[::-1], strict=False))


def mask(values: Values, kind: str, further: int = 0) -> Array:
    """1 where a query sees a key, else 0: (T, U), or as the mask that was given.

    Errors: ShapeError for a query that sees no key: its weights are 0 / 0.
    """
    Q, K = values["Q"], values["K"]
    xp, (T, U) = namespace(Q), (Q.shape[-2], K.shape[-2])
    if kind.startswith("given"):
        shown = namespace(Q).astype(values["M"] != 0, Q.dtype)
        shown = 1 - shown if "hides" in kind else shown
        if not bool(xp.all(xp.sum(shown, axis=-1) > 0)):
            raise ShapeError("a query sees no key.")
        return shown
    ones = 0 * xp.reshape(Q, (-1, Q.shape[-1]))[:T, :1] + 1
    beside = 0 * xp.reshape(K, (-1, K.shape[-1]))[:U, :1] + 1
    if kind in ("full", "added"):
        return ones @ beside.T
    q, k = counting(ones), counting(beside)
    late = U - T if kind == "causal from the end" else 0
    return namespace(Q).astype(q + late + further >= k.T, Q.dtype)


def bias(values: Values, settings: Settings) -> Array | None:
    """What is added to the scores; −∞ is replaced by −HIDDEN."""
    if settings["mask"] != "added":
        return None
    xp, M = namespace(values["Q"]), values["M"]
    made: Array = xp.maximum(M, 0 * xp.where(xp.isfinite(M), M, xp.zeros_like(M)) - HIDDEN)
    return made


def counting(ones: Array) -> Array:
    """1, 2, 3, … down a column of ones."""
    xp = namespace(ones)
    return xp.cumulative_sum(ones, axis=0) if hasattr(xp, "cumulative_sum") else xp.cumsum(ones, axis=0)


def turned(A: Array) -> Array:
    """The last two axes exchanged."""
    return namespace(A).matrix_transpose(A)


def weights(ar: Any, values: Values, settings: Settings, change: Change) -> Any:
    """P. The scores too may be stored in the kernel's dtype."""
    Q, K, which = values["Q"], values["K"], change.which
    xp = namespace(Q)
    kind = "full" if which == "no mask" else settings["mask"]
    seen = mask(values, kind, 1 if which == "mask off" else 0)
    scale = 1.0 if which == "no scale inside" else settings["scale"]
    S, B = ar.store(ar.matmul(ar.given(Q), ar.given(turned(K))) * scale), bias(values, settings)
    S = S + (seen - 1) * HIDDEN if B is None or kind == "full" else ar.store(S + B)
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
    found = {"M": summed_to(ar, dS, tuple(values["M"].shape))} if settings["mask"] == "added" else {}
    back = dS if which == "not transposed" else ar.moved(dS * queries, turned)
    return found | {
        "Q": ar.matmul(keys, K) * scale,
        "K": ar.matmul(back, Q) * scale,
        "V": ar.matmul(ar.moved(P * queries, turned), dO),
    }


def summed_to(ar: Any, dS: Any, shape: tuple[int, ...]) -> Any:
    """The sums over the axes along which an array of this shape was stretched."""
    sizes = tuple(ar.value(dS).shape)
    short = (1,) * (len(sizes) - len(shape)) + shape
    for axis, (n, m) in enumerate(zip(sizes, short, strict=True)):
        if n != m:
            dS = ar.sum(dS, axis, split=True)
    return ar.moved(dS, lambda A: namespace(A).reshape(A, shape))


def truth(values: Values, dY: Array, settings: Settings) -> dict[str, Array]:
    """By nnref.attention, head after head. Its scores are over √d, so another scale goes into Q.

    A bias B is in the scores of wider queries and keys: [Q, 1] [K, Bᵀ]ᵀ = Q Kᵀ + B, with 1 the identity.
    """
    Q, K, V, B = values["Q"], values["K"], values["V"], bias(values, settings)
    xp, lead, (T, U, d) = namespace(Q), tuple(Q.shape[:-2]), (Q.shape[-2], K.shape[-2], Q.shape[-1])
    share = settings["scale"] * sqrt(d if B is None else d + T)
    M = mask(values, settings["mask"])
    if B is not None:
        B = xp.broadcast_to(B, (*lead, T, U))
        M = M * xp.astype(-HIDDEN < B, Q.dtype)
        unit = diagonal(Q, T) / settings["scale"]
        Q = xp.concat([Q, xp.broadcast_to(unit, (*lead, T, T))], axis=-1)
        K = xp.concat([K, turned(xp.where(M > 0, B, xp.zeros_like(B)))], axis=-1)
    M = xp.broadcast_to(M, (*lead, T, U))
    heads = [xp.reshape(A, (prod(lead), *A.shape[-2:])) for A in (share * Q, K, V, M, dY)]
    with trusted():
        found = [each(q, k, v, m, g, share) for q, k, v, m, g in zip(*heads, strict=True)]
    made = {name: xp.stack([one[name] for one in found], axis=0) for name in "QKV"}
    whole = {name: xp.reshape(A, (*lead, *A.shape[1:])) for name, A in made.items()}
    if B is not None:
        shape = tuple(values["M"].shape)
        whole["M"] = summed_to(Plain(), turned(whole["K"][..., d:]), shape)
    return {name: A if name in "MV" else A[..., :d] for name, A in whole.items()}


def diagonal(Q: Array, n: int) -> Array:
    """The identity of n rows, in the dtype and on the device of Q."""
    ones = flags(Q, [1.0] * n)
    count = counting(namespace(Q).reshape(ones, (n, 1)))
    made: Array = namespace(Q).astype(count == count.T, Q.dtype)
    return made


def each(q: Array, k: Array, v: Array, M: Array, d: Array, share: float) -> dict[str, Array]:
    """The three gradients of one head."""
    dQ = attention.dQ(q, k, v, M, d)
    return {"Q": share * dQ, "K": attention.dK(q, k, v, M, d), "V": attention.dV(q, k, M, d)}


SCORES = ("Q", "K")

FORMS = (
    ClosedForm(
        "attention",
        ("Q", "K", "V"),
        masks,
        forward,
        gradients,
        truth,
        mistakes=(
            KernelMistake("no scale", "the scale 1/√d is forgotten going back", SCORES),
            KernelMistake("scale twice", "the scale 1/√d is taken twice", SCORES),
            KernelMistake("no scale inside", "P is made again without the scale 1/√d"),
            KernelMistake("no mask", "the mask is forgotten going back"),
            KernelMistake("mask off", "the causal mask is off by one: a query sees one key too many"),
            KernelMistake("no D", "the row sums of P dP are not subtracted", SCORES),
            KernelMistake("not transposed", "dS is not transposed", ("K",)),
        ),
        sums=(
            Summed("keys", "keys", ("Q",), "K", -2, "the sum over keys"),
            Summed("queries", "queries", ("K", "V"), "Q", -2, "the sum over queries"),
            Summed("keys in D", "keys", SCORES, "K", -2, "the row sums of P dP"),
            Summed("keys in the softmax", "keys", ("Q", "K", "V"), "K", -2, "the sum of the exponentials"),
        ),
        mask="M",
        axes={**dict.fromkeys("QKV", ("positions", "columns")), "M": ("queries", "keys")},
    ),
)
