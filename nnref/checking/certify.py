"""Is this the gradient of the reference network? Every entry is judged in units of rounding."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from nnref.checking import certain, noise
from nnref.checking.canonical import Canonical, canonical
from nnref.checking.case import Case
from nnref.checking.certificate import Certificate
from nnref.checking.chains import rightly
from nnref.checking.diagnosis import diagnose
from nnref.checking.fit import Yours, ratio
from nnref.checking.place import Numbers
from nnref.checking.report import Entry, Worst
from nnref.checking.telling import Diagnosis
from nnref.checking.where import Finding, patterns
from nnref.network import named
from nnref.shapes import Array


def certify(
    parameters: Any,
    X: Any,
    Y: Any,
    gradients: Any,
    *,
    activation: str = "relu",
    reduction: str = "mean",
    layout: str | None = None,
    intermediates: Mapping[str, Any] | None = None,
) -> Certificate:
    """Judge the gradients of a softmax-cross-entropy network against the reference, and name the first mistake.

    parameters are nnref's, or a dict with keys W1, b1, … of either layout; gradients likewise, or with keys dW1, db1, …
    (None or absent: not written yet); Y is one-hot or whole-number labels; intermediates are yours of Z1, A1, dZ1, dA1,
    …, P. reduction is "mean" or "sum"; layout, "columns" or "rows", is needed where everything is square.
    Errors: ValueError for what cannot be read, with what to pass instead.
    """
    if reduction not in ("mean", "sum"):
        raise ValueError(f'reduction should be "mean" or "sum"; {reduction!r} came.')
    at = canonical(parameters, X, Y, gradients, activation=activation, layout=layout, intermediates=intermediates)
    refuse_infinite(at)
    factor = at.X.shape[1] if reduction == "sum" else 1
    allowed = noise.allowed(at.layers, at.theta, at.X.shape[1])
    case = Case.of(at.layers, at.theta, at.X, at.Y)
    method, truth, floor = certain.reference_truth(at.layers, at.theta, case.X, case.Y)
    T, S = named(truth), named(noise.scale(at.layers, at.theta, case.X, case.Y, at.dtype))
    units = certain.units_at_kinks(case, at.dtype)
    doubt = certain.doubtful(case, units)
    entries = {name: judged(name, at, T[name], S[name], doubt[name], factor, allowed, floor) for name in T}
    middle = intermediate_entries(at, case, allowed, factor)
    diagnoses: tuple[Diagnosis, ...] = ()
    if any(entry.verdict == "WRONG" for entry in entries.values()):
        yours = {name: None if g is None else g / factor for name, g in at.gradients.items()}
        given = {name: V for name, V in at.intermediates.items() if name[0] == "d"}
        diagnoses = diagnose(case, yours, dtype=at.dtype, slack=doubt, intermediates=given)
    settings = {
        "activation": activation,
        "reduction": reduction,
        "layout": at.layout,
        "labels": at.labels,
        "examples": at.X.shape[1],
        "dtype": str(at.dtype),
        "u": noise.unit(at.dtype),
        "allowed": allowed,
    }
    notes = certain.notes(units)
    return Certificate(in_order(entries, middle, len(case.Z)), method, settings, diagnoses, notes)


def certify_file(
    path: Path, *, activation: str = "relu", reduction: str = "mean", layout: str | None = None
) -> Certificate:
    """Judge what an .npz holds: W1, b1, …, dW1, db1, …, X and Y, and intermediates by their names.

    Errors: ValueError for a file that is no .npz or lacks X or Y; OSError where it cannot be read.
    """
    try:
        with np.load(path) as file:
            held = {name: file[name] for name in file.files}
    except (AttributeError, TypeError, EOFError, BadZipFile, zlib.error, ValueError) as error:
        raise ValueError(
            f"{path} is no .npz of plain arrays ({error}). Try np.savez({path.stem!r}, X=X, Y=Y, W1=W1, …, dW1=dW1, …)."
        ) from None
    if missing := [name for name in ("X", "Y") if name not in held]:
        raise ValueError(f"{path} should hold X and Y; {' and '.join(missing)} is missing among {', '.join(held)}.")
    X, Y = held.pop("X"), held.pop("Y")
    named_so = {kind: {k: V for k, V in held.items() if re.fullmatch(kind, k)} for kind in (r"[Wb]\d+", r"d[Wb]\d+")}
    parameters, gradients = named_so.values()
    rest = {k: V for k, V in held.items() if k not in parameters and k not in gradients}
    return certify(
        parameters, X, Y, gradients, activation=activation, reduction=reduction, layout=layout, intermediates=rest
    )


def refuse_infinite(at: Canonical) -> None:
    """Refuse parameters and data that are not finite: no gradient exists there."""
    for name, A in {**named(at.theta), "X": at.X}.items():
        if not np.isfinite(A).all():
            raise ValueError(f"{name} holds NaN or infinity; no gradient exists there. Look at its first such entry.")


def in_order(entries: dict[str, Entry], middle: dict[str, Entry], depth: int) -> tuple[Entry, ...]:
    """Everything that was judged, in the order it is made: forward, then backward from the last layer."""
    forward = [f"{kind}{l}" for l in range(1, depth + 1) for kind in "ZA"]
    backward = [f"{kind}{l}" for l in range(depth, 0, -1) for kind in ("dA", "dZ", "W", "b")]
    found = {**entries, **middle}
    return tuple(found[name] for name in (*forward, *backward) if name in found)


def judged(
    name: str, at: Canonical, truth: Array, S: Array, doubt: Array, factor: int, allowed: float, floor: float
) -> Entry:
    """The verdict on one gradient, entry by entry, in units of rounding."""
    g, (m, n) = at.gradients[name], truth.shape
    shape = (m, n) if at.layout == "columns" else (n, m)
    if g is None:
        return Entry(name, shape, truth.size, 0, 0, 0, 0, None, "not written yet")
    t = truth * factor
    if g.shape != truth.shape:
        index = np.unravel_index(int(abs(t).argmax()), t.shape)
        yours = float(g.reshape(-1)[0]) if g.size == 1 else float("nan")
        worst = Worst(tuple(int(i) for i in index), yours, float(t[index]), float("inf"))
        came = g.shape if at.layout == "columns" else g.shape[::-1]
        said = Finding("shape", f"shape {came} for {shape}")
        return Entry(name, shape, truth.size, truth.size, truth.size, 0, 0, worst, "WRONG", (said,))
    M = noise.multiples(g, t, S * factor, at.dtype, floor * factor)
    M = np.where(np.isnan(M), np.inf, M)
    over = allowed < M
    # Where a rectifier stands within rounding of its kink, either slope is a gradient.
    untold = over & (abs(g - t) <= factor * (doubt + allowed * noise.unit(at.dtype) * S)) & (doubt > 0)
    wrong = over & ~untold
    index = np.unravel_index(int(np.where(wrong, M, np.where(wrong.any(), -1, M)).argmax()), M.shape)
    worst = Worst(tuple(int(i) for i in index), float(g[index]), float(t[index]), float(M[index]))
    verdict = "WRONG" if wrong.any() else "cannot tell" if untold.any() else "ok"
    known = allowed * factor * (noise.unit("float64") * S + floor)
    bar = known + allowed * factor * noise.unit(at.dtype) * S
    found = patterns(g.astype("float64"), t, known, bar, np.ones(g.shape, bool), wrong) if wrong.any() else ()
    if at.layout == "rows":
        worst = Worst(worst.index[::-1], worst.yours, worst.truth, worst.noises)
    return Entry(name, shape, g.size, g.size, int(wrong.sum()), int(untold.sum()), 0, worst, verdict, found)


def intermediate_entries(at: Canonical, case: Case, allowed: float, factor: int) -> dict[str, Entry]:
    """The verdicts on Z, A, dA and dZ that were given.

    Many keep the mean's 1/N for dW and db: a dZ that is N times as large is said to be so, and not blamed.
    """
    numbers = Numbers.of(case, at.dtype)
    right = {f"Z{l}": Z for l, Z in numbers.Z.items()} | {f"A{l}": A for l, A in numbers.A.items()}
    right[f"A{numbers.depth}"] = numbers.P
    for place in rightly(numbers):
        right |= {f"{kind}{place.l}": made for kind, made in (("dZ", place.dZ), ("dA", place.dA)) if made is not None}
    entries = {}
    for name, V in at.intermediates.items():
        made = right[name]
        yours = Yours(V.astype("float64"), 0.0, allowed)
        number = ratio(yours, made, 1) if name[0] == "d" else None
        N = at.X.shape[1]
        summed = number is not None and N > 1 and abs(number.value - N) <= number.error
        t = made.value * (N if summed else 1)
        room = yours.tolerance(made) * (N if summed else 1)
        wrong = ~(abs(V - t) <= room)
        M = np.where(np.isnan(V), np.inf, abs(V - t) / np.maximum(room, np.finfo("float64").tiny) * allowed)
        index = np.unravel_index(int(M.argmax()), M.shape)
        worst = Worst(tuple(int(i) for i in index), float(V[index]), float(t[index]), float(M[index]))
        said = (Finding("ratio", "N times: the mean's 1/N is yet to come"),) if summed and factor == 1 else ()
        entries[name] = Entry(
            name, V.shape, V.size, V.size, int(wrong.sum()), 0, 0, worst, "WRONG" if wrong.any() else "ok", said
        )
    return entries
