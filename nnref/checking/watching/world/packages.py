"""The folders of a program's own modules: its own, those above it, and that of its package."""

from __future__ import annotations

import ast
import sys
from functools import lru_cache
from pathlib import Path

from nnref.checking.reading.source import Source

HIGHEST = 4
"""Number of folders, upwards from the program's own, in which the modules that it imports are looked for."""

SOURCES = "src"
"""The folder of a repository that may hold its package."""

INSTALLED = frozenset(["numpy", "scipy", "nnref"])
"""Packages that are never looked for in the program's folders."""

COURSES = Path(__file__).parent / "courses"
"""The folder of modules that courses hand out with a notebook: searched last."""

OTHER_NAMES = {"dnn_utils_v2": "dnn_utils", "planar_utils_v2": "planar_utils"}
"""Names that course modules had in other years, and the names that they have here."""


def package_of(path: Path) -> str:
    """The dotted name of the package that a file is in; "" if it is in none.

    >>> package_of(Path("/nowhere/script.py"))
    ''
    """
    names: list[str] = []
    folder = path.parent
    while (folder / "__init__.py").is_file():
        names.insert(0, folder.name)
        folder = folder.parent
    return ".".join(names)


@lru_cache(maxsize=32)
def relative_package(path: Path, source: Source) -> str:
    """The package of a file; without __init__.py, as deep as its relative imports need (`from ..layers import`)."""
    levels = [node.level for node in source.nodes if isinstance(node, ast.ImportFrom)]
    deepest = max(levels, default=0)
    found = package_of(path)
    if found.count(".") + bool(found) >= deepest:
        return found
    return ".".join(folder.name for folder in list(path.parents)[:deepest][::-1])


@lru_cache(maxsize=32)
def roots(path: Path, source: Source) -> tuple[Path, ...]:
    """The folders from which a file's imports start: the one above its package, and those with modules it imports."""
    package = relative_package(path, source)
    found = [list(path.parents)[package.count(".") + 1]] if package else []
    return tuple(dict.fromkeys([*found, *(place.parent for place in named(path, source))]))


def named(path: Path, source: Source) -> list[Path]:
    """The paths of the modules and packages that a file imports: for each name the nearest, beside it or above."""
    folders = [part for folder in list(path.parents)[:HIGHEST] for part in (folder, folder / SOURCES)]
    names = [name for name in imported(source) if name not in sys.stdlib_module_names | INSTALLED]
    return [place for name in names for place in [folder / name for folder in folders if is_module(folder / name)][:1]]


def imported(source: Source) -> list[str]:
    """The top-level names that a file imports absolutely."""
    names: list[str] = []
    for node in source.nodes:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.append(node.module)
    return list(dict.fromkeys(name.split(".")[0] for name in names))


def is_module(place: Path) -> bool:
    """Is there a module or a package here?"""
    return place.with_name(f"{place.name}.py").is_file() or (place.is_dir() and any(place.rglob("*.py")))
