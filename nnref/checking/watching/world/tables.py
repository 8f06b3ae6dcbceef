"""Tables with named columns, as pandas hands them out: what programs that read a CSV do with them, and no more."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnref.checking.watching.recording.recorder import leaf
from nnref.checking.watching.world.columns import Columns
from nnref.checking.watching.world.modules import Silent
from nnref.checking.watching.world.needs import LABEL, words
from nnref.shapes import Array

OPERATORS = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv, "pow": operator.pow,
    "mod": operator.mod, "matmul": operator.matmul, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt,
    "le": operator.le, "eq": operator.eq, "ne": operator.ne, "and": operator.and_, "or": operator.or_,
}  # fmt: skip
REFLECTED = ("add", "sub", "mul", "truediv", "pow", "matmul")
UNCHANGED = words("""
    head tail sample copy dropna fillna reset_index sort_values sort_index set_index round infer_objects
    drop_duplicates convert_dtypes query reindex interpolate bfill ffill
""")
"""Methods after which a table is near enough what it was."""

SHOWN = words("describe info hist plot boxplot corr value_counts memory_usage groupby to_csv to_pickle skew")
"""Methods whose result is looked at, and computed with by no network."""


class Data:
    """What Frame and Series share: numbers with shape, arithmetic and reductions. `array` is what they hold."""

    array: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.array.shape

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self.array.size

    @property
    def ndim(self) -> int:
        """1 of a column, 2 of a table."""
        return self.array.ndim

    @property
    def index(self) -> Array:
        """The rows, numbered."""
        return np.arange(len(self.array))

    def like(self, array: Array) -> Any:
        """The same kind of thing, with other entries."""
        raise NotImplementedError

    @property
    def values(self) -> Array:
        """The array, its labels and its data marked."""
        raise NotImplementedError

    def to_numpy(self, dtype: Any = None, *args: Any, **kwargs: Any) -> Array:
        """The array."""
        return self.values if dtype is None else self.like(self.array.astype(dtype)).values

    def __array__(self, dtype: Any = None, *args: Any, **kwargs: Any) -> Array:
        return self.to_numpy(dtype)

    def __len__(self) -> int:
        return len(self.array)

    def __bool__(self) -> bool:
        raise ValueError("The truth value of a table is ambiguous.")

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """With entries of another type; of a dictionary of types nothing changes."""
        return (
            self if isinstance(dtype, dict) or dtype in ("category", "object") else self.like(self.array.astype(dtype))
        )

    def apply(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The function of every entry."""
        if not callable(function):
            return self
        found = np.array([function(x) for x in self.array.ravel().tolist()])
        return self.like(found.reshape(self.array.shape)) if found.size == self.array.size else self

    def isnull(self) -> Any:
        """Nothing is missing."""
        return self.like(np.zeros(self.array.shape, bool))

    isna = isnull

    def tolist(self) -> Any:
        """As a list."""
        return self.values.tolist()

    def reduced(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A sum, mean or spread: over the rows of a table, over all of a column."""
        axis = kwargs.get("axis", args[0] if args and isinstance(args[0], int) else 0)
        found = getattr(np, name)(self.array.astype(float), axis=axis if self.ndim == 2 else None)
        return Series(found, "", False) if np.ndim(found) else found

    def __getattr__(self, name: str) -> Any:
        if name in UNCHANGED:
            return lambda *args, **kwargs: self
        if name in ("mean", "std", "min", "max", "sum", "median", "var", "any", "all"):
            return lambda *args, **kwargs: self.reduced(name, *args, **kwargs)
        if name in SHOWN:
            return lambda *args, **kwargs: Silent()
        raise AttributeError(f"while a program is checked, pandas is answered by tables that have no {name}.")


def operator_of(name: str, reflected: bool) -> Callable[..., Any]:
    """The method for an operator between a table and another, an array or a number."""
    of = OPERATORS[name]

    def method(self: Data, other: Any) -> Any:
        a, b = self.array, other.array if isinstance(other, Data) else other
        return self.like(of(b, a) if reflected else of(a, b))

    return method


for _name in OPERATORS:
    setattr(Data, f"__{_name}__", operator_of(_name, reflected=False))
for _name in REFLECTED:
    setattr(Data, f"__r{_name}__", operator_of(_name, reflected=True))


class Series(Data):
    """A column: array (N,), its name, and whether it is the label."""

    def __init__(self, array: Any = (), name: str = "", label: bool | None = None, **kwargs: Any) -> None:
        self.array = np.asarray(array.array if isinstance(array, Data) else array)
        self.name, self.label = name, bool(LABEL.match(str(name))) if label is None else label

    __hash__ = object.__hash__

    def like(self, array: Array) -> Series:
        """A column with the same name."""
        return Series(array, self.name, self.label)

    @property
    def values(self) -> Array:
        """The entries (N,), marked."""
        return marked(self.array, [self.label])

    @property
    def T(self) -> Series:
        """A column is its own transpose."""
        return self

    def map(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Each entry replaced by what a dictionary, or a function, says."""
        return self.apply(function.get if isinstance(function, dict) else function)

    def replace(self, old: Any, new: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Entries replaced."""
        if isinstance(old, list | tuple):
            old = dict(zip(old, new if isinstance(new, list | tuple) else [new] * len(old), strict=False))
        table = old if isinstance(old, dict) else {old: new}
        return self.apply(lambda x: table.get(x, x))

    def unique(self) -> Array:
        """The different entries."""
        return np.unique(self.array)

    def nunique(self, *args: Any) -> int:
        """How many different entries there are."""
        return len(np.unique(self.array))

    def factorize(self) -> tuple[Array, Array]:
        """Numbers in the place of the entries, and the entries."""
        found, numbers = np.unique(self.array, return_inverse=True)
        return marked(numbers, [self.label]), found

    @property
    def cat(self) -> Any:
        """What has the numbers of categories."""
        return type("Categories", (), {"codes": Series(self.factorize()[0], self.name, self.label)})

    def to_frame(self, *args: Any) -> Frame:
        """A table of this one column."""
        return Frame(self.array[:, None], [self.name], {self.name} if self.label else set())

    def reshape(self, *shape: Any) -> Array:
        """The array in another shape."""
        return self.values.reshape(*shape)

    @property
    def iloc(self) -> Rows:
        """By the number of the row."""
        return Rows(self)

    loc = iat = iloc

    def __getitem__(self, index: Any) -> Any:
        found = self.array[plain(index)]
        return self.like(found) if isinstance(found, np.ndarray) else found

    def __setitem__(self, index: Any, value: Any) -> None:
        self.array[plain(index)] = plain(value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)


class Frame(Data):
    """A table: array (N, n), a name a column, and the names that are labels."""

    columns: Columns
    labels: set[Any]

    def __init__(self, data: Any = None, columns: Any = None, labels: set[Any] | None = None, **kwargs: Any) -> None:
        if isinstance(data, Frame):
            columns, labels = columns or data.columns, labels or data.labels
            data = data.array
        if isinstance(data, dict):
            columns = list(data)
            data = np.column_stack([np.asarray(plain(column)) for column in data.values()])
        self.array = np.asarray(plain(data)) if data is not None else np.zeros((0, 0))
        if self.array.ndim == 1:
            self.array = self.array[:, None]
        self.columns = Columns(columns if columns is not None else map(str, range(self.array.shape[1])))
        self.labels = {n for n in self.columns if LABEL.match(str(n))} if labels is None else labels

    __hash__ = object.__hash__

    def like(self, array: Array) -> Any:
        """A table with the same columns; without names, where there are more or fewer."""
        if array.ndim == 1:
            return Series(array, "", False)
        return Frame(array, self.columns if array.shape[1] == len(self.columns) else None, self.labels)

    @property
    def values(self) -> Array:
        """The entries (N, n): the columns of labels, and the others, marked."""
        array = self.array.astype(float) if self.array.dtype == object and numeric(self.array) else self.array
        return marked(array, [name in self.labels for name in self.columns])

    @property
    def T(self) -> Turned:
        """The table turned."""
        return Turned(self)

    def keys(self) -> Columns:
        """The names of the columns."""
        return self.columns

    @property
    def dtypes(self) -> Any:
        """The types of the columns."""
        return Silent()

    def only(self, names: list[str]) -> Frame:
        """Some columns; those that lie side by side are not copied."""
        at = [self.columns.index(name) for name in names]
        together = at == list(range(at[0], at[0] + len(at))) if at else False
        return Frame(self.array[:, at[0] : at[-1] + 1] if together else self.array[:, at], names, self.labels)

    def drop(self, names: Any = None, axis: Any = 0, columns: Any = None, inplace: bool = False, **kwargs: Any) -> Any:
        """Without some columns; of rows all are kept."""
        out = columns if columns is not None else names if axis in (1, "columns") else []
        out = [out] if isinstance(out, str) else list(out)
        kept = self.only([name for name in self.columns if name not in out])
        if not inplace:
            return kept
        self.array, self.columns = kept.array, kept.columns
        return None

    def insert(self, loc: int, column: Any, value: Any, *args: Any, **kwargs: Any) -> None:
        """A new column before the one of that number."""
        new = np.broadcast_to(np.asarray(plain(value)), (len(self.array),))
        self.array = np.insert(self.array.astype(np.result_type(self.array, new)), loc, new, axis=1)
        self.columns.insert(loc, column)

    def pop(self, name: str) -> Series:
        """A column, which is then no longer in the table."""
        column = self[name]
        self.drop(columns=name, inplace=True)
        return column

    def rename(self, *args: Any, columns: Any = None, **kwargs: Any) -> Frame:
        """With other names."""
        names = [columns.get(n, n) for n in self.columns] if isinstance(columns, dict) else self.columns
        return Frame(self.array, names)

    def replace(self, *args: Any, **kwargs: Any) -> Frame:
        """Entries replaced in every column."""
        parts = [self[name].replace(*args, **kwargs).array for name in self.columns]
        return Frame(np.column_stack(parts), self.columns, self.labels)

    @property
    def iloc(self) -> Rows:
        """By the numbers of rows and columns."""
        return Rows(self)

    loc = iat = at = iloc

    def iterrows(self) -> Iterator[tuple[int, Any]]:
        """Row by row."""
        return enumerate(Series(row, "", False) for row in self.values)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str) or (not isinstance(key, list | slice | Data | np.ndarray) and key in self.columns):
            return Series(self.array[:, self.columns.index(key)], key, key in self.labels)
        if isinstance(key, list) and all(isinstance(k, str) for k in key):
            return self.only(key)
        return self.like(self.array[plain(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        column = np.broadcast_to(np.asarray(plain(value)), (len(self.array),))
        if key not in self.columns:
            self.columns.append(key)
            self.array = np.column_stack([self.array, column])
        else:
            self.array = self.array.astype(np.result_type(self.array, column), copy=True)
            self.array[:, self.columns.index(key)] = column

    def __contains__(self, key: Any) -> bool:
        return key in self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self.columns:
            return self[name]
        return super().__getattr__(name)


class Turned(Data):
    """A table on its side: its array marked, then turned."""

    def __init__(self, frame: Frame) -> None:
        self.frame, self.array = frame, frame.array.T

    __hash__ = object.__hash__

    def like(self, array: Array) -> Any:
        """Another table on its side."""
        return Turned(self.frame.like(array.T))

    @property
    def values(self) -> Array:
        """The entries (n, N), marked."""
        return self.frame.values.T

    @property
    def T(self) -> Frame:
        """The table upright."""
        return self.frame

    def __getitem__(self, key: Any) -> Any:
        return self.values[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)


class Rows:
    """table.iloc and table.loc: by numbers of rows, and numbers or names of columns."""

    def __init__(self, data: Frame | Series) -> None:
        self.data = data

    def __getitem__(self, key: Any) -> Any:
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        if isinstance(self.data, Series):
            return self.data[rows]
        frame = self.data
        if isinstance(columns, str):
            return frame[columns][rows]
        names = [columns] if isinstance(columns, int | np.integer) else chosen(frame.columns, columns)
        at = [n if isinstance(n, int | np.integer) else frame.columns.index(n) for n in names]
        part = frame.only([frame.columns[k] for k in at])
        part = Frame(part.array[plain(rows)], part.columns, frame.labels) if not isinstance(rows, int) else part
        if isinstance(rows, int | np.integer):
            row = part.array[rows]
            return Series(row, "", False) if len(at) > 1 else row[0]
        return part[part.columns[0]] if isinstance(columns, int | np.integer) else part

    def __setitem__(self, key: Any, value: Any) -> None:
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        if isinstance(self.data, Series):
            self.data[rows] = value
            return
        at = self.data.columns.index(columns) if isinstance(columns, str) else columns
        self.data.array[plain(rows), at] = plain(value)


def chosen(names: Columns, which: Any) -> list[Any]:
    """The names that a slice, of numbers or of names, or a list chooses."""
    if isinstance(which, slice) and isinstance(which.start if which.start is not None else which.stop, str):
        first = names.index(which.start) if which.start is not None else 0
        return names[first : names.index(which.stop) + 1 if which.stop is not None else None]
    if isinstance(which, slice):
        return names[which]
    mask = np.asarray(plain(which))
    return [n for n, kept in zip(names, mask, strict=True) if kept] if mask.dtype == bool else list(mask.tolist())


def plain(x: Any) -> Any:
    """The array of a table; other things as they are."""
    if isinstance(x, tuple):
        return tuple(map(plain, x))
    return x.array if isinstance(x, Data) else x


def numeric(array: Array) -> bool:
    """Can every entry be read as a number?"""
    try:
        array.astype(float)
    except (ValueError, TypeError):
        return False
    return True


def marked(array: Array, labels: list[bool]) -> Array:
    """The array, its columns of labels and its other columns marked, a leaf a run of columns that lie side by side."""
    if array.dtype.kind not in "fiub":
        return array
    if array.ndim == 1 or len(set(labels)) == 1:
        return leaf(array, "labels" if labels and labels[0] else "data")
    first = 0
    for k in range(1, len(labels) + 1):
        if k == len(labels) or labels[k] != labels[first]:
            leaf(array[:, first:k], "labels" if labels[first] else "data")
            first = k
    return array
