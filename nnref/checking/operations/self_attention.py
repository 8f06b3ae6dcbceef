"""How people write self-attention with its projections, of any number of heads; and the mistakes made going back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations, product
from math import prod, sqrt
from typing import Any, NamedTuple

import numpy as np

from nnref import affine, multi_head
from nnref.arrays import namespace
from nnref.checking.operations import attention
from nnref.checking.operations.known import KnownLayer, LayerReading, Layout, Slip, Symbols, Tried

Settings = Mapping[str, Any]

PROJECTIONS = "QKV"
"""The projections, by what comes out; their matrices are Wq, Wk, Wv, and Wo is that of the output."""

FUSED = {"Wqkv": ("Wq", "Wk", "Wv"), "bqkv": ("bq", "bk", "bv")}
"""Three matrices, or biases, one below the other as one."""


class Lie(NamedTuple):
    """The layouts of input and output as (features, positions, examples), and their description."""

    X: Layout
    Y: Layout
    says: str = ""


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Every self-attention of an input and one to four matrices, maybe with biases."""
    floats = tried.floats
    if not 2 <= len(floats) <= 9:
        return
    for x, X in floats.items():
        matrices = [name for name in floats if name != x and floats[name].ndim == 2 and min(floats[name].shape) > 1]
        biases = [name for name in floats if name not in (x, *matrices)]
        if X.ndim not in (2, 3) or len(biases) not in (0, len(matrices)):
            continue
        for lie in lies(X.shape, tried.Y.shape):
            if len(matrices) in (3, 4):
                yield from projected(tried, x, lie, matrices, biases)
            elif len(matrices) in (1, 2):
                yield from fused(tried, x, lie, matrices, biases)


def lies(X: tuple[int, ...], Y: tuple[int, ...]) -> Iterator[Lie]:
    """An example a row and its features last, or features first and examples last."""
    if X[:-1] == Y[:-1]:
        yield Lie(columns(X), columns(Y))
    if X[1:] == Y[1:]:
        first = [(shape[0], shape[1], prod(shape[2:])) for shape in (X, Y)]
        yield Lie(Layout.reshaped(X, first[0]), Layout.reshaped(Y, first[1]), "features first")


def fused(tried: Tried, x: str, lie: Lie, matrices: list[str], biases: list[str]) -> Iterator[LayerReading]:
    """One matrix for queries, keys and values, and maybe that of the output; biases likewise.

    It holds all queries, then all keys, then all values; or these three head by head.
    """
    floats, (D, E) = tried.floats, (lie.X.shape[0], lie.Y.shape[0])
    for order, turned in product(permutations(range(len(matrices))), (False, True)):
        names = [matrices[k] for k in order]
        sizes = [floats[name].shape[::-1] if turned else floats[name].shape for name in names]
        m = sizes[0][1] // 3
        if sizes[0] != (D, 3 * m) or (sizes[1:] or [(m, E)]) != [(m, E)] or (len(names) == 1 and m != E):
            continue
        if any(floats[biases[k]].size != size[1] for k, size in zip(order, sizes, strict=True) if biases):
            continue
        for heads, by_head in product(divisors(m), (False, True)):
            if by_head and heads == 1:
                continue
            roles, layouts = {x: "X", names[0]: "Wqkv"}, {"X": lie.X}
            split = (heads, 3, m // heads) if by_head else (1, 3, m)
            layouts["Wqkv"] = stacked(floats[names[0]].shape, split, D, turned)
            if biases:
                roles[biases[order[0]]] = "bqkv"
                layouts["bqkv"] = stacked(floats[biases[order[0]]].shape, split, 1, True)
            for s, k in (("Wo", 1), *((("bo", 1),) if biases else ())) if len(names) == 2 else ():
                name = names[k] if s == "Wo" else biases[order[k]]
                roles[name] = s
                shape = floats[name].shape
                turn = Layout.of(shape, (0, 1) if turned else (1, 0), (E, m))
                layouts[s] = turn if s == "Wo" else Layout.reshaped(shape, (E, 1))
            note = ", queries, keys and values in one matrix" + ", head by head" * by_head
            yield from headed(roles, layouts, lie, m, (heads,), note)


def stacked(shape: tuple[int, ...], split: tuple[int, int, int], D: int, turned: bool) -> Layout:
    """A matrix of outputs split into (heads or one, three, width) as one (all queries, keys, values below, D)."""
    rows = prod(split)
    if turned:
        return Layout(shape, (*split, D), (1, 0, 2, 3), (rows, D))
    return Layout(shape, (D, *split), (2, 1, 3, 0), (rows, D))


def divisors(m: int) -> tuple[int, ...]:
    """The numbers of heads that share a width."""
    return tuple(G for G in range(1, m + 1) if m % G == 0)


def parts_apart(at: Symbols) -> Symbols:
    """The symbols with each of the fused ones in its three parts."""
    found = dict(at)
    for whole, parts in FUSED.items():
        if whole in at:
            m = at[whole].shape[0] // 3
            found |= {s: at[whole][k * m : (k + 1) * m] for k, s in enumerate(parts)}
    return found


def projected(tried: Tried, x: str, lie: Lie, matrices: list[str], biases: list[str]) -> Iterator[LayerReading]:
    """The matrices in every order, those of the arguments first, and their biases in the same."""
    floats, (D, E) = tried.floats, (lie.X.shape[0], lie.Y.shape[0])
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
        roles, layouts = {x: "X"}, {"X": lie.X}
        for name, s, size in zip(names, ("Wq", "Wk", "Wv", "Wo"), sizes, strict=False):
            roles[name] = s
            layouts[s] = Layout.of(floats[name].shape, (0, 1) if turned else (1, 0), size[::-1])
        for k, s, size in zip(order, ("bq", "bk", "bv", "bo"), sizes, strict=False) if biases else ():
            roles[biases[k]] = s
            layouts[s] = Layout.reshaped(floats[biases[k]].shape, (size[1], 1))
        yield from headed(roles, layouts, lie, m, divisors(m))


def headed(
    roles: dict[str, str], layouts: dict[str, Layout], lie: Lie, m: int, numbers: tuple[int, ...], how: str = ""
) -> Iterator[LayerReading]:
    """These numbers of heads, causal or not, their scores over √d or not."""
    T = lie.Y.shape[1]
    for heads in numbers:
        d = m // heads
        scales = {1.0: "scores not scaled", 1 / sqrt(m): "scores over the root of the whole width", 1 / sqrt(d): ""}
        for causal, (scale, note) in product((False, True), scales.items()):
            M = np.tri(T) if causal else np.ones((T, T))
            heads_said = f"{heads} heads" if heads > 1 else "one head"
            words = ", ".join(filter(None, ["self-attention", heads_said, "causal" * causal, note, lie.says])) + how
            settings = {"heads": heads, "scale": scale * sqrt(d)}
            yield LayerReading("self_attention", words, roles, layouts, lie.Y, {"M": M}, settings)


def columns(shape: tuple[int, ...]) -> Layout:
    """Rows (examples, positions, features), or of one example, as (features, positions, examples)."""
    order = (len(shape) - 1, len(shape) - 2, *range(len(shape) - 2))
    return Layout.of(shape, order, (shape[-1], shape[-2], prod(shape[:-2])))


def flat(A: Any) -> Any:
    """Every position of every example as a column."""
    return namespace(A).reshape(A, (A.shape[0], -1))


def parts(at: Symbols, settings: Settings) -> list[Any]:
    """Queries, times their scale, keys and values, (heads, width, positions, examples)."""
    at = parts_apart(at)
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
    """The gradient of the heads' outputs."""
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
    whole, at = at, parts_apart(at)
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
    for fused_one, several in FUSED.items():
        if fused_one in whole:
            found[fused_one] = namespace(dY).concat([found.pop(s) for s in several], axis=0)
    return found


def heads_as_batch(A: Any) -> Any:
    """Heads and examples as a batch: (heads · examples, positions, width)."""
    A = namespace(A).permute_dims(A, (0, 3, 2, 1))
    return namespace(A).reshape(A, (-1, *A.shape[2:]))


def heads(A: Any, like: Any) -> Any:
    """The inverse of heads_as_batch."""
    G, _, _, N = like.shape
    A = namespace(A).reshape(A, (G, N, *A.shape[1:]))
    return namespace(A).permute_dims(A, (0, 3, 2, 1))


def in_heads(slip: Slip) -> Slip:
    """A mistake of attention, made in every head."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        every = dict(zip(PROJECTIONS, parts(at, settings), strict=True))
        dH = to_heads(at, dY, settings)
        right = to_parts(at, dY, settings)
        batch = {s: heads_as_batch(A) for s, A in every.items()}
        batch["M"] = np.broadcast_to(at["M"], (batch["Q"].shape[0], *at["M"].shape))
        for made in slip.of(batch, heads_as_batch(dH), {"scale": settings["scale"]}):
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

KNOWN = KnownLayer("self_attention", readings, forward, gradients, SLIPS)
