"""Where in a file a quantity such as "db2" or "dZ1" gets its value."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from nnref.checking.homework.recognition import NetworkReading
from nnref.checking.reading.containers import last_named_step
from nnref.checking.reading.names import GRADIENTS, ROLES, canonical, gradient_of, kind, numbers_in_name, plain_name
from nnref.checking.reading.source import named_last
from nnref.checking.reading.uses import key

Function = ast.FunctionDef
Node = ast.stmt | ast.expr
Makes = ast.Assign | ast.AugAssign | ast.AnnAssign
MAKES = (ast.Assign, ast.AugAssign, ast.AnnAssign)

NOTHING_YET = re.compile(r"^(?:\[?np\.(?:zeros|empty|ones)(?:_like)?\(.*|None|\[\]|\{\}|dict\(\)|\[None\].*)$")
"""A placeholder assigned before the value: np.zeros and the like, an empty list, None."""


def functions_serving(reading: NetworkReading, purpose: str) -> list[Function]:
    """The function that serves a purpose (such as "backward"), then all other functions and methods of the file."""
    source = reading.network.source
    if source is None:
        return []
    first = reading.network.definition(purpose)
    others = [node for node in source.nodes if isinstance(node, ast.FunctionDef) and node is not first]
    return [first, *others] if first else others


def assignment(reading: NetworkReading, quantity: str, purpose: str = "backward") -> Node | None:
    """Where a quantity such as "db2", "dZ1" or "Z2" gets its value: the first line that assigns to its name.

    dZ is recognised as what dW and db are computed from, whatever its name. Where a parameter is only updated in place,
    the line of its update stands for its gradient; in a class of one layer, the line of dW stands for every dW2.
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
    """Is this the quantity's name without a layer number: dW, or grad_weights, for dW2?"""
    stem = re.sub(r"\d+$", "", quantity)
    of = gradient_of(name) if quantity[:2] in ("dW", "db") and not numbers_in_name(name) else None
    return plain_name(name) == plain_name(stem) or (of is not None and kind(of) == stem[1])


def assignment_of_layer(nodes: list[Node], function: Function, last: bool) -> Node:
    """Of several lines for one quantity: the first for the last layer, the one in a loop for the others."""
    loops = [node for node in ast.walk(function) if isinstance(node, ast.For | ast.While)]
    within = [node for node in nodes if any(loop.lineno < node.lineno <= (loop.end_lineno or 0) for loop in loops)]
    return nodes[0] if last else (within or nodes)[-1]


def finished_dZ(reading: NetworkReading, l: int) -> Node | None:
    """The last line that changes dZ, the variable that both dW and db are computed from."""
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


def dZ_variable(reading: NetworkReading, l: int) -> str | None:
    """The one variable of the backward function that occurs in the lines of both dW and db; None if several do."""
    function = reading.network.definition("backward")
    dW, db = (assignment(reading, f"d{p}{l}") for p in "Wb")
    if function is None or dW is None or db is None:
        return None
    local = {name for node in ast.walk(function) if isinstance(node, MAKES) for name in changed_variables(node)}
    names = [name for name in names_read(dW) & names_read(db) & local if may_be_dZ(name)]
    return names[0] if len(names) == 1 else None


def may_be_dZ(name: str) -> bool:
    """May a variable of this name be dZ? Not if it is a name of data, a rate, an activation or weights."""
    return ROLES.get(plain_name(name)) not in ("X", "Y", "N", "rate") and (canonical(name) or " ")[0] not in "ZAW"


def line_through_weights(reading: NetworkReading, l: int) -> Node | None:
    """The line that multiplies by the weights of the layer above: the line of dZ itself, or one before it."""
    function, node = reading.network.definition("backward"), finished_dZ(reading, l)
    path = reading.network.found.paths.get(f"W{l + 1}")
    if function is None or node is None or path is None:
        return None
    W = last_named_step(path)
    makes = [n for n in ast.walk(function) if isinstance(n, MAKES) and n.lineno < node.lineno]
    earlier = [n for n in makes if set(changed_variables(n)) & names_read(node)]
    return next((n for n in (node, *reversed(earlier)) if n.value is not None and reads_name(n.value, W)), None)  # type: ignore[union-attr]


def reads_name(node: ast.expr, name: str) -> bool:
    """Does an expression read a variable, an attribute or a key of that name?"""
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
    """Does a name such as W1 mean its gradient here: as in grads["W1"] = … and {"W1": …}, or in the update of W1?"""
    if isinstance(node, ast.AugAssign | ast.expr):
        return True
    if not isinstance(node, ast.Assign):
        return False
    target = node.targets[0]
    if isinstance(target, ast.Subscript) and plain_name(named_last(target.value) or "") in GRADIENTS:
        return True
    return ast.unparse(target) in [ast.unparse(part) for part in ast.walk(node.value) if isinstance(part, type(target))]


def assigned(function: Function) -> Iterator[tuple[Node, str]]:
    """All names that a function assigns, in order: variables, keys of {"W1": …}, and arguments of dict(W1=…)."""
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
    if isinstance(target, ast.Attribute) and plain_name(target.attr) in ("grad", "gradient"):
        owner = named_last(target.value)
        return f"d{owner}" if owner else None
    if isinstance(target, ast.Subscript) and named_last(target) is None:
        return key(target.slice) or named_last(target.value)
    return named_last(target)


def only_makes_room(node: Node) -> bool:
    """Does a line only assign a placeholder, such as np.zeros?"""
    value = getattr(node, "value", None)
    return isinstance(value, ast.expr) and bool(NOTHING_YET.match(ast.unparse(value)))


def spells_quantity(reading: NetworkReading, name: str, quantity: str) -> bool:
    """Is the name, as the person spells it, that of a quantity of the reference?"""
    if canonical(name) == quantity:
        return True
    own = reading.network.found.paths
    if quantity[0] == "d" and quantity[1:] in own:
        spelt = plain_name(last_named_step(own[quantity[1:]]))
        return gradient_of(name) == spelt and spelt != plain_name(quantity[1:][0])
    return quantity in own and plain_name(name) == plain_name(last_named_step(own[quantity]))


def if_in_function(function: Function | None, node: Node | None) -> Node | None:
    """The line, if it is one of the function."""
    return node if function is not None and any(part is node for part in ast.walk(function)) else None


def source_line(reading: NetworkReading, node: Node | None) -> str:
    """The words "line 41:  db2 = np.sum(dZ2)", or nothing where the source is not at hand."""
    source = reading.network.source
    if source is None or node is None:
        return ""
    return f"{source.where(node.lineno)}:  {source.line(node.lineno)}"
