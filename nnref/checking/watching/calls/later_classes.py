"""Networks that a program trains after the watched one: classes that it uses, but of which no update was watched."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from nnref.checking.reading.source import Source
from nnref.checking.watching.calls.driven import driven
from nnref.checking.watching.telling.report import settled
from nnref.checking.watching.watch import Watched

SECONDS = 6.0
"""CPU seconds for trying to call one class."""


def with_later_classes(seen: Watched, path: Path, source: Source, data: Any) -> Watched:
    """The verdict on a right program and its later networks, each called by itself; if one is wrong, the verdict on it.

    A later network without a verdict is named as untried, and the program is then not said to be right.
    """
    right, untold = list[str](), list[str]()
    for name in later_classes(seen, source):
        called = driven(path, source=source, data=data, seconds=SECONDS, ends=False, only=name)
        verdict = None if called is None else settled(called)
        if called is not None and verdict is False:
            return called
        if called is not None and verdict:
            right.append(f"{name} is right too ({called.how})")
        else:
            untold.append(name)
    return replace(seen, notes=(*seen.notes, *right), untried=(*seen.untried, *untold)) if right or untold else seen


def later_classes(seen: Watched, source: Source) -> list[str]:
    """The classes of a file that learn and of which it makes objects, but of which no update was watched."""
    roles = [step.roles for step in seen.steps]
    lines = {u.end.site.line for role in roles for u in role.updates if u.end.site.file.endswith(source.name)}
    made = {name for node in source.tree.body for name in names_called(node)}
    classes = [node for node in source.tree.body if isinstance(node, ast.ClassDef)]
    own = [node for node in classes if node.name in made and learns(node)]
    return [node.name for node in own if not any(node.lineno <= k <= (node.end_lineno or 0) for k in lines)]


def names_called(node: ast.stmt) -> Iterator[str]:
    """The names called in a statement or a function of a module; none for a class."""
    if isinstance(node, ast.ClassDef):
        return
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
            yield part.func.id


def learns(node: ast.ClassDef) -> bool:
    """Does a class draw an attribute at random, and replace it by itself plus or minus something?"""
    drawn, moved = set[str](), set[str]()
    for part in ast.walk(node):
        if isinstance(part, ast.Assign):
            targets = {ast.unparse(t) for t in part.targets if isinstance(t, ast.Attribute)}
            drawn |= targets if "rand" in ast.unparse(part.value) else set()
            sums = part.value if isinstance(part.value, ast.BinOp) else None
            if sums is not None and isinstance(sums.op, ast.Add | ast.Sub):
                moved |= targets & {ast.unparse(sums.left)}
        elif isinstance(part, ast.AugAssign) and isinstance(part.op, ast.Add | ast.Sub):
            moved.add(ast.unparse(part.target))
    return bool(drawn & moved)
