"""What a program trains after the watched steps: its statements are watched again without the training that was.

Which statements are left is read off the source: updates and backward passes that the rest of the program reaches and
that no operation was recorded of.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any, TypeGuard

from nnref.checking.reading.candidates import going_back
from nnref.checking.reading.source import Source
from nnref.checking.watching.calls.later_classes import later_classes
from nnref.checking.watching.meaning.updates import parameter_name
from nnref.checking.watching.telling.report import settled
from nnref.checking.watching.watch import Watched, watch
from nnref.checking.watching.world.needs import called_name

TIMES = 5
"""Most trainings that are watched after the first."""

LIMIT = 20_000
"""Recorded values of a later training after which it is not judged."""

EACH = 2.5
"""CPU seconds that a program may run for one of them."""

SLOW = 6.0
"""CPU seconds of the first steps after which no later training is watched."""

SECONDS = 8.0
"""CPU seconds after which no further one is watched."""

NAMES = 4
"""Most parameters that a note names."""

RATE = re.compile(r"(^|_)(lr|rate|alpha|eta|mu|epsilon|step|stepsize|gamma)($|_)|learn", re.IGNORECASE)
"""Names of learning rates."""


@dataclass(frozen=True)
class Rest:
    """What a program does after the watched steps: the statement that they are in, and the lines that train later."""

    watched: ast.stmt
    lines: tuple[int, ...]


def with_later_trainings(seen: Watched, path: Path, source: Source, data: Any) -> Watched:
    """The verdict on a right program and what it trains later; if a later training is wrong, the verdict on that.

    What was not judged is named, and the program is then not said to be right.
    """
    end, now, text = process_time() + SECONDS, seen, source
    right, left = list[str](), tuple[int, ...]()
    for k in range(TIMES + 1):
        if (rest := rest_of(now, text)) is None:
            break
        left = rest.lines
        if k == TIMES or process_time() > end or seen.seconds > SLOW:
            break
        text = without(text, rest.watched)
        how = f"as it goes on after {source.where(rest.watched.lineno)}"
        now = watch(path, source=text, data=data, limit=LIMIT, seconds=EACH, how=how)
        verdict = settled(now)
        if verdict is False and now.broken is None:
            return replace(now, notes=(*now.notes, f"{trained(seen)} is right", *right))
        if verdict is None:
            left = () if not now.steps and ran_to_its_end(now) else left
            break
        right.append(f"{trained(now)} is right too")
        left = ()
    apart = [node for node in source.tree.body if getattr(node, "name", "") in later_classes(seen, source)]
    left = tuple(line for line in left if not any(holds(node, line) for node in apart))  # they are called alone
    beyond = tuple(dict.fromkeys(source.where(line) for line in left))
    return replace(seen, notes=(*seen.notes, *right), beyond=beyond) if right or beyond else seen


def ran_to_its_end(found: Watched) -> bool:
    """Did a program without an update run as far as it goes?"""
    run = found.runs[0]
    return run.error is None and not run.stopped


def trained(found: Watched) -> str:
    """The parameters of a step, and the first line of the statement that the program was in when it was recorded."""
    known = list(dict.fromkeys(parameter_name(u.base, u.new) for u in found.steps[0].roles.updates))
    names = ", ".join([*known[:NAMES], *(["…"] if len(known) > NAMES else [])])
    at = ended(found, found.source)
    line = at[0][1] if at else found.steps[0].roles.updates[-1].end.site.line
    inside, _ = split(found.source.tree.body, line)
    line = line if inside is None else inside.lineno
    return f"what is trained in {found.source.where(line)} ({names})"


def rest_of(seen: Watched, source: Source) -> Rest | None:
    """The rest of a program that trains, after the steps that were judged; None if there is none."""
    last = seen.steps[-1].roles.last
    judged = {node.site.line for node in seen.runs[0].tape[: last + 1] if node.site.file.endswith(source.name)}
    for name, line in ended(seen, source):
        body = source.tree.body if name == "<module>" else body_of(source, name, line)
        watched, after = split(body, line)
        lines = sorted(line for line in training(source, after) if line not in judged)
        if watched is not None and lines:
            return Rest(watched, tuple(lines))
    return None


def ended(seen: Watched, source: Source) -> Sequence[tuple[str, int]]:
    """The functions of the file that ran when enough was recorded, each with its line; the outermost first.

    If the program came to its end before, it is the first statement that reaches the line of the last judged update.
    """
    run = seen.runs[0]
    if run.stopped:
        return run.ended if run.recorder.sufficed else ()
    site = max((u.end for u in seen.steps[-1].roles.updates), key=lambda n: n.index).site
    for node in source.tree.body if site.file.endswith(source.name) else ():
        inside = () if isinstance(node, DEFINITIONS) else (node, *reached(source, [node]))
        if any(holds(part, site.line) for part in inside):
            return [("<module>", site.line if holds(node, site.line) else node.lineno)]
    return ()


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
"""Statements that only define something."""


def body_of(source: Source, name: str, line: int) -> list[ast.stmt]:
    """The statements of the innermost function of this name that holds a line."""
    found = [n for n in source.nodes if isinstance(n, ast.FunctionDef) and n.name == name and holds(n, line)]
    return max(found, key=lambda n: n.lineno).body if found else []


def holds(node: ast.stmt, line: int) -> bool:
    """Does a statement stand on this line, or around it?"""
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def split(body: Sequence[ast.stmt], line: int) -> tuple[ast.stmt | None, list[ast.stmt]]:
    """The statement of a line, within branches but not within loops, and what follows it."""
    for k, node in enumerate(body):
        if not holds(node, line):
            continue
        after = list(body[k + 1 :])
        for part in parts(node):
            inner, rest = split(part, line)
            if inner is not None:
                return inner, [*rest, *after]
        return node, after
    return None, []


def parts(node: ast.stmt) -> list[list[ast.stmt]]:
    """The statements within a branch, a `with` or a `try`; of a `try`, its handlers too."""
    if isinstance(node, ast.If):
        return [node.body, node.orelse]
    if isinstance(node, ast.With):
        return [node.body]
    if isinstance(node, ast.Try):
        return [node.body, *(handler.body for handler in node.handlers), node.orelse, node.finalbody]
    return []


def training(source: Source, statements: Sequence[ast.stmt]) -> set[int]:
    """The lines of updates in statements and the functions they reach, and of functions that go backward."""
    inside = [*statements, *reached(source, statements)]
    found = {part.lineno for node in inside for part in ast.walk(node) if isinstance(part, ast.stmt) and updates(part)}
    recorded = set[int]()
    back = going_back([node.name for node in inside if isinstance(node, ast.FunctionDef)])
    for node in inside:
        if isinstance(node, ast.FunctionDef) and node.name in back:
            recorded |= {n.lineno for n in ast.walk(node) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.MatMult)}
            recorded |= {
                n.lineno for n in ast.walk(node) if isinstance(n, ast.Call) and called_name(n.func) in ("dot", "matmul")
            }
    return found | recorded


def reached(source: Source, statements: Sequence[ast.stmt]) -> list[ast.FunctionDef]:
    """The functions and methods of the file that statements call, by their names, and so on."""
    functions = [node for node in source.nodes if isinstance(node, ast.FunctionDef)]
    classes = {node.name: node for node in source.nodes if isinstance(node, ast.ClassDef)}
    todo, found = list[ast.AST](statements), list[ast.FunctionDef]()
    while todo:
        for name in {called_name(part.func) for part in ast.walk(todo.pop()) if isinstance(part, ast.Call)}:
            made = classes.get(name)
            own = [n for n in made.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"] if made else []
            new = [node for node in (*own, *functions) if (node.name == name or node in own) and node not in found]
            found += new
            todo += new
    return found


def updates(node: ast.stmt) -> bool:
    """Is a statement an update, as W -= lr * dW, W = W - lr * dW or W += lr * delta, and no count?"""
    if isinstance(node, ast.AugAssign):
        return steps(node.op, node.value)
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return False
    both = [node.targets[0]], [node.value]
    if isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
        both = node.targets[0].elts, node.value.elts
    return any(replaces(target, value) for target, value in zip(*both, strict=False))


def replaces(target: ast.expr, value: ast.expr) -> bool:
    """Is this value a step from what it replaces?"""
    same = isinstance(value, ast.BinOp) and ast.unparse(value.left) == ast.unparse(target)
    return same and isinstance(value, ast.BinOp) and steps(value.op, value.right)


def steps(op: ast.operator, value: ast.expr) -> bool:
    """Is this a product that is subtracted, or a gradient; or is it added, and a multiple of a rate?

    X -= mean and X -= X.mean(0) are no steps: they centre data.
    """
    names = [part.id if isinstance(part, ast.Name) else part.attr for part in ast.walk(value) if is_name(part)]
    product = any(isinstance(part, ast.BinOp) and isinstance(part.op, PRODUCTS) for part in ast.walk(value))
    if isinstance(op, ast.Sub):
        return bool(names) and (product or (is_name(value) and GRADIENT.search(names[0]) is not None))
    return isinstance(op, ast.Add) and product and any(map(RATE.search, names))


def is_name(node: ast.AST) -> TypeGuard[ast.Name | ast.Attribute]:
    """Is this a name, or an attribute?"""
    return isinstance(node, ast.Name | ast.Attribute)


PRODUCTS = (ast.Mult, ast.Div, ast.MatMult)
"""Operators by which a gradient gets its rate."""

GRADIENT = re.compile(r"^d[A-Z_]|^d[wb]\d*$|(?i:grad|delta|step|update|veloc)")
"""Names of gradients and of what is made of them."""


def without(source: Source, node: ast.stmt) -> Source:
    """A source without one of its statements; what then fails is skipped, and its lines keep their numbers."""
    first, last = node.lineno - 1, node.end_lineno or node.lineno
    lines = [*source.lines]
    lines[first:last] = [f"{' ' * node.col_offset}pass", *([""] * (last - first - 1))]
    tree = copy.deepcopy(source.tree)
    for part in ast.walk(tree):
        for body in statements_of(part):
            for k, other in enumerate(body):
                if (other.lineno, other.col_offset, type(other)) == (node.lineno, node.col_offset, type(node)):
                    body[k] = ast.copy_location(ast.Pass(), other)
    return replace(source, lines=lines, tree=tree, apart=True)


def statements_of(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements of a node."""
    for name in ("body", "orelse", "finalbody"):
        body = getattr(node, name, None)
        if isinstance(body, list):
            yield body
