"""The well-known counts of rows, made smaller: a program that says 60000 is handed one row in twenty, and says 3000.

A step on all of MNIST takes seconds and a gigabyte, and is right or wrong as one on a part of it is. The counts stand
in the source, as shapes, as ends of slices, as divisors: all of them are made smaller together.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from nnref.checking.reading.names import HIDDEN_WIDTH, plain_name
from nnref.checking.watching.world.widths import named, whole_number

PART = 20
"""One row in so many is handed out."""

WHOLE = frozenset([42000, 48000, 49000, 50000, 55000, 59000, 59999, 60000, 70000])
"""Sizes by which people know MNIST, CIFAR and their usual splits: a program that names one has the whole in mind."""

ALONG = frozenset([2000, 5000, 10000, 12000, 20000, 30000, 40000, 41000])
"""Sizes of parts and of what is kept back: made smaller beside one of those."""

REMAINDERS = frozenset([41000, 49000, 59000])
"""Beside these a thousand rows are kept back."""


def numbers(trees: list[ast.Module]) -> set[int]:
    """The whole numbers that are written out."""
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and type(node.value) is int}


def dataset_size(trees: list[ast.Module], folder: Path) -> int:
    """The largest of the well-known sizes that are named; 0 if there is none, or where data lie beside the program."""
    found = max(numbers(trees) & WHOLE, default=0)
    if not found and any(shaped_by(node, 10000) for tree in trees for node in ast.walk(tree)):
        found = 10000
    return 0 if found and data_beside(trees, folder) else found


def shaped_by(node: ast.AST, size: int) -> bool:
    """Is this a reshape by that number of rows?"""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "reshape"):
        return False
    parts = [part for arg in node.args for part in (arg.elts if isinstance(arg, ast.Tuple) else [arg])]
    return any(isinstance(part, ast.Constant) and part.value == size for part in parts)


def data_beside(trees: list[ast.Module], folder: Path) -> bool:
    """Does a file that the program names lie in its folder, or one below? Then its rows are as many as there are."""
    words = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    named = {Path(word).name for word in words if isinstance(word, str) and 3 < len(word) < 200 and "\0" not in word}
    try:
        lying = [*folder.iterdir(), *(file for part in folder.iterdir() if part.is_dir() for file in part.iterdir())]
    except OSError:
        return False
    return any(file.name in named and file.suffix not in (".py", ".ipynb") and file.is_file() for file in lying)


def made_smaller(tree: ast.Module, trees: list[ast.Module]) -> ast.Module:
    """The same tree with smaller counts; it is changed."""
    counts = WHOLE | ALONG | ({1000} if numbers(trees) & REMAINDERS else set())
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value in counts:
            node.value //= PART
    return tree


BATCH = re.compile(r"batch(es)?(size|sz)?$|^bs$|^(size|n)(of)?(mini)?batch$")
SEQUENCE = re.compile(r"^(seq|sequence)(len|length|size)$|^(time|num|n|bptt)steps$|^bptt(truncate)?$|^unroll(ings)?$")
"""Names of the size of a batch and of the length of a sequence, without underscores."""

FEW = 8
"""What the first such size, or number of hidden units, is made where a step has too many numbers to be recorded."""


def made_few(tree: ast.Module) -> int:
    """The sizes of batches, of sequences and of hidden layers that a tree names, made a few; how many there are.

    Those that were the same are the same again, and those that were not are not.
    """
    found = {id(value): value for node in ast.walk(tree) for name, value in named(node) if is_size(plain_name(name))}
    sizes = dict[int, int]()
    for value in found.values():
        if (size := whole_number(value)) > 2 * FEW:
            value.value = sizes.setdefault(size, FEW + len(sizes))  # type: ignore[attr-defined]
    return len(sizes)


def is_size(name: str) -> bool:
    """Is this the name of a size that another one may take the place of?"""
    return any(pattern.search(name) for pattern in (BATCH, SEQUENCE, HIDDEN_WIDTH))
