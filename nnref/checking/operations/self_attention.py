"""How people write self-attention with its projections, of any number of heads; and the mistakes made going back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations, product
from math import prod, sqrt
from typing import Any

import numpy as np

from nnref import affine, multi_head
from nnref.arrays import namespace
from nnref.checking.operations import attention
from nnref.checking.operations.known import Known, Layout, Reading, Slip, Symbols, Tried

Settings = Mapping[str, Any]

PROJECTIONS = "QKV"
"""The projections, by what comes out; their matrices are Wq, Wk, Wv, and Wo is that of the output."""


def readings(tried: Tried) -> Iterator[Reading]:
    """Every self-attention of an input and three or four matrices, maybe with biases."""
    floats = tried.floats
    if not 4 <= len(floats) <= 9:
        return
    for x, X in floats.items():
        if X.ndim not in (2, 3) or X.shape[:-1] != tried.Y.shape[:-1]:
            continue
        matrices = [name for name in floats if name != x and floats[name].ndim == 2 and min(floats[name].shape) > 1]
        biases = [name for name in floats if name not in (x, *matrices)]
        if len(matrices) in (3, 4) and len(biases) in (0, len(matrices)):
            yield from projected(tried, x, matrices, biases)


def projected(tried: Tried, x: str, matrices: list[str], biases: list[str]) -> Iterator[Reading]:
    """The matrices in every order, those of the arguments first, and their biases in the same."""
    floats, Y = tried.floats, tried.Y
    D, E = floats[x].shape[-1], Y.shape[-1]
    for order, turned in product(permutations(range(len(matrices))), (False, True)):
        names = [matrices[k] for k in order]
        sizes = [floats[name].shape[::-1] if turned else floats[name].shape for name in names]
        m = sizes[0][1]
        if sizes[:3] != [(D, m)] * 3 or (sizes[3:] or [(E, E)]) != [(m if len(names) == 4 else E, E)]:
            continue
        if (len(names) == 3 and m != E) or any(
            floats[biases[k]].size != size[1] for k, size in zip(order, sizes, strict=True) if biases
        ):
            continue
        roles, layouts = {x: "X"}, {"X": columns(floats[x].shape)}
        for name, s, size in zip(names, ("Wq", "Wk", "Wv", "Wo"), sizes, strict=False):
            roles[name] = s
            layouts[s] = Layout.of(floats[name].shape, (0, 1) if turned else (1, 0), size[::-1])
        for k, s, size in zip(order, ("bq", "bk", "bv", "bo"), sizes, strict=False) if biases else ():
            roles[biases[k]] = s
            layouts[s] = Layout.reshaped(floats[biases[k]].shape, (size[1], 1))
        yield from headed(roles, layouts, columns(Y.shape), m)


def headed(roles: dict[str, str], layouts: dict[str, Layout], output: Layout, m: int) -> Iterator[Reading]:
    """Every number of heads, causal or not, their scores over √d or not."""
    T = output.shape[1]
    for heads in (G for G in range(1, m + 1) if m % G == 0):
        d = m // heads
        scales = {1.0: "scores not scaled", 1 / sqrt(m): "scores over the root of the whole width", 1 / sqrt(d): ""}
        for causal, (scale, note) in product((False, True), scales.items()):
            M = np.tri(T) if causal else np.ones((T, T))
            words = ["self-attention", f"{heads} heads" if heads > 1 else "one head", "causal" * causal, note]
            settings = {"heads": heads, "scale": scale * sqrt(d)}
            yield Reading("self_attention", ", ".join(filter(None, words)), roles, layouts, output, {"M": M}, settings)


def columns(shape: tuple[int, ...]) -> Layout:
    """Rows (examples, positions, features), or of one example, as (features, positions, examples)."""
    order = (len(shape) - 1, len(shape) - 2, *range(len(shape) - 2))
    return Layout.of(shape, order, (shape[-1], shape[-2], prod(shape[:-2])))


def flat(A: Any) -> Any:
    """Every position of every example as a column."""
    return namespace(A).reshape(A, (A.shape[0], -1))


def parts(at: Symbols, settings: Settings) -> list[Any]:
    """Queries, times their scale, keys and values, (heads, width, positions, examples)."""
    X, G = at["X"], settings["heads"]
    made = [at[f"W{s}"] @ flat(X) + at.get(f"b{s}", 0) for s in "qkv"]
    made[0] = made[0] * settings["scale"]
    return [namespace(A).reshape(A, (G, A.shape[0] // G, *X.shape[1:])) for A in made]


def forward(at: Symbols, settings: Settings) -> Any:
    """The heads one below the other, and their mixture."""
    H = joined(at, settings)
    Y = at["Wo"] @ H + at.get("bo", 0) if "Wo" in at else H
    return namespace(Y).reshape(Y, (Y.shape[0], *at["X"].shape[1:]))


def joined(at: Symbols, settings: Settings) -> Any:
    """The outputs of the heads, one below the other."""
    Q, K, V = parts(at, settings)
    return flat_heads(multi_head.forward(Q, K, V, at["M"]))


def flat_heads(A: Any) -> Any:
    """(heads, width, positions, examples) as columns of all heads."""
    return namespace(A).reshape(A, (A.shape[0] * A.shape[1], -1))


def to_heads(at: Symbols, dY: Any, settings: Settings) -> Any:
    """What comes back to the heads."""
    back = affine.dA(at["Wo"], flat(dY)) if "Wo" in at else flat(dY)
    G = settings["heads"]
    return namespace(back).reshape(back, (G, back.shape[0] // G, *dY.shape[1:]))


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """The proved gradients of the heads, and through the projections."""
    return through(at, to_parts(at, dY, settings), dY, settings)


def to_parts(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """The proved gradients of queries, keys and values."""
    Q, K, V = parts(at, settings)
    dH, M = to_heads(at, dY, settings), at["M"]
    return {"Q": multi_head.dQ(Q, K, V, M, dH), "K": multi_head.dK(Q, K, V, M, dH), "V": multi_head.dV(Q, K, M, dH)}


def through(at: Symbols, back: Mapping[str, Any], dY: Any, settings: Settings, paths: str = PROJECTIONS) -> Symbols:
    """From the gradients of queries, keys and values to those of input, matrices and biases."""
    X, of_input = flat(at["X"]), None
    found: Symbols = {}
    for s in PROJECTIONS:
        d = flat_heads(back[s]) * (settings["scale"] if s == "Q" else 1.0)
        low = s.lower()
        found |= {f"W{low}": affine.dW(X, d), f"b{low}": affine.db(d)}
        if s in paths:
            one = affine.dA(at[f"W{low}"], d)
            of_input = one if of_input is None else of_input + one
    found["X"] = namespace(dY).reshape(of_input, at["X"].shape)
    if "Wo" in at:
        H = joined(at, settings)
        found |= {"Wo": affine.dW(H, flat(dY)), "bo": affine.db(flat(dY))}
    return found


def rows(A: Any) -> Any:
    """Heads and examples as a batch: (heads · examples, positions, width)."""
    A = namespace(A).permute_dims(A, (0, 3, 2, 1))
    return namespace(A).reshape(A, (-1, *A.shape[2:]))


def heads(A: Any, like: Any) -> Any:
    """And back."""
    G, _, _, N = like.shape
    A = namespace(A).reshape(A, (G, N, *A.shape[1:]))
    return namespace(A).permute_dims(A, (0, 3, 2, 1))


def in_heads(slip: Slip) -> Slip:
    """A mistake of attention, made in every head."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        every = dict(zip(PROJECTIONS, parts(at, settings), strict=True))
        dH = to_heads(at, dY, settings)
        right = to_parts(at, dY, settings)
        batch = {s: rows(A) for s, A in every.items()}
        batch["M"] = np.broadcast_to(at["M"], (batch["Q"].shape[0], *at["M"].shape))
        for made in slip.of(batch, rows(dH), {"scale": settings["scale"]}):
            wrong = {s: heads(G, every[s]) for s, G in made.items()}
            yield through(at, right | wrong, dY, settings) if wrong else {}

    return Slip(slip.key, slip.says, of)


def missing_paths(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """One or two of the three ways from the input left out."""
    back = to_parts(at, dY, settings)
    for paths in ("Q", "K", "V", "QK", "QV", "KV"):
        yield {"X": through(at, back, dY, settings, paths)["X"]}


def output_untransposed(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """The heads given Wo dY in place of Woᵀ dY."""
    if "Wo" in at and at["Wo"].shape[0] == at["Wo"].shape[1]:
        turned = {**at, "Wo": at["Wo"].T}
        found = gradients(turned, dY, settings)
        yield {s: G for s, G in found.items() if s not in ("Wo", "bo")}


SLIPS = (
    *map(in_heads, attention.SLIPS),
    Slip(
        "attention.paths",
        "the input feeds queries, keys and values: what comes back through the three is to be added up",
        missing_paths,
    ),
    Slip(
        "attention.output_untransposed",
        "the matrix of the output is not transposed on the way back",
        output_untransposed,
    ),
)

KNOWN = Known("self_attention", readings, forward, gradients, SLIPS)
