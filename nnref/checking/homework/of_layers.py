"""The gradients of a network of any layers beside its own: every entry in units of what its own formulas round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nnref.checking.homework.entry_verdict import Tolerance, judged_entry
from nnref.checking.homework.reference_verdict import gradients_right
from nnref.checking.reading.layout import labels_in_columns
from nnref.checking.reference import noise, trees
from nnref.checking.results.certificate import Certificate
from nnref.layer import all_names
from nnref.network import Layers, forward, named
from nnref.shapes import Array


def certificate_of_layers(
    layers: Layers, theta: Any, X: Any, Y: Any, gradients: Any, reduction: str, activation: str
) -> Certificate:
    """The verdict on every parameter's gradient, of examples as columns.

    Errors: ValueError for a tree that is not the layers', gradients of strangers, or an activation beside the layers.
    """
    if activation != "relu":
        raise ValueError(f"layers have their activations in them; activation={activation!r} came beside them.")
    layers, X = tuple(layers), np.asarray(X)
    parameters = of_tree(layers, theta)
    yours = gradients_by_name(gradients, list(parameters))
    for name, A in {**parameters, "X": X}.items():
        if not np.isfinite(A).all():
            raise ValueError(f"{name} holds NaN or infinity; no gradient exists there. Look at its first such entry.")
    logits = forward(layers, theta, X)
    N = X.shape[-1]
    hot, labels = labels_in_columns(np.asarray(Y), logits.shape[0], N, True)
    factor, dtype = N if reduction == "sum" else 1, np.result_type(*parameters.values())
    S_tree, allowed = trees.scale(layers, theta, X, hot, dtype)
    S, truth = named(S_tree), named(trees.gradient(layers, theta, X, hot))
    told = trees.decided(layers, theta, X.astype(dtype))
    doubt = 0.0 if told.all() else np.inf
    entries = []
    for name in reversed(parameters):
        own = factor * trees.REACH * noise.unit("float64") * S[name]
        bar = Tolerance(factor * S[name], dtype, allowed, own, doubt)
        entries.append(judged_entry(name, yours.get(name), factor * truth[name], bar, parameters[name].shape))
    left = int((~told).sum())
    notes = (f"{left} of {N} examples have a unit within rounding of a kink: either slope is right there",)
    loss = f"{'mean' if reduction == 'mean' else 'summed'} cross-entropy of {N} examples"
    return Certificate(
        title="gradients",
        reading=f"{' '.join(parameters)} of {', '.join(all_names(layers))}, examples as columns, {labels}, {loss}",
        entries=tuple(entries),
        method="the complex step of every parameter, forward passes alone",
        settings={"N": N, "dtype": str(dtype), "reduction": reduction, "u": noise.unit(dtype), "allowed": allowed},
        gradient_of_own_loss=gradients_right(entries),
        same_loss=None,
        part="forward pass",
        apart="no Z or A was given",
        notes=notes if left else (),
    )


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
