"""Layer norm and RMS norm over the last axis: one formula, with and without the mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from nnref import layer_norm, rms_norm
from nnref.arrays import namespace
from nnref.checking.operations.kernel_arithmetic import rows_of_last_axis
from nnref.checking.operations.kernel_form import Change, ClosedForm, KernelMistake, Settings, Summed, Values
from nnref.shapes import Array

EPS = (1e-5, 1e-6, 1e-8, 1e-12, 1e-3, 2.0**-23, 2.0**-7, 2.0**-10)
"""The ε that people use, and the gap above 1 of float32, bfloat16 and float16, which is PyTorch's own default."""


def epsilons(
    shapes: Mapping[str, tuple[int, ...]], output: tuple[int, ...], numbers: list[Any]
) -> Iterator[dict[str, Any]]:
    """The ε that came along, and the usual ones, where gain and shift are as long as the last axis."""
    X, *others = shapes.values()
    if output == X and X and all(shape == X[-1:] for shape in others):
        given = [x for x in numbers if isinstance(x, float) and 0 < x < 1]
        yield from ({"eps": eps} for eps in dict.fromkeys((*given, *EPS)))


def normalised(ar: Any, X: Array, eps: float, which: str, centred: bool) -> tuple[Any, Any]:
    """X̂ and r. Mean, r and X̂ may each be kept in the kernel's dtype."""
    n = X.shape[-1]
    D = ar.given(X)
    if centred and which != "uncentred":
        D = D - ar.store(ar.sum(D, -1) / n)
    square = ar.sum(D * D, -1) / (n - 1 if which == "n - 1" and n > 1 else n)
    r = ar.store(ar.inverse_root(square + (1e-300 if which == "no eps" else eps)))
    return ar.store(D * r), r


def forward(ar: Any, values: Values, settings: Settings, centred: bool) -> Any:
    """Gain times X̂, and the shift, as rows."""
    Xhat, _ = normalised(ar, rows_of_last_axis(values["X"]), settings["eps"], "", centred)
    Y = Xhat * values["gamma"] if "gamma" in values else Xhat
    return Y + values["beta"] if "beta" in values else Y


def gradients(ar: Any, values: Values, dY: Array, settings: Settings, change: Change, centred: bool) -> dict[str, Any]:
    """R (dX̂ − mean dX̂ − X̂ mean(dX̂ X̂)), and the sums over the rows."""
    which, w = change.which, values.get("gamma", 1.0)
    X, given = rows_of_last_axis(values["X"]), ar.given(rows_of_last_axis(dY))
    n, N = X.shape[-1], X.shape[0]
    Xhat, r = normalised(ar, X, settings["eps"], which, centred)
    weight = {"no weight": 1.0, "weight twice": w * w}.get(which, w)
    g = ar.store(given * weight)
    in_sum = {"weight in sum": g * w, "no weight in sum": given}.get(which, g)
    along = ar.sum(in_sum * Xhat * change.kept("columns of X̂"), -1)
    if which != "sum for mean":
        along = along / n
    made = g - Xhat * along * {"no second term": 0.0, "second term twice": 2.0}.get(which, 1.0)
    if centred and which != "no mean":
        mean = ar.sum(g * change.kept("columns"), -1) / n
        made = made - mean * (2.0 if which == "mean twice" else 1.0)
    elif which == "mean":
        made = made - ar.sum(g, -1) / n
    found = {"X": made if which == "no r" else made * r * r if which == "r twice" else made * r}
    seen = {"raw X": ar.given(X), "unscaled": ar.given(X) * r}.get(which, Xhat)
    terms = given * seen * (w if which == "weight in dgamma" else 1.0)
    share = N if which == "averaged" else 1
    for name, sum_of in (("gamma", terms), ("beta", given)):
        if name in values:
            found[name] = ar.sum(sum_of * change.kept("rows"), 0, split=True) / share
    return found


def truth_of_layer_norm(values: Values, dY: Array, settings: Settings) -> dict[str, Array]:
    """By nnref.layer_norm, a column an example."""
    X, D, gamma, eps = as_columns(values, dY, settings)
    made = {"X": layer_norm.dX(X, gamma, D, eps).T, "gamma": layer_norm.dgamma(X, D, eps), "beta": layer_norm.dbeta(D)}
    return {name: made[name] for name in made if name in values}


def truth_of_rms_norm(values: Values, dY: Array, settings: Settings) -> dict[str, Array]:
    """By nnref.rms_norm, a column an example."""
    X, D, gamma, eps = as_columns(values, dY, settings)
    made = {"X": rms_norm.dX(X, gamma, D, eps).T, "gamma": rms_norm.dgamma(X, D, eps)}
    return {name: made[name] for name in made if name in values}


def as_columns(values: Values, dY: Array, settings: Settings) -> tuple[Array, Array, Array, float]:
    """X, dY and the gain with a column an example, and ε."""
    X = rows_of_last_axis(values["X"]).T
    gamma = values["gamma"][:, None] if "gamma" in values else namespace(X).ones_like(X[:, :1])
    return X, rows_of_last_axis(dY).T, gamma, settings["eps"]


WEIGHT = (
    KernelMistake("no weight", "the weight is forgotten", ("X",)),
    KernelMistake("weight twice", "multiplied by the weight twice", ("X",)),
    KernelMistake("weight in sum", "the weight stands twice in the mean of w dY X̂", ("X",)),
    KernelMistake("no weight in sum", "the weight is missing in the mean of w dY X̂", ("X",)),
    KernelMistake("no second term", "the term of the root, X̂ mean(w dY X̂), is forgotten", ("X",)),
    KernelMistake("second term twice", "the term of the root, X̂ mean(w dY X̂), is subtracted twice", ("X",)),
    KernelMistake("sum for mean", "a sum over the row where its mean should be", ("X",)),
    KernelMistake("no eps", "ε is forgotten"),
    KernelMistake("no r", "not divided by the root", ("X",)),
    KernelMistake("r twice", "divided by the root twice", ("X",)),
    KernelMistake("raw X", "dY times X, which is not normalised", ("gamma",)),
    KernelMistake("weight in dgamma", "multiplied by the weight, which does not belong there", ("gamma",)),
    KernelMistake("averaged", "averaged over the rows where it should be summed", ("gamma", "beta")),
)

SUMS = (
    Summed("columns of X̂", "columns", ("X",), "X", -1, "the sum of w dY X̂"),
    Summed("rows", "rows", ("gamma",), "X", 0, "the sum over rows"),
)

AXES = {"X": ("rows", "columns"), "gamma": ("columns",), "beta": ("columns",)}

LAYER_NORM = ClosedForm(
    "layer_norm",
    ("X", "gamma", "beta"),
    epsilons,
    partial(forward, centred=True),
    partial(gradients, centred=True),
    truth_of_layer_norm,
    mistakes=(
        *WEIGHT,
        KernelMistake("no mean", "the mean of w dY is not subtracted", ("X",)),
        KernelMistake("mean twice", "the mean of w dY is subtracted twice", ("X",)),
        KernelMistake("uncentred", "the mean of x is not subtracted from it"),
        KernelMistake("unscaled", "x is scaled and not centred", ("gamma",)),
        KernelMistake("n - 1", "the variance is divided by n − 1"),
    ),
    sums=(
        Summed("columns", "columns", ("X",), "X", -1, "the sum of w dY"),
        SUMS[0],
        replace(SUMS[1], of=("gamma", "beta")),
    ),
    optional=2,
    axes=AXES,
)

RMS_NORM = ClosedForm(
    "rms_norm",
    ("X", "gamma"),
    epsilons,
    partial(forward, centred=False),
    partial(gradients, centred=False),
    truth_of_rms_norm,
    mistakes=(
        *WEIGHT,
        KernelMistake("mean", "the mean of w dY is subtracted, as in layer norm", ("X",)),
        KernelMistake("n - 1", "the mean of squares is divided by n − 1"),
    ),
    sums=SUMS,
    optional=1,
    axes=AXES,
    words="RMS norm",
)

FORMS = (LAYER_NORM, RMS_NORM)
