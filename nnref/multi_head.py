"""Attention of several heads under any mask, for a batch: each head is an attention of its own, in each example."""

from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from nnref import xavier
from nnref.arrays import device_of, namespace, real
from nnref.layer import Layer
from nnref.shapes import Array, ShapeError, of_shape, seen, tensor

AXES = "heads, width, positions, examples"


class MultiHead(NamedTuple):
    """The parameters of self-attention, and, in the same places, their gradients: four matrices (D, D)."""

    Wq: Array
    Wk: Array
    Wv: Array
    Wo: Array


def forward(Q: Array, K: Array, V: Array, M: Array) -> Array:
    """In each head and example, every query's mean of the values, by the softmax of its scores over √d.

    d is the width of a head. M is 1 where query q sees key k, else 0: numpy.tri(T) is causal. exp(bias) adds a bias.

    Shapes: Q (G, d, T, N), K (G, d, U, N), V (G, e, U, N), M (T, U) -> (G, e, T, N)
    Errors: ShapeError if shapes do not fit; ValueError if an entry of M is negative or a query sees no key.
    Proof: derivations/multi_head.py, claim multi_head.forward.  See Vaswani et al. 2017, arXiv:1706.03762, §3.2.2.
    """
    return _of_weights(_weights(Q, K, V, M), V)


def dV(Q: Array, K: Array, M: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the values: in each head, what each value gave, by the same weights.

    Shapes: Q (G, d, T, N), K (G, d, U, N), M (T, U), dY (G, e, T, N) -> (G, e, U, N)
    Units: loss per unit of value.
    Errors: ShapeError and ValueError as `forward`, or if dY has not a column for every query.
    Proof: derivations/multi_head.py, claim multi_head.dV.
    """
    tensor(AXES, dY=dY)
    P = _weights(Q, K, K, M)
    of_shape((Q.shape[0], dY.shape[1], *Q.shape[2:]), dY=dY)
    return _to_values(P, dY)


def dQ(Q: Array, K: Array, V: Array, M: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the queries: dS K / √d in each head, dS = P ∘ (dP − row sums of P ∘ dP).

    Shapes: Q (G, d, T, N), K (G, d, U, N), V (G, e, U, N), M (T, U), dY (G, e, T, N) -> (G, d, T, N)
    Units: loss per unit of query.
    Errors: ShapeError and ValueError as `forward`, or if dY has not the shape of the output.
    Proof: derivations/multi_head.py, claim multi_head.dQ.
    """
    return _to_queries(_dS(_weights(Q, K, V, M), Q, V, dY), K)


def dK(Q: Array, K: Array, V: Array, M: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the keys: dSᵀ Q / √d in each head.

    Shapes: Q (G, d, T, N), K (G, d, U, N), V (G, e, U, N), M (T, U), dY (G, e, T, N) -> (G, d, U, N)
    Units: loss per unit of key.
    Errors: ShapeError and ValueError as `forward`, or if dY has not the shape of the output.
    Proof: derivations/multi_head.py, claim multi_head.dK.
    """
    return _to_keys(_dS(_weights(Q, K, V, M), Q, V, dY), Q)


def layer(D: int, heads: int, causal: bool = False) -> Layer:
    """Self-attention, from (D, T, N) to the same: D features of T positions; where causal, none sees a later one.

    Queries, keys and values are matrices times the input, and Wo times the outputs of the heads, one below the other.
    What comes back through the three is added up (multi_head.three_paths).
    Shapes: A (D, T, N) -> (D, T, N)
    Errors: ValueError if the heads do not share the features evenly.
    """
    if heads < 1 or D % heads:
        raise ValueError(f"{D} features cannot be shared by {heads} heads evenly; choose heads that divide {D}.")

    def split(W: Array, A: Array) -> Any:
        return namespace(A).reshape(W @ _flat(A), (heads, D // heads, *A.shape[1:]))

    def both(theta: Any, A: Array, Z: Array, dZ: Array) -> tuple[MultiHead, Array]:
        of_shape(tuple(A.shape), dZ=dZ)
        xp, back = namespace(A), _flat(dZ)
        Q, K, V = (split(W, A) for W in theta[:3])
        # The weights are computed once for all that needs them: they cost more than the products around them.
        P = _weights(Q, K, V, _mask(A, causal))
        H = _of_weights(P, V)
        dH = xp.reshape(theta[3].T @ back, H.shape)
        dS = _dS(P, Q, V, dH)
        flat = [xp.reshape(part, (D, -1)) for part in (_to_queries(dS, K), _to_keys(dS, Q), _to_values(P, dH))]
        dWq, dWk, dWv = (part @ _flat(A).T for part in flat)
        dA = sum(W.T @ part for W, part in zip(theta[:3], flat, strict=True))
        return MultiHead(dWq, dWk, dWv, back @ xp.reshape(H, (D, -1)).T), xp.reshape(dA, A.shape)

    def through(theta: Any, A: Array) -> Array:
        _features(D, A)
        Q, K, V = (split(W, A) for W in theta[:3])
        joined = namespace(A).reshape(_of_weights(_weights(Q, K, V, _mask(A, causal)), V), (D, -1))
        return namespace(A).reshape(theta[3] @ joined, A.shape)

    return Layer(
        "multi_head",
        init=lambda rng: MultiHead(*(xavier.scale(D, D) * rng.standard_normal((D, D)) for _ in range(4))),
        forward=through,
        dtheta=lambda theta, A, Z, dZ: both(theta, A, Z, dZ)[0],
        dA=lambda theta, A, Z, dZ: both(theta, A, Z, dZ)[1],
        both=both,
        settings={"heads": heads, "causal": causal},
    )


def _features(D: int, A: Array) -> None:
    """Refuse an input that has not D features."""
    tensor("features, positions, examples", A=A)
    if A.shape[0] != D:
        raise ShapeError(f"A has {A.shape[0]} features, its first axis; this layer takes {D}.")


def _mask(A: Array, causal: bool) -> Any:
    """Which positions of A each position sees: all, or, where causal, those up to itself. (T, T)"""
    T, xp = A.shape[1], namespace(A)
    M = np.tri(T) if causal else np.ones((T, T))
    return xp.astype(xp.asarray(M, **device_of(A)), real(A).dtype)


def _flat(A: Array) -> Any:
    """A with every position of every example as a column."""
    return namespace(A).reshape(A, (A.shape[0], -1))


def _rows(A: Array) -> Any:
    """A as (heads, examples, positions, width)."""
    return namespace(A).permute_dims(A, (0, 3, 2, 1))


def _columns(A: Array) -> Any:
    """A as (heads, examples, width, positions)."""
    return namespace(A).permute_dims(A, (0, 3, 1, 2))


def _weights(Q: Array, K: Array, V: Array, M: Array) -> Any:
    """The weights P (G, N, T, U): softmax of each query's scores, under the mask."""
    tensor(AXES, Q=Q, K=K, V=V)
    G, d, T, N = Q.shape
    U = K.shape[2]
    of_shape((G, d, U, N), K=K)
    of_shape((G, V.shape[1], U, N), V=V)
    of_shape((T, U), M=M)
    seen(1, M=M)
    xp = namespace(Q)
    S = _rows(Q) @ _columns(K) / sqrt(d)
    if type(M) is np.ndarray and (M == 1).all():  # nothing is hidden: no choice need be made for every score
        E = xp.exp(S - xp.max(real(S), axis=-1, keepdims=True))
        return E / xp.sum(E, axis=-1, keepdims=True)
    visible = xp.broadcast_to(real(M) > 0, S.shape)
    # The largest of what is seen is subtracted: one that is not seen could leave 0/0.
    largest = xp.max(xp.where(visible, real(S), 0 * real(S) - xp.inf), axis=-1, keepdims=True)
    E = M * xp.exp(xp.where(visible, S - largest, 0 * S))
    return E / xp.sum(E, axis=-1, keepdims=True)


def _of_weights(P: Any, V: Array) -> Any:
    """Every query's mean of the values."""
    return namespace(P).permute_dims(P @ _rows(V), (0, 3, 2, 1))


def _to_values(P: Any, dY: Array) -> Any:
    """What goes back to the values."""
    return namespace(P).permute_dims(_columns(dY) @ P, (0, 2, 3, 1))


def _to_queries(dS: Any, K: Array) -> Any:
    """What goes back to the queries."""
    return namespace(dS).permute_dims(dS @ _rows(K), (0, 3, 2, 1))


def _to_keys(dS: Any, Q: Array) -> Any:
    """What goes back to the keys."""
    return namespace(dS).permute_dims(_columns(Q) @ dS, (0, 2, 3, 1))


def _dS(P: Any, Q: Array, V: Array, dY: Array) -> Any:
    """The gradient with respect to the products of queries and keys, (G, N, T, U): that of the scores, over √d."""
    of_shape((Q.shape[0], V.shape[1], *Q.shape[2:]), dY=dY)
    dP = _rows(dY) @ _columns(V)
    return P * (dP - namespace(P).sum(P * dP, axis=-1, keepdims=True)) / sqrt(Q.shape[1])
