"""Who imports whom, read off the syntax trees: imports within functions and for type checkers count like any other."""

import ast
from functools import cache

CHECKING = (
    "operations",
    "results",
    "recognition",
    "reference",
    "gradcheck",
    "kernels",
    "diagnosis",
    "reading",
    "watching",
    "homework",
)
"""The wings of nnref/checking, from the ground up."""

ARROWS = {
    "derivations.algebra": set(),
    "derivations.coq": set(),
    "derivations.prover": {"derivations.algebra"},
    "derivations.claims": {"derivations.algebra", "derivations.prover"},
    "derivations.output": {"derivations.algebra", "derivations.prover", "derivations.coq"},
    "derivations.article": {f"derivations.{floor}" for floor in ("algebra", "prover", "claims", "output")},
    "derivations.front": {f"derivations.{floor}" for floor in ("algebra", "prover", "claims", "output", "article")},
    "concepts": set(),
    "bridge": {"concepts", *(f"derivations.{floor}" for floor in ("algebra", "prover", "claims", "output"))},
    "operations": {"concepts"},
    "results": {"concepts"},
    "reference": {"concepts", "bridge", "operations"},
    "recognition": {"concepts", "operations", "results"},
    "gradcheck": {"concepts", "recognition", "results"},
    "kernels": {"concepts", "operations", "results", "recognition", "gradcheck"},
    "tensorflow": {"concepts"},
    "diagnosis": {"concepts", "operations", "reference", "results"},
    "reading": {"concepts", "operations", "reference", "results"},
    "running": {"concepts", "bridge", "operations", "reference", "tensorflow"},
    "watching": {"concepts", "running", *CHECKING} - {"watching", "homework"},
    "homework": {"concepts", *CHECKING} - {"homework"},
    "front": {"concepts", "bridge", "running", *CHECKING},
}
"""What each wing may import beside itself, a wing after all that it may import. concepts are the files of nnref itself,
claims those of derivations. derivations.prover finds the claims by looking, and imports none by name."""

FRONT = {"nnref", "nnref.__main__", "nnref.cli", "nnref.pytest_plugin"}
"""What people call: above everything else."""


def modules(root):
    """Every module of nnref and derivations below a folder, by its dotted name, but for packages that hold nothing."""
    found = {}
    for path in sorted(path for package in ("nnref", "derivations") for path in (root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[-1] != "__init__" or len(parsed(path.read_text(encoding="utf-8")).body) > 1:
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def parsed(text):
    """The syntax tree of a module, read once in each process."""
    return ast.parse(text)


def statements(block):
    """Every statement of a block and of the blocks within it: an import is one, and no expression holds any."""
    for statement in block:
        yield statement
        for inner in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from statements(getattr(statement, inner, ()))


def packages(text, everywhere):
    """The top-level packages that a module imports, anywhere or at module level only."""
    body = parsed(text).body
    for node in statements(body) if everywhere else body:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def graph(root):
    """The modules that each module imports, wherever in its file the import stands."""
    known = modules(root)
    return {name: set(imported(path, known)) - {name} for name, path in known.items()}


def imported(path, known):
    """The known modules that a file imports: of `from package import name`, the module of that name if there is one."""
    for node in statements(parsed(path.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: write {node.module} in full, so that it can be read here"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield from [name for name in (full, node.module) if name in known][:1]


def wing(module):
    """The wing that a module belongs to. A folder is one, and so is a new folder, to which no arrow leads yet."""
    package, *rest = module.split(".")
    if package == "derivations":
        floor = f"derivations.{rest[0] if rest else 'algebra'}"  # the package itself, SymPy's settings, is below all
        return floor if rest[1:] or floor in ARROWS else f"derivations.{'front' if rest == ['__main__'] else 'claims'}"
    if module in FRONT:
        return "front"
    if rest[0] == "checking":
        return rest[1]
    return rest[0] if rest[1:] or rest[0] in ARROWS else "concepts"


def forbidden(graph):
    """A line for every import along which no arrow goes."""
    return [
        f"{module} imports {other}: {wing(module)} may not import {wing(other)}"
        for module in sorted(graph)
        for other in sorted(graph[module])
        if wing(other) not in ARROWS.get(wing(module), ()) and wing(other) != wing(module)
    ]


def circle(graph):
    """One circle of imports, as the modules along it; [] where there is none."""
    finished, path = set(), []

    def along(module):
        if module in path:
            return [*path[path.index(module) :], module]
        if module in finished:
            return []
        path.append(module)
        found = next((found for other in sorted(graph[module]) if (found := along(other))), [])
        path.pop()
        finished.add(module)
        return found

    return next((found for module in sorted(graph) if (found := along(module))), [])


def drawn(graph):
    """The arrows that are used, a line a wing, each with the number of imports along it."""
    counts = {}
    for module, others in graph.items():
        for other in others:
            if wing(module) != wing(other):
                counts.setdefault(wing(module), {}).setdefault(wing(other), []).append(module)
    lines = {name: [f"{to} ({len(users)})" for to, users in sorted(counts.get(name, {}).items())] for name in ARROWS}
    return [f"{name} → {', '.join(arrows) or 'nothing'}" for name, arrows in lines.items()]


def ambiguous(root):
    """The public names in nnref.checking that mean two things, each with the modules that define it.

    Such a name is that of a class of two modules, or of a function that is imported by its name from two. The functions
    that every record or reference has, such as forward, are asked of their modules, as `truth.gradient`.
    """
    known = {name: parsed(path.read_text(encoding="utf-8")) for name, path in modules(root).items()}
    defined, classes = {}, set()
    for module, tree in known.items():
        for node in tree.body if module.startswith("nnref.checking.") else ():
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                defined.setdefault(node.name, set()).add(module)
                classes |= {(module, node.name)} if isinstance(node, ast.ClassDef) else set()
    by_name = {
        (node.module, alias.name)
        for tree in known.values()
        for node in statements(tree.body)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    met = {name: sorted(m for m in found if (m, name) in by_name | classes) for name, found in defined.items()}
    return {name: found for name, found in sorted(met.items()) if len(found) > 1}
