"""The unit roundoff of a precision: the largest relative error of one rounding."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike


def unit(dtype: DTypeLike) -> float:
    """The unit roundoff u of a dtype, half the gap between 1 and the next number, but at least that of float64.

    Found by trying, so that it is known for bfloat16 too, which np.finfo does not know.

    >>> unit("float32") == unit(np.dtype("float32")) == 2.0**-24
    True
    """
    return found_by_trying(np.dtype(dtype))


@cache
def found_by_trying(dtype: np.dtype[Any]) -> float:
    """Half the smallest power of 2 that 1 + eps keeps, each tried in dtype."""
    eps = 1.0
    while float(np.asarray(1 + eps / 2).astype(dtype).astype("float64")) != 1:
        eps /= 2
    return eps / 2
