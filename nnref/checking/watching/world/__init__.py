"""The surroundings of a program while it is watched: stand-ins for what it reads, plots and imports.

Readers return real digits (the installed ones, or the user's own data) in the expected shape, packages that plot and
log do nothing, input() gets an answer, and files are written to a scratch folder. No stand-in decides a verdict: they
let the program run, and mark which arrays are data and which are labels.

    counts       the sizes of whole data sets, made smaller
    widths       the number of inputs that the source states; needs: how many rows and which columns it asks for
    pictures     pictures of 8 × 8 pixels, where a step has too many numbers
    digits       the digits, and made-up tables of numbers
    feature_names  the columns and classes of scikit-learn's tables; passengers: the Titanic table
    known_tables tables by their file names; texts: made-up texts
    arguments    the command line, and answers to input()
    folders      folders of images; remote: downloads
    tables       pandas tables and columns (columns: their names); held: what these share; reading: the pandas module;
                 everyday: further methods
    preparing    splits, scalers, one-hot labels
    datasets     data sets, by the packages that have them
    files        open, np.load, np.loadtxt, pickle, gzip
    modules      imports: answered, silent, or absent; packages: the folders of a program's own modules
    courses      modules that courses hand out with a notebook; course_data: their data
"""

from __future__ import annotations

import argparse
import ast
import builtins
import copy
import gzip
import os
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnref.checking.reading.source import Source, SourceError, read_source
from nnref.checking.watching.recording.bars import Bar
from nnref.checking.watching.world import files as reading_files
from nnref.checking.watching.world import modules as importing
from nnref.checking.watching.world import packages
from nnref.checking.watching.world.arguments import OTHERWISE, input_answer
from nnref.checking.watching.world.counts import FEW, FEWER, made_few, made_smaller
from nnref.checking.watching.world.datasets import Datasets
from nnref.checking.watching.world.digits import Digits, digits
from nnref.checking.watching.world.files import Files, Hierarchy, nothing
from nnref.checking.watching.world.folders import Folders
from nnref.checking.watching.world.modules import AbsentError, Modules, Silent
from nnref.checking.watching.world.needs import Needs, needs
from nnref.checking.watching.world.pictures import FULL, SIDE, has_pictures, made_small
from nnref.checking.watching.world.reading import Pandas
from nnref.checking.watching.world.remote import Remote, decompress
from nnref.shapes import Array

__all__ = ["FULL", "SIDE", "AbsentError", "World", "asked_by", "has_sizes", "prepared", "shows_pictures", "smaller"]

FEWEST = 20
"""Smallest number of rows handed out."""

OLD_NAMES = {
    "float": float, "int": int, "bool": bool, "object": object, "str": str, "float_": np.float64, "int_": np.int64,
    "product": np.prod, "asfarray": lambda x, dtype=float: np.asarray(x, dtype), "alltrue": np.all, "sometrue": np.any,
    "cumproduct": np.cumprod, "Inf": np.inf, "NaN": np.nan, "in1d": np.isin, "row_stack": np.vstack, "infty": np.inf,
}  # fmt: skip
"""Names that older numpy had, and what they meant."""


@dataclass
class World:
    """What one run was handed: its numbers, and the imported packages that are not installed."""

    numbers: Digits
    absent: list[str] = field(default_factory=list)


@contextmanager
def prepared(
    path: Path, data: tuple[Array, Array] | None = None, seed: int = 0, share: int = 1, side: int = FULL
) -> Iterator[World]:
    """While this lasts, stand-ins answer what the program at `path` reads; data are the user's own X and Y.

    Each seed gives other digits in the same shapes; a share above 1 gives one row in `share` of all data. side is that
    of pictures of digits.
    """
    folder = path.resolve().parent
    asked = copy.copy(asked_by(path.resolve()))
    asked.rows, asked.share = max(FEWEST, asked.rows // share) if share > 1 else asked.rows, share
    numbers = digits(seed, data, side)
    if data is not None:
        asked.rows, asked.whole = len(numbers.labels), 0
    sets = Datasets(numbers, asked)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nnref-scratch-")))
        handed = Files(sets, folder, scratch)
        modules = Modules([folder, folder.parent, *above(path.resolve())], module_names(sets, handed))
        stack.enter_context(importing.imports_answered(modules))
        stack.enter_context(reading_files.files_answered(handed, attributes(handed)))
        sys.argv[1:] = asked.words
        stack.enter_context(old_names())
        yield World(numbers, modules.absent)


@cache
def asked_by(path: Path) -> Needs:
    """What a program asks of its data; cached."""
    return needs(sources(path), path.parent)


def smaller(tree: ast.Module, path: Path, given: bool, share: int = 1, side: int = FULL) -> ast.Module:
    """The program's tree, with its row counts reduced to the rows handed out, unless the data are the user's.

    With share > 1, the sizes of batches, sequences and hidden layers that it names are reduced in any case; with
    another side than that of the digits, the sizes of pictures.
    """
    path = path.resolve()
    if share > 1:
        made_few(tree, FEW if side == FULL else FEWER)
    if side != FULL:
        made_small(tree)
    return tree if given or not asked_by(path).whole else made_smaller(tree, sources(path), share)


def has_sizes(path: Path) -> bool:
    """Does a program name sizes of batches, sequences or hidden layers that can be reduced?"""
    return any(made_few(copy.deepcopy(tree)) for tree in sources(path.resolve()))


def shows_pictures(path: Path) -> bool:
    """Does a program name the sizes of the digits, which can be made smaller?"""
    return has_pictures(sources(path.resolve()))


def above(path: Path) -> tuple[Path, ...]:
    """The folders from which a program's imports start (packages.roots); () if it cannot be read."""
    with suppress(SourceError, OSError):
        return packages.roots(path, as_it_lies(path, path.stat().st_mtime_ns))
    return ()


@lru_cache(maxsize=4)
def as_it_lies(path: Path, changed: int) -> Source:
    """A source file, read again only when its modification time `changed` differs."""
    return read_source(path)


@cache
def sources(path: Path) -> list[ast.Module]:
    """The syntax trees of a program and of the modules it imports from its folder; unreadable files are left out."""
    found: dict[Path, ast.Module] = {}
    waiting = [path]
    while waiting and len(found) < MODULES:
        file = waiting.pop()
        if file in found or not file.is_file():
            continue
        try:
            found[file] = read_source(file).tree
        except (SourceError, OSError):
            continue
        waiting += [path.parent.joinpath(*name.split(".")).with_suffix(".py") for name in imported(found[file])]
    return list(found.values())


MODULES = 20
"""Largest number of a program's modules that are searched for what it asks of its data."""


def imported(tree: ast.Module) -> Iterator[str]:
    """The names of the modules that a file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def module_names(sets: Datasets, handed: Files) -> dict[str, dict[str, Any]]:
    """The modules that are answered, each with its names."""
    bar = {"tqdm": Bar, "trange": lambda *args, **kwargs: Bar(range(*args)), "tqdm_notebook": Bar}
    return sets.names() | {
        "pandas": Pandas(handed).names(),
        "scipy.io": {"loadmat": handed.matrices, "savemat": nothing},
        "cPickle": {"load": handed.unpickle, "dump": handed.dump},
        "cupy": {name: value for name, value in vars(np).items() if name in np.__all__} | CUPY,
        "six.moves": {"cPickle": SimpleNamespace(load=handed.unpickle, dump=handed.dump)} | RANGES,
        "past": {}, "past.builtins": RANGES | {"unicode": str, "basestring": str, "long": int},
        "h5py": {"File": lambda *args, **kwargs: Hierarchy(sets)},
        "tqdm": bar, "tqdm.notebook": bar, "tqdm.auto": bar,
        "matplotlib.pyplot": {"subplots": lambda *args, **kwargs: (Silent(), Silent())},
        "IPython": {"get_ipython": Silent}, "rich.progress": {"track": Bar},
        "progressbar": {"ProgressBar": lambda *args, **kwargs: Bar(), "progressbar": Bar},
        "requests": {"get": Remote(handed).get}, "cv2": Folders(sets.digits).names(),
        "mlxtend.preprocessing": {"shuffle_arrays_unison": lambda arrays, *args, **kwargs: list(arrays)},
        "idx2numpy": {"convert_from_file": lambda name: square(handed, name)},
    }  # fmt: skip


RANGES = {"range": range, "xrange": range}
"""What Python 2 called xrange."""

CUPY = {"asnumpy": np.asarray, "random": np.random, "fft": np.fft}
"""CuPy's own name asnumpy, and two modules that numpy loads only on first use."""


def square(handed: Files, name: str) -> Array:
    """An IDX file as an array: images (N, 28, 28), or labels (N,)."""
    found, side = handed.one(str(name)), handed.sets.digits.side
    return found.reshape(-1, side, side) if found.ndim == 2 else found


def attributes(handed: Files) -> list[tuple[Any, str, Any]]:
    """Attributes of modules to replace, other than for files: input, sleep, folders, downloads, the command line."""
    folders, remote = Folders(handed.sets.digits, handed.listed), Remote(handed)
    return [
        (os, "listdir", folders.listdir), (os.path, "isdir", folders.isdir),
        (urllib.request, "urlopen", remote.urlopen), (gzip, "decompress", decompress),
        (builtins, "input", input_answer), (time, "sleep", nothing),
        (argparse.ArgumentParser, "parse_args", given_arguments),
    ]  # fmt: skip


OPTIONS = argparse.ArgumentParser.parse_args


def given_arguments(parser: argparse.ArgumentParser, args: Any = None, namespace: Any = None) -> Any:
    """The parsed command line: no arguments, and a likely value for each that is required or has no default."""
    for action in parser._actions:
        if action.required or (not action.option_strings and action.default is None):
            action.required, action.nargs = False, action.nargs if action.option_strings else "?"
            kind = action.type if callable(action.type) else str
            word = "train.csv" if re.search("data|input|file|train|csv", action.dest) else "out"
            likely = next(iter(action.choices)) if action.choices else word if kind is str else kind(OTHERWISE)
            action.default = likely if action.default is None else action.default
    return OPTIONS(parser, args, namespace)


@contextmanager
def old_names() -> Iterator[None]:
    """While this lasts, numpy has its old names and Python has xrange."""
    added = [name for name in OLD_NAMES if name not in vars(np)]
    for name in added:
        setattr(np, name, OLD_NAMES[name])
    builtins.xrange = range  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for name in added:
            delattr(np, name)
        del builtins.xrange  # type: ignore[attr-defined]
