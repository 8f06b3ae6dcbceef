"""The gradients of a network of any layers beside its own: every entry in units of what its own formulas round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nnref.checking.homework.entry_verdict import Tolerance, judged_entry
from nnref.checking.homework.layers_mistake import diagnosis_of_layers
from nnref.checking.homework.model_outputs import refuse_another_forward_pass
from nnref.checking.homework.models import as_numpy
from nnref.checking.homework.models_of_layers import in_columns
from nnref.checking.homework.reference_verdict import gradients_right
from nnref.checking.reading.layout import labels_in_columns
from nnref.checking.reference import noise, trees
from nnref.checking.results.certificate import Certificate
from nnref.checking.results.diagnosis import Diagnosis
from nnref.layer import all_names
from nnref.network import Layers, forward, named
from nnref.parameters import rounded
from nnref.shapes import Array


def certificate_of_layers(
    layers: Layers, theta: Any, X: Any, Y: Any, gradients: Any, reduction: str, activation: str
) -> Certificate:
    """The verdict on every parameter's gradient, and the layer and mistake that explain what is wrong.

    Examples are columns beside nnref's own parameters, rows beside a model of another library.
    Errors: ValueError for a tree that is not the layers', gradients of strangers, or an activation beside the layers.
    """
    if activation != "relu":
        raise ValueError(f"layers have their activations in them; activation={activation!r} came beside them.")
    layers = tuple(layers)
    model, examples = theta, X
    theta, X, gradients, as_columns = in_columns(layers, theta, X, gradients)
    parameters = of_tree(layers, theta)
    yours = gradients_by_name(gradients, list(parameters))
    refuse_infinite({**parameters, "X": X})
    logits = forward(layers, theta, X)
    dtype = np.result_type(*parameters.values())
    refuse_another_forward_pass(model, examples, logits, dtype, ", ".join(all_names(layers)))
    N = X.shape[-1]
    hot, labels = labels_in_columns(as_numpy(Y), logits.shape[0], N, as_columns)
    factor = N if reduction == "sum" else 1
    told = trees.decided(layers, theta, X.astype(dtype))
    doubt = 0.0 if told.all() else np.inf
    S_tree, allowed = trees.scale(layers, theta, X, hot, dtype)
    S, truth = named(S_tree), named(trees.gradient(layers, theta, X, hot))
    entries = []
    for name in reversed(parameters):
        own = factor * trees.REACH * noise.unit("float64") * S[name]
        bar = Tolerance(factor * S[name], dtype, allowed, own, doubt)
        entries.append(judged_entry(name, yours.get(name), factor * truth[name], bar, parameters[name].shape))
    wrong = told.all() and any(entry.verdict == "WRONG" for entry in entries)
    room = allowed * noise.unit(dtype) + trees.REACH * noise.unit("float64")
    found = explained(layers, theta, X, hot, yours, factor, room, S) if wrong else None
    left = int((~told).sum())
    notes = (f"{left} of {N} examples have a unit within rounding of a kink: either slope is right there",)
    lie = f"examples as {'columns' if as_columns else 'rows'}"
    loss = f"{'mean' if reduction == 'mean' else 'summed'} cross-entropy of {N} examples"
    return Certificate(
        title="gradients",
        reading=f"{' '.join(parameters)} of {', '.join(all_names(layers))}, {lie}, {labels}, {loss}",
        entries=tuple(entries),
        method="the complex step of every parameter, forward passes alone",
        settings={"N": N, "dtype": str(dtype), "reduction": reduction, "u": noise.unit(dtype), "allowed": allowed},
        gradient_of_own_loss=gradients_right(entries),
        same_loss=None,
        part="forward pass",
        apart="no Z or A was given",
        diagnoses=(found,) if found else (),
        notes=notes if left else (),
    )


def refuse_infinite(arrays: Mapping[str, Array]) -> None:
    """Refuse parameters and data that are not finite: no gradient exists there."""
    for name, A in arrays.items():
        if not np.isfinite(A).all():
            raise ValueError(f"{name} holds NaN or infinity; no gradient exists there. Look at its first such entry.")


def explained(
    layers: Layers,
    theta: Any,
    X: Array,
    hot: Array,
    yours: Mapping[str, Array | None],
    factor: int,
    room: float,
    S: Mapping[str, Array],
) -> Diagnosis | None:
    """The layer, and the mistake, that make these gradients of the mean, each entry known to within room S."""
    given = {name: None if g is None else np.asarray(g) / factor for name, g in yours.items()}
    rooms = {name: room * scale for name, scale in S.items()}
    return diagnosis_of_layers(layers, rounded(theta, "float64"), X, hot, given, rooms)


def of_tree(layers: Layers, theta: Any) -> dict[str, Array]:
    """The parameters by name, if they are those of the layers.

    Errors: ValueError saying which differ.
    """
    found = named(theta)
    expected = {
        name: p.shape for name, p in named(tuple(layer.init(np.random.default_rng(0)) for layer in layers)).items()
    }
    came = {name: p.shape for name, p in found.items()}
    if came != expected:
        raise ValueError(
            f"parameters should be those of the layers, {expected}; {came} came. Try nnref.initialise(layers)."
        )
    if not found:
        raise ValueError("the layers learn nothing: there is no gradient to judge.")
    return found


def gradients_by_name(gradients: Any, names: list[str]) -> dict[str, Array | None]:
    """Gradients by the names of the parameters, from a tree like theirs or a dict whose keys may open with d.

    Errors: ValueError for a key that is no parameter's.
    """
    if gradients is None:
        return {}
    if not isinstance(gradients, Mapping):
        return dict(named(gradients))
    found = {key if key in names else str(key).removeprefix("d"): g for key, g in gradients.items()}
    if strangers := [key for key in found if key not in names]:
        raise ValueError(f"gradients holds {', '.join(strangers)}, and there is no such parameter among {names}.")
    return {key: None if g is None else np.asarray(g) for key, g in found.items()}
