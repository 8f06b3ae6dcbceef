"""The pandas module, with only what programs that read a table and train on it use."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnref.checking.watching.world.columns import Columns
from nnref.checking.watching.world.files import Files, nothing
from nnref.checking.watching.world.held import Data, array_of_table
from nnref.checking.watching.world.modules import Silent
from nnref.checking.watching.world.preparing import get_dummies
from nnref.checking.watching.world.tables import Frame, Series


class Pandas:
    """The functions of pandas in one run."""

    def __init__(self, files: Files) -> None:
        self.files = files

    def read_csv(self, file: Any = "", sep: str | None = None, delimiter: str | None = None, **kwargs: Any) -> Frame:
        """The table in a file, or a made-up one with the columns that the program names."""
        header = kwargs.get("header", 0) is not None and kwargs.get("names") is None
        skip = kwargs.get("skiprows") or 0
        whitespace = kwargs.get("delim_whitespace")
        by = " " if whitespace else delimiter or sep or ","
        table = self.files.table(file, by, header=header, skip=skip if isinstance(skip, int) else 0)
        if not header:
            table = renamed(table, kwargs.get("names"))
        if (wanted := kwargs.get("usecols")) is not None:
            table = table[[table.columns[k] if isinstance(k, int) else k for k in wanted]]
        n = kwargs.get("nrows")
        return table if n is None else Frame(table.array[:n], table.columns, table.labels)

    def names(self) -> dict[str, Any]:
        """The names of the module."""
        readers = dict.fromkeys(("read_csv", "read_table", "read_excel", "read_pickle", "read_parquet"), self.read_csv)
        return {
            **readers, "DataFrame": Frame, "Series": Series, "get_dummies": get_dummies, "concat": concat,
            "to_numeric": lambda x, *args, **kwargs: x, "factorize": lambda x: Series(x).factorize(),
            "set_option": nothing, "reset_option": nothing, "options": Silent(), "isna": lambda x: Series(x).isnull(),
            "isnull": lambda x: Frame(x).isnull() if np.ndim(array_of_table(x)) else x is None,
        }  # fmt: skip


def renamed(table: Frame, names: Any) -> Frame:
    """A table read without a header line: its columns get `names` or numbers; names that it has select columns."""
    new = list(names) if names is not None and len(names) == len(table.columns) else list(range(len(table.columns)))
    if names is not None and set(names) <= set(table.columns):
        return table[list(names)]
    labels = {new[k] for k, name in enumerate(table.columns) if name in table.labels}
    return Frame(table.array, Columns(new), labels)


def concat(parts: Any, axis: int = 0, **kwargs: Any) -> Any:
    """Tables or columns joined below one another (axis 0), or side by side."""
    parts = [part.to_frame() if isinstance(part, Series) else part for part in parts]
    joined = np.concatenate([part.array if isinstance(part, Data) else np.asarray(part) for part in parts], axis=axis)
    if axis == 0:
        return Frame(joined, parts[0].columns, parts[0].labels)
    names = [name for part in parts for name in part.columns]
    return Frame(joined, names, {name for part in parts for name in part.labels})
