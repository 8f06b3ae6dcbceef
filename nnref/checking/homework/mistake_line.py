"""The line of a mistake in a person's file, and the right line in the file's own names and layout."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from nnref.checking.diagnosis.forward_passes import same_up_to_rounding
from nnref.checking.homework.assignments import Node, functions_serving
from nnref.checking.homework.recognition import NetworkReading
from nnref.checking.reading.containers import members
from nnref.checking.reading.names import ROLES, canonical, plain_name
from nnref.checking.reading.source import named_last
from nnref.shapes import Array


def softmax_line(reading: NetworkReading) -> Node | None:
    """The line that normalises: the last that calls exp or divides in a function of softmax, else in forward."""
    chosen = [f for f in functions_serving(reading, "forward") if "softmax" in plain_name(f.name)] or functions_serving(
        reading, "forward"
    )
    for function in chosen:
        for node in reversed([n for n in ast.walk(function) if isinstance(n, ast.Assign | ast.Return)]):
            if isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.Div):
                return node
    return None


def loss_line(reading: NetworkReading) -> Node | None:
    """The line that takes the logarithm."""
    for function in functions_serving(reading, "loss"):
        for node in ast.walk(function):
            if (
                isinstance(node, ast.Assign | ast.Return | ast.AugAssign)
                and node.value is not None
                and takes_logarithm(node.value)
            ):
                return node
    return None


def takes_logarithm(node: ast.expr) -> bool:
    """Is a logarithm taken in an expression?"""
    return any(isinstance(part, ast.Attribute) and part.attr.startswith("log") for part in ast.walk(node))


def file_names(reading: NetworkReading) -> dict[str, str]:
    """How the file writes the reference's quantities: {"dZ2": "delta2", "A1": 'cache["A1"]', "N": "m", …}."""
    found = by_value(reading)
    last = len(reading.sizes) - 1
    for purpose in ("backward", "forward"):
        function = reading.network.definition(purpose)
        for node in ast.walk(function) if function else ():
            if isinstance(node, ast.arg):
                note_name(found, node.arg, node.arg, last)
            elif isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
                name = named_last(node)
                if name and ast.unparse(node).split(".")[0] not in ("np", "numpy"):
                    note_name(found, name, ast.unparse(node), last)
    for parameter, path in reading.network.found.paths.items():
        if reading.network.is_object:
            found.setdefault(parameter, f"self.{reading.network.found.spelling[parameter]}")
        elif isinstance(path[-1], str):
            found.setdefault(parameter, path[-1])
    if "X" in found:
        found.setdefault("A0", found["X"])
        found.setdefault("N", f"{found['X']}.shape[{int(reading.convention.data == 'columns')}]")
    if f"A{last}" in found or "P" in found:
        found["P"] = found.get(f"A{last}") or found["P"]
    return found


def by_value(reading: NetworkReading) -> dict[str, str]:
    """The variables of the backward function whose values are a quantity of the reference, whatever their names."""
    case, found = reading.case, {}
    if case is None:
        return {}
    quantities = {**case.dZ, **case.dA, **case.A, **case.Z}
    for text, A in array_variables(reading.backward_pass.variables):
        for name, right in quantities.items():
            if name not in found and (
                holds_quantity(A, right, reading) or (name[:2] == "dZ" and unaveraged(A, right, reading))
            ):
                found[name] = text
    return found


def array_variables(values: dict[str, Any]) -> Iterator[tuple[str, Array]]:
    """Arrays among a function's variables, the attributes of its object and the entries of its dictionaries."""
    for name, value in values.items():
        if isinstance(value, np.ndarray):
            yield name, value
        elif isinstance(value, dict):
            yield from ((f"{name}[{key!r}]", part) for key, part in value.items() if isinstance(part, np.ndarray))
        elif name == "self":
            yield from ((f"self.{key}", part) for key, part in members(value).items() if isinstance(part, np.ndarray))


def holds_quantity(A: Array, right: Array, reading: NetworkReading) -> bool:
    """Does an array equal a quantity of the reference, in the file's layout?"""
    theirs = A.T if reading.convention.data == "rows" else A
    return (
        theirs.dtype.kind == "f" and theirs.shape == right.shape and same_up_to_rounding(theirs, right, reading.dtype)
    )


def unaveraged(A: Array, right: Array, reading: NetworkReading) -> bool:
    """Does an array equal a quantity of the reference times N, as without the mean's 1/N?"""
    return holds_quantity(A, right.shape[1] * right, reading)


def lacks_mean(reading: NetworkReading) -> bool:
    """Does the last dZ of their backward function lack the mean's 1/N, so that dW and db must divide by N?"""
    last = f"dZ{len(reading.sizes) - 1}"
    if reading.case is None:
        return False
    arrays = [A for _, A in array_variables(reading.backward_pass.variables)]
    right = reading.case.dZ[last]
    return any(unaveraged(A, right, reading) for A in arrays) and not any(
        holds_quantity(A, right, reading) for A in arrays
    )


def note_name(found: dict[str, str], name: str, text: str, last: int) -> None:
    """Keep the first way in which a quantity is written; of labels, prefer one whose name says one-hot."""
    role = ROLES.get(plain_name(name))
    key = canonical(name) or {"X": "X", "Y": "Y", "N": "N", "output": "P"}.get(role or "")
    if key and key not in found:
        found[key] = text
    if role == "Y" and "hot" in plain_name(name):
        found["Y"] = text


def own_words(reading: NetworkReading, line: str) -> str:
    """A right line of the reference, in columns and its names, as this file would write it.

    Where the file's dZ is not divided by N, the lines of dW and db are.
    """
    known = file_names(reading)
    target, _, text = line.rpartition(" = ")
    # A rectifier's mask may be taken from A as well: A > 0 where Z > 0. Not every file gives Z a name.
    text = re.sub(r"Z(\d+) > 0", lambda m: m[0] if f"Z{m[1]}" in known else f"A{m[1]} > 0", text)
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return line
    tree = in_layout_of_file(tree, reading, target)
    said = ast.unparse(Renamed(known, flat_bias(reading)).visit(tree))
    if target[:2] in ("dW", "db") and "dZ" in text and lacks_mean(reading):
        said = f"1 / {known.get('N', 'N')} * {said}" if "@" not in said else f"1 / {known.get('N', 'N')} * ({said})"
    return f"{known.get(target, target)} = {said}" if target else said


def in_layout_of_file(tree: ast.expr, reading: NetworkReading, target: str) -> ast.expr:
    """The expression in the file's layout. W may have another layout than X, as in X @ W.T."""
    weights, data = reading.convention.weights, reading.convention.data
    if weights == data:
        return transposed_expression(tree) if data == "rows" else tree
    if target[:2] == "dW" or target[:1] == "W":  # the target has W's layout, and everything else the other
        tree = tree if weights == "columns" else transposed_expression(tree)
        return Flipped(r"^(?:d?[ZAb]\d+|X|Y|P|E)$").visit(tree)
    tree = tree if data == "columns" else transposed_expression(tree)
    return Flipped(r"^W\d+$").visit(tree)


class Flipped(ast.NodeTransformer):
    """Names of a pattern replaced by their transposes; a transpose of a transpose is dropped."""

    def __init__(self, pattern: str) -> None:
        self.pattern = re.compile(pattern)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """V becomes V.T."""
        return ast.Attribute(node, "T", ast.Load()) if self.pattern.match(node.id) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """V.T becomes V."""
        if node.attr == "T" and isinstance(node.value, ast.Name) and self.pattern.match(node.value.id):
            return node.value
        self.generic_visit(node)
        return node


def flat_bias(reading: NetworkReading) -> bool:
    """Are the biases kept as (n,)?"""
    return any(len(shape) == 1 for shape in reading.network.shapes().values())


MATRIX = re.compile(r"^(?:d?[ZAWb]\d+|X|Y|P|dP|E)$")


def transposed_expression(node: ast.expr) -> ast.expr:
    """The expression of the transposed matrices that gives the transpose: products change order, sums their axis."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return ast.BinOp(transposed_expression(node.right), ast.MatMult(), transposed_expression(node.left))
    if isinstance(node, ast.BinOp):
        return ast.BinOp(transposed_expression(node.left), node.op, transposed_expression(node.right))
    if isinstance(node, ast.UnaryOp):
        return ast.UnaryOp(node.op, transposed_expression(node.operand))
    if isinstance(node, ast.Compare):
        return ast.Compare(
            transposed_expression(node.left), node.ops, [transposed_expression(part) for part in node.comparators]
        )
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return ast.Attribute(transposed_expression(node.value), "T", ast.Load())
    if isinstance(node, ast.Call):
        keywords = [ast.keyword(k.arg, other_axis(k.value) if k.arg == "axis" else k.value) for k in node.keywords]
        function = node.func
        if isinstance(function, ast.Attribute) and MATRIX.match(ast.unparse(function.value)):
            function = ast.Attribute(transposed_expression(function.value), function.attr, ast.Load())
        return ast.Call(function, [transposed_expression(part) for part in node.args], keywords)
    return node


def other_axis(node: ast.expr) -> ast.expr:
    """0 for 1 and 1 for 0."""
    return ast.Constant(1 - node.value) if isinstance(node, ast.Constant) and isinstance(node.value, int) else node


class Renamed(ast.NodeTransformer):
    """The reference's names replaced by the file's; where biases are flat, sums keep no axis."""

    def __init__(self, known: dict[str, str], flat: bool) -> None:
        self.known, self.flat = known, flat

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """The file's own way to write a quantity."""
        text = self.known.get(node.id)
        return ast.parse(text, mode="eval").body if text else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A sum, without keepdims where biases are flat."""
        self.generic_visit(node)
        if self.flat:
            node.keywords = [k for k in node.keywords if k.arg != "keepdims"]
        return node
