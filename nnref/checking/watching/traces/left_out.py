"""Does a trace omit a part of what its file computes? Two signs of it among the ancestors of the loss.

First, a parameter that is not judged still meets values of the judged ones in the forward pass. Second, the value of an
inner expression is only used by the outer one: a use elsewhere skips an operation of the file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import numpy as np

from nnref.checking.watching.calculus.graph import base_of, bits_of
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.recording.functions import DRAWS
from nnref.checking.watching.recording.tape import Node, words
from nnref.checking.watching.traces.places import Places, operator_of
from nnref.checking.watching.world.needs import called_name

SPREADS = words("add subtract multiply")
"""Operations by which a bias or a scale comes in: it has another shape than what it is spread over."""

JOINS = words("matmul dot inner einsum tensordot vdot outer convolve correlate convolve2d correlate2d")
"""Operations by which weights come in."""

NUMBERS = words("pi e tau")
"""Numbers that numpy and math have names for."""

FUNCTIONS = words("sqrt exp log float float32 float64")
"""Functions of a number that is written out: with one of them, it is still written out."""

METHODS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.MatMult: "matmul", ast.Pow: "pow"}
"""How the methods are called by which a class may say itself what an operator does: __add__ for +."""


def left_out(role: Roles, loss: Node | None, places: Places) -> str:
    """What a trace leaves out, in words; "" where nothing shows that it does."""
    graph, tape = role.graph, role.graph.tape
    ends = [m.output for m in role.meetings] if loss is None else [loss]
    bits = 0
    for end in ends:
        bits |= graph.above[end.index] | (1 << end.index)
    for k in bits_of(bits):
        node = tape[k]
        if (free := unjudged(role, node, places)) is not None:
            name = (free.names or ["a value"])[-1]
            return f"{name} goes into the loss as a parameter does, and nothing that was seen changes it"
        if (around := skipped(node, role, bits, places)) is not None:
            return f"{ast.unparse(around)[:60]} was not computed"
    return ""


def unjudged(role: Roles, node: Node, places: Places) -> Node | None:
    """An operand that is no parameter that is judged, and comes in where one does; None if there is none."""
    if node.op not in SPREADS and node.op not in JOINS:
        return None
    if any(node is update.old for update in role.updates):
        return None  # how a parameter was first scaled, as by the square root of its inputs
    graph = role.graph
    for m in node.inputs:
        others = [o for o in node.inputs if o is not m and graph.depends(o.index, role.parameters)]
        if not others or graph.depends(m.index, role.parameters) or role.of_labels[m.index]:
            continue
        spread = (
            node.op in SPREADS and (m.shape != node.shape or made(role, m)) and not is_region(role, m, node, others)
        )
        joined = node.op in JOINS and any(made(role, o) for o in others)
        if (spread or joined) and not written_out(role, m, places) and not is_drawn_mask(role, m, places):
            return m
    return None


def is_drawn_mask(role: Roles, node: Node, places: Places) -> bool:
    """Is it a mask of dropout that is spread over a batch: of zeros and one other number, drawn on the way?"""
    values = set() if node.leaf or node.value is None else {0.0, *np.asarray(node.value, float).flat}
    leaves = [role.graph.tape[k] for k in bits_of(role.graph.above[node.index]) if role.graph.tape[k].leaf]
    drawn = [leaf for leaf in leaves if leaf.shape and leaf.index > role.begin and is_draw(leaf, places)]
    return len(values) == 2 and all(leaf in drawn or not leaf.shape for leaf in leaves)


def is_draw(leaf: Node, places: Places) -> bool:
    """Does the file draw numbers where a leaf was recorded?"""
    return any(isinstance(part, ast.Call) and called_name(part.func) in DRAWS for part in places.at(leaf.site))


def is_region(role: Roles, part: Node, at: Node, others: Sequence[Node]) -> bool:
    """Is it one of several parts of an array that each meet a parameter itself there, as a filter's regions do?"""
    whole = part.args[0] if part.op in ("view", "item") else None
    if not isinstance(whole, Node) or not all(role.parameters >> base_of(o).index & 1 for o in others):
        return False
    users = role.graph.users
    alike = (n for n in users[whole.index] if n is not part and n.op == part.op and n.shape == part.shape)
    return any(user.site == at.site for n in alike for user in users[n.index])


def made(role: Roles, node: Node) -> bool:
    """Has a value come through weights in this step, as hidden units have? Those before made only weights."""
    graph, before = role.graph, 0
    for update in role.updates:
        before |= graph.above[update.base.index] | (1 << update.base.index)
    within = (graph.above[node.index] | (1 << node.index)) & ~before
    return any(graph.tape[k].op in JOINS for k in bits_of(within))


def written_out(role: Roles, node: Node, places: Places) -> bool:
    """Is a value made of numbers that are written out in the file, and of nothing else?"""
    bits = role.graph.above[node.index] | (1 << node.index)
    leaves = [role.graph.tape[k] for k in bits_of(bits) if role.graph.tape[k].leaf]
    return all(any(is_number(p) or is_argument(leaf, p, places) for p in places.at(leaf.site)) for leaf in leaves)


def is_argument(leaf: Node, part: ast.AST, places: Places) -> bool:
    """Is a leaf a number that a call is given, or that is kept as it was given; or the root of a whole number?

    One that is computed with has a value of its own.
    """
    if leaf.shape or not isinstance(part, ast.Call | ast.Assign):
        return False
    if leaf.leaf == "sqrt":
        square = float(leaf.value) ** 2
        return abs(square - round(square)) <= np.sqrt(np.finfo(float).eps) * square
    return leaf.leaf == "constant" and (isinstance(part, ast.Call) or is_kept(part, leaf, places))


def is_kept(part: ast.Assign, leaf: Node, places: Places) -> bool:
    """Does a statement keep a number as it was given, where nothing in the file puts what it computes?"""
    names = {name for name, value in written(part) if is_plain(value)}
    computed = {name for node in places.nodes(leaf.site) for name, value in written(node) if not is_plain(value)}
    return bool(names) and not names & computed


def is_plain(value: ast.expr | None) -> bool:
    """Is it a name or a number, and nothing that is computed?"""
    return isinstance(value, ast.Name | ast.Constant)


def written(part: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """The last names that a statement writes to, each with what it then has; None if that is computed from it."""
    if isinstance(part, ast.AugAssign):
        yield called_name(part.target), None
    if not isinstance(part, ast.Assign):
        return
    for targets in map(elements, part.targets):
        several = elements(part.value)
        values = several if len(several) == len(targets) else [part.value] * len(targets)
        yield from ((called_name(t), value) for t, value in zip(targets, values, strict=True))


def elements(part: ast.expr) -> list[ast.expr]:
    """The members of a tuple; of anything else, itself."""
    return list(part.elts) if isinstance(part, ast.Tuple) else [part]


def is_number(part: ast.AST) -> bool:
    """Is an expression a number that is written out, as 0.5, np.pi and np.sqrt(2 / np.pi) are, or a list of some?"""
    if isinstance(part, ast.List | ast.Tuple):
        return bool(part.elts) and all(map(is_number, part.elts))
    if isinstance(part, ast.BinOp):
        return is_number(part.left) and is_number(part.right)
    if isinstance(part, ast.Call):
        return called_name(part.func) in FUNCTIONS and not part.keywords and all(map(is_number, part.args))
    if isinstance(part, ast.UnaryOp):
        return is_number(part.operand)
    return isinstance(part, ast.Constant) or (isinstance(part, ast.expr) and called_name(part) in NUMBERS)


def skipped(node: Node, role: Roles, bits: int, places: Places) -> ast.expr | ast.AugAssign | None:
    """The operation around that of a node, where the node's value is used, but not by it; None if there is none."""
    here = [part for part in places.at(node.site) if operator_of(part) == node.op]
    around = [places.around(part) for part in here]
    if not around or any(outer is None for outer in around):
        return None
    users = [m for m in role.graph.users[node.index] if bits >> m.index & 1]
    where = {(outer.lineno, outer.col_offset) for outer in around if outer is not None}
    own = {name for outer in around if outer is not None for name in methods_of(outer)}
    if all((m.site.line, m.site.column) in where or places.within(m.site, own) for m in users):
        return None
    return around[0]


def methods_of(operation: ast.BinOp | ast.AugAssign) -> set[str]:
    """The methods by which a class may say itself what an operator does: __add__, __radd__, __iadd__."""
    stem = METHODS.get(type(operation.op), "")
    return {f"__{head}{stem}__" for head in ("", "r", "i")} if stem else set()
