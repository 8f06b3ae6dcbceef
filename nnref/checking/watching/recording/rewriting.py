"""Rewriting a program: its operators, calls, subscripts and assignments call hooks of a recorder.

`a + b` becomes `__nnref__.binary("add", a, b, 17)`, where 17 is the number of its site: file, line, column, function.
The program evaluates the same in the same order, and tracebacks keep their line numbers.
"""

from __future__ import annotations

import ast
import copy
from typing import Any

from nnref.checking.watching.recording.tape import Site, words

HOOK = "__nnref__"
"""The name under which the recorder stands among the program's globals; class bodies do not mangle it."""

NATIVE = words(
    "super locals globals vars dir eval exec isinstance issubclass print range len type hasattr id callable repr "
    "format str open slice property hash staticmethod classmethod iter next input exit quit breakpoint ord chr bytes"
)
"""Calls that are not rewritten: they inspect their own frame, or return no numbers."""

OPERATORS = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.MatMult: "matmul",
    ast.Pow: "power", ast.FloorDiv: "floor_divide", ast.Mod: "remainder", ast.BitAnd: "bitwise_and",
    ast.BitOr: "bitwise_or", ast.BitXor: "bitwise_xor", ast.LShift: "left_shift", ast.RShift: "right_shift",
    ast.USub: "negative", ast.UAdd: "positive", ast.Invert: "invert",
    ast.Lt: "less", ast.Gt: "greater", ast.LtE: "less_equal", ast.GtE: "greater_equal",
    ast.Eq: "equal", ast.NotEq: "not_equal",
}  # fmt: skip
"""numpy's name of each operator: `a / b` and `np.divide(a, b)` are one operation."""

MAKERS = frozenset(["array", "asarray", "mat", "matrix", "asmatrix", "asanyarray"])
"""Functions that make an array of a literal list: the array is the leaf, not its numbers."""


def rewritten(tree: ast.Module, file: str, sites: list[Site]) -> ast.Module:
    """The tree with hooks; the sites that they speak of are appended to the list."""
    return ast.fix_missing_locations(Rewriter(file, sites).visit(tree))


class Rewriter(ast.NodeTransformer):
    """Puts the hooks in."""

    def __init__(self, file: str, sites: list[Site]) -> None:
        self.file, self.sites, self.functions, self.temporaries = file, sites, ["<module>"], 0
        self.looped: frozenset[str] = frozenset()

    def site(self, node: Any) -> ast.Constant:
        """The number of the site of a node."""
        self.sites.append(Site(self.file, node.lineno, node.col_offset, self.functions[-1]))
        return ast.Constant(len(self.sites) - 1)

    def hook(self, name: str, node: Any, *arguments: ast.expr) -> ast.Call:
        """A call of the recorder that stands where the node stood."""
        called = ast.Attribute(ast.Name(HOOK, ast.Load()), name, ast.Load())
        return ast.copy_location(ast.Call(called, [*arguments, self.site(node)], []), node)

    def visit_FunctionDef(self, node: Any) -> Any:
        """Defaults and body, but neither decorators nor annotations."""
        self.functions.append(node.name)
        around, self.looped = self.looped, frozenset()
        node.body = [part for statement in node.body for part in self.several(statement)]
        self.looped = around
        self.functions.pop()
        node.args.defaults = [self.visit(d) for d in node.args.defaults]
        node.args.kw_defaults = [d if d is None else self.visit(d) for d in node.args.kw_defaults]
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def several(self, statement: ast.stmt) -> list[ast.stmt]:
        """The statements that one becomes."""
        found = self.visit(statement)
        return found if isinstance(found, list) else [found]

    def visit_match_case(self, node: ast.match_case) -> Any:
        """A pattern is no expression."""
        node.guard = self.visit(node.guard) if node.guard else None
        node.body = [part for statement in node.body for part in self.several(statement)]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        """A + b"""
        text = isinstance(node.left, ast.Constant) and isinstance(node.left.value, str | bytes)
        if text and not isinstance(node.op, ast.Mod):
            return self.generic_visit(node)
        repeats = isinstance(node.op, ast.Mult) and any(one_number(part) for part in (node.left, node.right))
        left, right = self.number(node.left), self.number(node.right)
        if repeats:
            return self.hook("repeated", node, left, right)
        return self.hook("binary", node, ast.Constant(OPERATORS[type(node.op)]), left, right)

    def number(self, node: ast.expr) -> Any:
        """A part of an arithmetic expression; a < b is 0 or 1 there, and known."""
        return self.hook("truth", node, self.visit(node)) if compares(node) else self.visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        """1 if a == b else 0, z if z > 0 else 0: numbers that a comparison chooses depend on what was compared"""
        if numbers(node.body) and numbers(node.orelse):
            return self.hook("either", node, self.number(node.test), node.body, node.orelse)
        if not (numbers(node.body) or numbers(node.orelse)) or not compares(node.test):
            return self.generic_visit(node)
        tested = self.hook("tested", node, self.number(node.test))
        made = ast.copy_location(ast.IfExp(tested, self.visit(node.body), self.visit(node.orelse)), node)
        return self.hook("taken", node, made, tested.args[-1])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        """-a"""
        if isinstance(node.op, ast.Not) or isinstance(node.operand, ast.Constant):
            return self.generic_visit(node)
        return self.hook("unary", node, ast.Constant(OPERATORS[type(node.op)]), self.visit(node.operand))

    def visit_Compare(self, node: ast.Compare) -> Any:
        """A < b, but not a < b < c, which asks for truth values"""
        if len(node.ops) > 1 or type(node.ops[0]) not in OPERATORS:
            return self.generic_visit(node)
        left, right = self.visit(node.left), self.visit(node.comparators[0])
        return self.hook("binary", node, ast.Constant(OPERATORS[type(node.ops[0])]), left, right)

    def visit_Call(self, node: ast.Call) -> Any:
        """f(a, *b, c=d)"""
        written_out = isinstance(node.func, ast.Attribute) and node.func.attr in MAKERS
        first = [node.args[0]] if written_out and node.args and numbers(node.args[0]) else []
        if isinstance(node.func, ast.Name) and node.func.id in NATIVE:
            return self.generic_visit(node)
        function = self.visit(node.func)
        arguments = [a if a in first else self.visit(a) for a in node.args]
        if len(node.args) == 3 and "where" in (getattr(node.func, "attr", ""), getattr(node.func, "id", "")):
            arguments[0] = self.number(node.args[0])  # of one number too, what it chooses depends on it
        called = ast.Attribute(ast.Name(HOOK, ast.Load()), "call", ast.Load())
        keywords = [ast.keyword(k.arg, self.visit(k.value)) for k in node.keywords]
        return ast.copy_location(ast.Call(called, [self.site(node), function, *arguments], keywords), node)

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        """a[i]"""
        if not isinstance(node.ctx, ast.Load):
            return self.generic_visit(node)
        return self.hook("item", node, self.visit(node.value), self.index(node.slice))

    def index(self, node: ast.expr) -> Any:
        """What stands between the brackets, slices as calls."""
        if isinstance(node, ast.Slice):
            parts = [self.visit(p) if p else ast.Constant(None) for p in (node.lower, node.upper, node.step)]
            made = ast.Call(ast.Attribute(ast.Name(HOOK, ast.Load()), "slice", ast.Load()), parts, [])
            return ast.copy_location(made, node)
        if isinstance(node, ast.Tuple):
            return ast.copy_location(ast.Tuple([self.index(part) for part in node.elts], ast.Load()), node)
        return self.visit(node)

    def visit_List(self, node: ast.List) -> Any:
        """[0, 1, 1, 0]: numbers that are written out are leaves"""
        if isinstance(node.ctx, ast.Load) and numbers(node) and sum(1 for _ in ast.walk(node)) > 3:
            return self.hook("literal", node, node)
        if isinstance(node.ctx, ast.Load) and one_number(node):
            node.elts = [self.hook("equal_one", node, part) for part in node.elts]
            return node
        return self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> Any:
        """[0.0 for _ in range(n)]: each of the numbers may become a parameter"""
        self.generic_visit(node)
        if is_float(node.elt) and not isinstance(node.elt, ast.List):
            node.elt = self.hook("equal_one", node.elt, node.elt)
        return node

    def visit_Dict(self, node: ast.Dict) -> Any:
        """{"W1": a}: the value has the name of its key"""
        beside = any(isinstance(value, ast.Call | ast.Name | ast.BinOp) for value in node.values)
        for k, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
            made = self.value(value) if beside else self.visit(value)  # {"w": w, "b": 0}, and no table of numbers
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and isinstance(value, ast.Call | ast.BinOp):
                made = self.hook("named", value, made, ast.Constant(key.value))
            node.values[k] = made
        return node

    def visit_Return(self, node: ast.Return) -> Any:
        """Return w, 0"""
        if node.value is not None:
            node.value = self.value(node.value) if isinstance(node.value, ast.Tuple) else self.visit(node.value)
        return node

    def visit_For(self, node: Any) -> Any:
        """For x in a:"""
        node.iter = self.hook("iterate", node.iter, self.visit(node.iter))
        stores = self.stores(node.target)
        around, self.looped = (
            self.looped,
            self.looped | {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)},
        )
        node.body = [*stores, *(part for statement in node.body for part in self.several(statement))]
        self.looped = around
        node.orelse = [part for statement in node.orelse for part in self.several(statement)]
        return node

    visit_AsyncFor = visit_For

    def visit_comprehension(self, node: ast.comprehension) -> Any:
        """For x in a, in brackets"""
        if not node.is_async:
            node.iter = self.hook("iterate", node.iter, self.visit(node.iter))
        node.ifs = [self.visit(part) for part in node.ifs]
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        """A = b, a[i] = b, a, b = c"""
        if len(node.targets) > 1 and numbers(node.value) and not isinstance(node.value, ast.List | ast.Tuple):
            alone = [ast.copy_location(ast.Assign([t], copy.deepcopy(node.value)), node) for t in node.targets]
            return [statement for one in alone for statement in self.several(one)]
        value = self.value(node.value)
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Subscript):
            return self.put(node.targets[0], value, node)
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Attribute) and node.targets[0].attr == "shape":
            return expression(self.hook("shaped", node, self.visit(node.targets[0].value), value), node)
        for target in node.targets:
            value = self.named(target, value)
        after = [store for k, target in enumerate(node.targets) for store in self.replaced(node.targets, k, target)]
        node.value = value
        return [node, *after]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        """a: int = b"""
        if node.value is not None and isinstance(node.target, ast.Name | ast.Attribute):
            node.value = self.named(node.target, self.value(node.value))
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """A += b, a.x += b, a[i] += b: each part is evaluated once, the place before the value"""
        operator = ast.Constant(OPERATORS[type(node.op)])
        written = ast.unparse(node.target)
        owner = "" if isinstance(node.target, ast.Name) else ast.unparse(node.target.value)
        if isinstance(node.target, ast.Name):
            old: ast.expr = ast.Name(node.target.id, ast.Load())
            new = self.hook("augment", node, operator, old, self.visit(node.value))
            return ast.copy_location(ast.Assign([node.target], self.named(node.target, new)), node)
        place = self.temporary()
        first: list[ast.stmt] = [assign(place, self.visit(node.target.value), node)]
        if isinstance(node.target, ast.Attribute):
            old = ast.Attribute(load(place), node.target.attr, ast.Load())
            new = self.hook("augment", node, operator, old, self.visit(node.value))
            new = self.hook("held", node.target, new, ast.Constant(written), load(place))
            target = ast.Attribute(load(place), node.target.attr, ast.Store())
            return [*first, ast.copy_location(ast.Assign([target], new), node)]
        index, text = self.temporary(), ast.Constant(owner)
        first.append(assign(index, self.index(node.target.slice), node))
        old = self.hook("item", node.target, load(place), load(index))
        new = self.hook("augment", node, operator, old, self.visit(node.value))
        return [*first, expression(self.hook("put", node, load(place), load(index), new, text), node)]

    def value(self, node: ast.expr) -> Any:
        """What is assigned; a number that is written out may become a parameter, and is a leaf."""
        plain = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node
        if isinstance(plain, ast.Constant) and type(plain.value) in (int, float):
            return self.hook("literal", node, node)
        if isinstance(node, ast.Tuple):
            return ast.copy_location(ast.Tuple([self.value(part) for part in node.elts], ast.Load()), node)
        return self.visit(node)

    def named(self, target: ast.expr, value: Any) -> Any:
        """The value, told which name it gets, and which object it."""
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            return self.hook("held", target, value, ast.Constant(ast.unparse(target)), load(target.value.id))
        if isinstance(target, ast.Name | ast.Attribute):
            anew = isinstance(target, ast.Name) and target.id in self.looped
            return self.hook("named_anew" if anew else "named", target, value, ast.Constant(ast.unparse(target)))
        if isinstance(target, ast.Tuple | ast.List) and not any(isinstance(e, ast.Starred) for e in target.elts):
            names = [ast.Constant(ast.unparse(element)) for element in target.elts]
            owners = [owner(element, target.elts) for element in target.elts]
            return self.hook("unpacked", target, value, *(ast.Tuple(list(p), ast.Load()) for p in (names, owners)))
        return value

    def replaced(self, targets: list[ast.expr], k: int, target: ast.expr) -> list[ast.stmt]:
        """Put a temporary name in the place of a subscript, and store it afterwards."""
        if isinstance(target, ast.Subscript):
            name = self.temporary()
            targets[k] = ast.copy_location(ast.Name(name, ast.Store()), target)
            return [self.put(target, load(name), target)]
        return self.stores(target)

    def stores(self, target: ast.expr) -> list[ast.stmt]:
        """The same for the subscripts within (a[0], b)."""
        parts = target.elts if isinstance(target, ast.Tuple | ast.List) else []
        return [store for k, part in enumerate(parts) for store in self.replaced(parts, k, part)]

    def put(self, target: ast.Subscript, value: ast.expr, node: Any) -> ast.stmt:
        """a[i] = b"""
        text = ast.Constant(ast.unparse(target.value))
        place, index = self.visit(target.value), self.index(target.slice)
        return expression(self.hook("put_last", node, value, place, index, text), node)

    def temporary(self) -> str:
        """A name that no program has."""
        self.temporaries += 1
        return f"_nnref_{self.temporaries}_"


def owner(target: ast.expr, targets: list[ast.expr]) -> ast.expr:
    """The object of a target such as self.x, among several; None if it has none, or is itself assigned beside it."""
    name = target.value if isinstance(target, ast.Attribute) else None
    assigned = {part.id for part in targets if isinstance(part, ast.Name)}
    return load(name.id) if isinstance(name, ast.Name) and name.id not in assigned else ast.Constant(None)


def one_number(node: ast.AST) -> bool:
    """Is this a list of one number that is written out, as [0.0]?"""
    return isinstance(node, ast.List) and len(node.elts) == 1 and is_float(node.elts[0])


def is_float(node: ast.AST) -> bool:
    """Is this a number with a point that is written out?"""
    return numbers(node) and any(isinstance(n, ast.Constant) and type(n.value) is float for n in ast.walk(node))


def compares(node: ast.AST) -> bool:
    """Is this one comparison, as a < b?"""
    return isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in OPERATORS


def numbers(node: ast.AST) -> bool:
    """Is this a list of numbers that are written out, or a list of such lists?"""
    if isinstance(node, ast.List | ast.Tuple):
        return bool(node.elts) and all(numbers(part) for part in node.elts)
    plain = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node
    return isinstance(plain, ast.Constant) and type(plain.value) in (int, float)


def load(name: str) -> ast.Name:
    """A name that is read."""
    return ast.Name(name, ast.Load())


def assign(name: str, value: ast.expr, node: ast.stmt) -> ast.stmt:
    """Name = value"""
    return ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], value), node)


def expression(value: ast.expr, node: Any) -> ast.stmt:
    """A statement that is an expression."""
    return ast.copy_location(ast.Expr(value), node)
