"""In which order the cells of a notebook were run: as they stand, or as they are counted where only that works."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence

Cell = Sequence[ast.stmt]


def order_of_cells(cells: Sequence[Cell], counts: Sequence[object]) -> list[int]:
    """The order in which cells are executed: by their counts where only so each name is bound before it is used.

    A cell without a count was not run, and then the notebook is read as it stands.
    """
    stands = list(range(len(cells)))
    run = [k for k in stands if cells[k]]
    known = {k: count for k in run if isinstance(count := counts[k], int)}
    if len(known) < len(run) or len(set(known.values())) < len(run):
        return stands
    counted = sorted(run, key=known.__getitem__)
    return counted if any(unbound(cells, stands)) and not any(unbound(cells, counted)) else stands


def unbound(cells: Sequence[Cell], order: Sequence[int]) -> Iterator[str]:
    """The names that cells use, outside of functions, and that are bound by later ones alone."""
    later = [set(bound(cells[k])) for k in order]
    known = set(vars(builtins))
    for at, k in enumerate(order):
        known |= later[at]
        coming = set[str]().union(*later[at + 1 :]) - known
        yield from (name for name in used(cells[k]) if name in coming)


def used(cell: Cell) -> Iterator[str]:
    """The names that are looked up when a cell is executed: b of b -= 1 too."""
    for node in executed(cell):
        target = node.target if isinstance(node, ast.AugAssign) else node
        if isinstance(target, ast.Name) and (target is not node or isinstance(target.ctx, ast.Load)):
            yield target.id


def bound(cell: Cell) -> Iterator[str]:
    """The names that are bound when a cell is executed."""
    changed = {id(node.target) for node in executed(cell) if isinstance(node, ast.AugAssign)}
    for node in executed(cell):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in changed:
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]


def executed(cell: Cell) -> Iterator[ast.AST]:
    """The syntax of a cell without what functions do when they are called."""
    todo: list[ast.AST] = list(cell)
    while todo:
        node = todo.pop()
        yield node
        body = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef)
        todo += [] if body else ast.iter_child_nodes(node)
