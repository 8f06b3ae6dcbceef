"""Does a statement's result go into an update? What is only printed, plotted or counted does not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from nnref.checking.reading.source import Source


def leads_to_update(source: Source, line: int) -> bool:
    """Does the result of the statement on a line reach an update, through names, attributes and return values?

    A statement of another file, or without a named result, such as print(…), does not.
    """
    statements = [n for n in source.nodes if isinstance(n, MAKING)]
    here = [n for n in statements if n.lineno <= line <= (n.end_lineno or n.lineno)]
    if not here:
        return False
    first = max(here, key=lambda n: n.lineno)
    if is_update(first):
        return True
    made = set(results(first, source))
    while True:
        reached = [n for n in statements if made & names_of_expression(n.value)]
        if any(is_update(n) for n in reached):
            return True
        more = {name for n in reached for name in results(n, source)} - made
        if not more:
            return False
        made |= more


MAKING = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Expr)
"""Statements that give a value a name."""


def updated(source: Source) -> set[str]:
    """The names in every target that the program replaces by itself plus or minus something."""
    return {name for n in source.nodes if is_update(n) for t in targets(n) for name in names_of_expression(t)}


def is_update(node: ast.AST) -> bool:
    """Is it a -= …, or a = a - …, with an expression that is no number; or such a list, or setattr(…, a - …)?"""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "setattr":
        return is_sum(node.value.args[-1])
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.ListComp):
        over = set[str]().union(*(names_of_expression(g.iter) for g in node.value.generators))
        moved = {name for t in node.targets for name in names_of_expression(t)}
        return is_sum(node.value.elt) and bool(over & moved)
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Sub | ast.Add) and bool(names_of_expression(node.value))
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.BinOp):
        return False
    same = {ast.unparse(node.value.left), ast.unparse(node.value.right)} & {ast.unparse(t) for t in node.targets}
    return isinstance(node.value.op, ast.Sub | ast.Add) and bool(same)


def is_sum(node: ast.expr) -> bool:
    """Is it a sum or a difference of two?"""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub | ast.Add)


def targets(node: ast.AST) -> Iterable[ast.expr]:
    """The targets of a statement."""
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else []


def results(node: ast.AST, source: Source) -> Iterator[str]:
    """The names of a statement's result: its targets, the function that returns it, the list that it appends to."""
    for target in targets(node):
        yield from names_of_expression(target)
    if isinstance(node, ast.Return):
        inside = [f for f in source.nodes if isinstance(f, ast.FunctionDef) and f.lineno <= node.lineno <= end(f)]
        yield from (f.name for f in inside)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        called = node.value.func
        if isinstance(called, ast.Attribute) and called.attr in ("append", "insert", "extend", "update"):
            yield from names_of_expression(called.value)
        elif isinstance(called, ast.Attribute) and called.attr in ("at", "subtract", "add", "multiply", "copyto"):
            yield from (name for part in node.value.args for name in names_of_expression(part))


def end(node: ast.FunctionDef) -> int:
    """The last line of a function."""
    return node.end_lineno or node.lineno


def names_of_expression(node: ast.AST | None) -> set[str]:
    """The names in an expression, without self."""
    found = re.findall(r"[^\W\d]\w*", ast.unparse(node)) if node is not None else []
    return set(found) - {"self"}
