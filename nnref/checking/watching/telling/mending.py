"""The line to try: small changes of the wrong line, each tested by watching the changed program."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import replace
from time import perf_counter, process_time

from nnref.checking.reading.source import Source
from nnref.checking.watching.verdict.verdicts import Judged
from nnref.checking.watching.watch import Watched

PATIENCE, WAIT = 2.0, 6.0
"""Seconds of processor time for one mistake, and of wall-clock time; a change not found by then is not shown."""

TOO_LONG = 3 * PATIENCE
"""Seconds of watching a program above which no change is tried: each would take as long."""

SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div, ast.MatMult), ast.Div: (ast.Mult,),
    ast.Gt: (ast.Lt, ast.GtE), ast.Lt: (ast.Gt, ast.LtE), ast.GtE: (ast.Gt, ast.LtE), ast.LtE: (ast.Lt, ast.GtE),
    ast.MatMult: (ast.Mult,),
}  # fmt: skip
"""Operators that are confused with one another."""


def mended(watched: Watched, line: int, first: str = "", factor: bool = False, of: Judged | None = None) -> str:
    """The line with a small change that makes the gradients right; "" if none was found.

    first is a line to try before others, such as a catalogue's; factor says that only a factor is wrong; of is the
    verdict with the mistake, which has to become right.
    """
    statement = statement_at(watched.source, line)
    wrong_at_once = any(row.verdict == "WRONG" for row in watched.rows)
    if statement is None or watched.again is None or not wrong_at_once or watched.seconds > TOO_LONG:
        return ""  # changes are only tested in the first step
    begin, waited = process_time(), perf_counter()
    tried: set[str] = set()
    for text in (*([first] if first else []), *changes(watched.source, statement, factor)):
        if process_time() - begin > PATIENCE or perf_counter() - waited > WAIT:
            break
        if text in tried or text == ast.unparse(statement):
            continue
        tried.add(text)
        if (source := with_line(watched.source, statement, text)) is not None and repairs(watched, source, of):
            return text
    return ""


def statement_at(source: Source, line: int) -> ast.stmt | None:
    """The innermost statement of a line that holds no others."""
    simple = ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return | ast.Expr
    found = (n for n in source.nodes if isinstance(n, simple) and n.lineno <= line <= (n.end_lineno or 0))
    return min(found, key=lambda n: (n.end_lineno or 0) - n.lineno, default=None)


def with_line(source: Source, old: ast.stmt, text: str) -> Source | None:
    """The source with one statement replaced; None if the result is no valid Python."""
    end = old.end_lineno or old.lineno
    before, after = source.lines[old.lineno - 1][: old.col_offset], source.lines[end - 1][old.end_col_offset or 0 :]
    fill = ["" for _ in range(end - old.lineno)]
    lines = [*source.lines[: old.lineno - 1], before + text.replace("\n", " ") + after, *fill, *source.lines[end:]]
    try:
        return replace(source, lines=lines, tree=ast.parse("\n".join(lines)))
    except SyntaxError:
        return None


def repairs(watched: Watched, source: Source, of: Judged | None = None) -> bool:
    """Does the change repair what was wrong, and break nothing? Tested in one run, then in all."""
    assert watched.again is not None
    for seeds in ((), (1, 2)):
        seen = watched.again(source, seeds, watched.steps[0].readings[0].loss.name)
        if not better(watched, seen, of):
            return False
    return True


def better(before: Watched, now: Watched, of: Judged | None = None) -> bool:
    """Is more right, including the wrong row, and nothing newly wrong or missing?

    A change that ends the program, or removes the dependence on labels, loses updates.
    """
    if not now.steps:
        return False
    rows, known = (seen.steps[0].readings[0].rows for seen in (now, before))
    begun = {row.update.base.site for row in rows}  # a statement over several lines is tested on a single line
    if len(rows) < len(known) or any(row.update.base.site not in begun for row in known):
        return False

    def wrong(seen: Watched) -> list[tuple[int, int, tuple[int, ...]]]:
        return [place_of(row) for step in seen.steps for row in step.readings[0].rows if row.verdict != "ok"]

    was, still = wrong(before), wrong(now)
    loss = before.steps[0].readings[0].loss
    same = now.steps[0].readings[0].loss.name == loss.name
    mended_too = of is None or place_of(of) not in still
    return same and mended_too and len(still) < len(was) and set(still) <= set(was)


def place_of(row: Judged) -> tuple[int, int, tuple[int, ...]]:
    """The line, column and shape of an update: unchanged when another statement is replaced."""
    site = row.update.end.site
    return site.line, site.column, row.update.old.shape


def changes(source: Source, statement: ast.stmt, factor: bool) -> Iterator[str]:
    """The statement with one small change, the likeliest first."""
    names = names_near(source, statement)
    others = (operators, transposes, axes, indices, dropped, around, slopes, renamed, factors)
    for maker in (dropped, factors, axes, *others) if factor else others:
        for made in maker(statement, names):
            try:
                yield ast.unparse(ast.fix_missing_locations(made))
            except (ValueError, AttributeError):
                continue


def places(statement: ast.stmt) -> list[ast.AST]:
    """The nodes of a statement in the order of ast.walk, which is the same in a copy."""
    return list(ast.walk(statement))


def variant(statement: ast.stmt) -> tuple[ast.stmt, list[ast.AST]]:
    """A copy of the statement, and its nodes."""
    made = copy.deepcopy(statement)
    return made, places(made)


def operators(statement: ast.stmt, names: list[str]) -> Iterator[ast.stmt]:
    """B - a and a + b for a - b, a > b for a < b, a for -a, and -a for a."""
    for k, part in enumerate(places(statement)):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub):
            made, parts = variant(statement)
            parts[k].left, parts[k].right = parts[k].right, parts[k].left  # type: ignore[attr-defined]
            yield made
        if isinstance(part, ast.BinOp | ast.AugAssign):
            for other in SWAPS.get(type(part.op), ()):
                made, parts = variant(statement)
                parts[k].op = other()  # type: ignore[attr-defined]
                yield made
        if isinstance(part, ast.Compare):
            for other in SWAPS.get(type(part.ops[0]), ()):
                made, parts = variant(statement)
                parts[k].ops[0] = other()  # type: ignore[attr-defined]
                yield made
    yield from put(statement, lambda e: e.operand if isinstance(e, ast.UnaryOp) else None)
    made, _ = variant(statement)
    if isinstance(made, ast.Assign | ast.Return | ast.AugAssign) and made.value is not None:
        made.value = ast.UnaryOp(ast.USub(), made.value)
        yield made


def put(statement: ast.stmt, change: object) -> Iterator[ast.stmt]:
    """The statement with each expression in turn replaced by its `change`."""
    assert callable(change)
    for k, part in enumerate(places(statement)):
        if not isinstance(part, ast.expr) or isinstance(getattr(part, "ctx", None), ast.Store):
            continue
        results = change(part)
        for other in results if isinstance(results, list) else [results]:
            if other is None:
                continue
            made, parts = variant(statement)
            if Put(parts[k], copy.deepcopy(other)).visit_root(made):
                yield made


class Put(ast.NodeTransformer):
    """Replaces one node by another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new, self.done = old, new, False

    def visit(self, node: ast.AST) -> ast.AST:
        """Replace the old node by the new one."""
        if node is self.old:
            self.done = True
            return self.new
        return self.generic_visit(node)

    def visit_root(self, node: ast.AST) -> bool:
        """Was it replaced?"""
        self.visit(node)
        return self.done


def transposes(statement: ast.stmt, names: list[str]) -> Iterator[ast.stmt]:
    """a.T for a, and a for a.T."""
    bare = put(statement, lambda e: e.value if isinstance(e, ast.Attribute) and e.attr == "T" else None)
    yield from bare
    kinds = ast.Name | ast.Attribute | ast.Subscript
    yield from put(statement, lambda e: ast.Attribute(e, "T", ast.Load()) if isinstance(e, kinds) else None)


def axes(statement: ast.stmt, names: list[str]) -> Iterator[ast.stmt]:
    """np.sum(a, axis=1, keepdims=True) for np.sum(a), and another axis."""

    def change(e: ast.expr) -> list[ast.expr] | None:
        name = e.func.attr if isinstance(e, ast.Call) and isinstance(e.func, ast.Attribute) else ""
        if not isinstance(e, ast.Call) or name not in ("sum", "mean", "max"):
            return None
        rest = [k for k in e.keywords if k.arg not in ("axis", "keepdims")]
        first = e.args[:1] if isinstance(e.func, ast.Attribute) and isinstance(e.func.value, ast.Name) else []
        found = []
        for axis in (0, 1):
            for keep in (True, False):
                words = [ast.keyword("axis", ast.Constant(axis))]
                words += [ast.keyword("keepdims", ast.Constant(True))] if keep else []
                found.append(ast.Call(e.func, first, [*rest, *words]))
        if name == "mean" and isinstance(e.func, ast.Attribute):
            found.append(ast.Call(ast.Attribute(e.func.value, "sum", ast.Load()), e.args, e.keywords))
        return list[ast.expr](found)

    yield from put(statement, change)


def indices(statement: ast.stmt, names: list[str]) -> Iterator[ast.stmt]:
    """a[j, i] for a[i, j], a[k + 1] for a[k], in every bracket or in one."""
    subscripts = [p for p in ast.walk(statement) if isinstance(p, ast.Subscript)]
    inside = sorted({n.id for s in subscripts for n in ast.walk(s.slice) if isinstance(n, ast.Name)})
    for scope in subscripts:
        for a in inside:
            for b in inside:
                if a < b:
                    made, parts = variant(statement)
                    target = parts[places(statement).index(scope)]
                    for n in ast.walk(target.slice):  # type: ignore[attr-defined]
                        if isinstance(n, ast.Name) and n.id in (a, b):
                            n.id = b if n.id == a else a
                    yield made
    yield from put(
        statement,
        lambda e: (
            [ast.Constant(e.value + 1), ast.Constant(e.value - 1)]
            if isinstance(e, ast.Constant) and type(e.value) is int
            else None
        ),
    )


def factors(statement: ast.stmt, names: list[str]) -> Iterator[ast.stmt]:
    """Value / m and value * m, for the names in the function; value * 2 and value / 2."""
    if not isinstance(statement, ast.Assign | ast.Return | ast.AugAssign) or statement.value is None:
        return
    sizes = [n for n in names if n.isidentifier() and len(n) <= 12]
    for name in [*sizes, "2"]:
        for op in (ast.Div(), ast.Mult()):
            made, _ = variant(statement)
            assert isinstance(made, ast.Assign | ast.Return | ast.AugAssign)
            assert made.value is not None
            factor: ast.expr = ast.Constant(2) if name == "2" else ast.Name(name, ast.Load())
            made.value = ast.BinOp(made.value, op, factor)
            yield made


def dropped(statement: ast.stmt, names: list[str]) -> Iterator[ast.stmt]:
    """A for a * b, and b; a for f(a)."""

    def change(e: ast.expr) -> list[ast.expr] | None:
        if isinstance(e, ast.BinOp):
            return [e.left, e.right]
        return [e.args[0]] if isinstance(e, ast.Call) and len(e.args) == 1 else None

    yield from put(statement, change)


def around(statement: ast.stmt, names: list[str]) -> Iterator[ast.stmt]:
    """1 - a for a, and 2 * a."""
    kinds = ast.BinOp | ast.Name | ast.Attribute | ast.Call

    def change(e: ast.expr) -> list[ast.expr] | None:
        if not isinstance(e, kinds):
            return None
        return [ast.BinOp(ast.Constant(1), ast.Sub(), e), ast.BinOp(ast.Constant(2), ast.Mult(), e)]

    yield from put(statement, change)


def slopes(statement: ast.stmt, names: list[str]) -> Iterator[ast.stmt]:
    """Value * A * (1 - A), value * (1 - A ** 2), value * (Z > 0): the slope that is missing."""
    if not isinstance(statement, ast.Assign | ast.Return) or statement.value is None:
        return
    parts = [statement.value]
    if isinstance(statement.value, ast.BinOp) and isinstance(statement.value.op, ast.Mult):
        parts += [statement.value.left, statement.value.right]
    for name in names:
        for slope in ("{0} * (1 - {0})", "(1 - {0} ** 2)", "({0} > 0)"):
            for part in parts:
                made, _ = variant(statement)
                assert isinstance(made, ast.Assign | ast.Return)
                made.value = ast.parse(f"({ast.unparse(part)}) * {slope.format(name)}", mode="eval").body
                yield made


def renamed(statement: ast.stmt, names: list[str]) -> Iterator[ast.stmt]:
    """One name replaced by another."""
    yield from put(
        statement,
        lambda e: (
            [ast.parse(n, mode="eval").body for n in names if n != ast.unparse(e)]
            if ast.unparse(e) in names or (isinstance(e, ast.Call) and bool(e.args))
            else None
        ),
    )


def names_near(source: Source, statement: ast.stmt) -> list[str]:
    """The names used in the function of a statement, the nearest first; only these are tried."""
    functions = [n for n in source.nodes if isinstance(n, ast.FunctionDef)]
    around = [f for f in functions if f.lineno <= statement.lineno <= (f.end_lineno or 0)]
    scope: ast.AST = max(around, key=lambda f: f.lineno, default=source.tree)
    found: dict[str, int] = {}
    called = {ast.unparse(n.func) for n in ast.walk(scope) if isinstance(n, ast.Call)}
    for n in ast.walk(scope):
        plain = isinstance(n, ast.Name | ast.arg) or (isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name))
        text = n.arg if isinstance(n, ast.arg) else ast.unparse(n) if plain else ""
        if text and text not in called and text not in ("self", "np", "numpy") and not text.endswith(".T"):
            distance = abs(n.lineno - statement.lineno)  # type: ignore[attr-defined]
            found[text] = min(distance, found.get(text, distance))
    return sorted(found, key=lambda name: found[name])[:14]
