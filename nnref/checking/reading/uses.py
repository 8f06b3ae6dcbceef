"""The roles of arguments and global names, found by how a function uses them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from types import CodeType, FunctionType
from typing import Any

from nnref.checking.reading.names import FUNCTIONS, OPERATIONS, ROLES, canonical, kind, plain_name
from nnref.checking.reading.source import Source, named_last

LEARNS = re.compile(r"backw|backp|bprop|bwd|grad|train|fit|update|step|optim|descent|sgd|learn|adam|momentum")
"""Functions in which alpha or eta is a learning rate; in any other it may be the slope of a leaky rectifier."""

FORTH = re.compile(f"{FUNCTIONS['forward'].pattern}|{OPERATIONS}|softmax|activ")
"""Functions that go forward, one layer or all: a softmax speaks of an axis where one example is a column too."""

BATCH = frozenset(["axis", "shape", "size", "len", "sum", "mean", "average", "keepdims"])
"""Names that a function needs for a batch of examples."""


@cache
def argument_roles(function: ast.FunctionDef | None) -> dict[str, str]:
    """The arguments that a function takes apart as parameters, p["W1"], p.W1 and W1, b1 = p, or as a cache, c["Z1"]."""
    found: dict[str, str] = {}
    if function is None:
        return found
    arguments = [a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    for name, part in taken_apart(function):
        if name in arguments and name != "self" and kind(part):
            found[name] = "parameters"
        elif name in arguments and name != "self" and (canonical(part) or " ")[0] in "ZA":
            found.setdefault(name, "cache")
    return found


def taken_apart(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Every (name, part) where a part of a name is used: by key, by attribute, or by unpacking."""
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            yield node.value.id, key(node.slice)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.value.id, node.attr
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            for target in node.targets:
                if isinstance(target, ast.Tuple | ast.List):
                    yield from ((node.value.id, named_last(part) or "") for part in target.elts)


def key(node: ast.expr) -> str:
    """The name that a key opens with: W1 of "W1", W of "W" + str(l) and of f"W{l}"."""
    while isinstance(node, ast.BinOp):
        node = node.left
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def functions_called(source: Source, function: ast.FunctionDef | None) -> list[ast.FunctionDef]:
    """A function of the file and all functions of the file that it calls, without those of the forward pass."""
    found: list[ast.FunctionDef] = []
    waiting = [function] if function else []
    there = [node for node in source.nodes if isinstance(node, ast.FunctionDef)]
    while waiting:
        f = waiting.pop()
        found.append(f)
        words = {word for node in ast.walk(f) for word in said(node)}
        calls = [g for g in there if g.name in words and not FORTH.search(plain_name(g.name))]
        waiting += [g for g in calls if g not in found and g not in waiting]
    return found


def one_example(functions: list[ast.FunctionDef]) -> bool:
    """Do these functions speak of nothing that a batch needs: no axis, no shape, no mean, no number of examples?"""
    words = {word for f in functions for node in ast.walk(f) for word in said(node)}
    return bool(functions) and not words & BATCH and not any(ROLES.get(plain_name(word)) == "N" for word in words)


def said(node: ast.AST) -> Iterator[str]:
    """The names in one node of the syntax; a shape only where a part of it is used, as in N = X.shape[1]."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute) and node.attr != "shape":
        yield node.attr
    elif isinstance(node, ast.Subscript | ast.Assign) and ast.unparse(node.value).endswith(".shape"):
        yield "shape"
    elif isinstance(node, ast.keyword | ast.arg) and node.arg:
        yield node.arg


def learning_rate(name: str, functions: dict[str, Any]) -> bool:
    """Is a name of a rate one, by the functions that use it? Not where any of them has nothing to do with learning."""
    users = [f for f, body in functions.items() if name in names_in(body) and not f.startswith("__")]
    return all(LEARNS.search(plain_name(f)) for f in users)


def names_in(thing: Any) -> set[str]:
    """Every global and attribute that a function, and what is defined within it, uses."""
    code = getattr(getattr(thing, "__func__", thing), "__code__", None)
    return set(all_names(code)) if isinstance(code, CodeType) else set()


def all_names(code: CodeType) -> Iterator[str]:
    """The names in a piece of code and in those within it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from all_names(constant)


def methods_of_object(thing: Any) -> dict[str, Any]:
    """The functions of an object's class and of those it inherits from."""
    return {
        name: f for cls in reversed(type(thing).__mro__) for name, f in vars(cls).items() if isinstance(f, FunctionType)
    }
