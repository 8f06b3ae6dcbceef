"""Where in a file a quantity such as "db2" or "dZ1" gets its value."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from nnref.checking.homework.recognition import Reading
from nnref.checking.reading.containers import last_name
from nnref.checking.reading.names import GRADIENTS, ROLES, canonical, digits, gradient_of, kind, plain
from nnref.checking.reading.source import named_last
from nnref.checking.reading.uses import key

Function = ast.FunctionDef
Node = ast.stmt | ast.expr
Makes = ast.Assign | ast.AugAssign | ast.AnnAssign
MAKES = (ast.Assign, ast.AugAssign, ast.AnnAssign)

NOTHING_YET = re.compile(r"^(?:\[?np\.(?:zeros|empty|ones)(?:_like)?\(.*|None|\[\]|\{\}|dict\(\)|\[None\].*)$")
"""What a variable is given before it gets its value."""


def functions_serving(reading: Reading, purpose: str) -> list[Function]:
    """The function of a purpose, then every other that it may call: all of the file's functions and methods."""
    source = reading.network.source
    if source is None:
        return []
    first = reading.network.definition(purpose)
    others = [node for node in source.nodes if isinstance(node, ast.FunctionDef) and node is not first]
    return [first, *others] if first else others


def assignment(reading: Reading, quantity: str, purpose: str = "backward") -> Node | None:
    """Where a quantity such as "db2", "dZ1" or "Z2" gets its value: the first line that assigns to its name.

    dZ is what dW and db are made of, whatever it is called. A parameter that is only ever updated in place stands for
    its gradient; in a class of one layer, dW for every dW2.
    """
    if quantity[:2] == "dZ" and (node := finished_dZ(reading, int(quantity[2:]))) is not None:
        return node
    for wanted in (quantity, quantity[1:] if quantity[:2] in ("dW", "db") else None):
        for function in functions_serving(reading, purpose)[:1] if wanted else []:
            for node, name in assigned(function):
                if spells_quantity(reading, name, str(wanted)) and (wanted == quantity or stands_for_gradient(node)):
                    return node
    for function in functions_serving(reading, purpose):
        if re.search("back|grad" if purpose == "backward" else "forw|call", function.name):
            found = [node for node, name in assigned(function) if is_quantity_of_any_layer(name, quantity)]
            if found:
                return assignment_of_layer(found, function, int(re.sub(r"\D", "", quantity)) == len(reading.sizes) - 1)
    return line_through_weights(reading, int(quantity[2:])) if quantity[:2] == "dA" else None


def is_quantity_of_any_layer(name: str, quantity: str) -> bool:
    """Is the name that of a quantity of any layer: dW, or grad_weights, for dW2?"""
    stem = re.sub(r"\d+$", "", quantity)
    of = gradient_of(name) if quantity[:2] in ("dW", "db") and not digits(name) else None
    return plain(name) == plain(stem) or (of is not None and kind(of) == stem[1])


def assignment_of_layer(nodes: list[Node], function: Function, last: bool) -> Node:
    """Of several lines that make one quantity: the first for the last layer, that in a loop for the others."""
    loops = [node for node in ast.walk(function) if isinstance(node, ast.For | ast.While)]
    within = [node for node in nodes if any(loop.lineno < node.lineno <= (loop.end_lineno or 0) for loop in loops)]
    return nodes[0] if last else (within or nodes)[-1]


def finished_dZ(reading: Reading, l: int) -> Node | None:
    """The line that finishes dZ, known as the variable that both dW and db are made of."""
    function, name, dW = reading.network.definition("backward"), dZ_variable(reading, l), assignment(reading, f"dW{l}")
    if function is None or name is None or dW is None:
        return None
    makes = [node for node in ast.walk(function) if isinstance(node, MAKES) and name in changed_variables(node)]
    nodes = sorted(makes, key=lambda node: node.lineno)
    before = [node for node in nodes if node.lineno <= dW.lineno]
    loops = [n for n in ast.walk(function) if isinstance(n, ast.For) and n.lineno < dW.lineno <= (n.end_lineno or 0)]
    within = [n for n in nodes if any(p.lineno < n.lineno <= (p.end_lineno or 0) for p in loops)]
    if loops:  # one variable for all layers: the last layer's is made before the loop, the others' in it
        before = within if l < len(reading.sizes) - 1 else [node for node in before if node not in within]
    return before[-1] if before else None


def dZ_variable(reading: Reading, l: int) -> str | None:
    """The one variable of the backward function that the lines of both dW and db hold; None if there are more."""
    function = reading.network.definition("backward")
    dW, db = (assignment(reading, f"d{p}{l}") for p in "Wb")
    if function is None or dW is None or db is None:
        return None
    local = {name for node in ast.walk(function) if isinstance(node, MAKES) for name in changed_variables(node)}
    names = [name for name in names_read(dW) & names_read(db) & local if may_be_dZ(name)]
    return names[0] if len(names) == 1 else None


def may_be_dZ(name: str) -> bool:
    """Is this no name of data, of a rate, of an activation or of weights?"""
    return ROLES.get(plain(name)) not in ("X", "Y", "N", "rate") and (canonical(name) or " ")[0] not in "ZAW"


def line_through_weights(reading: Reading, l: int) -> Node | None:
    """The line that passes dZ back through the weights of the layer above, within the line of dZ or before it."""
    function, node = reading.network.definition("backward"), finished_dZ(reading, l)
    path = reading.network.found.paths.get(f"W{l + 1}")
    if function is None or node is None or path is None:
        return None
    W = last_name(path)
    makes = [n for n in ast.walk(function) if isinstance(n, MAKES) and n.lineno < node.lineno]
    earlier = [n for n in makes if set(changed_variables(n)) & names_read(node)]
    return next((n for n in (node, *reversed(earlier)) if n.value is not None and reads_name(n.value, W)), None)  # type: ignore[union-attr]


def reads_name(node: ast.expr, name: str) -> bool:
    """Does an expression hold a variable, an attribute or a key of that name?"""
    return any(named_last(part) == name for part in ast.walk(node) if isinstance(part, ast.expr))


def changed_variables(node: Makes) -> Iterator[str]:
    """The variables that a statement makes or changes: v = …, v *= …, v[mask] = …."""
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
            root = part
            while isinstance(root, ast.Subscript):
                root = root.value
            if isinstance(root, ast.Name):
                yield root.id


def names_read(node: Node) -> set[str]:
    """The names that the value of a line is made of."""
    value = getattr(node, "value", None) if isinstance(node, ast.stmt) else node
    return {part.id for part in ast.walk(value) if isinstance(part, ast.Name)} if value is not None else set()


def stands_for_gradient(node: Node) -> bool:
    """Is W1 here its gradient, as in grads["W1"] = …, {"W1": …}, or the parameter being moved by it?"""
    if isinstance(node, ast.AugAssign | ast.expr):
        return True
    if not isinstance(node, ast.Assign):
        return False
    target = node.targets[0]
    if isinstance(target, ast.Subscript) and plain(named_last(target.value) or "") in GRADIENTS:
        return True
    return ast.unparse(target) in [ast.unparse(part) for part in ast.walk(node.value) if isinstance(part, type(target))]


def assigned(function: Function) -> Iterator[tuple[Node, str]]:
    """Everything in a function that gets a value, with its name, in the order of the lines: assignments, the entries of
    a dictionary that is written out, and the arguments of dict(W1=…)."""
    found: list[tuple[Node, str]] = []
    for node in ast.walk(function):
        if isinstance(node, ast.Dict):
            found += [
                (v, str(k.value)) for k, v in zip(node.keys, node.values, strict=True) if isinstance(k, ast.Constant)
            ]
        elif isinstance(node, ast.Call) and named_last(node) == "dict":
            found += [(k.value, k.arg) for k in node.keywords if k.arg]
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
                    name = assigned_name(part)
                    found += [(node, name)] if name and not only_makes_room(node) else []
    return iter(sorted(found, key=lambda pair: pair[0].lineno))


def assigned_name(target: ast.expr) -> str | None:
    """What is assigned to: db of grads["db" + str(l)], nabla_b of nabla_b[-1], dbias of self.bias.grad."""
    if isinstance(target, ast.Attribute) and plain(target.attr) in ("grad", "gradient"):
        owner = named_last(target.value)
        return f"d{owner}" if owner else None
    if isinstance(target, ast.Subscript) and named_last(target) is None:
        return key(target.slice) or named_last(target.value)
    return named_last(target)


def only_makes_room(node: Node) -> bool:
    """Does a line only make room for a value?"""
    value = getattr(node, "value", None)
    return isinstance(value, ast.expr) and bool(NOTHING_YET.match(ast.unparse(value)))


def spells_quantity(reading: Reading, name: str, quantity: str) -> bool:
    """Is the name, as the person spells it, that of a quantity of the reference?"""
    if canonical(name) == quantity:
        return True
    own = reading.network.found.paths
    if quantity[0] == "d" and quantity[1:] in own:
        spelt = plain(last_name(own[quantity[1:]]))
        return gradient_of(name) == spelt and spelt != plain(quantity[1:][0])
    return quantity in own and plain(name) == plain(last_name(own[quantity]))


def if_in_function(function: Function | None, node: Node | None) -> Node | None:
    """The line, if it is one of the function."""
    return node if function is not None and any(part is node for part in ast.walk(function)) else None


def source_line(reading: Reading, node: Node | None) -> str:
    """The words "line 41:  db2 = np.sum(dZ2)", or nothing where the source is not at hand."""
    source = reading.network.source
    if source is None or node is None:
        return ""
    return f"{source.where(node.lineno)}:  {source.line(node.lineno)}"
