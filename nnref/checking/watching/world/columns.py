"""The names of a table's columns, as pandas hands them out."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnref.shapes import Array


class Columns(list[Any]):
    """The names of columns."""

    def tolist(self) -> list[Any]:
        """As a list."""
        return list(self)

    @property
    def values(self) -> Array:
        """As an array."""
        return np.array(list(self))

    def drop(self, names: Any, *args: Any, **kwargs: Any) -> Columns:
        """Without some."""
        out = [names] if isinstance(names, str) else list(names)
        return Columns(name for name in self if name not in out)
