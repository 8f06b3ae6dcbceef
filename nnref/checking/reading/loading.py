"""The statements of a file that are executed: imports, functions, classes, plain constants; no training or plots."""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from nnref.checking.reading.source import Source, SourceError, read_source

SLOW = frozenset(
    [
        "cv2",
        "h5py",
        "idx2numpy",
        "IPython",
        "jax",
        "keras",
        "matplotlib",
        "mnist",
        "pandas",
        "PIL",
        "plotly",
        "scipy",
        "seaborn",
        "sklearn",
        "tensorflow",
        "tensorflow_datasets",
        "torch",
        "torchvision",
        "tqdm",
    ]
)
"""Packages that homework imports at the top and a gradient never needs: they are imported when they are first used."""

MAKERS = frozenset(
    [
        "abs",
        "bool",
        "complex",
        "defaultdict",
        "dict",
        "dtype",
        "float",
        "frozenset",
        "int",
        "len",
        "list",
        "max",
        "min",
        "namedtuple",
        "OrderedDict",
        "partial",
        "range",
        "reversed",
        "round",
        "set",
        "sorted",
        "str",
        "sum",
        "tuple",
        "vectorize",
        "wraps",
        "zip",
    ]
)
"""Functions whose value is a plain constant if their arguments are."""

READERS = frozenset(
    [
        "load",
        "loadtxt",
        "genfromtxt",
        "fromfile",
        "fromregex",
        "memmap",
        "save",
        "savez",
        "savetxt",
        "DataSource",
        "open_memmap",
    ]
)
"""numpy's functions that touch files."""

PLAIN = (
    ast.Constant, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.Tuple, ast.List, ast.Dict, ast.Set,
    ast.Subscript, ast.Slice,
    ast.IfExp, ast.JoinedStr, ast.FormattedValue, ast.Starred, ast.keyword, ast.operator, ast.unaryop,
    ast.boolop, ast.cmpop, ast.expr_context,
)  # fmt: skip


@dataclass
class Loaded:
    """A file's names after its plain statements were executed, and what was left out or failed, by line."""

    namespace: dict[str, Any]
    skipped: list[int] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)


class Later:
    """A module, or a name of one, that is imported when it is used: its absence does not matter until then."""

    def __init__(self, module: str, name: str | None = None) -> None:
        self.__dict__.update(_module=module, _name=name)

    def _real(self) -> Any:
        module, name = self._module, self._name
        try:
            found: Any = importlib.import_module(module)
            if name is None:
                return found
            return getattr(found, name) if hasattr(found, name) else importlib.import_module(f"{module}.{name}")
        except ImportError as error:
            raise ImportError(f"this needs {module.split('.')[0]}, which cannot be imported here ({error})") from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._real(), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Use what is imported now."""
        return self._real()(*args, **kwargs)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self._real(),)


def load(source: Source, folder: Path, everything: bool = False) -> Loaded:
    """Execute a file's definitions and plain constants in a fresh module; or, with everything, the whole file.

    Errors: SourceError if all of it was asked for and it stops.
    """
    module = ModuleType("__main__" if everything else source.name.rpartition(".")[0] or source.name)
    module.__file__ = str(folder / source.name)
    if everything:
        sys.modules["__main__"] = module
        return run(source, module)
    finder = next((f for f in sys.meta_path if isinstance(f, DefinitionsFinder)), None)
    if finder is not None and module.__name__ not in sys.modules:  # where dataclasses look a class's module up
        module.__loader__ = finder
        sys.modules[module.__name__] = module
    return define(source, module)


def run(source: Source, module: ModuleType) -> Loaded:
    """Execute the whole file, with its folder first on the path as Python does."""
    sys.path.insert(0, str(Path(str(module.__file__)).parent))
    sys.argv = [source.name]
    try:
        exec(compile(source.tree, source.name, "exec"), module.__dict__)
    except SystemExit as error:  # a program may end itself; what it defined by then is there
        return Loaded(module.__dict__, failed=[(line_of(error, source), "it called sys.exit()")])
    except BaseException as error:
        raise SourceError(f"{source.name} stopped when all of it was run: {sentence(error, source)}") from None
    return Loaded(module.__dict__)


def line_of(error: BaseException, source: Source) -> int:
    """The last line of the file that an exception came through."""
    line, step = 1, error.__traceback__
    while step:
        line = step.tb_lineno if step.tb_frame.f_code.co_filename == source.name else line
        step = step.tb_next
    return line


def define(source: Source, module: ModuleType) -> Loaded:
    """Execute the statements that only define something; one that fails is noted and the others go on."""
    loaded = Loaded(module.__dict__)
    for node in flattened(source.tree.body):
        if not plain_statement(node, loaded.namespace):
            loaded.skipped.append(node.lineno)
            continue
        try:
            if isinstance(node, ast.Import | ast.ImportFrom):
                bring(node, module)
            else:
                exec(compile(ast.Module([node], []), source.name, "exec"), module.__dict__)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # even sys.exit() in a default argument is only one statement that failed
            loaded.failed.append((node.lineno, sentence(error, source)))
    return loaded


def flattened(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements, with those under an `if` or `with` in its place, but not under `if __name__ == "__main__":`.

    A `try` around imports is kept whole, so that its `except ImportError` still works.
    """
    for node in body:
        if (isinstance(node, ast.If) and not main_guard(node)) or isinstance(node, ast.With):
            yield from flattened(node.body)
        else:
            yield node


def main_guard(node: ast.If) -> bool:
    """Is this `if __name__ == "__main__":`?"""
    return any(isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(node.test))


def plain_statement(node: ast.stmt, namespace: dict[str, Any]) -> bool:
    """Does the statement only define something?"""
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Try):
        return all(isinstance(part, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef) for part in node.body)
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return all(plain_target(t, namespace) for t in targets) and is_harmless(node.value, namespace)
    return False


def plain_target(node: ast.expr, namespace: dict[str, Any]) -> bool:
    """May this be assigned to: a name, several names, an attribute or an item of what is known."""
    if isinstance(node, ast.Tuple | ast.List):
        return all(plain_target(part, namespace) for part in node.elts)
    return isinstance(node, ast.Name) or is_harmless(node, namespace)


def is_harmless(node: ast.AST, namespace: dict[str, Any], trusting: bool = False) -> bool:
    """Is the expression made of constants, known names, numpy's functions without files, and functions themselves?

    trusting lets it call the file's own classes and functions too.
    """
    if isinstance(node, ast.Lambda):
        return True
    if isinstance(node, ast.Name):
        return (node.id in namespace or hasattr(builtins, node.id)) and not isinstance(namespace.get(node.id), Later)
    if isinstance(node, ast.Attribute):
        return is_harmless(node.value, namespace, trusting)
    if isinstance(node, ast.Call):
        own = trusting and isinstance(node.func, ast.Name) and callable(namespace.get(node.func.id))
        return (own or callable_without_harm(node.func, namespace)) and all(
            is_harmless(part, namespace, trusting) for part in [*node.args, *(k.value for k in node.keywords)]
        )
    return isinstance(node, PLAIN) and all(
        is_harmless(part, namespace, trusting) for part in ast.iter_child_nodes(node)
    )


def callable_without_harm(node: ast.expr, namespace: dict[str, Any]) -> bool:
    """Is this a function of numpy, or a maker of plain values?"""
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    if name in READERS:
        return False
    root = node
    while isinstance(root, ast.Attribute):
        root = root.value
    known = namespace.get(root.id) if isinstance(root, ast.Name) else None
    home = getattr(known, "__name__", "") if isinstance(known, ModuleType) else getattr(type(known), "__module__", "")
    return name in MAKERS or str(home).split(".")[0] in ("numpy", "math")


def value(node: ast.expr, namespace: dict[str, Any]) -> Any:
    """The value of a plain expression, such as an argument in a call of the file; it may make the file's own layers.

    Errors: LookupError if the expression is not plain or has no value.
    """
    if not is_harmless(node, namespace, trusting=True):
        raise LookupError(ast.unparse(node))
    try:
        return eval(compile(ast.Expression(node), "argument", "eval"), dict(namespace))
    except Exception as error:
        raise LookupError(f"{ast.unparse(node)}: {error}") from None


def bring(node: ast.Import | ast.ImportFrom, module: ModuleType) -> None:
    """Execute an import; slow or absent modules are imported when they are used."""
    base = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        home = base or alias.name
        # `from .layers import` in a package is taken from its folder, which the file lies in.
        one = ast.ImportFrom(node.module, [alias], 0) if isinstance(node, ast.ImportFrom) else ast.Import([alias])
        later = home.split(".")[0] in SLOW and alias.name != "*"
        if not later:
            try:
                exec(compile(ast.fix_missing_locations(ast.Module([one], [])), "import", "exec"), module.__dict__)
                continue
            except ImportError:
                if alias.name == "*":
                    continue  # the names it would have brought are missed where they are used
        bound = alias.asname or (alias.name if base else alias.name.split(".")[0])
        whole = home if base or alias.asname else home.split(".")[0]
        module.__dict__[bound] = Later(whole, alias.name if base else None)


def sentence(error: BaseException, source: Source | None = None) -> str:
    """An exception as one sentence, with the last place of the file that it came through."""
    place, step = "", error.__traceback__
    while step:
        if source is not None and step.tb_frame.f_code.co_filename == source.name:
            place = f" at {source.where(step.tb_lineno)}:  {source.line(step.tb_lineno)}"
        step = step.tb_next
    text = " ".join(str(error).split())
    return f"{type(error).__name__}{f': {text[:200]}' if text else ''}{place}"


@contextmanager
def modules_beside(folder: Path) -> Iterator[None]:
    """Within the block, imports find the modules in the folder; afterwards sys.modules is as before."""
    finder = DefinitionsFinder(folder)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name, module in list(sys.modules.items()):
            if getattr(module, "__loader__", None) is finder:
                del sys.modules[name]


class DefinitionsFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Modules beside the file: they too are only defined, not run, and none of them hides one of Python's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> Any:
        """A module or package in the folder, unless Python has one of that name."""
        if name.split(".", maxsplit=1)[0] in sys.stdlib_module_names:
            return None
        place = self.folder.joinpath(*name.split("."))
        for file, package in ((place / "__init__.py", True), (place.with_suffix(".py"), False)):
            if file.is_file():
                return importlib.util.spec_from_loader(name, self, origin=str(file), is_package=package)
        if place.is_dir() and path is None and any(place.glob("*.py")):
            return importlib.util.spec_from_loader(name, self, origin=str(place), is_package=True)
        return None

    def create_module(self, spec: Any) -> ModuleType | None:
        """As Python does it."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Only what defines something."""
        file = Path(str(module.__spec__.origin)) if module.__spec__ else None
        if file is not None and file.is_file():
            module.__file__ = str(file)
            try:
                define(read_source(file), module)
            except SourceError as error:
                raise ImportError(str(error)) from None
