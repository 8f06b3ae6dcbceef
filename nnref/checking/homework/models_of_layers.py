"""The parameters and gradients of a model of any library as those of layers: matched in order, by their shapes."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nnref.checking.homework.models import as_numpy, in_turn
from nnref.layer import Layer
from nnref.network import initialise
from nnref.parameters import named, unnamed
from nnref.shapes import Array


def tree_of_model(layers: Sequence[Layer], model: Any, gradients: Any) -> tuple[Any, dict[str, Array | None]]:
    """The parameters as the layers' tree, and the gradients by name.

    model is a torch.nn.Module, whose gradients are its .grad unless given, a Keras model, or a nesting of arrays such
    as JAX has, in the order of the layers. Weights may lie as (inputs, outputs) and kernels as (rows, columns, inputs,
    outputs) where the shapes say so.
    Errors: ValueError for another number of arrays, shapes that do not fit, and square weights that fit both ways.
    """
    torch = sys.modules.get("torch")
    turns = not (torch is not None and isinstance(model, torch.nn.Module))
    theirs, given = arrays_of(model, gradients, None if turns else torch)
    like = initialise(tuple(layers))
    ours = named(like)
    if len(theirs) != len(ours):
        shapes = ", ".join(f"{name} {p.shape}" for name, p in ours.items())
        came = ", ".join(str(A.shape) for A in theirs)
        raise ValueError(
            f"the layers have {len(ours)} arrays of parameters, {shapes}; {len(theirs)} came, {came}. "
            "nnref's own are a tuple of named tuples, one a layer."
        )
    found: dict[str, Array] = {}
    back: dict[str, Array | None] = {}
    for (name, p), A, g in zip(ours.items(), theirs, given, strict=True):
        order = laid_out(name, A.shape, p.shape, turns)
        found[name] = np.transpose(A, order).reshape(p.shape)
        back[name] = np.transpose(g, order).reshape(p.shape) if g is not None and g.shape == A.shape else g
    return unnamed(found, like), back


def arrays_of(model: Any, gradients: Any, torch: Any) -> tuple[list[Array], list[Array | None]]:
    """The arrays of a model and of its gradients, in order."""
    if torch is not None:
        kept = dict(model.named_parameters())
        given = [p.grad for p in kept.values()] if gradients is None else in_turn(gradients, list(kept))
        return [as_numpy(p) for p in kept.values()], [as_numpy(g) for g in given]
    if hasattr(model, "trainable_variables"):
        model = list(model.trainable_variables)
    theirs = [as_numpy(A) for A in in_order(model)]
    given = [None] * len(theirs) if gradients is None else [as_numpy(g) for g in in_order(gradients)]
    if len(given) != len(theirs):
        raise ValueError(f"gradients should be one for each of {len(theirs)} arrays of parameters; {len(given)} came.")
    return theirs, given


def in_order(tree: Any) -> list[Any]:
    """The arrays of a nesting in the order in which they stand: a dictionary's as it was made."""
    if isinstance(tree, Mapping):
        return [A for part in tree.values() for A in in_order(part)]
    if isinstance(tree, tuple | list):
        return [A for part in tree for A in in_order(part)]
    return [tree]


def laid_out(name: str, theirs: tuple[int, ...], ours: tuple[int, ...], turns: bool) -> tuple[int, ...]:
    """The order of their axes as ours.

    Errors: ValueError where they do not fit, or in two ways.
    """
    orders = [tuple(range(len(theirs)))]
    if turns and len(theirs) == 2:
        orders.append((1, 0))
    if turns and len(theirs) == 4:
        orders.append((3, 2, 0, 1))
    fit = [order for order in orders if squeezed([theirs[k] for k in order]) == squeezed(ours)]
    if not fit:
        raise ValueError(f"{name} should have shape {ours}; {theirs} came.")
    if len(fit) > 1 and len(squeezed(ours)) > 1 and len(theirs) > 1:
        raise ValueError(f"{name} of shape {theirs} could lie both ways: give the parameters as nnref's own, {ours}.")
    return fit[0]


def squeezed(shape: Sequence[int]) -> tuple[int, ...]:
    """A shape without its axes of length one."""
    return tuple(n for n in shape if n != 1)


def all_in_columns(layers: Sequence[Layer], parameters: Any, X: Any, gradients: Any) -> tuple[Any, Array, Any, bool]:
    """Parameters as the layers' tree, examples as columns, gradients by name, and whether examples came as columns.

    nnref's own parameters come with columns; a model of another library with an example a row, of any shape.
    """
    X = as_numpy(X)
    torch = sys.modules.get("torch")
    module = torch is not None and isinstance(parameters, torch.nn.Module)
    if not (module or isinstance(parameters, list | Mapping) or hasattr(parameters, "trainable_variables")):
        return parameters, X, gradients, True
    theta, found = tree_of_model(layers, parameters, gradients)
    return theta, X.reshape(len(X), -1).T, found, False
