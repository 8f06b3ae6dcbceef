"""Cross-entropy of logits with classes as numbers: mean, sum or one loss a row; a row of class −100 is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nnref import softmax_cross_entropy
from nnref.arrays import namespace
from nnref.checking.operations.kernel_arithmetic import flags, rows_of_last_axis
from nnref.checking.operations.kernel_form import Change, ClosedForm, KernelMistake, Settings, Summed, Values
from nnref.shapes import Array

IGNORED = -100
"""The class of a row that is left out, as in PyTorch."""


def reductions(
    shapes: Mapping[str, tuple[int, ...]], output: tuple[int, ...], numbers: list[Any]
) -> Iterator[dict[str, Any]]:
    """Mean and sum give one number, neither one a row."""
    z, y = shapes["z"], shapes["y"]
    if len(z) >= 2 and y == z[:-1]:
        if output == y:
            yield {"reduction": "none"}
        elif output == ():
            yield from ({"reduction": which} for which in ("mean", "sum"))


def labels(values: Values) -> tuple[Array, Array]:
    """The classes as one-hot rows and, as a column, 1 for the rows that count; float64."""
    z, y = rows_of_last_axis(values["z"]), values["y"]
    xp = namespace(z)
    y = xp.reshape(y, (-1, 1))
    C = z.shape[1]
    classes = flags(z, [float(k) for k in range(C)])
    counted = xp.astype(y != IGNORED, z.dtype)
    hot = xp.astype(xp.astype(y, z.dtype) == classes, z.dtype)
    return xp.reshape(hot, (-1, C)), counted


def logarithms(ar: Any, z: Array, columns: Any = 1.0) -> Any:
    """Log P. It may be kept in the kernel's dtype, as may the sum and its logarithm."""
    xp = namespace(z)
    shifted = ar.given(z) - xp.max(z, axis=-1, keepdims=True)
    total = ar.store(ar.sum(ar.exp(shifted) * columns, -1))
    return ar.store(shifted - ar.store(ar.function(total, xp.log, lambda t: 1 / t, xp.log)))


def forward(ar: Any, values: Values, settings: Settings) -> Any:
    """The loss, as a column or as one number in a matrix."""
    hot, counted = labels(values)
    each = ar.sum(logarithms(ar, rows_of_last_axis(values["z"])) * hot, -1) * -counted
    if settings["reduction"] == "none":
        return each
    total = ar.sum(each, 0)
    return total if settings["reduction"] == "sum" else total / namespace(hot).sum(counted)


def gradients(ar: Any, values: Values, dY: Array, settings: Settings, change: Change) -> dict[str, Any]:
    """(P − Y) times dY / count, which may be stored, for the rows that count."""
    z, which = rows_of_last_axis(values["z"]), change.which
    xp = namespace(z)
    hot, counted = labels(values)
    P = ar.exp(logarithms(ar, z, change.kept("columns")))
    made = P if which == "no label" else P - hot
    each = ar.given(xp.reshape(dY, (-1, 1)) if which != "no dY" else 1.0 + 0 * z[:1, :1])
    if settings["reduction"] == "mean" and which != "no count":
        each = each / (float(z.shape[0]) if which == "all rows" else xp.sum(counted))
    if settings["reduction"] == "sum" and which == "mean":
        each = each / float(z.shape[0])
    made = made * ar.store(each) * change.kept("rows")
    return {"z": made if which == "ignored" else made * counted}


def truth(values: Values, dY: Array, settings: Settings) -> dict[str, Array]:
    """By softmax_cross_entropy.dZ, a column an example, of the rows that count."""
    z = rows_of_last_axis(values["z"])
    xp = namespace(z)
    hot, counted = labels(values)
    first = xp.astype(hot * 0 == 0, z.dtype) / z.shape[1]  # any label will do where none counts
    made = softmax_cross_entropy.dZ(z.T, (hot * counted + first * (1 - counted)).T).T * z.shape[0]
    share = xp.sum(counted) if settings["reduction"] == "mean" else 1.0
    return {"z": made * counted * xp.reshape(dY, (-1, 1)) / share}


FORMS = (
    ClosedForm(
        "softmax_cross_entropy",
        ("z", "y"),
        reductions,
        forward,
        gradients,
        truth,
        mistakes=(
            KernelMistake("all rows", "divided by all rows: those of class −100 do not count"),
            KernelMistake("no count", "not divided by the number of rows that count"),
            KernelMistake("mean", "divided by the number of rows: the losses are summed"),
            KernelMistake("no label", "P alone: the label is not subtracted"),
            KernelMistake("ignored", "rows of class −100 have a gradient"),
            KernelMistake("no dY", "not multiplied by the gradient of the loss that comes in"),
        ),
        sums=(
            Summed("columns", "classes", ("z",), "z", -1, "the sum of the exponentials"),
            Summed("rows", "rows", ("z",), "z", 0, "the batch"),
        ),
        whole=("y",),
        axes={"z": ("rows", "classes")},
        words="cross-entropy",
    ),
)
