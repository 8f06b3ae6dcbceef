"""The layers of a PyTorch, Keras or JAX perceptron as W1, b1, …: its parameters and gradients as they are kept."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from nnref.shapes import Array


def layers_of_model(parameters: Any, gradients: Any, layout: str | None) -> tuple[Any, Any, str | None]:
    """Parameters and gradients by W1, b1, …, and the layout, where another library keeps them; else as they came.

    A torch.nn.Module keeps W as (outputs, inputs) beside batches of rows, and its gradients in .grad; a Keras model
    keeps (inputs, outputs). Pairs (W, b), dicts with such pairs, or W, b, W, b, … in turn are how JAX keeps them, and
    how tapes return gradients.
    Errors: ValueError for a model whose parameters do not come in pairs of a matrix and a vector.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(parameters, torch.nn.Module):
        kept = dict(parameters.named_parameters())
        given = [p.grad for p in kept.values()] if gradients is None else in_turn(gradients, list(kept))
        turned = [[None if A is None else as_numpy(A).T for A in arrays] for arrays in (kept.values(), given)]
        return by_name_in_turn(turned[0]), by_name_in_turn(turned[1]), layout or "rows"
    if hasattr(parameters, "trainable_variables"):
        kept_variables = list(parameters.trainable_variables)
        if gradients is None:
            raise ValueError(
                "gradients should be those of model.trainable_variables, as a tape returns them; None came."
            )
        return (
            by_name_in_turn(map(as_numpy, kept_variables)),
            by_name_in_turn(map(as_numpy, in_turn(gradients))),
            layout or "rows",
        )
    if in_pairs(parameters):
        return (
            by_name_in_turn(map(as_numpy, in_turn(parameters))),
            by_name_in_turn(map(as_numpy, in_turn(gradients))),
            layout,
        )
    return parameters, gradients, layout


def in_pairs(tree: Any) -> bool:
    """Is it a list of layers, each a pair or a dict of two, or arrays in turn? nnref's own parameters are no list."""
    if not isinstance(tree, list) or not tree:
        return False
    return all(isinstance(layer, tuple | list | Mapping) and len(layer) == 2 for layer in tree) or all(
        hasattr(A, "shape") for A in tree
    )


def in_turn(tree: Any, names: Iterable[str] = ()) -> list[Any]:
    """The arrays of a nesting in order; of a dict by name, W before b."""
    if isinstance(tree, Mapping):
        order = [name for name in names if name in tree] or sorted(
            tree, key=lambda name: (np.ndim(tree[name]) != 2, name)
        )
        return [A for name in order for A in in_turn(tree[name])]
    if isinstance(tree, tuple | list):
        return [A for part in tree for A in in_turn(part)]
    return [tree]


def by_name_in_turn(arrays: Iterable[Any]) -> dict[str, Any]:
    """W1, b1, W2, … in turn."""
    return {f"{'Wb'[k % 2]}{k // 2 + 1}": A for k, A in enumerate(arrays)}


def as_numpy(leaf: Any) -> Any:
    """A tensor of any library, on any device, as a numpy array, bfloat16 as float32; anything else as it came."""
    if leaf is None:
        return None
    if hasattr(leaf, "detach"):  # PyTorch
        leaf = leaf.detach().cpu()
        leaf = leaf.float() if str(leaf.dtype) == "torch.bfloat16" else leaf
    made: Array = np.asarray(leaf.numpy() if hasattr(leaf, "numpy") else leaf)
    return made.astype("float32") if made.dtype.name == "bfloat16" else made
