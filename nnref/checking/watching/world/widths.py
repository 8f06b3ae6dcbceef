"""The number of inputs that a program states: by a name (input_size = 12), or as the first of its layer sizes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from nnref.checking.reading.names import WIDTHS, WORDS, plain_name

PIXELS = frozenset([28, 784])
"""Numbers in a program that reads images of digits: it gets the digits in their own width."""


def stated_width(nodes: Sequence[ast.AST]) -> int | None:
    """The number of inputs that a program states; None for no or several such numbers, or for images of digits."""
    if any(isinstance(n, ast.Constant) and type(n.value) is int and n.value in PIXELS for n in nodes):
        return None
    found = {width for node in nodes for name, value in named(node) if (width := of_inputs(name, value))}
    return found.pop() if len(found) == 1 else None


def of_inputs(name: str, value: ast.expr) -> int:
    """The number of inputs that `value` states if it has this name; 0 if it states none."""
    role = WIDTHS.get(plain_name(name))
    if role == "widths" and isinstance(value, ast.List | ast.Tuple) and len(value.elts) > 1:
        sizes = [whole_number(part) for part in value.elts]
        return sizes[0] if all(sizes) else 0
    return whole_number(value) if role == "input width" and plain_name(name) not in WORDS["X"].split() else 0


def whole_number(node: ast.expr) -> int:
    """The value of a positive integer constant; 0 for anything else."""
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int and node.value > 0 else 0


def named(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Each name with its value: of n = 5, of n, k = 5, 2, of self.n = 5, of f(n=5), of def f(n=5)."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from targets(target, node.value)
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg, node.value
    elif isinstance(node, ast.arguments):
        yield from ((a.arg, d) for a, d in zip(node.args[::-1], node.defaults[::-1], strict=False))


def targets(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """The names bound by an assignment, each with its value."""
    if isinstance(target, ast.Name | ast.Attribute):
        yield target.attr if isinstance(target, ast.Attribute) else target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for name, part in zip(target.elts, value.elts, strict=True):
            yield from targets(name, part)
