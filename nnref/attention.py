"""Scaled dot-product attention under any mask: Y = softmax(Q Kᵀ / √d) V, a row a position."""

from math import sqrt
from typing import Any

from nnref import masked_softmax
from nnref.arrays import namespace
from nnref.shapes import Array, ShapeError, matrix, of_shape, seen


def forward(Q: Array, K: Array, V: Array, M: Array) -> Array:
    """Every query's mean of the values, weighted by the softmax of its scores among the keys it sees.

    M is 1 where query q sees key k, else 0: numpy.tri(T) is causal. exp(bias) adds a bias to the scores.

    Shapes: Q (T, d), K (U, d), V (U, e), M (T, U) -> (T, e)
    Errors: ShapeError if widths or numbers of keys differ; ValueError if an entry of M is negative or a query sees
    no key.
    Proof: derivations/attention.py, claim attention.forward.  See Vaswani et al. 2017, arXiv:1706.03762, §3.2.1.
    """
    return _weights(Q, K, V, M) @ V


def dV(Q: Array, K: Array, M: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the values: Pᵀ dY.

    Shapes: Q (T, d), K (U, d), M (T, U), dY (T, e) -> (U, e)
    Units: loss per unit of value.
    Errors: ShapeError and ValueError as `forward`, or if dY has not a row for every query.
    Proof: derivations/attention.py, claim attention.dV.
    """
    matrix(dY=dY)
    of_shape((Q.shape[0], dY.shape[1]), dY=dY)
    return _weights(Q, K, K, M).T @ dY


def dQ(Q: Array, K: Array, V: Array, M: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the queries: dS K / √d, with dS = P ∘ (dP − row sums of P ∘ dP).

    Shapes: Q (T, d), K (U, d), V (U, e), M (T, U), dY (T, e) -> (T, d)
    Units: loss per unit of query.
    Errors: ShapeError and ValueError as `forward`, or if dY has not the shape of the output.
    Proof: derivations/attention.py, claim attention.dQ.
    """
    return _dS(Q, K, V, M, dY) @ K / sqrt(Q.shape[1])


def dK(Q: Array, K: Array, V: Array, M: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the keys: dSᵀ Q / √d, with dS = P ∘ (dP − row sums of P ∘ dP).

    Shapes: Q (T, d), K (U, d), V (U, e), M (T, U), dY (T, e) -> (U, d)
    Units: loss per unit of key.
    Errors: ShapeError and ValueError as `forward`, or if dY has not the shape of the output.
    Proof: derivations/attention.py, claim attention.dK.
    """
    return _dS(Q, K, V, M, dY).T @ Q / sqrt(Q.shape[1])


def _weights(Q: Array, K: Array, V: Array, M: Array) -> Array:
    """The weights P (T, U): softmax of each row of scores, under the mask."""
    matrix(Q=Q, K=K, V=V, M=M)
    if Q.shape[1] != K.shape[1]:
        raise ShapeError(f"Q has width {Q.shape[1]} and K has {K.shape[1]}; a query and a key should be of one width.")
    if K.shape[0] != V.shape[0]:
        raise ShapeError(f"K has {K.shape[0]} rows and V has {V.shape[0]}; every key should have its value.")
    of_shape((Q.shape[0], K.shape[0]), M=M)
    seen(1, M=M)
    return masked_softmax.forward((Q @ K.T / sqrt(Q.shape[1])).T, M.T).T


def _dS(Q: Array, K: Array, V: Array, M: Array, dY: Array) -> Any:
    """The gradient with respect to the scores before √d, (T, U)."""
    P = _weights(Q, K, V, M)
    of_shape((Q.shape[0], V.shape[1]), dY=dY)
    dP = dY @ V.T
    return P * (dP - namespace(P).sum(P * dP, axis=1, keepdims=True))
