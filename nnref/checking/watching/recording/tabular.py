"""Tables and columns of pandas used in arithmetic without `.values`: they are recorded as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnref.checking.watching.recording.tape import words

Array = np.ndarray[Any, Any]


class Tabular:
    """What holds an array: as_array() is that array, marked; is_label says whether it is a column of labels alone."""

    is_label = False

    def as_array(self) -> Array:
        """The array, the same one each time."""
        raise NotImplementedError

    def place_of(self, index: Any) -> Any:
        """The number of the entry of a name, where the entries have names."""
        return index

    def holding(self, array: Array) -> Any:
        """The same kind of thing, of which this is the array."""
        raise NotImplementedError


class ByPlace:
    """Where parts of a column are chosen by their place, as column.iloc is; held is that column, None of a table."""

    held: Tabular | None = None


AS_TABLES = words(
    "array asarray asanyarray ascontiguousarray shape ndim size save savetxt savez isscalar may_share_memory"
)
"""Functions of numpy that are handed a table as it is."""

BY_COLUMN = words("mean std var sum min max amin amax median prod")
"""Functions that pandas answers column by column."""


def computed(x: Any) -> Any:
    """A table or column of numbers as its array; any other thing as it is."""
    if not isinstance(x, Tabular):
        return x
    array = x.as_array()
    return array if array.dtype.kind in "fiub" else x


def as_column(x: Any) -> Any:
    """A column of numbers as its array; any other thing, a table too, as it is."""
    array = computed(x) if isinstance(x, Tabular) else None
    return array if isinstance(array, np.ndarray) and array.ndim == 1 else x


def operated(recorder: Any, op: str, a: Any, b: Any, site: int) -> tuple[Any] | None:
    """What an operator makes of a column and of another or a number, or of a table and an array; None of two tables.

    It is a column where no array is handed over, so that what people do with columns can be done with it.
    """
    x, y = computed(a), computed(b)
    if isinstance(x, Tabular) or isinstance(y, Tabular):
        return None
    held, other = (a, b) if isinstance(a, Tabular) else (b, a)
    array = isinstance(other, np.ndarray)
    columns = all(np.ndim(part) == isinstance(kind, Tabular) for part, kind in ((x, a), (y, b)))
    number = isinstance(other, Tabular | int | float | np.generic)
    if not array and not (columns and number):
        return None
    value = recorder.binary(op, x, y, site)
    return (value if array or not isinstance(value, np.ndarray) else held.holding(value),)


def part_of_column(recorder: Any, a: Any, index: Any, site: int) -> tuple[Any] | None:
    """A part of a column's array, a number or a column of labels; None if it is none of an array."""
    held: Any = a.held if isinstance(a, ByPlace) else a
    array = computed(held)
    index = held.place_of(index) if isinstance(held, Tabular) else index
    number = isinstance(index, int | np.integer) and not isinstance(index, bool)
    if not isinstance(array, np.ndarray) or array.ndim != 1 or not (number or held.is_label):
        return None
    value = recorder.item(array, index.as_array() if isinstance(index, Tabular) else index, site)
    return (held.holding(value) if isinstance(value, np.ndarray) else value,)


def as_arrays(function: Any, name: str, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """A function and its arguments, tables as arrays: where numpy computes with them, or where one meets an array."""
    owner = getattr(function, "__self__", None)
    if (
        isinstance(owner, Tabular)
        and any(isinstance(x, np.ndarray) for x in args)
        and isinstance(computed(owner), np.ndarray)
    ):
        return getattr(computed(owner), name), tuple(map(computed, args))
    home = str(getattr(function, "__module__", "") or type(owner).__module__)
    of_numpy = isinstance(function, np.ufunc) or home.split(".", maxsplit=1)[0] == "numpy"
    by_column = name in BY_COLUMN and len(args) == 1 and np.ndim(computed(args[0])) == 2
    if not of_numpy or name in AS_TABLES or by_column:
        return function, args
    return function, tuple([computed(p) for p in x] if type(x) is list else computed(x) for x in args)


def anywhere(args: tuple[Any, ...]) -> bool:
    """Is a table or a column among arguments, or in a list among them?"""
    return any(isinstance(x, Tabular) or (type(x) is list and any(isinstance(p, Tabular) for p in x)) for x in args)
