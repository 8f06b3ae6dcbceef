"""What a file could tamper with, judged by its text: for files that were only read by name, and not watched.

A file whose functions the reader calls is judged in the process that runs them. Its result is trusted only if neither
the file nor a module beside it uses a name that gives access to the memory, files or frames of that process.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from nnref.checking.homework.copying import folder_of_imports, modules_named
from nnref.checking.reading.source import Source, SourceError, read_source
from nnref.checking.watching.recording.tape import words

HARMLESS = words(
    "__future__ abc argparse cmath collections copy csv dataclasses datetime decimal enum fractions functools gzip "
    "itertools json math matplotlib numbers numpy operator os pandas pathlib pprint random re scipy seaborn sklearn "
    "statistics struct sys textwrap time tqdm typing typing_extensions urllib warnings"
)
"""Packages that homework imports, and that give no access beyond the names listed below."""

OF_SYSTEM = {
    "os": words("path makedirs mkdir listdir getcwd environ sep walk name linesep"),
    "sys": words("path argv stdout stderr exit version version_info maxsize float_info platform"),
}
"""What may be asked of these."""

OF_BUILTINS = words("range object str int float bool zip map filter round super print input next pow chr bytes dict")
"""Builtins that files import by their names, to run on Python 2 as well."""

BUILTINS = words("eval exec compile __import__ globals locals vars breakpoint memoryview")
"""Builtins that give access to everything."""

BY_NAME = words("getattr setattr delattr hasattr")
"""Functions that take an attribute by its name, which has to be written out."""

ATTRIBUTES = words(
    "gi_frame gi_code cr_frame ag_frame f_back f_globals f_locals f_builtins f_code tb_frame tb_next func_globals mro "
    "sys os gc inspect builtins importlib ctypes ctypeslib lib core f2py testing distutils memmap fromfile tofile "
    "frombuffer as_strided setfield dump dumps modules format_map attrgetter methodcaller eval exec system popen "
    "read_pickle Formatter get_field get_type_hints ForwardRef write_bytes write_text"
)
"""Attributes that lead to frames, to modules, to files, or to memory."""

WINDOWS = words("sliding_window_view broadcast_arrays broadcast_shapes broadcast_to")
"""Functions of np.lib.stride_tricks that stay within their array, as as_strided does not."""

DUNDERS = words(
    "__init__ __name__ __class__ __call__ __len__ __getitem__ __str__ __repr__ __doc__ __main__ __file__ __all__ "
    "__add__ __mul__ __matmul__ __sub__ __iter__ __next__ __enter__ __exit__ __version__ __setitem__ __eq__ "
    "__post_init__ __slots__ __neg__ __radd__ __rmul__ __rsub__ __truediv__ __pow__ __hash__ __lt__ __gt__"
)
"""Names with two underscores that give no such access."""


def fault_of_files(path: Path) -> str:
    """The first name in a file, or a module of its folder that it imports, that gives such access; "" if none."""
    todo, seen, searched = [path.resolve()], set[Path](), folders_searched(path.resolve())
    while todo:
        file = todo.pop()
        if file in seen:
            continue
        seen.add(file)
        try:
            source = read_source(file)
        except (SourceError, OSError) as error:
            return f"{file.name} cannot be read ({error})"
        for line, said in words_that_lead_further(source):
            return f"{source.name}, {source.where(line)}: {said} can reach what judges it"
        for line, module in imported_modules(source):
            beside = list(files_of_module(module, file, searched))
            absolute = module.lstrip(".")
            if not beside and absolute.split(".")[0] not in HARMLESS and installed(absolute):
                return f"{source.name}, {source.where(line)}: {absolute} can reach what judges it"
            todo += beside
    return ""


def belonging(path: Path) -> set[Path]:
    """A file and the modules beside it that it imports, directly or not; other files of the folder are left out."""
    todo, seen, searched = [path.resolve()], set[Path](), folders_searched(path.resolve())
    while todo:
        file = todo.pop()
        if file not in seen:
            seen.add(file)
            with suppress(SourceError, OSError):
                todo += [
                    found.resolve()
                    for _, module in imported_modules(read_source(file))
                    for found in files_of_module(module, file, searched)
                ]
    return seen


def imported_modules(source: Source) -> Iterator[tuple[int, str]]:
    """The modules that a file imports, each with its line; relative ones with their leading dots."""
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not is_of_builtins(node):
            above_it, name = "." * node.level, node.module or ""
            yield node.lineno, above_it + name
            yield from ((node.lineno, above_it + f"{name}.{alias.name}".lstrip(".")) for alias in node.names)


def is_of_builtins(node: ast.ImportFrom) -> bool:
    """Is this `from builtins import range`, or another of OF_BUILTINS by its own name?"""
    return node.module == "builtins" and all(a.name in OF_BUILTINS and a.asname is None for a in node.names)


def folders_searched(path: Path) -> list[Path]:
    """The folders in which the modules of a program are looked for: its own, that of its imports, and of each named."""
    return [path.parent, folder_of_imports(path), *(place.parent for place in modules_named(path))]


def files_of_module(name: str, file: Path, searched: Sequence[Path]) -> Iterator[Path]:
    """The files of a module that a file imports, beside it or in the folders that are searched."""
    level = len(name) - len(name.lstrip("."))
    parts = name[level:].split(".")
    if parts[0] in sys.stdlib_module_names or parts[0] in HARMLESS:
        return
    last = Path(*[part for part in parts if part] or ["__init__"])
    begin = list(file.parents)[level - 1 : level] if level else []
    for folder in dict.fromkeys((*begin, file.parent, *searched)):
        for found in ((folder / last).with_suffix(".py"), folder / last / "__init__.py"):
            if found.is_file():
                yield found


def installed(name: str) -> bool:
    """Is there a module of this name at all? One that is absent gives access to nothing."""
    from importlib.util import find_spec

    try:
        return find_spec(name.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def words_that_lead_further(source: Source) -> Iterator[tuple[int, str]]:
    """Every name that gives access to frames, modules, files or memory, with its line."""
    functions = {id(node.func) for node in source.nodes if isinstance(node, ast.Call)}
    within = {id(node.value.value) for node in source.nodes if is_window(node)}  # type: ignore[attr-defined]
    for node in source.nodes:
        found: list[str] = []
        if isinstance(node, ast.Name):
            handed_on = node.id in BY_NAME and id(node) not in functions
            found = [node.id] if node.id in BUILTINS or is_hidden_name(node.id) or handed_on else []
        elif isinstance(node, ast.Attribute):
            found = [node.attr] if leads_from(node) and id(node) not in within else []
        elif isinstance(node, ast.Call):
            found = list(calls_that_lead_further(node))
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found = [node.name] if is_hidden_name(node.name) else []
        elif isinstance(node, ast.ImportFrom):
            allowed = OF_SYSTEM.get(node.module or "")
            found = [
                a.name for a in node.names if attribute_leads_further(a.name) or (allowed and a.name not in allowed)
            ]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            half = re.fullmatch(r"__\w*|\w*__", node.value)
            found = [node.value] if half and node.value not in DUNDERS else []
        yield from ((getattr(node, "lineno", 1), name) for name in found)


def is_window(node: ast.AST) -> bool:
    """Is this np.lib.stride_tricks.sliding_window_view or its like, written out?"""
    match node:
        case ast.Attribute(ast.Attribute(ast.Attribute(ast.Name(), "lib"), "stride_tricks"), attr):
            return attr in WINDOWS
    return False


def leads_from(node: ast.Attribute) -> bool:
    """Does an attribute give access to frames, modules, files or memory? Those of os and sys do, but for OF_SYSTEM."""
    owner = node.value.id if isinstance(node.value, ast.Name) else ""
    private = node.attr.startswith("_") and not node.attr.startswith("__") and owner not in ("self", "cls")
    if owner in OF_SYSTEM:
        return node.attr not in OF_SYSTEM[owner]
    return node.attr in ATTRIBUTES or is_hidden_name(node.attr) or private


def calls_that_lead_further(node: ast.Call) -> Iterator[str]:
    """Calls that get an attribute by a computed name, write a file, make a type, or load pickled code."""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in BY_NAME and not (
        len(node.args) > 1 and text_of(node.args[1]) and not attribute_leads_further(text_of(node.args[1]))
    ):
        yield name
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if method == "format" and (not (text := text_of(node.func.value)) or re.search(r"{[^}]*[.\[]", text)):  # type: ignore[attr-defined]
        yield "format"
    mode = [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "mode")]
    if "open" in (name, method) and not all(text_of(word) in ("r", "rb", "rt") for word in mode):
        yield "open"
    if name == "type" and len(node.args) > 1:
        yield "type"
    yield from ("allow_pickle" for keyword in node.keywords if keyword.arg == "allow_pickle")


def text_of(node: ast.expr) -> str:
    """A text that is written out; "" for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def attribute_leads_further(name: str) -> bool:
    """Is an attribute of this name private, or one that leads to frames, modules, files or memory?"""
    return name in ATTRIBUTES or (name.startswith("_") and name not in DUNDERS)


def is_hidden_name(name: str) -> bool:
    """Has a name two underscores, without being one of DUNDERS?"""
    return name.startswith("__") and name.endswith("__") and name not in DUNDERS
