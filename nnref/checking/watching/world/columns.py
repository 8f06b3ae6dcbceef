"""The names of a table's columns, as pandas hands them out."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnref.shapes import Array


class Columns(list[Any]):
    """The names of columns."""

    def tolist(self) -> list[Any]:
        """The names as a list."""
        return list(self)

    to_list = tolist

    def intersection(self, others: Any, *args: Any, **kwargs: Any) -> Columns:
        """The names that are also in `others`."""
        return Columns(name for name in self if name in list(others))

    def difference(self, others: Any, *args: Any, **kwargs: Any) -> Columns:
        """The names that are not in `others`."""
        return Columns(name for name in self if name not in list(others))

    def get_loc(self, name: Any) -> int:
        """The number of a column."""
        return self.index(name)

    @property
    def str(self) -> Any:
        """String methods applied to each name, as `.str` of a column does."""
        return Names(self)

    @property
    def size(self) -> int:
        """The number of names."""
        return len(self)

    @property
    def values(self) -> Array:
        """The names as an array."""
        return np.array(list(self))

    def drop(self, names: Any, *args: Any, **kwargs: Any) -> Columns:
        """The names without some."""
        out = [names] if isinstance(names, str) else list(names)
        return Columns(name for name in self if name not in out)


class Names:
    """columns.str: a string method applied to every name."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: Columns(getattr(str(word), name)(*args) for word in self.columns)
