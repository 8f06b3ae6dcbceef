"""The one file that knows both sides: a claim's name and its function, a symbol and its array, the table of shapes."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any


def parameter_shapes(sizes: Sequence[int]) -> dict[str, tuple[int, int]]:
    """The shape of every parameter of the network with these widths, as the derivation gives it.

    >>> parameter_shapes([784, 128, 10])
    {'W1': (128, 784), 'b1': (128, 1), 'W2': (10, 128), 'b2': (10, 1)}
    """
    from derivations.mlp import shape_table

    return {name: (int(m), int(n)) for name, (m, n) in shape_table(sizes).items()}


def function(name: str) -> Callable[..., Any]:
    """The function of nnref that has a claim's name: affine.dW the claim is affine.dW the function.

    Errors: LookupError naming what is missing.
    """
    module, _, attribute = name.rpartition(".")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(f"nnref.{module}"), attribute)
    except (ImportError, AttributeError) as error:
        raise LookupError(f"{name} has no function: nnref/{module}.py should define {attribute}.") from error
    return found
