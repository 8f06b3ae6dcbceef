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

    to_list = tolist

    def intersection(self, others: Any, *args: Any, **kwargs: Any) -> Columns:
        """Those that are among others."""
        return Columns(name for name in self if name in list(others))

    def difference(self, others: Any, *args: Any, **kwargs: Any) -> Columns:
        """Those that are not among others."""
        return Columns(name for name in self if name not in list(others))

    def get_loc(self, name: Any) -> int:
        """The number of a column."""
        return self.index(name)

    @property
    def str(self) -> Any:
        """The methods of each name, as of a column of words."""
        return Names(self)

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self)

    @property
    def values(self) -> Array:
        """As an array."""
        return np.array(list(self))

    def drop(self, names: Any, *args: Any, **kwargs: Any) -> Columns:
        """Without some."""
        out = [names] if isinstance(names, str) else list(names)
        return Columns(name for name in self if name not in out)


class Names:
    """columns.str: a method of every name at once."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: Columns(getattr(str(word), name)(*args) for word in self.columns)
