"""The common base of tables and columns: a marked array, arithmetic, reductions and common methods."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from nnref.checking.watching.recording.recorder import leaf
from nnref.checking.watching.recording.tabular import Tabular
from nnref.checking.watching.recording.tape import words
from nnref.checking.watching.world import everyday
from nnref.checking.watching.world.columns import Columns
from nnref.checking.watching.world.modules import Silent
from nnref.shapes import Array

OPERATORS = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv, "pow": operator.pow,
    "mod": operator.mod, "matmul": operator.matmul, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt,
    "le": operator.le, "eq": operator.eq, "ne": operator.ne, "and": operator.and_, "or": operator.or_,
}  # fmt: skip
REFLECTED = ("add", "sub", "mul", "truediv", "pow", "matmul")
UNCHANGED = words("""
    head tail copy dropna fillna reset_index sort_values sort_index set_index round infer_objects
    drop_duplicates convert_dtypes query reindex interpolate bfill ffill
""")
"""Methods that return the table unchanged, which is close enough here."""

SHOWN = words("describe info hist plot boxplot corr memory_usage groupby to_csv to_pickle skew")
"""Methods whose result a person looks at, and no network computes with."""


class Data(Tabular):
    """The base of Frame and Series: their entries `array`, its shape, arithmetic and reductions."""

    array: Array
    marked_of: Array | None = None
    marked_as: Array

    def as_array(self) -> Array:
        """The marked array, the same object at every call until `array` is replaced."""
        if self.marked_of is not self.array:
            self.marked_as, self.marked_of = self.values, self.array
        return self.marked_as

    def holding(self, array: Array) -> Any:
        """A table or column like this one whose marked array is the given one."""
        made = self.like(array)
        made.marked_as, made.marked_of = array, made.array
        return made

    def dot(self, other: Any) -> Any:
        """The matrix product."""
        return self @ other

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.array.shape

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.array.size

    @property
    def ndim(self) -> int:
        """1 for a column, 2 for a table."""
        return self.array.ndim

    @property
    def index(self) -> Any:
        """The row numbers; for the result of value_counts, the entries that were counted."""
        return Columns(self.__dict__.get("names", range(len(self.array))))

    def column(self, array: Array) -> Any:
        """A column without a name."""
        raise NotImplementedError

    def sample(self, n: Any = None, frac: Any = None, *args: Any, **kwargs: Any) -> Any:
        """The first rows: the order of rows does not matter."""
        count = len(self) if n is None and frac is None else round(len(self) * frac) if n is None else n
        return self if count >= len(self) else self.like(self.array[:count])

    def like(self, array: Array) -> Any:
        """A table or column like this one, with other entries."""
        raise NotImplementedError

    @property
    def values(self) -> Array:
        """The array, with its labels and its data marked."""
        raise NotImplementedError

    def to_numpy(self, dtype: Any = None, *args: Any, **kwargs: Any) -> Array:
        """The array."""
        return self.values if dtype is None else self.like(self.array.astype(dtype)).values

    def __array__(self, dtype: Any = None, *args: Any, **kwargs: Any) -> Array:
        return self.to_numpy(dtype)

    def __neg__(self) -> Any:
        return self.like(-self.array)

    def __invert__(self) -> Any:
        return self.like(~self.array)

    def __len__(self) -> int:
        return len(self.array)

    def __bool__(self) -> bool:
        raise ValueError("The truth value of a table is ambiguous.")

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """The entries converted to another type; unchanged for "category", "object" or a dictionary of types."""
        return (
            self if isinstance(dtype, dict) or dtype in ("category", "object") else self.like(self.array.astype(dtype))
        )

    def apply(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The function applied to every entry; no change if it is not callable or its results do not fit the shape."""
        if not callable(function):
            return self
        found = np.array([function(x) for x in self.array.ravel().tolist()])
        return self.like(found.reshape(self.array.shape)) if found.size == self.array.size else self

    def isnull(self) -> Any:
        """False for every entry: nothing is missing."""
        return self.like(np.zeros(self.array.shape, bool))

    isna = isnull

    def tolist(self) -> Any:
        """The entries as a list."""
        return self.values.tolist()

    def reduced(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A sum, mean or spread: over the rows of a table by default, over all entries of a column."""
        axis = kwargs.get("axis", args[0] if args and isinstance(args[0], int) else 0)
        found = getattr(np, name)(self.array.astype(float), axis=axis if self.ndim == 2 else None)
        return self.column(found) if np.ndim(found) else found

    def __getattr__(self, name: str) -> Any:
        if name in UNCHANGED:
            return lambda *args, **kwargs: self
        if name in SHOWN:
            return lambda *args, **kwargs: Silent()
        if not name.startswith("_") and (found := everyday.method(self, name)) is not None:
            return found
        raise AttributeError(f"while a program is checked, pandas is answered by tables that have no {name}.")


def operator_of(name: str, reflected: bool) -> Callable[..., Any]:
    """The method for an operator between a table and another table, an array or a number."""
    of = OPERATORS[name]

    def method(self: Data, other: Any) -> Any:
        a, b = self.array, other.array if isinstance(other, Data) else other
        return self.like(of(b, a) if reflected else of(a, b))

    return method


def reduction(name: str) -> Callable[..., Any]:
    """The method that reduces a table or a column."""

    def method(self: Data, *args: Any, **kwargs: Any) -> Any:
        return self.reduced(name, *args, **kwargs)

    return method


for _name in ("mean", "std", "min", "max", "sum", "median", "var", "any", "all"):
    setattr(Data, _name, reduction(_name))
for _name in OPERATORS:
    setattr(Data, f"__{_name}__", operator_of(_name, reflected=False))
for _name in REFLECTED:
    setattr(Data, f"__r{_name}__", operator_of(_name, reflected=True))


def array_of_table(x: Any) -> Any:
    """The array of a table; anything else unchanged, except that a tuple is converted entry by entry."""
    if isinstance(x, tuple):
        return tuple(map(array_of_table, x))
    return x.array if isinstance(x, Data) else x


def column_as_numbers(array: Array) -> Array:
    """A column as numbers if all its entries are numeric; else unchanged."""
    if array.dtype != object or not numeric(array):
        return array
    found = array.astype(float)
    return found.astype(np.int64) if (found == found.round()).all() else found


def numeric(array: Array) -> bool:
    """Can every entry be read as a number?"""
    try:
        array.astype(float)
    except (ValueError, TypeError):
        return False
    return True


def marked(array: Array, labels: list[bool]) -> Array:
    """The array, with each run of adjacent label columns, or of adjacent data columns, marked as one leaf."""
    if array.dtype.kind not in "fiub":
        return array
    if len(set(labels)) < 2:
        return leaf(array, "labels" if labels and labels[0] else "data")
    first = 0
    for k in range(1, len(labels) + 1):
        if k == len(labels) or labels[k] != labels[first]:
            leaf(array[..., first:k], "labels" if labels[first] else "data")
            first = k
    return array
