"""Stand-ins for pandas tables and columns, with only what programs that read a CSV use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnref.checking.watching.recording.recorder import current
from nnref.checking.watching.recording.tabular import ByPlace, part_of_column
from nnref.checking.watching.world.columns import Columns
from nnref.checking.watching.world.held import Data, array_of_table, column_as_numbers, marked, numeric
from nnref.checking.watching.world.modules import Silent
from nnref.checking.watching.world.needs import LABEL
from nnref.shapes import Array


class Series(Data):
    """A column: array (N,), its name, and whether it is the label."""

    def __init__(self, array: Any = (), name: str = "", label: bool | None = None, **kwargs: Any) -> None:
        self.array = np.asarray(array.array if isinstance(array, Data) else array)
        self.name, self.label = name, bool(LABEL.match(str(name))) if label is None else label
        self.is_label = self.label

    __hash__ = object.__hash__

    def column(self, array: Array) -> Series:
        """A column without a name."""
        return Series(array, "", False)

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
        """Each entry replaced by its value under a dictionary or a function."""
        return self.apply(function.get if isinstance(function, dict) else function)

    def replace(self, old: Any, new: Any = None, *args: Any, **kwargs: Any) -> Any:
        """The column with some entries replaced."""
        if isinstance(old, list | tuple):
            old = dict(zip(old, new if isinstance(new, list | tuple) else [new] * len(old), strict=False))
        table = old if isinstance(old, dict) else {old: new}
        return self.apply(lambda x: table.get(x, x))

    def unique(self) -> Array:
        """The distinct entries."""
        return np.unique(self.array)

    def nunique(self, *args: Any) -> int:
        """The number of distinct entries."""
        return len(np.unique(self.array))

    def factorize(self) -> tuple[Array, Array]:
        """The index of each entry among the distinct entries, and the distinct entries."""
        found, numbers = np.unique(self.array, return_inverse=True)
        return marked(numbers, [self.label]), found

    @property
    def cat(self) -> Any:
        """An object whose `codes` are the entries as numbers of their categories."""
        return type("Categories", (), {"codes": Series(self.factorize()[0], self.name, self.label)})

    def to_frame(self, *args: Any) -> Frame:
        """A table of this one column."""
        return Frame(self.array[:, None], [self.name], {self.name} if self.label else set())

    def reshape(self, *shape: Any) -> Array:
        """The array in another shape."""
        return self.values.reshape(*shape)

    @property
    def iloc(self) -> Rows:
        """Selection by row number."""
        return Rows(self)

    loc = iat = iloc

    def __getitem__(self, index: Any) -> Any:
        found = self.array[array_of_table(index)]
        return self.like(found) if isinstance(found, np.ndarray) else found

    def __setitem__(self, index: Any, value: Any) -> None:
        self.array[array_of_table(index)] = array_of_table(value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)


class Row(Series):
    """One row of a table: its entries, also found by column name, and which columns are labels."""

    def __init__(self, array: Array, columns: Columns, labels: set[Any]) -> None:
        super().__init__(array, "", False)
        self.columns, self.labels = columns, labels

    @property
    def index(self) -> Columns:
        """The names of the columns."""
        return self.columns

    @property
    def values(self) -> Array:
        """The entries, marked."""
        array = self.array.astype(float) if self.array.dtype == object and numeric(self.array) else self.array
        return marked(array, [name in self.labels for name in self.columns])

    def place_of(self, index: Any) -> Any:
        """The number of a column given by name; any other index unchanged."""
        return self.columns.index(index) if isinstance(index, str) and index in self.columns else index

    def like(self, array: Array) -> Series:
        """A row of the same columns, or a plain column if the number of entries differs."""
        return Row(array, self.columns, self.labels) if len(array) == len(self.columns) else self.column(array)

    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(self.place_of(index))

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self.__dict__.get("columns", ()):
            part = part_of_column(current(), self, name, 0)
            return part[0] if part is not None else self[name]
        return super().__getattr__(name)


class Frame(Data):
    """A table: an array (N, n), the names of its columns, and which of them are labels."""

    columns: Columns
    labels: set[Any]

    def __init__(self, data: Any = None, columns: Any = None, labels: set[Any] | None = None, **kwargs: Any) -> None:
        if isinstance(data, Frame):
            columns, labels = columns or data.columns, labels or data.labels
            data = data.array
        if isinstance(data, dict):
            columns = list(data)
            data = np.column_stack([np.asarray(array_of_table(column)) for column in data.values()])
        self.array = np.asarray(array_of_table(data)) if data is not None else np.zeros((0, 0))
        if self.array.ndim == 1:
            self.array = self.array[:, None]
        self.columns = Columns(columns if columns is not None else map(str, range(self.array.shape[1])))
        self.labels = {n for n in self.columns if LABEL.match(str(n))} if labels is None else labels

    __hash__ = object.__hash__
    column = Series.column

    def like(self, array: Array) -> Any:
        """A table with the same columns, or with numbered ones if their number differs; a column from a vector."""
        if array.ndim == 1:
            return Series(array, "", False)
        return Frame(array, self.columns if array.shape[1] == len(self.columns) else None, self.labels)

    @property
    def values(self) -> Array:
        """The entries (N, n), label columns marked as labels and the others as data."""
        array = self.array.astype(float) if self.array.dtype == object and numeric(self.array) else self.array
        return marked(array, [name in self.labels for name in self.columns])

    @property
    def T(self) -> Turned:
        """The transpose."""
        return Turned(self)

    def keys(self) -> Columns:
        """The names of the columns."""
        return self.columns

    @property
    def dtypes(self) -> Any:
        """The types of the columns."""
        return Silent()

    def only(self, names: list[str]) -> Frame:
        """The table of some columns; a view if they are adjacent and in order."""
        at = [self.columns.index(name) for name in names]
        together = at == list(range(at[0], at[0] + len(at))) if at else False
        return Frame(self.array[:, at[0] : at[-1] + 1] if together else self.array[:, at], names, self.labels)

    def drop(self, names: Any = None, axis: Any = 0, columns: Any = None, inplace: bool = False, **kwargs: Any) -> Any:
        """The table without some columns, or without the rows of these numbers."""
        rows = kwargs.get("index", names if columns is None and axis in (0, "index") else None)
        out = columns if columns is not None else names if axis in (1, "columns") else []
        out = [out] if isinstance(out, str | int) else list(out)
        kept = self.only([name for name in self.columns if name not in out])
        if rows is not None:
            kept = kept[~np.isin(np.arange(len(self)), np.asarray(rows, int))]
        if not inplace:
            return kept
        self.array, self.columns = kept.array, kept.columns
        return None

    def insert(self, loc: int, column: Any, value: Any, *args: Any, **kwargs: Any) -> None:
        """Insert a column before column number `loc`."""
        new = np.broadcast_to(np.asarray(array_of_table(value)), (len(self.array),))
        self.array = np.insert(self.array.astype(np.result_type(self.array, new)), loc, new, axis=1)
        self.columns.insert(loc, column)

    def pop(self, name: str) -> Series:
        """A column, which is removed from the table."""
        column = self[name]
        self.drop(columns=name, inplace=True)
        return column

    def rename(self, *args: Any, columns: Any = None, **kwargs: Any) -> Frame:
        """The table with other column names."""
        names = [columns.get(n, n) for n in self.columns] if isinstance(columns, dict) else self.columns
        return Frame(self.array, names)

    def replace(self, *args: Any, **kwargs: Any) -> Frame:
        """The table with some entries replaced in every column."""
        parts = [self[name].replace(*args, **kwargs).array for name in self.columns]
        return Frame(np.column_stack(parts), self.columns, self.labels)

    @property
    def iloc(self) -> Rows:
        """Selection by row, and by number or name of the column."""
        return Rows(self)

    loc = iat = at = iloc

    def iterrows(self) -> Iterator[tuple[int, Any]]:
        """Pairs of row number and row."""
        return enumerate(Row(row, self.columns, self.labels) for row in self.array)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str) or (not isinstance(key, list | slice | Data | np.ndarray) and key in self.columns):
            return Series(column_as_numbers(self.array[:, self.columns.index(key)]), key, key in self.labels)
        if isinstance(key, Columns):
            return self.only(list(key))
        if isinstance(key, list) and all(isinstance(k, str) for k in key):
            return self.only(key)
        return self.like(self.array[array_of_table(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        column = np.broadcast_to(np.asarray(array_of_table(value)), (len(self.array),))
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
    """The transpose of a table: the table's array is marked before it is transposed."""

    def __init__(self, frame: Frame) -> None:
        self.frame, self.array = frame, frame.array.T

    __hash__ = object.__hash__
    column = Series.column

    def like(self, array: Array) -> Any:
        """Another transposed table."""
        return Turned(self.frame.like(array.T))

    @property
    def values(self) -> Array:
        """The entries (n, N), marked."""
        return self.frame.values.T

    @property
    def T(self) -> Frame:
        """The table itself: the transpose of its transpose."""
        return self.frame

    def __getitem__(self, key: Any) -> Any:
        return self.values[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)


class Rows(ByPlace):
    """table.iloc and table.loc: selection by row numbers, and by numbers or names of columns."""

    def __init__(self, data: Frame | Series) -> None:
        self.data, self.held = data, data if isinstance(data, Series) else None

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
        part = (
            Frame(part.array[array_of_table(rows)], part.columns, frame.labels) if not isinstance(rows, int) else part
        )
        if isinstance(rows, int | np.integer):
            row = part.array[rows]
            return Row(row, part.columns, frame.labels) if len(at) > 1 else row[0]
        return part[part.columns[0]] if isinstance(columns, int | np.integer) else part

    def __setitem__(self, key: Any, value: Any) -> None:
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        if isinstance(self.data, Series):
            self.data[rows] = value
            return
        at = self.data.columns.index(columns) if isinstance(columns, str) else columns
        self.data.array[array_of_table(rows), at] = array_of_table(value)


def chosen(names: Columns, which: Any) -> list[Any]:
    """The columns chosen by a slice of numbers or names, a mask, or a list."""
    if isinstance(which, slice) and isinstance(which.start if which.start is not None else which.stop, str):
        first = names.index(which.start) if which.start is not None else 0
        return names[first : names.index(which.stop) + 1 if which.stop is not None else None]
    if isinstance(which, slice):
        return names[which]
    mask = np.asarray(array_of_table(which))
    return [n for n, kept in zip(names, mask, strict=True) if kept] if mask.dtype == bool else list(mask.tolist())
