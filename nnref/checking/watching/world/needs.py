"""What a program expects of its data, read from its source: how many rows, which columns, where the label is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nnref.checking.watching.recording.tape import words
from nnref.checking.watching.world.arguments import command_line
from nnref.checking.watching.world.counts import PART, dataset_size
from nnref.checking.watching.world.widths import stated_width

ROWS = 1100
"""Rows handed out if the source names no number: more than the 1,000 that are commonly held out."""

TEST_ROWS = 300
"""Rows handed out as a test set: enough for every class, and no more work than needed."""

HELD_OUT_MOST = 12000
"""Largest k for which a slice [k:] may be the training set; for a larger k it is the held-out end."""

BY_SIZE = words("reshape resize randint randrange choice permutation zeros empty ones")
"""Calls whose number of rows the data must have: they shape the data or draw from them."""

LABEL = re.compile(
    r"^(labels?|targets?|class(es|_label)?|y|species|outcome|diagnosis|survived|digit|variety|medv|price|"
    r"result|output|(purchased|exited|churn|admitted|approved|bought_insurance))$",
    re.IGNORECASE,
)
"""Names of a column of labels."""


LABELS = re.compile(r"label|idx1|target|(^|[^a-z])y([^a-z]|$)", re.IGNORECASE)
"""Names of files and keys that hold labels."""

TABLE_FILE = re.compile(r"\.(csv|data|txt|tsv)$", re.IGNORECASE)
"""Names of text files that hold a table."""

FRAME_MAKERS = words("read_csv read_table read_excel read_pickle sample dropna copy DataFrame")
"""Functions and methods that return a table."""


@dataclass
class Needs:
    """The rows, columns and label that a program expects, and its command line.

    rows is the number of rows; columns are the names of the columns, label is that of the label, and values are the
    words that the label is mapped from. label_at is the column of the label in a table without names: 0 or -1. width
    is the number of columns of a table of numbers, with the label; None if the source does not show it.
    frames: does the program use pandas tables, and not only arrays? whole is the size of the data set that it names,
    of which one row in twenty is handed out; 0 if it names none. share: one row in `share` of all data is handed out,
    for programs that loop over single numbers. apart: are the labels in a file of their own? words are the command
    line. spoken gives the words that the program expects in a column other than the label.
    """

    rows: int = ROWS
    columns: list[str] = field(default_factory=list)
    label: str = "label"
    values: list[str] = field(default_factory=list)
    label_at: int = 0
    width: int | None = None
    frames: bool = False
    whole: int = 0
    share: int = 1
    apart: bool = False
    words: list[str] = field(default_factory=list)
    spoken: dict[str, list[str]] = field(default_factory=dict)

    def some(self, rows: int, otherwise: int) -> int:
        """Rows handed out of a data set of `rows` rows if the program names a whole data set, else of `otherwise`."""
        return (rows // PART if self.whole else otherwise) // self.share

    @property
    def training(self) -> int:
        """The number of rows of a training set that comes with a test set."""
        return min(self.rows, 60000 // PART) if self.whole else self.rows

    @property
    def held_out(self) -> int:
        """The number of rows of a test set."""
        return self.some(10000, TEST_ROWS)


def needs(trees: list[ast.Module], folder: Path) -> Needs:
    """What all the sources together expect; data in the folder are handed out whole."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    all_of_it = dataset_size(trees, folder)
    found = Needs(rows=all_of_it // PART or max([ROWS, *rows_of(nodes)]), whole=all_of_it)
    found.columns = list(dict.fromkeys(column_names(nodes)))
    dropped = [name for name in dropped_names(nodes) if name in found.columns]
    named = [name for name in found.columns if LABEL.match(name)]
    found.label = (named or dropped or found.columns[-1:] or ["label"])[0]
    found.spoken = words_of_columns(nodes)
    of_others = {word for name, said in found.spoken.items() if name != found.label for word in said}
    found.values = list(dict.fromkeys(word for word in mapped_values(nodes) if word not in of_others))
    found.values = found.values or found.spoken.pop(found.label, [])
    found.label_at, found.width = label_place(nodes)
    if found.width is None and (inputs := stated_width(nodes)):
        found.width, found.label_at = inputs + 1, 0 if takes_first_column(nodes) else -1
    found.apart = labels_apart(nodes)
    found.words = command_line(trees)
    found.frames = any(isinstance(n, ast.Attribute) and n.attr in ("to_numpy", "values", "iloc", "loc") for n in nodes)
    return found


def rows_of(nodes: list[ast.AST]) -> Iterator[int]:
    """Numbers of rows, each large enough for one batch size, slice or shape in the source."""
    for node in nodes:
        yield from (k + ROWS for k in [batch_size(node)] if ROWS // 9 <= k <= HELD_OUT_MOST)
        if isinstance(node, ast.Slice) and node.upper is None:
            yield from (k + ROWS // 2 for k in [number(node.lower) or 0] if ROWS // 2 <= k <= HELD_OUT_MOST)
        if isinstance(node, ast.Call) and called_name(node.func) in BY_SIZE:
            sizes = [part for arg in node.args for part in (arg.elts if isinstance(arg, ast.Tuple) else [arg])]
            yield from (k for part in sizes if (k := number(part)) == 5000)


def batch_size(node: ast.AST) -> int:
    """The batch size that a name states, as batch_sz = 500 or train(batch_size=500); 0 if none does."""
    named: list[tuple[str, ast.expr | None]] = []
    if isinstance(node, ast.Assign):
        named = [(called_name(target), node.value) for target in node.targets]
    elif isinstance(node, ast.keyword):
        named = [(node.arg or "", node.value)]
    elif isinstance(node, ast.arguments):
        named = [(a.arg, d) for a, d in zip(node.args[::-1], node.defaults[::-1], strict=False)]
    return max((number(v) or 0 for name, v in named if "batch" in name.lower()), default=0)


def number(node: ast.expr | None) -> int | None:
    """The value of an integer constant; None for any other expression."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    return None


def called_name(node: ast.expr) -> str:
    """The last name of an expression, as reshape of x.reshape."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def column_names(nodes: list[ast.AST]) -> Iterator[str]:
    """Names of the columns that the program uses: df["age"], df[["age", "fare"]], drop("label", axis=1), usecols=…"""
    frames = {"df", "loc"} | {name for node in nodes for name in frame_names(node)}
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    for node in nodes:
        if isinstance(node, ast.Subscript) and (called_name(node.value) in frames or makes_frame(node.value)):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            yield from (name for part in parts for name in strings(part))
        if isinstance(node, ast.Attribute) and (is_column(node, frames) or is_of_row(node)) and id(node) not in called:
            yield node.attr
        if isinstance(node, ast.keyword) and node.arg in ("usecols", "names"):
            yield from strings(node.value)
    yield from dropped_names(nodes)


def is_column(node: ast.Attribute, frames: set[str]) -> bool:
    """Is this a column as an attribute, data.Salary or data.label: a capitalised name, or that of a label?"""
    capital = len(node.attr) > 1 and node.attr[0].isupper()
    return called_name(node.value) in frames and (capital or bool(LABEL.match(node.attr)))


def is_of_row(node: ast.Attribute) -> bool:
    """Is this data.iloc[i].hours, one entry of a row?"""
    row = isinstance(node.value, ast.Subscript) and called_name(node.value.value) in ("iloc", "loc")
    return row and node.attr not in ("values", "index", "T", "shape", "size", "name", "dtype", "array")


def frame_names(node: ast.AST) -> Iterator[str]:
    """The names of the variables to which an assignment gives a table."""
    if isinstance(node, ast.Assign) and makes_frame(node.value):
        yield from (called_name(target) for target in node.targets)


def makes_frame(node: ast.expr) -> bool:
    """Is this a table: the result of a pandas reader, or of a method of it that does not return an array?"""
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Call) and called_name(node.func) in FRAME_MAKERS:
            return True
        if isinstance(node, ast.Attribute) and node.attr in ("values", "to_numpy", "shape", "columns"):
            return False
        node = node.func if isinstance(node, ast.Call) else node.value
    return False


def dropped_names(nodes: list[ast.AST]) -> Iterator[str]:
    """Names of dropped or popped columns: usually the label."""
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("drop", "pop"):
            given = [*node.args, *(k.value for k in node.keywords if k.arg in ("columns", "labels"))]
            yield from (name for part in given for name in strings(part))


def strings(node: ast.AST) -> Iterator[str]:
    """The string constants of an expression that is one string or a list of them."""
    for part in node.elts if isinstance(node, ast.List | ast.Tuple) else [node]:
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def mapped_values(nodes: list[ast.AST]) -> Iterator[str]:
    """The words that the program maps to numbers, as in .map({"setosa": 0, …})."""
    for node in nodes:
        if isinstance(node, ast.Call) and called_name(node.func) in ("map", "replace"):
            for given in node.args:
                if isinstance(given, ast.Dict):
                    yield from (k.value for k in given.keys if isinstance(k, ast.Constant) and type(k.value) is str)


def words_of_columns(nodes: list[ast.AST]) -> dict[str, list[str]]:
    """The words that a program expects in each column: it maps them to numbers or compares the column with them."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("map", "replace"):
            column, said = node.func.value, list(mapped_values([node]))
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            column, said = node.left, list(strings(node.comparators[0]))
        else:
            continue
        if isinstance(column, ast.Subscript) and said:
            for name in strings(column.slice):
                found[name] = list(dict.fromkeys([*found.get(name, ()), *said]))
    return {name: said if len(said) > 1 else [*said, f"not {said[0]}"] for name, said in found.items()}


def label_place(nodes: list[ast.AST]) -> tuple[int, int | None]:
    """The column of the label, 0 or -1, in a table indexed by numbers; and the table's width, None if unknown."""
    columns, ends = set(), set()
    for node in nodes:
        if not (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2):
            continue
        first, second = node.slice.elts
        if not isinstance(first, ast.Slice):
            continue
        if isinstance(second, ast.Slice):
            ends.add(signed(second.upper))
        else:
            columns.add(signed(second))
    if -1 in columns or -1 in ends:
        return -1, None
    if last := sorted(k for k in columns & ends if k is not None and k > 0):
        return -1, last[-1] + 1
    return 0, None


def takes_first_column(nodes: list[ast.AST]) -> bool:
    """Does the program take a first column by itself, as t[:, 0]?"""
    pairs = (n.slice.elts for n in nodes if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Tuple))
    return any(len(p) == 2 and isinstance(p[0], ast.Slice) and number(p[1]) == 0 for p in pairs)


def labels_apart(nodes: list[ast.AST]) -> bool:
    """Does a program name a file of labels and another file of data?"""
    named = [Path(n.value).name for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    tables = {name for name in named if TABLE_FILE.search(name)}
    return any(LABELS.search(name) for name in tables) and not all(LABELS.search(name) for name in tables)


def signed(node: ast.expr | None) -> int | None:
    """The value of an integer constant, with its sign; None for any other expression."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and (k := number(node.operand)) is not None:
        return -k
    return number(node)
