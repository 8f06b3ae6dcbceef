"""The input of a program: the words of its command line, and the answers to input()."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

ANSWERS = {
    r"file|path|csv|data ?set": "train.csv",
    r"y/n|yes|\[y": "y",
    r"rate|alpha|\beta\b|\blr\b": "0.1",
    r"epoch|iteration|steps|times": "20",
    r"batch": "16",
    r"layers": "2",
    r"nodes|neurons|units|hidden|classes": "3",
}
"""Answers to input(), by a pattern in the question."""

OTHERWISE = "1"
"""The answer to any other question."""

TRAINS = re.compile(r"train|mlp|(^|[^k])nn$|neural|net|learn|fit|back", re.IGNORECASE)
"""Command-line words that make a program train."""


def input_answer(*question: object) -> str:
    """The answer of input() to a question.

    >>> input_answer("Learning rate? "), input_answer("How many nodes does layer 1 have? "), input_answer()
    ('0.1', '3', '1')
    """
    asked = " ".join(map(str, question))
    return next((said for pattern, said in ANSWERS.items() if re.search(pattern, asked, re.IGNORECASE)), OTHERWISE)


NUMBERS = {"int": "20", "float": "0.1"}
"""The command-line word for an argument that the program converts by this function."""


def command_line(trees: list[ast.Module]) -> list[str]:
    """The command-line words that a program needs, after its own name; [] if it needs none."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    compared = [length for node in nodes for length in lengths(node)]
    indices = [k for node in nodes if (k := index(node)) is not None]
    if not indices or (compared and not any(needed for _, needed in compared)):
        return []
    count = max([*indices, *(n - 1 for n, needed in compared if needed)])
    return [likely(nodes, k) for k in range(1, count + 1)]


def is_argv(node: ast.AST) -> bool:
    """Is this sys.argv, or argv?"""
    return (isinstance(node, ast.Attribute) and node.attr == "argv") or (
        isinstance(node, ast.Name) and node.id == "argv"
    )


def index(node: ast.AST) -> int | None:
    """The k of sys.argv[k] if k > 0; None for any other expression."""
    inside = isinstance(node, ast.Subscript) and is_argv(node.value) and isinstance(node.slice, ast.Constant)
    k = node.slice.value if inside else None  # type: ignore[attr-defined]
    return k if type(k) is int and k > 0 else None


def lengths(node: ast.AST) -> Iterator[tuple[int, bool]]:
    """The length of sys.argv that a comparison tests for, program name included, and whether the program needs it."""
    if not (isinstance(node, ast.Compare) and isinstance(node.left, ast.Call) and node.left.args):
        return
    function, (argument, *_), other = node.left.func, node.left.args, node.comparators[0]
    counted = isinstance(function, ast.Name) and function.id == "len" and is_argv(argument)
    if counted and isinstance(other, ast.Constant) and type(other.value) is int:
        kind = node.ops[0]
        more = other.value + isinstance(kind, ast.LtE) - 1  # words after the program's own name
        yield (
            more + 1,
            isinstance(kind, ast.NotEq | ast.Lt | ast.LtE | ast.Eq) and (more > 0 or isinstance(kind, ast.Eq)),
        )


def likely(nodes: list[ast.AST], k: int) -> str:
    """The word that a program expects as sys.argv[k]: a number, a word that it is compared with, or a data file."""
    mine = [node for node in nodes if index(node) == k]
    calls = (n for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name))
    made = [node for node in calls if node.args and node.args[0] in mine]
    for kind in (node.func.id for node in made if node.func.id in NUMBERS):  # type: ignore[attr-defined]
        return NUMBERS[kind]
    compared = (n for n in nodes if isinstance(n, ast.Compare) and n.left in mine)
    choices = [word for node in compared for word in words_in(node.comparators[0])]
    return next((word for word in choices if TRAINS.search(word)), choices[0] if choices else "train.csv")


def words_in(node: ast.AST) -> Iterator[str]:
    """The string constants in an expression."""
    yield from (n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str))
