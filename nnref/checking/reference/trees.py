"""Networks of general layers: noise, kinks and truth from their forward and backward formulas, whatever the layers are.

The rounding of a layer of the handbook stands in no record: it follows from its formulas, evaluated with errors
(operations/running.py). The length of the longest sum, and how close the comparisons in ReLU and pooling are, are noted
on the way. The truth is the complex step of every parameter, which needs forward passes only.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nnref import positions
from nnref.checking.operations import record, softmax_cross_entropy
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running import Running, noting
from nnref.checking.reference.truth import H, losses_of_examples
from nnref.layer import Layer, activations, all_names, gradients_from
from nnref.network import Layers, Parameters, rounded
from nnref.parameters import mapped
from nnref.precision import unit
from nnref.shapes import Array, trusted
from nnref.threads import one_blas_thread

REACH = 8.0
"""Multiple of the typical error that is allowed: independent roundings exceed it with probability 3e-14."""

CHUNK = 1 << 19
"""Most complex numbers held at a time in the layers after the one whose parameters are moved."""


def general(layers: Layers) -> bool:
    """Is one of the layers other than affine or an activation?

    Errors: Unknown for an operation within them of which nothing is known.
    """
    found = any(layer.within or of_the_handbook(layer.name) for layer in layers)
    for name in all_names(layers) if found else ():
        if not of_the_handbook(name):
            record.record(name)
    return found


def of_the_handbook(name: str) -> bool:
    """Is a layer a combination of others, or one whose module defines its formulas and a layer?"""
    if name in ("chain", "residual") or hasattr(positions, name):
        return True
    spec = find_spec(f"nnref.{name}") if name.isidentifier() else None
    if spec is None or spec.origin is None:
        return False
    with open(spec.origin, encoding="utf-8") as source:
        return "\ndef layer(" in source.read()


def scale(layers: Layers, theta: Parameters, X: Array, Y: Array, dtype: DTypeLike) -> tuple[Parameters, float]:
    """The typical running error S of every entry of the gradient, and the multiple of u S that rounding may reach.

    A strict bound would be useless: through norms and attention, errors of one sign add up to a million times the
    gradient of the first layer, in double precision. The multiple is REACH, whatever the lengths of sums.

    Shapes: X (n0, N), Y (n_L, N) -> a scale shaped like theta, float64
    """
    exact = tuple(rounded(theta_l, "float64") for theta_l in theta)
    with trusted(), noting(typical=True), np.errstate(all="ignore"):
        at = tuple(mapped(Running, theta_l) for theta_l in exact)
        A: list[Any] = activations(layers, at, running_input(X))
        precision = Precision.of(dtype, REACH)
        dZ, E = softmax_cross_entropy.RECORD.error(A[-1].value, A[-1].e, Y.astype("float64"), precision)
        back: Any = Running(dZ, E)
        dtheta = gradients_from(layers, at, A, back)
        S = mapped(lambda p, G: np.array(G.e), exact, dtheta)
    return S, REACH


def running_input(X: Array) -> Any:
    """The examples as exact Running arrays."""
    return Running(X.astype("float64"))


def decided(layers: Layers, theta: Parameters, X: Array) -> Array:
    """The examples in which no comparison in ReLU or pooling is within rounding, in X's dtype."""
    exact = tuple(rounded(theta_l, "float64") for theta_l in theta)
    with trusted(), noting(typical=True) as notes, np.errstate(all="ignore"):
        activations(layers, tuple(mapped(Running, theta_l) for theta_l in exact), running_input(X))
    return notes.narrowest(X.shape[1]) > REACH * unit(X.dtype)


def gradient(layers: Layers, theta: Parameters, X: Array, Y: Array) -> Parameters:
    """∂L/∂θ for every entry of every parameter, by the complex step: forward passes only.

    Shapes: X (n0, N), Y (n_L, N) -> a gradient shaped like theta, float64
    """
    exact = tuple(rounded(theta_l, "float64") for theta_l in theta)
    A = activations(layers, exact, X.astype("float64"))
    found = []
    with one_blas_thread(), ThreadPoolExecutor(os.cpu_count()) as pool:
        for l, theta_l in enumerate(exact):
            tail = partial(losses, layers[l + 1 :], exact[l + 1 :], Y.astype("float64"))
            apart = separate(layers[l + 1 :], exact[l + 1 :], A[l + 1])
            found.append(of_layer(layers[l], theta_l, A[l], A[l + 1], tail, apart, pool))
    return tuple(found)


def losses(layers: Layers, theta: Parameters, Y: Array, Z: Array) -> Array:
    """Im L / H of K networks whose outputs of one layer lie one after the other along the last axis: -> (K,)."""
    with trusted():
        logits = activations(layers, theta, Z)[-1]
        K = Z.shape[-1] // Y.shape[1]
        slopes = losses_of_examples(logits, np.tile(Y, K)).imag / H
    return slopes.reshape(K, -1).sum(axis=1) / Y.shape[1]


def separate(layers: Layers, theta: Parameters, Z: Array) -> bool:
    """Is each example's output independent of the other examples? Not under batch norm."""
    with trusted():
        alone = activations(layers, theta, Z)[-1]
        beside = activations(layers, theta, np.concatenate([Z, 2 * Z + 1], axis=-1))[-1]
    return bool(np.allclose(beside[..., : Z.shape[-1]], alone, rtol=1e-9, atol=1e-12))


def of_layer(
    layer: Layer,
    theta: Any,
    A: Array,
    Z: Array,
    tail: Callable[[Array], Array],
    apart: bool,
    pool: ThreadPoolExecutor,
) -> Any:
    """The gradient of one layer's parameters, from input A and output Z, some of its entries at a time."""
    arrays = named_leaves(theta)
    total = sum(p.size for p in arrays)
    size = max(1, CHUNK // Z.size) if apart else 1
    move = moving(layer, theta, A, Z)

    def chunk(first: int) -> Array:
        with trusted():
            moved = np.concatenate([move(k) for k in range(first, min(first + size, total))], axis=-1)
        return tail(moved)

    parts = list(pool.map(chunk, range(0, total, size)))
    flat = np.concatenate(parts) if parts else np.zeros(0)
    starts = iter(np.split(flat, np.cumsum([p.size for p in arrays])[:-1]) if arrays else ())
    return mapped(lambda p: next(starts).reshape(p.shape), theta)


def named_leaves(theta: Any) -> list[Array]:
    """The arrays of a tree, in order."""
    found: list[Array] = []
    mapped(found.append, theta)
    return found


def moving(layer: Layer, theta: Any, A: Array, Z: Array) -> Callable[[int], Array]:
    """The layer's output after a complex step of its k-th parameter.

    Where the output is affine in the parameters, as the numbers say, its slope is the output of the step alone, less
    that of no parameters at all: real numbers, at half the price.
    """
    with trusted():
        zero = mapped(np.zeros_like, theta)
        base = layer.forward(zero, A) if named_leaves(theta) else Z
        if affine_in_parameters(layer, theta, A, Z):
            return lambda k: Z + 1j * (H * (layer.forward(with_entry(zero, k, 1.0), A) - base))
        wide = rounded(theta, complex)
        return lambda k: layer.forward(with_entry(wide, k, 1j * H), A)


def affine_in_parameters(layer: Layer, theta: Any, A: Array, Z: Array) -> bool:
    """Is the output at θ the mean of those at θ + D and θ − D?"""
    rng = np.random.default_rng(0)
    D = mapped(lambda p: rng.standard_normal(p.shape), theta)
    up, down = (layer.forward(mapped(lambda p, d, s=s: p + s * d, theta, D), A) for s in (1, -1))
    return bool(np.allclose(up + down, 2 * Z, rtol=1e-9, atol=1e-9 * float(abs(Z).max(initial=1e-300))))


def with_entry(theta: Any, k: int, step: complex) -> Any:
    """The tree with its k-th number moved; all other arrays are those of theta."""
    left = [k]

    def moved(p: Array) -> Array:
        here, left[0] = left[0], left[0] - p.size
        if not 0 <= here < p.size:
            return p
        q = p.copy()
        q.reshape(-1)[here] += step
        return q

    return mapped(moved, theta)
