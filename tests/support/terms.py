"""A line of nnref's source changed while a test runs, wherever its function is already in use."""

import sys
from contextlib import contextmanager
from inspect import isclass, isfunction
from pathlib import Path

import nnref

ROOT = Path(nnref.__file__).parent
NOISE = (ROOT / "checking" / "reference" / "noise.py", *sorted((ROOT / "checking" / "operations").glob("*.py")))
"""Where the terms of the running-error scale stand."""


@contextmanager
def changed(old, new, paths=NOISE):
    """The text old, which stands once in one of the files, read as new: the functions keep their places."""
    (path,) = (path for path in paths if old in path.read_text(encoding="utf-8"))
    source = path.read_text(encoding="utf-8")
    assert source.count(old) == 1, f"{old} should stand once in {path.name}"
    name = ".".join(("nnref", *path.relative_to(ROOT).with_suffix("").parts))
    scratch = {"__name__": name, "__package__": name.rpartition(".")[0]}
    exec(compile(source.replace(old, new), f"{path.name}: {old}", "exec"), scratch)
    before = {f: f.__code__ for f in functions(vars(sys.modules[name]), name).values()}
    try:
        for place, f in functions(vars(sys.modules[name]), name).items():
            f.__code__ = functions(scratch, name)[place].__code__
        yield
    finally:
        for f, code in before.items():
            f.__code__ = code


def functions(names, module):
    """The functions and methods that a module defines itself, by their places in it."""
    found = {name: f for name, f in names.items() if isfunction(f) and f.__module__ == module}
    for cls in (c for c in names.values() if isclass(c) and c.__module__ == module):
        found |= {f.__qualname__: f for f in vars(cls).values() if isfunction(f) and f.__module__ == module}
    return {place: f for place, f in found.items() if f.__code__.co_filename != "<string>"}
