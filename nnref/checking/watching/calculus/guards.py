"""The small number of log(p + 1e-8): it keeps the logarithm finite, and is no part of the loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnref.checking.watching.recording.tape import Node

Array = np.ndarray[Any, Any]

GUARD = 1e-3
"""A number below this that is added to a probability is a guard against log(0)."""


def guard(argument: Any) -> float:
    """The small number that is added in the argument of a logarithm; 0.0 if there is none."""
    if not isinstance(argument, Node) or argument.op != "add":
        return 0.0
    written = (a for a in argument.args if not isinstance(a, Node) or a.leaf == "constant")
    added = [a.value if isinstance(a, Node) else a for a in written]
    return float(added[0]) if added and np.ndim(added[0]) == 0 and 0 < float(added[0]) < GUARD else 0.0


def unguarded(argument: Any, value: Array) -> Array:
    """The p of p + 1e-8, where that is the value of a logarithm's argument.

    Of a p that is smaller than the last digit of the sum, the sum minus 1e-8 says nothing.
    """
    if (added := guard(argument)) == 0:
        return value
    held = [a.value for a in argument.args if isinstance(a, Node) and a.leaf != "constant"]
    whole = len(held) == 1 and held[0] is not None and np.shape(held[0]) == np.shape(value)
    return np.asarray(held[0]) if whole else value - added
