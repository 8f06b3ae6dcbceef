"""The gradients of a network of any layers against their truth, every entry in units of rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnref.checking.homework.entry_verdict import Tolerance, judged_entry
from nnref.checking.homework.layers_mistake import diagnosis_of_layers
from nnref.checking.homework.model_outputs import refuse_another_forward_pass
from nnref.checking.homework.models import as_numpy
from nnref.checking.homework.models_of_layers import all_in_columns
from nnref.checking.homework.reference_verdict import gradients_right
from nnref.checking.reading.layout import labels_in_columns
from nnref.checking.reference import noise, trees
from nnref.checking.results.certificate import Certificate
from nnref.checking.results.diagnosis import Diagnosis
from nnref.checking.results.entry import Entry
from nnref.layer import all_names
from nnref.network import Layers, forward, named
from nnref.parameters import rounded
from nnref.shapes import Array


@dataclass(frozen=True, eq=False)
class GivenNetwork:
    """A network of any layers as certify is given it, in nnref's terms: columns are examples, Y is one-hot.

    gradients are by the names of the parameters, absent or None if not given; dtype is the precision that the
    parameters declare.
    """

    layers: Layers
    theta: Any
    X: Array
    Y: Array
    gradients: dict[str, Array | None]
    dtype: np.dtype[Any]
    as_columns: bool
    labels: str

    @property
    def parameters(self) -> dict[str, Array]:
        """The parameters by name."""
        return named(self.theta)

    @property
    def N(self) -> int:
        """The number of examples."""
        return int(self.X.shape[-1])

    def in_words(self, reduction: str) -> str:
        """How the arrays were read, in one line."""
        lie = f"examples as {'columns' if self.as_columns else 'rows'}"
        loss = f"{'mean' if reduction == 'mean' else 'summed'} cross-entropy of {self.N} examples"
        return f"{' '.join(self.parameters)} of {', '.join(all_names(self.layers))}, {lie}, {self.labels}, {loss}"


def given_network(layers: Layers, theta: Any, X: Any, Y: Any, gradients: Any) -> GivenNetwork:
    """Read parameters, a batch and gradients. The outputs of a model of another library must be those of these layers.

    Errors: ValueError for a tree that is not the layers', gradients of strangers, what is not finite, and a model whose
    outputs are others.
    """
    model, examples = theta, X
    theta, X, gradients, as_columns = all_in_columns(layers, theta, X, gradients)
    parameters = of_tree(layers, theta)
    yours = gradients_by_name(gradients, list(parameters))
    refuse_infinite({**parameters, "X": X})
    logits = forward(layers, theta, X)
    dtype = np.result_type(*parameters.values())
    refuse_another_forward_pass(model, examples, logits, dtype, ", ".join(all_names(layers)))
    hot, labels = labels_in_columns(as_numpy(Y), logits.shape[0], X.shape[-1], as_columns)
    return GivenNetwork(layers, theta, X, hot, yours, dtype, as_columns, labels)


def certificate_of_layers(
    layers: Layers, theta: Any, X: Any, Y: Any, gradients: Any, reduction: str, activation: str
) -> Certificate:
    """The verdict on every parameter's gradient, and the layer and mistake that explain what is wrong.

    Examples are columns beside nnref's own parameters, rows beside a model of another library.
    Errors: those of `given_network`, and ValueError for an activation beside the layers.
    """
    if activation != "relu":
        raise ValueError(f"layers have their activations in them; activation={activation!r} came beside them.")
    at = given_network(tuple(layers), theta, X, Y, gradients)
    factor = at.N if reduction == "sum" else 1
    told = trees.decided(at.layers, at.theta, at.X.astype(at.dtype))
    S_tree, allowed = trees.scale(at.layers, at.theta, at.X, at.Y, at.dtype)
    S, u = named(S_tree), noise.unit(at.dtype)
    entries = entries_beside_own_truth(at, S, allowed, factor, 0.0 if told.all() else np.inf)
    wrong = told.all() and any(entry.verdict == "WRONG" for entry in entries)
    found = explained(at, factor, allowed * u + trees.REACH * noise.unit("float64"), S) if wrong else None
    left = int((~told).sum())
    notes = (f"{left} of {at.N} examples have a unit within rounding of a kink: either slope is right there",)
    return Certificate(
        title="gradients",
        reading=at.in_words(reduction),
        entries=tuple(entries),
        method="the complex step of every parameter, forward passes alone",
        settings={"N": at.N, "dtype": str(at.dtype), "reduction": reduction, "u": u, "allowed": allowed},
        gradient_of_own_loss=gradients_right(entries),
        same_loss=None,
        part="forward pass",
        apart="no Z or A was given",
        diagnoses=(found,) if found else (),
        notes=notes if left else (),
    )


def entries_beside_own_truth(
    at: GivenNetwork, S: Mapping[str, Array], allowed: float, factor: int, doubt: float
) -> list[Entry]:
    """The verdict on every gradient, the last layer first; the sum's is `factor` times the mean's, and so is its noise.

    doubt is how far an entry may be off beyond rounding: infinite where a unit's input is at its kink up to rounding.
    """
    truth = named(trees.gradient(at.layers, at.theta, at.X, at.Y))
    entries = []
    for name in reversed(at.parameters):
        own = factor * trees.REACH * noise.unit("float64") * S[name]
        bar = Tolerance(factor * S[name], at.dtype, allowed, own, doubt)
        entries.append(judged_entry(name, at.gradients.get(name), factor * truth[name], bar, truth[name].shape))
    return entries


def refuse_infinite(arrays: Mapping[str, Array]) -> None:
    """Refuse parameters and data that are not finite: no gradient exists there."""
    for name, A in arrays.items():
        if not np.isfinite(A).all():
            raise ValueError(f"{name} holds NaN or infinity; no gradient exists there. Look at its first such entry.")


def explained(at: GivenNetwork, factor: int, room: float, S: Mapping[str, Array]) -> Diagnosis | None:
    """The layer and the mistake that explain these gradients of the mean loss, each entry known to within room S."""
    given = {name: None if g is None else np.asarray(g) / factor for name, g in at.gradients.items()}
    rooms = {name: room * scale for name, scale in S.items()}
    return diagnosis_of_layers(at.layers, rounded(at.theta, "float64"), at.X, at.Y, given, rooms)


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
