"""The linear layer, a row an example: Y = X Wᵀ + b, or X W + b."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nnref import affine
from nnref.arrays import namespace
from nnref.checking.operations.kernel_arithmetic import rows_of_last_axis
from nnref.checking.operations.kernel_form import Change, ClosedForm, KernelMistake, Settings, Summed, Values
from nnref.shapes import Array


def layouts(
    shapes: Mapping[str, tuple[int, ...]], output: tuple[int, ...], numbers: list[Any]
) -> Iterator[dict[str, Any]]:
    """The weights as (outputs, inputs), and as (inputs, outputs)."""
    X, W, b = shapes["X"], shapes["W"], shapes.get("b")
    if len(W) == 2 and len(X) >= 1:
        for turned, (m, n) in ((False, W), (True, W[::-1])):
            if X[-1] == n and output == (*X[:-1], m) and b in (None, (m,)):
                yield {"turned": turned}


def weights(values: Values, settings: Settings) -> Array:
    """W (outputs, inputs)."""
    return values["W"].T if settings["turned"] else values["W"]


def forward(ar: Any, values: Values, settings: Settings) -> Any:
    """X Wᵀ + b, as rows."""
    Y = ar.matmul(ar.given(rows_of_last_axis(values["X"])), ar.given(weights(values, settings).T))
    return Y + values["b"] if "b" in values else Y


def gradients(ar: Any, values: Values, dY: Array, settings: Settings, change: Change) -> dict[str, Any]:
    """DX = dY W, dW = dYᵀ X, db = the sum of dY over rows."""
    X, W, D, which = rows_of_last_axis(values["X"]), weights(values, settings), rows_of_last_axis(dY), change.which
    share = X.shape[0] if which == "averaged" else 1
    kept = D * change.kept("rows")
    used = W.T if which == "not transposed" and W.shape[0] == W.shape[1] else W
    dX = ar.matmul(ar.given(D * change.kept("outputs")), ar.given(used), split=True)
    dW = ar.matmul(ar.given(kept.T), ar.given(X), split=True) / share
    found = {"X": dX, "W": ar.moved(dW, lambda A: A.T) if settings["turned"] else dW}
    if "b" in values:
        found["b"] = ar.sum(ar.given(kept), 0, split=True) / share
    return found


def truth(values: Values, dY: Array, settings: Settings) -> dict[str, Array]:
    """By nnref.affine, a column an example."""
    A, dZ = rows_of_last_axis(values["X"]).T, rows_of_last_axis(dY).T
    dW = affine.dW(A, dZ)
    found = {"X": affine.dA(weights(values, settings), dZ).T, "W": dW.T if settings["turned"] else dW}
    if "b" in values:
        found["b"] = namespace(dZ).reshape(affine.db(dZ), (-1,))
    return found


FORMS = (
    ClosedForm(
        "affine",
        ("X", "W", "b"),
        layouts,
        forward,
        gradients,
        truth,
        mistakes=(
            KernelMistake("averaged", "averaged over the rows where it should be summed", ("W", "b")),
            KernelMistake("not transposed", "the weights are not transposed", ("X",)),
        ),
        sums=(
            Summed("rows", "rows", ("W", "b"), "X", 0, "the sum over rows"),
            Summed("outputs", "outputs", ("X",), "Y", -1, "the sum over outputs"),
        ),
        optional=1,
        axes={"X": ("rows", "columns"), "W": ("rows", "columns"), "b": ("columns",)},
        words="linear layer",
    ),
)
