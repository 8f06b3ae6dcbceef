"""Lines that only give a value another name, as dz = dh: no operation, and yet possibly the mistake."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from nnref.checking.reading.source import Source
from nnref.checking.watching.calculus.graph import base_of
from nnref.checking.watching.meaning.updates import last_part
from nnref.checking.watching.verdict.first_wrong import FirstWrong


def renamed_before(source: Source, mistake: FirstWrong, used: Sequence[int]) -> tuple[int, bool] | None:
    """The line on which a right value got the name it is used by, and whether that is certainly the mistake.

    The value may be the input of a wrong one, or a right slope used as another one under its second name. used are the
    lines that use the value. None if there is no such line.
    """
    node, of_slope = mistake.node, mistake.kind in ("no slope", "another slope")
    for at, new, old in renamings(source):
        here = first_line_around(source, at)
        after = all(line > at for line in used if first_line_around(source, line) == here)
        if {new, old} <= set(node.names) and at > node.site.line and of_slope and after:
            return at, True
    if mistake.kind == "no slope":
        line = passed_on(source, mistake.used.line) if mistake.used is not None else None
        return None if line is None else (line, True)
    made_of = [(m, base_of(m)) for m in node.inputs]
    known = [({*m.names, *base.names}, min(m.site.line, base.site.line)) for m, base in made_of]
    for at, new, old in renamings(source):
        begins = first_line_around(source, at)
        before = (names for names, made in known if made < at or not begins <= made <= mistake.site.line)
        if begins <= at < mistake.site.line and any({new, old} <= names for names in before):
            return at, False
    return None


def first_line_around(source: Source, line: int) -> int:
    """The first line of the function that a line lies in; 0 where it lies in none."""
    homes = (n for n in source.nodes if isinstance(n, ast.FunctionDef) and n.lineno <= line <= (n.end_lineno or 0))
    return max((n.lineno for n in homes), default=0)


def passed_on(source: Source, line: int) -> int | None:
    """The line that returns an argument unchanged, in another method of the same class; None if there is none."""
    homes = [n for n in source.nodes if isinstance(n, ast.ClassDef) and n.lineno <= line <= (n.end_lineno or 0)]
    for method in (part for home in homes[-1:] for part in home.body if isinstance(part, ast.FunctionDef)):
        last, given = method.body[-1], {a.arg for a in method.args.args[1:]}
        alone = len(method.body) == 1 or (len(method.body) == 2 and isinstance(method.body[0], ast.Expr))
        if alone and isinstance(last, ast.Assign) and isinstance(last.value, ast.Name) and last.value.id in given:
            return last.lineno
        if alone and isinstance(last, ast.Return) and isinstance(last.value, ast.Name) and last.value.id in given:
            return last.lineno
    return None


def renamings(source: Source) -> Iterator[tuple[int, str, str]]:
    """Every a = b of two names, also within a, c = b, d: its line, the new name and the old one."""
    for node in source.nodes:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target, value = node.targets[0], node.value
        both = isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List)
        pairs = zip(target.elts, value.elts, strict=False) if both else [(target, value)]  # type: ignore[attr-defined]
        for new, old in pairs:
            if not isinstance(new, NAMES) or not isinstance(old, NAMES):
                continue
            if last_part(ast.unparse(new)) != last_part(ast.unparse(old)):  # W2 = params["W2"] gives no new name
                yield node.lineno, ast.unparse(new), ast.unparse(old)


NAMES = (ast.Name, ast.Attribute, ast.Subscript)
"""Expressions that name a value."""
