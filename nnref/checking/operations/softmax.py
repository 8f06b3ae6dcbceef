"""How people write softmax as a layer, along any axis; and the mistakes made going back through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from nnref import softmax
from nnref.checking.operations.known import KnownLayer, LayerReading, Layout, Slip, Symbols, Tried, sum_along

Settings = Mapping[str, Any]


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Softmax along every axis, of the input or of a multiple of it."""
    if len(tried.floats) != 1:
        return
    ((x, X),) = tried.floats.items()
    if X.shape != tried.Y.shape or not (tried.Y > 0).all():
        return
    for axis in range(X.ndim):
        if X.shape[axis] > 1 and np.allclose(tried.Y.sum(axis=axis), 1):
            order = (axis, *(k for k in range(X.ndim) if k != axis))
            shape = (X.shape[axis], X.size // X.shape[axis])
            scale = factor(X, tried.Y, axis)
            says = f"softmax along axis {axis}" + (f", of {scale:.6g} times its input" if scale != 1 else "")
            scores = Layout.of(X.shape, order, shape, scale=scale)
            yield LayerReading("softmax", says, {x: "Z"}, {"Z": scores}, Layout.of(X.shape, order, shape))


def factor(X: Any, Y: Any, axis: int) -> float:
    """The multiple of the input whose softmax it is: differences of log Y over those of X."""
    centred, logs = (A - A.mean(axis=axis, keepdims=True) for A in (X, np.log(Y)))
    scale = float((centred * logs).sum() / (centred * centred).sum())
    return 1.0 if abs(scale - 1) < 1e-9 else scale


def forward(at: Symbols, settings: Settings) -> Any:
    """The probabilities."""
    return softmax.forward(at["Z"])


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """P ∘ (dY − Σ P dY)."""
    return {"Z": softmax.dZ(softmax.forward(at["Z"]), dY)}


def of_Z(key: str, says: str, *ways: Callable[[Any, Any], Any]) -> Slip:
    """A mistake in the gradient of the scores, from P and dY."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        P = softmax.forward(at["Z"])
        yield from ({"Z": way(P, dY)} for way in ways)

    return Slip(key, says, of)


SLIPS = (
    of_Z(
        "softmax.elementwise",
        "the slope is s (1 − s), entry by entry, as a sigmoid's: the entries of softmax depend on each other",
        lambda P, dY: P * (1 - P) * dY,
    ),
    of_Z("softmax.sum_missing", "the sum Σ P dY is not subtracted", lambda P, dY: P * dY),
    of_Z(
        "softmax.sum_unweighted",
        "the sum that is subtracted is Σ dY, without the probabilities",
        lambda P, dY: P * (dY - sum_along(dY, 0)),
    ),
    of_Z(
        "softmax.mean_for_sum",
        "a mean is subtracted where the sum Σ P dY belongs",
        lambda P, dY: P * (dY - sum_along(P * dY, 0) / P.shape[0]),
    ),
    of_Z("softmax.across", "the sum Σ P dY is along the other axis", lambda P, dY: P * (dY - sum_along(P * dY, 1))),
    of_Z(
        "softmax.sign",
        "the sum Σ P dY is added where it should be subtracted",
        lambda P, dY: P * (dY + sum_along(P * dY, 0)),
    ),
    of_Z("softmax.factor_missing", "the factor P in front is missing", lambda P, dY: dY - sum_along(P * dY, 0)),
    of_Z(
        "softmax.with_cross_entropy",
        "P − dY is the gradient of softmax and cross-entropy together, with dY in place of the labels",
        lambda P, dY: P - dY,
        lambda P, dY: (P - dY) / P.shape[1],
    ),
    of_Z("softmax.dY_passed", "dY is passed on as it came", lambda P, dY: dY * 1),
)

KNOWN = KnownLayer("softmax", readings, forward, gradients, SLIPS)
