"""Well-known numbers of rows, divided by 20: a program that says 60000 gets 3000 rows, and its 60000 becomes 3000.

A step on all of MNIST takes seconds and a gigabyte, and a step on a part of it is right or wrong in the same way. The
counts appear in the source as shapes, ends of slices and divisors: all of them are divided together.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from nnref.checking.reading.names import HIDDEN_WIDTH, plain_name
from nnref.checking.watching.world.pictures import without_pictures
from nnref.checking.watching.world.widths import named, whole_number

PART = 20
"""One row in PART is handed out."""

WHOLE = frozenset([42000, 48000, 49000, 50000, 55000, 59000, 59999, 60000, 70000])
"""Sizes of MNIST, CIFAR and their usual splits: a program that names one expects the whole data set."""

ALONG = frozenset([2000, 5000, 10000, 12000, 20000, 30000, 40000, 41000])
"""Sizes of subsets and held-out sets: divided in programs that name one of WHOLE."""

REMAINDERS = frozenset([41000, 49000, 59000])
"""Sizes of a training set from which 1,000 rows were held out: with one of these, 1000 is divided too."""


def numbers(trees: list[ast.Module]) -> set[int]:
    """The integer constants in the source."""
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and type(node.value) is int}


def dataset_size(trees: list[ast.Module], folder: Path) -> int:
    """The largest well-known size in the source; 0 if there is none, or if the program's folder has its data."""
    found = max(numbers(trees) & WHOLE, default=0)
    if not found and any(shaped_by(node, 10000) for tree in trees for node in ast.walk(tree)):
        found = 10000
    return 0 if found and data_beside(trees, folder) else found


def shaped_by(node: ast.AST, size: int) -> bool:
    """Is this a call of reshape with that size among its arguments?"""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "reshape"):
        return False
    parts = [part for arg in node.args for part in (arg.elts if isinstance(arg, ast.Tuple) else [arg])]
    return any(isinstance(part, ast.Constant) and part.value == size for part in parts)


def data_beside(trees: list[ast.Module], folder: Path) -> bool:
    """Is a data file that the program names in its folder, or one below? Then all of its rows are used.

    Labels are no data without their pictures: where those of an IDX file are absent, both are made up.
    """
    words = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    named = {Path(word).name for word in words if isinstance(word, str) and 3 < len(word) < 200 and "\0" not in word}
    try:
        lying = [*folder.iterdir(), *(file for part in folder.iterdir() if part.is_dir() for file in part.iterdir())]
    except OSError:
        return False
    data = [file for file in lying if file.name in named and file.suffix not in (".py", ".ipynb") and file.is_file()]
    return bool(data) and not any(map(without_pictures, data))


def made_smaller(tree: ast.Module, trees: list[ast.Module], share: int = 1) -> ast.Module:
    """The tree with its well-known counts divided by PART, and by `share` too; modified in place."""
    counts = WHOLE | ALONG | ({1000} if numbers(trees) & REMAINDERS else set())
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value in counts:
            node.value = max(1, node.value // PART // share)
    return tree


BATCH = re.compile(r"batch(es)?(size|sz)?$|^bs$|^(size|n)(of)?(mini)?batch$")
SEQUENCE = re.compile(r"^(seq|sequence)(len|length|size)$|^(time|num|n|bptt)steps$|^bptt(truncate)?$|^unroll(ings)?$")
"""Names of the size of a batch and of the length of a sequence, without underscores."""

FEW = 8
"""The first reduced size, of a batch, sequence or hidden layer, if a step has too many numbers to record."""


FEWER = 4
"""The same, of a step of small pictures: in lists of numbers each weight takes some twenty operations."""


def made_few(tree: ast.Module, few: int = FEW) -> int:
    """Reduce the batch, sequence and hidden-layer sizes in a tree; the number of distinct sizes reduced.

    Equal sizes stay equal, and different sizes stay different.
    """
    found = {id(value): value for node in ast.walk(tree) for name, value in named(node) if is_size(plain_name(name))}
    sizes = dict[int, int]()
    for value in found.values():
        if (size := whole_number(value)) > 2 * few:
            value.value = sizes.setdefault(size, few + len(sizes))  # type: ignore[attr-defined]
    return len(sizes)


def is_size(name: str) -> bool:
    """Is this the name of a size that may be reduced: of a batch, a sequence or a hidden layer?"""
    return any(pattern.search(name) for pattern in (BATCH, SEQUENCE, HIDDEN_WIDTH))
