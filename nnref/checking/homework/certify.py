"""Is this the gradient of the reference network? Every entry is judged in units of rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nnref import network
from nnref.checking.diagnosis.diagnose import diagnose
from nnref.checking.diagnosis.explanations import right_layers
from nnref.checking.diagnosis.fit import GivenGradient, fitted_factor
from nnref.checking.homework.entry_verdict import Tolerance, judged_entry
from nnref.checking.homework.given_arrays import GivenArrays, in_columns
from nnref.checking.homework.model_outputs import refuse_another_forward_pass
from nnref.checking.homework.of_layers import certificate_of_layers, refuse_infinite
from nnref.checking.homework.reference_verdict import gradients_right
from nnref.checking.reference import noise, strictest_truth
from nnref.checking.reference.forward_errors import ForwardErrors
from nnref.checking.reference.intermediates import Case
from nnref.checking.results.certificate import Certificate
from nnref.checking.results.diagnosis import Diagnosis
from nnref.checking.results.entry import Entry, Worst
from nnref.checking.results.findings import Finding
from nnref.network import named
from nnref.shapes import Array

OTHER = {
    ("mean", "scale.N"): "If you meant the summed loss, pass reduction='sum'.",
    ("sum", "scale.1/N"): "If you meant the mean loss, pass reduction='mean'.",
}
"""What a factor of N or 1/N may mean beside a mistake: that your loss is the sum, or the mean, over the examples."""


def certify(
    parameters: Any,
    X: Any,
    Y: Any,
    gradients: Any = None,
    *,
    layers: Any = None,
    activation: str = "relu",
    reduction: str = "mean",
    layout: str | None = None,
    intermediates: Mapping[str, Any] | None = None,
) -> Certificate:
    """Judge the gradients of a softmax-cross-entropy network against the reference, and name the first mistake.

    parameters are nnref's, or a dict with keys W1, b1, … of either layout; gradients likewise, or with keys dW1, db1, …
    (None or absent: not written yet). Or they are a model: a torch.nn.Module, whose gradients are its .grad unless
    given, a Keras model, or JAX's list of pairs (W, b), with gradients in the same order. Y is one-hot or whole-number
    labels; intermediates are yours of Z1, A1, dZ1, dA1, …, P. reduction is "mean" or "sum"; layout, "columns" or
    "rows", is needed where everything is square. layers, such as nnref.cnn(), are those of any other network or
    model; a few examples are enough then, for the truth takes a forward pass a parameter.
    Errors: ValueError for what cannot be read, with what to pass instead.
    """
    if reduction not in ("mean", "sum"):
        raise ValueError(f'reduction should be "mean" or "sum"; {reduction!r} came.')
    if layers is not None:
        return certificate_of_layers(layers, parameters, X, Y, gradients, reduction, activation)
    at = in_columns(parameters, X, Y, gradients, activation=activation, layout=layout, intermediates=intermediates)
    refuse_infinite({**named(at.theta), "X": at.X})
    read_as = f"layers with {activation} between them"
    refuse_another_forward_pass(parameters, X, network.forward(at.layers, at.theta, at.X), at.dtype, read_as)
    return certificate_of_arrays(at, reduction)


def certificate_of_arrays(at: GivenArrays, reduction: str) -> Certificate:
    """The verdicts on gradients and intermediates that were read, and the mistakes."""
    N = at.X.shape[1]
    factor, allowed = (N if reduction == "sum" else 1), noise.allowed(at.layers, at.theta, N)
    case = Case.of(at.layers, at.theta, at.X, at.Y)
    truth = strictest_truth.reference_truth(at.layers, at.theta, case.X, case.Y)
    units = strictest_truth.units_at_kinks(case, at.dtype)
    doubt = strictest_truth.doubtful(case, units)
    entries = gradient_entries(at, case, truth, doubt, factor, allowed)
    middle = intermediate_entries(at, case, allowed, factor)
    forward = {name: e for name, e in middle.items() if name[0] in "ZA"}
    wrong_forward = next((name for name, e in forward.items() if e.verdict == "WRONG"), None)
    mistaken = any(e.verdict == "WRONG" for e in entries)
    return Certificate(
        title="gradients",
        reading=arrays_in_words(at, case, reduction),
        entries=tuple(entries),
        method=truth.method,
        settings=certificate_settings(at, reduction) | {"u": noise.unit(at.dtype), "allowed": allowed},
        gradient_of_own_loss=gradients_right(entries),
        same_loss=None if not forward else wrong_forward is None,
        part="forward pass",
        apart="no Z or A was given",
        intermediates=tuple(middle.values()),
        forward=Diagnosis(None, wrong_forward, FIRST_TO_DIFFER.format(wrong_forward)) if wrong_forward else None,
        diagnoses=diagnoses_of_arrays(at, case, doubt, factor, reduction) if mistaken else (),
        notes=strictest_truth.notes_on_kinks(units),
    )


FIRST_TO_DIFFER = "{} is the first to differ from the reference's."


def arrays_in_words(at: GivenArrays, case: Case, reduction: str) -> str:
    """How the arrays were read, in one line."""
    names = [*dict.fromkeys(case.activation), "softmax"]
    loss = f"{'mean' if reduction == 'mean' else 'summed'} cross-entropy of {at.X.shape[1]} examples"
    return f"{' '.join(named(at.theta))} as {at.layout}, {at.labels}, {', '.join(names)}, {loss}"


def certificate_settings(at: GivenArrays, reduction: str) -> dict[str, Any]:
    """What the gradients were judged as."""
    sizes = [len(at.X), *(len(p) for name, p in named(at.theta).items() if name[0] == "b")]
    return {"sizes": sizes, "N": at.X.shape[1], "dtype": str(at.dtype), "layout": at.layout, "reduction": reduction}


def diagnoses_of_arrays(
    at: GivenArrays, case: Case, doubt: dict[str, Array], factor: int, reduction: str
) -> tuple[Diagnosis, ...]:
    """The mistakes going back, in columns as the catalogue writes them."""
    yours = {name: None if g is None else g / factor for name, g in at.gradients.items()}
    given = {name: V for name, V in at.intermediates.items() if name[0] == "d"}
    found = diagnose(case, yours, dtype=at.dtype, slack=doubt, intermediates=given)
    return tuple(in_layout_of_arrays(diagnosis, at.layout, reduction) for diagnosis in found)


def in_layout_of_arrays(found: Diagnosis, layout: str, reduction: str) -> Diagnosis:
    """A diagnosis with a line that computes such numbers, as your own is unknown, and what else a factor may mean."""
    if found.mistake is None:
        return found
    other = OTHER.get((reduction, found.mistake.key))
    way = "  # one example a column" if layout == "rows" else ""
    says = f"{found.says} {other}" if other else found.says
    return replace(found, says=says, place=f"such as {found.wrong}", right=found.right + way)


def gradient_entries(
    at: GivenArrays, case: Case, truth: strictest_truth.Truth, doubt: dict[str, Array], factor: int, allowed: float
) -> list[Entry]:
    """The verdict on every gradient, the last layer first; the sum's is N times the mean's, and so is its noise."""
    S = named(noise.scale(at.layers, at.theta, case.X, case.Y, at.dtype))
    found = []
    for name in sorted(S, key=lambda n: (-int(n[1:]), n[0])):
        bar = Tolerance(factor * S[name], at.dtype, allowed, factor * truth.error[name], factor * doubt[name])
        g, t, rows = at.gradients[name], factor * truth.gradient[name], at.layout == "rows"
        shape, came = (A.shape[::-1] if rows else A.shape for A in (t, t if g is None else g))
        found.append(judged_entry(name, g, t, bar, shape, came=came, turned=rows))
    return found


def intermediate_entries(at: GivenArrays, case: Case, allowed: float, factor: int) -> dict[str, Entry]:
    """The verdicts on Z, A, dA and dZ that were given.

    Many people divide by N only in dW and db: a dZ that is N times the mean's is reported as such, and is no mistake.
    """
    numbers = ForwardErrors.of(case, at.dtype)
    right = {f"Z{l}": Z for l, Z in numbers.Z.items()} | {f"A{l}": A for l, A in numbers.A.items()}
    right[f"A{numbers.depth}"] = numbers.P
    for place in right_layers(numbers):
        right |= {f"{kind}{place.l}": made for kind, made in (("dZ", place.dZ), ("dA", place.dA)) if made is not None}
    entries = {}
    for name, V in at.intermediates.items():
        made = right[name]
        yours = GivenGradient(V.astype("float64"), 0.0, allowed)
        number = fitted_factor(yours, made, 1) if name[0] == "d" else None
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
