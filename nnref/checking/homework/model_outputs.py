"""Does a model compute the network that its gradients are judged as? It is called, where possible, and compared."""

from __future__ import annotations

import copy
import sys
from math import sqrt
from typing import Any

import numpy as np

from nnref import softmax
from nnref.checking.homework.models import as_numpy
from nnref.precision import unit
from nnref.shapes import Array


def refuse_another_forward_pass(model: Any, X: Any, logits: Array, dtype: np.dtype[Any], read_as: str) -> None:
    """Refuse a model whose outputs are neither these logits (classes × examples) nor their probabilities or logarithms.

    Rounding moves an output by about one unit roundoff, another function by about 1: half the digits have to agree. A
    model that cannot be called with X is not refused.
    Errors: ValueError with the example that differs most.
    """
    came = outputs(model, X)
    if came is None or came.shape != logits.T.shape:
        return
    P = softmax.forward(logits.astype("float64")).T
    with np.errstate(all="ignore"):
        logarithms = np.abs(np.log(softmax.forward(came.astype("float64").T).T) - np.log(P))
    gaps = [np.nan_to_num(far, nan=np.inf).max(axis=1) for far in (np.abs(came - P), logarithms)]
    gap = min(gaps, key=np.max)
    if gap.max() > sqrt(unit(dtype)) * max(1.0, float(np.abs(np.log(P)).max())):
        raise ValueError(
            f"the model computes another function than {read_as}, as which its gradients would be judged: example "
            f"{int(gap.argmax())} comes out {gap.max():.2g} away. Pass the activation or the layers that the model has."
        )


def outputs(model: Any, X: Any) -> Array | None:
    """The outputs of a torch.nn.Module or a Keras model for examples in rows; None if it cannot be called."""
    torch = sys.modules.get("torch")
    try:
        if torch is not None and isinstance(model, torch.nn.Module):
            like = next(model.parameters())
            with torch.no_grad():
                # A copy, as a call may count batches or draw a mask.
                made = copy.deepcopy(model)(torch.as_tensor(X).to(dtype=like.dtype, device=like.device))
        elif hasattr(model, "trainable_variables") and callable(model):
            made = model(X)
        else:
            return None
        found: Array = as_numpy(made)
        return found if np.ndim(found) == 2 else None
    except Exception:  # of whatever library
        return None
