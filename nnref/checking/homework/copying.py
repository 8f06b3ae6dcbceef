"""A copy of the folder that a file lies in, and of the modules around it: what the file writes is written there."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from nnref.checking.reading.source import SourceError, read_source
from nnref.checking.watching.world import packages

COPIED = 256 << 20
"""Bytes of a folder that are copied at most, small files first. The checked file does not see what is left out."""

FILES_COPIED = 5000

LEFT_OUT = frozenset({"node_modules", "site-packages", "venv", "env"})
"""Folders that are no part of a homework."""

MODULES, ENTRIES_SEEN, DEEPEST = 500, 5000, 2
"""Limits on the search for modules around a file's folder: modules copied, directory entries looked at, and depth.

Packages within packages do not count as further down.
"""


def order_in_copy(order: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """The order with its file, and data, in a copy of the file's folder. What the file writes is written there."""
    path = Path(order["path"]).resolve()
    base = folder_of_imports(path)
    place = scratch / "above" / path.relative_to(base).parent
    place.mkdir(parents=True)
    shutil.copyfile(path, place / path.name)
    own = [(source, path.parent.relative_to(base) / inside) for source, inside in files_below(path.parent)]
    left = COPIED
    around = [*own, *((source, source.relative_to(base)) for source in modules_of(path))]
    for source, inside in files_that_are_named(path, around):
        target = scratch / "above" / inside
        with suppress(OSError):
            size = source.stat().st_size
            if size <= left and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
                left -= size
    if not order.get("data"):
        return order | {"path": str(place / path.name)}
    data = scratch / "data" / Path(order["data"]).name
    data.parent.mkdir()
    shutil.copyfile(order["data"], data)
    return order | {"path": str(place / path.name), "data": str(data)}


def files_that_are_named(path: Path, around: list[tuple[Path, Path]]) -> list[tuple[Path, Path]]:
    """The files to copy with a program: all beside it or, of many programs, those that it or they name.

    The files of 500 students do not need one another, and copying all of them for each took longer than judging them.
    """
    programs = {source: inside for source, inside in around if source.suffix in PROGRAMS}
    if len(programs) <= FEW:
        return around
    kept, words = set[Path](), words_of(path)
    while new := {source for source, inside in programs.items() if source not in kept and is_named(inside, words)}:
        kept |= new
        words = words.union(*map(words_of, new))
    return [(source, inside) for source, inside in around if source not in programs or source in kept]


def is_named(inside: Path, words: set[str]) -> bool:
    """Is a program, or its package, called by one of these words?"""
    name = inside.parent.name if inside.stem == "__init__" else inside.stem
    return set(re.findall(r"\w+", name)) <= words


def words_of(path: Path) -> set[str]:
    """All words in a program's text; names of modules that it imports and of files that it opens are among them."""
    try:
        return set(re.findall(r"\w+", path.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        return set()


PROGRAMS = (".py", ".ipynb")
"""Suffixes of programs; all other files are data."""

FEW = 40
"""Number of programs beside a file up to which all are copied: so many belong to one project, more to a whole class."""


def folder_of_imports(path: Path) -> Path:
    """The folder below which lies all that a file may import: beside it, in its package, or above it by name."""
    folder, *named = [folder_of_package(path), *(place.parent for place in modules_named(path))]
    for other in named:
        folder = next(above for above in (folder, *folder.parents) if other.is_relative_to(above))
    return folder


def folder_of_package(path: Path) -> Path:
    """The folder above a file's own, or above the package that this is in."""
    folder = path.parent if (path.parent / "__init__.py").is_file() else path.parent.parent
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder = folder.parent
    return folder


def modules_named(path: Path) -> list[Path]:
    """The modules and packages that a file imports, where they lie beside it or above."""
    try:
        return packages.named(path, read_source(path))
    except (SourceError, OSError):
        return []


def modules_of(path: Path) -> list[Path]:
    """The modules around a file, and those of the packages that it names, wherever these lie above it."""
    found = modules_in(folder_of_package(path))
    for place in modules_named(path):
        alone = place.with_name(f"{place.name}.py")
        found += [alone] if alone.is_file() else modules_in(place)
    return list(dict.fromkeys(found))


def files_below(folder: Path) -> list[tuple[Path, Path]]:
    """The ordinary files below a folder with their places in it, the smallest first: no pipes, devices or links out."""
    found: list[tuple[int, Path, Path]] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__")) and name not in LEFT_OUT]
        for name in names:
            path = Path(parent) / name
            with suppress(OSError):
                if path.is_file() and not path.is_symlink():
                    found.append((path.stat().st_size, path, path.relative_to(folder)))
        if len(found) > FILES_COPIED:
            break
    return [(path, inside) for _, path, inside in sorted(found)[:FILES_COPIED]]


def modules_in(base: Path) -> list[Path]:
    """The modules in a folder and in those below it, the nearest first: `../common/layers.py` may be imported too."""
    found: list[Path] = []
    folders = [(base, 0)]
    looked = 0
    while folders and len(found) < MODULES and looked < ENTRIES_SEEN:
        folder, depth = folders.pop(0)
        with suppress(OSError):
            for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
                looked += 1
                hidden = entry.name.startswith((".", "__pycache__")) or entry.name in LEFT_OUT
                if entry.is_dir(follow_symlinks=False) and not hidden:
                    below = depth + (not (Path(entry) / "__init__.py").is_file())
                    folders += [(Path(entry), below)] if below <= DEEPEST else []
                elif entry.name.endswith(".py") and entry.is_file(follow_symlinks=False):
                    found.append(Path(entry))
    return found[:MODULES]
