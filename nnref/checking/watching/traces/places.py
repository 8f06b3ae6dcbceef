"""What stands where in the files of a program: does a file have an operation at the place that a trace gives?"""

from __future__ import annotations

import ast
import copy
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nnref.checking.reading.source import Source, SourceError, read_source
from nnref.checking.watching.calculus.slopes import value_of
from nnref.checking.watching.recording.functions import NAMES
from nnref.checking.watching.recording.minimising import MINIMISERS
from nnref.checking.watching.recording.minimising import MINIMISING_RATE as RATE
from nnref.checking.watching.recording.rewriting import OPERATORS, numbers
from nnref.checking.watching.recording.tape import Node, Site, words
from nnref.checking.watching.world import smaller
from nnref.checking.watching.world.needs import called_name

MOVES_ONLY = frozenset(["leaf", "view", "put", "assign", "put_at", "item", "entry", "gathered", "array", "copy", "int"])
"""Operations that compute nothing: they say where values lie, or make a number of another kind of it."""

SPOKEN = {"add": {"sum"}, "maximum": {"max"}, "minimum": {"min"}, "sum": {"sum"}, "expit": {"sigmoid", "logistic"}}
"""Functions of Python by which an operation is asked for too."""


Tree = dict[tuple[int, int], list[ast.AST]]
"""The nodes of a syntax tree by line and column."""


@dataclass
class Places:
    """The nodes of each file's syntax tree by line and column; moved gives a file's own path for that of its copy.

    given says that the program was handed data of the person's own.
    """

    path: Path
    source: Source
    moved: Callable[[str], Path | None]
    given: bool = False
    trees: dict[str, Tree] = field(default_factory=dict)
    words: dict[str, set[str]] = field(default_factory=dict)
    outer: dict[int, ast.BinOp | ast.AugAssign] = field(default_factory=dict)

    def own(self, file: str) -> str:
        """The path of a file that a trace names; "" where it is none of the program's."""
        found = self.moved(file) if file else None
        return str(found) if found else ""

    def at(self, site: Site) -> list[ast.AST]:
        """What begins at a place."""
        if site.file not in self.trees:
            self.trees[site.file], self.words[site.file] = read_tree(
                None if not site.file else self.source if Path(site.file) == self.path else site.file,
                self.path,
                self.given,
            )
            self.outer |= dict(operands(self.trees[site.file]))
        return self.trees[site.file].get((site.line, site.column), [])

    def nodes(self, site: Site) -> Iterator[ast.AST]:
        """What stands in the file of a place, and in the file that is checked."""
        self.at(site)
        yield from (part for here in self.trees[site.file].values() for part in here)
        yield from self.source.nodes

    def within(self, site: Site, names: set[str]) -> bool:
        """Does a place lie in a function of one of these names?"""
        self.at(site)
        parts = (part for here in self.trees[site.file].values() for part in here if isinstance(part, ast.FunctionDef))
        return any(f.name in names and f.lineno <= site.line <= (f.end_lineno or f.lineno) for f in parts)

    def around(self, part: ast.AST) -> ast.BinOp | ast.AugAssign | None:
        """The operation of which an expression is an operand; None if it is none's."""
        return self.outer.get(id(part))

    def fault(self, node: Node) -> str:
        """Why an operation is none of the file's, "" if it is one."""
        if node.op in MOVES_ONLY:
            return ""
        here = self.at(node.site)
        if node.op in ("compared", "chosen"):
            return ""  # computed from the file
        if node.op == "reshape" and any(map(gives_shape, here)):
            return ""
        if joined := [part for part in here if joins(part, node)]:
            return "" if any(same_parts(part, node) for part in joined) else "other parts stand there"
        if any(operator_of(part) == node.op for part in here):
            return "" if any(same_numbers(part, node) for part in here) else "other numbers stand there"
        if node.op == "matmul" and any(operator_of(part) == "multiply" for part in here) and self.of_matrices(node):
            return ""
        calls = [part for part in here if isinstance(part, ast.Call)]
        if any(called_name(call.func) in MINIMISERS for call in calls) and is_step(node):
            return ""
        asked = names_of(node)
        named = [call for call in calls if called_name(call.func) in asked]
        if named:
            return "" if any(same_call(call, node) for call in named) else f"{node.op} is called with other arguments"
        if calls and (asked - SPOKEN.get(node.op, set()) | {node.op}) & self.words[node.site.file]:
            return ""  # by another name: f = np.tanh; f(x). Of Python's own functions the name stands there
        return f"no {node.op} stands there"

    def of_matrices(self, node: Node) -> bool:
        """Is a value made of what the file makes a np.matrix of, of which * is the product of matrices?"""
        todo, seen = [*node.inputs], set[int]()
        while todo:
            made = todo.pop()
            if made.index in seen:
                continue
            seen.add(made.index)
            calls = (part for part in self.at(made.site) if isinstance(part, ast.Call)) if made.op == "array" else ()
            if any(called_name(call.func) in OF_MATRICES for call in calls):
                return True
            todo += made.inputs
        return False

    def comparisons(self, site: Site) -> Iterator[str]:
        """The comparisons that begin at a place."""
        for part in self.at(site):
            if isinstance(part, ast.Compare) and len(part.ops) == 1 and type(part.ops[0]) in OPERATORS:
                yield OPERATORS[type(part.ops[0])]

    def choices(self, site: Site) -> Iterator[tuple[Any, Any]]:
        """The two of which a condition chooses at a place: numbers that are written out, None for what is computed."""
        for part in self.at(site):
            if isinstance(part, ast.IfExp):
                yield literal(part.body), literal(part.orelse)

    def numbers_put(self, site: Site) -> Iterator[float]:
        """The numbers that are put into something at a place, as 1 is by expected[label] = 1."""
        for part in self.at(site):
            given = part.value if isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Subscript) else None
            if isinstance(given, ast.Constant) and isinstance(given.value, int | float):
                yield given.value


OF_MATRICES = words("matrix mat asmatrix")
"""Functions of numpy that make a np.matrix."""


def gives_shape(part: ast.AST) -> bool:
    """Is this a.shape = …, which lays the same entries out anew?"""
    target = part.targets[0] if isinstance(part, ast.Assign) else None
    return isinstance(target, ast.Attribute) and target.attr == "shape"


JOINERS = {"r_": "concatenate", "c_": "column_stack"}
"""What numpy's objects that join what stands in their brackets are recorded as."""


def joins(part: ast.AST, node: Node) -> bool:
    """Is this np.r_[a, b] or np.c_[a, b], of which the operation is made?"""
    return isinstance(part, ast.Subscript) and JOINERS.get(called_name(part.value)) == node.op


def same_parts(part: ast.AST, node: Node) -> bool:
    """Are as many parts joined as stand in the brackets, and the numbers that are written out among them?"""
    assert isinstance(part, ast.Subscript)
    written = part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice]
    given = node.args[0] if node.args and not node.kwargs and isinstance(node.args[0], list) else []
    # A number is laid into a list: np.r_[x, 1.0] joins x and [1.0].
    single = [g[0] if isinstance(g, list) and len(g) == 1 else g for g in given]
    return len(written) == len(single) and all(agrees(w, g) for w, g in zip(written, single, strict=True))


def literal(part: ast.expr) -> Any:
    """A number that is written out; None for anything else."""
    return ast.literal_eval(part) if numbers(part) else None


def is_step(node: Node) -> bool:
    """Is this a part of the steps that stand for a search for a minimum: x - rate * g, laid flat?"""
    rate = node.args[0] if node.args else None
    return node.op in ("subtract", "ravel") or (node.op == "multiply" and type(rate) is float and rate == RATE)


def read_tree(source: Source | str | None, path: Path, given: bool) -> tuple[Tree, set[str]]:
    """The nodes of a file of the program at that path by their place, and every name in it."""
    found: Tree = defaultdict(list)
    names: set[str] = set()
    try:
        source = read_source(Path(source)) if isinstance(source, str) else source
    except (SourceError, OSError):
        source = None
    for node in ast.walk(smaller(copy.deepcopy(source.tree), path, given)) if source is not None else ():
        if isinstance(node, ast.expr | ast.stmt):
            found[node.lineno, node.col_offset].append(node)
        for name in (getattr(node, "attr", None), getattr(node, "id", None), getattr(node, "name", None)):
            names |= {name} if isinstance(name, str) else set()
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            names.add(node.value)
    return dict(found), names


def operands(tree: dict[tuple[int, int], list[ast.AST]]) -> Iterator[tuple[int, ast.BinOp | ast.AugAssign]]:
    """The operands of every operation, each by its id, with the operation."""
    for part in (part for parts in tree.values() for part in parts):
        if isinstance(part, ast.BinOp):
            yield from ((id(operand), part) for operand in (part.left, part.right))
        elif isinstance(part, ast.AugAssign):
            yield id(part.value), part


def operator_of(node: ast.AST) -> str:
    """The operation of an operator."""
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.UnaryOp):
        return OPERATORS.get(type(node.op), "")
    return OPERATORS.get(type(node.ops[0]), "") if isinstance(node, ast.Compare) else ""


def same_numbers(part: ast.AST, node: Node) -> bool:
    """Are the numbers that an operator is written with those that were computed with?"""
    if operator_of(part) != node.op:
        return False
    sides = [part.left, part.right] if isinstance(part, ast.BinOp) else []
    return all(agrees(side, given) for side, given in zip(sides, node.args, strict=False))


def agrees(written: ast.expr, given: Any) -> bool:
    """May this be the value of an argument as it is written? Numbers that are written out are those that were given."""
    value = value_of(given)
    try:
        number = ast.literal_eval(written)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return True
    if isinstance(given, Node) and given.leaf == "constant":
        return True  # written out as a value of its own, and moved from run to run
    return np.shape(value) == np.shape(number) and bool(np.all(np.asarray(value) == np.asarray(number)))


def names_of(node: Node) -> set[str]:
    """The names under which a call is written that is recorded as this operation."""
    op = node.op.split("[")[0]
    first, *rest = op.split(".")
    base = rest[-1] if rest else first
    return {base, first, *(name for name, known in NAMES.items() if known == base), *SPOKEN.get(base, ())}


def same_call(call: ast.Call, node: Node) -> bool:
    """Are the arguments that a call is written with those that it was made with?"""
    written = {k.arg: k.value for k in call.keywords if k.arg}
    if node.op == "add" and called_name(call.func) == "sum":
        return True  # sum(things): one addition after another
    if node.op == "sum" and isinstance(call.func, ast.Name) and node.kwargs == {"axis": 0}:
        return len(call.args) == 1  # sum(array): along its first axis
    starred = any(k.arg is None for k in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args)
    if not starred and set(node.kwargs) - set(written):
        return False
    if not all(agrees(written[name], value) for name, value in node.kwargs.items() if name in written):
        return False
    if starred:
        return True
    # A method is recorded with its owner as the first argument.
    return any(
        len(rest) == len(call.args) and all(agrees(a, g) for a, g in zip(call.args, rest, strict=True))
        for rest in (node.args, node.args[1:])
    )
