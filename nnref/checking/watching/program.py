"""A program, executed once under a recorder: its file, the modules beside it, and what stopped it."""

from __future__ import annotations

import ast
import contextlib
import copy
import importlib.abc
import importlib.machinery
import io
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from time import process_time
from types import ModuleType
from typing import Any

import numpy as np

from nnref.checking.reading.source import Source, SourceError, read_source
from nnref.checking.watching import world
from nnref.checking.watching.recording import recorder as recording
from nnref.checking.watching.recording.recorder import Recorder
from nnref.checking.watching.recording.rewriting import HOOK, rewritten
from nnref.checking.watching.recording.tape import Node, Site
from nnref.checking.watching.recording.values import Stop
from nnref.checking.watching.world import packages


@dataclass(frozen=True, eq=False)
class Failure:
    """The operation of the program that raised an exception: its site, its inputs, and the message."""

    site: Site
    inputs: tuple[Node, ...]
    says: str


@dataclass
class Run:
    """One run: the recording, the program's names, the exception that ended it, and imports that failed.

    made_up says whether nnref supplied invented data. ended holds the functions of the file that ran when the recording
    ended, the outermost first, each with its line.
    """

    recorder: Recorder
    namespace: dict[str, Any]
    error: BaseException | None = None
    stopped: bool = False
    failed: list[tuple[int, str]] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    made_up: bool = False
    ended: tuple[tuple[str, int], ...] = ()

    @property
    def tape(self) -> list[Any]:
        """What was recorded."""
        return self.recorder.tape

    @property
    def failure(self) -> Failure | None:
        """The operation of the program's own code that raised the exception, if one did."""
        frames = list(traceback.walk_tb(self.error.__traceback__)) if self.error is not None else []
        own = [k for k, (frame, _) in enumerate(frames) if frame.f_code.co_filename in self.recorder.files]
        if not own:
            return None
        frame, line = frames[own[-1]]
        site = Site(frame.f_code.co_filename, line, 0, frame.f_code.co_name)
        given = list(frames[own[-1] + 1][0].f_locals.values()) if own[-1] + 1 < len(frames) else []
        found = [self.recorder.known(x) for x in spread(given) if self.recorder.known_already(x)]
        inputs = tuple(dict.fromkeys(node for node in found if node is not None))
        return Failure(site, inputs, f"{type(self.error).__name__}: {self.error}")


def spread(things: Any) -> Iterator[Any]:
    """The arrays and numbers in arguments, at any depth; a list may hold itself."""
    waiting, seen = [*things], set[int]()
    while waiting:
        thing = waiting.pop(0)
        if isinstance(thing, list | tuple) and id(thing) not in seen:
            seen.add(id(thing))
            waiting[:0] = thing
        elif isinstance(thing, np.ndarray | np.generic | float | int):
            yield thing


def execute(
    source: Source,
    path: Path,
    recorder: Recorder,
    *,
    name: str = "__main__",
    data: Any = None,
    definitions: bool = False,
    then: Callable[[dict[str, Any]], None] | None = None,
    plain: bool = False,
) -> Run:
    """Run a program under a recorder, and then call `then` with its names.

    definitions executes only imports, functions, classes and assignments, and skips statements that fail. plain runs
    the file without rewriting, several times faster, and records nothing.
    Errors: none of the program's; an exception that ended it is in the result.
    """
    module = ModuleType(name)
    module.__file__, module.__package__ = str(path), packages.relative_package(path, source)
    run = Run(recorder, module.__dict__)
    code = statements(source, path, recorder, definitions, data, plain)
    with (
        quiet(path, source.name),
        alarm(recorder),
        modules(path, recorder, module, name, packages.roots(path, source), data),
        world.prepared(path, data, recorder.seed, recorder.share, recorder.side) as answered,
    ):
        seed_generators(recorder.seed)
        recording._current.append(recorder)
        try:
            for line, part, _ in code:
                within(run, part, line, keep_going=definitions or source.apart or bool(source.starts))
            if then is not None and not run.stopped:
                then(module.__dict__)
        except Stop as stop:
            run.stopped, recorder.on = True, False
            frames = traceback.walk_tb(stop.__traceback__)
            run.ended = tuple((f.f_code.co_name, line) for f, line in frames if f.f_code.co_filename == str(path))
            for line, part, defines in code if definitions else ():
                if defines:  # what a long assignment kept from being defined
                    within(run, part, line, keep_going=True)
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            run.error = run.error or error
        finally:
            recorder.on = False
            recording._current.pop()
            run.absent, run.made_up = list(dict.fromkeys(answered.absent)), answered.numbers.made
    return run


def within(run: Run, code: Any, line: int, keep_going: bool) -> None:
    """Execute one part of the program."""
    try:
        exec(code, run.namespace)
    except Exception as error:
        run.error = run.error or error
        run.failed.append((line, f"{type(error).__name__}: {error}"))
        if not keep_going:
            raise


def statements(
    source: Source, path: Path, recorder: Recorder, definitions: bool, data: Any = None, plain: bool = False
) -> list[Part]:
    """The program as code: whole, or one statement at a time where one may fail and the next be executed."""
    code, sites = compiled(source, path, definitions, data is not None, plain, recorder.share, recorder.side)
    recorder.sites[:] = sites  # the code speaks of them by their places in this list
    recorder.files.add(str(path))
    return code


@lru_cache(maxsize=8)
def compiled(
    source: Source,
    path: Path,
    definitions: bool,
    given: bool,
    plain: bool = False,
    share: int = 1,
    side: int = world.FULL,
) -> tuple[list[Part], list[Site]]:
    """The code of a program that is run several times, on given data or not, and the sites that it speaks of."""
    sites: list[Site] = []
    file = str(path)
    tree = copy.deepcopy(source.tree) if source.starts else ast.parse("\n".join(source.lines))
    tree = world.smaller(tree, path, given, share, side)
    tree = tree if plain else rewritten(tree, file, sites)
    if not definitions and not source.starts and not source.apart:
        return [(1, compile(tree, file, "exec"), False)], sites
    parts = [node for node in tree.body if not definitions or isinstance(node, DEFINING)]
    future = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    code: list[Part] = []
    for node in parts:
        whole = ast.Module([*future, node] if node not in future else [node], [])
        code.append((node.lineno, compile(whole, file, "exec"), isinstance(node, ast.FunctionDef | ast.ClassDef)))
    return code, sites


Part = tuple[int, Any, bool]
"""A part of a program: its first line, its code, and whether it is a function or a class."""

DEFINING = (
    ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.Try, ast.AsyncFunctionDef,
)  # fmt: skip
"""Statements that define something."""


GRACE = 0.5
"""Seconds after the limit at which a program that records nothing, such as a waiting loop, is stopped too."""


@contextlib.contextmanager
def alarm(recorder: Recorder) -> Iterator[None]:
    """Within the block the program is stopped after its time limit, where the system can do that."""
    possible = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not possible:
        yield
        return

    def stop(*_: Any) -> None:
        if (left := recorder.deadline + GRACE - process_time()) > 0:
            signal.setitimer(signal.ITIMER_VIRTUAL, left)
            return
        recorder.on = recorder.in_time = False
        raise Stop

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, recorder.seconds + GRACE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextlib.contextmanager
def quiet(path: Path, title: str) -> Iterator[None]:
    """Within the block nothing is printed, warned of or plotted, and the current folder is the program's."""
    before, arguments = Path.cwd(), sys.argv
    sys.argv = [title]
    os.chdir(path.parent)
    try:
        out, err = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
        with out, err, warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        os.chdir(before)
        sys.argv = arguments


@contextlib.contextmanager
def modules(
    path: Path, recorder: Recorder, module: ModuleType, name: str, roots: Sequence[Path] = (), data: Any = None
) -> Iterator[None]:
    """Within the block the program's own modules are found and rewritten, and its names are in sys.modules."""
    before, main, search = set(sys.modules), sys.modules.get(name), list(sys.path)
    setattr(module, HOOK, recorder)
    sys.modules[name] = module
    finder = OwnModulesFinder(path, recorder, roots, data)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        sys.path[:] = search
        for found in set(sys.modules) - before:
            if getattr(sys.modules[found], HOOK, None) is not None or found in finder.folders_found:
                del sys.modules[found]
        if main is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = main


class OwnModulesFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of the program's own folder, of its package, and of what it put on sys.path."""

    def __init__(self, path: Path, recorder: Recorder, roots: Sequence[Path] = (), data: Any = None) -> None:
        self.recorder, self.folder, self.roots, self.before = recorder, path.parent, roots, set(sys.path)
        self.path, self.data = path, data
        self.packages: set[str] = set()
        self.folders_found: set[str] = set()

    def folders(self, path: Any) -> list[Path]:
        """Where to look for a module."""
        if path is not None:
            return [*(Path(p) for p in path if str(p) in self.packages), packages.COURSES]
        put = [Path(p).resolve() for p in sys.path if p not in self.before]
        return [self.folder, *put, *self.roots, self.folder.parent, packages.COURSES]

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """A module or package of the program's own; none of them hides one of Python's."""
        top, last = name.split(".", maxsplit=1)[0], name.rsplit(".", maxsplit=1)[-1]
        if top in sys.stdlib_module_names | packages.INSTALLED:
            return None
        for folder in self.folders(path):
            place = folder / (packages.OTHER_NAMES.get(last, last) if folder == packages.COURSES else last)
            for file, package in ((place / "__init__.py", True), (place.with_name(f"{last}.py"), False)):
                if file.is_file():
                    spec = importlib.machinery.ModuleSpec(name, self, origin=str(file), is_package=package)
                    if package:
                        spec.submodule_search_locations = [str(place)]
                        self.packages.add(str(place))
                    return spec
            if packages.is_module(place):
                spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
                spec.submodule_search_locations = [str(place)]
                self.packages.add(str(place))
                self.folders_found.add(name)
                return spec
        return None

    def create_module(self, spec: Any) -> ModuleType | None:
        """As Python does it."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Rewritten, as the program is."""
        file = str(module.__spec__.origin) if module.__spec__ else ""
        module.__file__ = file
        setattr(module, HOOK, self.recorder)
        try:
            source = read_source(Path(file))
        except SourceError as error:
            raise ImportError(str(error)) from None
        self.recorder.files.add(file)
        tree = world.smaller(source.tree, self.path, self.data is not None, self.recorder.share, self.recorder.side)
        exec(compile(rewritten(tree, file, self.recorder.sites), file, "exec"), module.__dict__)


def seed_generators(seed: int) -> None:
    """The same numbers each time, where the program sets no seed."""
    import random

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
