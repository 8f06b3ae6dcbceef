"""Common pandas methods of tables and columns, other than selection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnref.checking.watching.recording.tape import words
from nnref.shapes import Array

OF_NUMPY = words("abs clip cumsum cumprod round sqrt exp log1p")
"""numpy functions that turn a table into another of the same shape."""

OF_ARRAY = words("ravel flatten squeeze argmax argmin item prod dot argsort repeat searchsorted")
"""Array methods that a table has too; they return an array or a number."""

ALIKE = words("dropna ffill bfill interpolate infer_objects pipe assign set_axis rename_axis sort_index nlargest")
"""Methods that return the table unchanged, which is close enough here."""


def method(data: Any, name: str) -> Any:
    """A method of a table or column by its name, or its `.str`; None for an unknown name."""
    if name == "str":
        return text(data)
    if name in OF_NUMPY:
        return lambda *args, **kwargs: data.like(getattr(np, name)(numbers(data), *args, **kwargs))
    if name in OF_ARRAY:
        return lambda *args, **kwargs: getattr(data.values, name)(*map(array_of_data, args), **kwargs)
    if name in ALIKE:
        return lambda *args, **kwargs: data
    made = METHODS.get(name)
    return None if made is None else lambda *args, **kwargs: made(data, *args, **kwargs)


def array_of_data(x: Any) -> Any:
    """The array of a table; anything else unchanged."""
    return getattr(x, "array", x)


def numbers(data: Any) -> Array:
    """The array of a table, as numbers."""
    held: Array = data.array
    return held.astype(float) if held.dtype == object else held


def spread_of(data: Any, q: Any = 0.5, *args: Any, **kwargs: Any) -> Any:
    """A quantile: a number for a column, one number per column for a table."""
    found = np.quantile(numbers(data), q, axis=0)
    return found if data.ndim == 1 or np.ndim(found) == 0 else data.column(found)


def mode(data: Any, *args: Any, **kwargs: Any) -> Any:
    """The most frequent entry of a column, as a column of one entry; for a table, its first row."""
    if data.ndim == 2:
        return data.like(data.array[:1])
    found, counts = np.unique(data.array, return_counts=True)
    return data.like(found[[counts.argmax()]])


def is_in(data: Any, kept: Any, *args: Any) -> Any:
    """For each entry: is it among the kept ones?"""
    return data.like(np.isin(data.array, list(array_of_data(kept))))


def between(data: Any, low: Any, high: Any, *args: Any, **kwargs: Any) -> Any:
    """For each entry: is it between two numbers, or equal to one?"""
    return data.like((data.array >= low) & (data.array <= high))


def where(data: Any, kept: Any, other: Any = 0, *args: Any, **kwargs: Any) -> Any:
    """The entries where the condition `kept` holds, and `other` elsewhere."""
    return data.like(np.where(array_of_data(kept), data.array, array_of_data(other)))


def masked(data: Any, left: Any, other: Any = 0, *args: Any, **kwargs: Any) -> Any:
    """The entries where the condition `left` fails, and `other` where it holds."""
    return data.like(np.where(array_of_data(left), array_of_data(other), data.array))


def items(data: Any) -> Iterator[tuple[Any, Any]]:
    """Pairs of name and column for a table, of row number and entry for a column."""
    if data.ndim == 2:
        return ((name, data[name]) for name in data.columns)
    return enumerate(data.array.tolist())


def tuples(data: Any, *args: Any, index: bool = True, **kwargs: Any) -> Iterator[Any]:
    """The rows as tuples, each with its row number first if `index`."""
    rows = data.values
    return ((k, *row) if index else tuple(row) for k, row in enumerate(rows))


def to_dict(data: Any, orient: str = "dict", *args: Any, **kwargs: Any) -> Any:
    """A table as a list of rows or a dictionary of columns; a column as a dictionary by row number."""
    if data.ndim == 1:
        return dict(enumerate(data.array.tolist()))
    if orient == "records":
        return [dict(zip(data.columns, row, strict=True)) for row in data.array.tolist()]
    columns = {name: data[name].array.tolist() for name in data.columns}
    return columns if orient == "list" else {name: dict(enumerate(column)) for name, column in columns.items()}


def types_chosen(data: Any, include: Any = None, exclude: Any = None) -> Any:
    """The numeric columns; the others if words are included or numbers excluded."""
    wanted, left = str(include), str(exclude)
    numeric = [name for name in data.columns if data[name].array.dtype.kind in "fiub"]
    of_words = ("object" in wanted or "category" in wanted) or ("number" in left or "int" in left)
    return data[[name for name in data.columns if (name in numeric) != of_words]]


def counts(data: Any, *args: Any, normalize: bool = False, **kwargs: Any) -> Any:
    """How often each entry of a column occurs, the most frequent first."""
    found, number = np.unique(data.array.astype(str) if data.ndim == 2 else data.array, return_counts=True)
    order = np.argsort(-number, kind="stable")
    column = data.column(number[order] / (number.sum() if normalize else 1))
    column.names = found[order]
    return column


def text(data: Any) -> Any:
    """The `.str` of a column of words: string methods applied to each word."""
    held = [str(word) for word in data.array.tolist()]

    def of_each(name: str) -> Callable[..., Any]:
        plain_name = {"len": "__len__", "contains": "__contains__"}.get(name, name)
        return lambda *args, **kwargs: data.like(np.array([getattr(w, plain_name)(*args) for w in held]))

    names = words("strip lower upper title lstrip rstrip len contains startswith endswith replace zfill capitalize")
    return SimpleNamespace(**{name: of_each(name) for name in names})


METHODS: dict[str, Callable[..., Any]] = {
    "quantile": spread_of, "mode": mode, "isin": is_in, "between": between, "where": where, "mask": masked,
    "items": items, "iteritems": items, "itertuples": tuples, "to_dict": to_dict, "select_dtypes": types_chosen,
    "to_list": lambda data: data.tolist(), "transpose": lambda data, *args: data.T, "value_counts": counts,
    "notnull": lambda data: data.like(np.ones(data.array.shape, bool)), "get": lambda data, name, *args: data[name],
    "notna": lambda data: data.like(np.ones(data.array.shape, bool)), "add": lambda data, x, **k: data + x,
    "sub": lambda data, x, **k: data - x, "mul": lambda data, x, **k: data * x, "div": lambda data, x, **k: data / x,
    "divide": lambda data, x, **k: data / x, "subtract": lambda data, x, **k: data - x,
    "eq": lambda data, x: data == x, "ne": lambda data, x: data != x, "gt": lambda data, x: data > x,
    "duplicated": lambda data, *args, **k: data.column(np.zeros(len(data.array), bool)),
    "applymap": lambda data, function: data.apply(function), "idxmax": lambda data, *args: data.values.argmax(),
    "idxmin": lambda data, *args: data.values.argmin(),
}  # fmt: skip
"""Methods of tables and columns, by their names."""
