"""Where the modules of a program lie: beside it, above it, or in the package that it is a part of."""

from __future__ import annotations

import ast
import sys
from functools import lru_cache
from pathlib import Path

from nnref.checking.reading.source import Source

HIGHEST = 4
"""Folders above a program in which its package is looked for."""

SOURCES = "src"
"""The folder of a repository in which its package may lie."""

INSTALLED = frozenset(["numpy", "scipy", "nnref"])
"""Packages that no folder of that name hides."""

COURSES = Path(__file__).parent / "courses"
"""The folder of what courses hand out beside a notebook: looked through last."""

OTHER_NAMES = {"dnn_utils_v2": "dnn_utils", "planar_utils_v2": "planar_utils"}
"""Modules of courses that went by another name in another year."""


def package_of(path: Path) -> str:
    """The dotted name of the package that a file lies in; "" if it lies in none.

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
    """The package of a file, also where folders have no __init__.py and the file says `from ..layers import`."""
    levels = [node.level for node in source.nodes if isinstance(node, ast.ImportFrom)]
    deepest = max(levels, default=0)
    found = package_of(path)
    if found.count(".") + bool(found) >= deepest:
        return found
    return ".".join(folder.name for folder in list(path.parents)[:deepest][::-1])


@lru_cache(maxsize=32)
def roots(path: Path, source: Source) -> tuple[Path, ...]:
    """The folders above a file from which its imports are meant: of its package, and those that hold what it names."""
    package = relative_package(path, source)
    found = [list(path.parents)[package.count(".") + 1]] if package else []
    return tuple(dict.fromkeys([*found, *(place.parent for place in named(path, source))]))


def named(path: Path, source: Source) -> list[Path]:
    """Where the modules and packages lie that a file imports: the nearest of that name, beside it or above."""
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
