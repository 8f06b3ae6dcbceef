"""Where the test of a module stands: under its name or its package's, or in a test of its wing that imports it."""

import ast

from tests.support import imports

BY_NAME = ("nnref.checking.operations.",)
"""Modules that are tested by the name of a record, as those of concepts are by the names of their claims."""


def untested(root, concepts):
    """The modules of nnref and derivations without a test that is found by their path, by dotted name.

    concepts are the first words of the claims: their files are tested by name, in tests/concepts and tests/derivations.
    """
    known = imports.modules(root)
    tests = sorted((root / "tests").rglob("test_*.py"))
    used = {test: set(imports.imported(test, known)) for test in tests}
    return [
        name
        for name, path in known.items()
        if not by_name(name, concepts) and computes(path) and not found(name, root, used)
    ]


def by_name(module, concepts):
    """Is it tested under the name of a claim or of a record, or is it only called?"""
    package, *rest = module.split(".")
    if not rest or rest[-1] == "__main__" or module.startswith(BY_NAME):
        return True
    return len(rest) == 1 and (rest[0] in concepts or package == "derivations")


def computes(path):
    """Does a module define anything that computes?"""
    body = imports.parsed(path.read_text(encoding="utf-8")).body
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in body)


def found(module, root, used):
    """Is there a test of its name or its package's, or one of its wing that imports it?"""
    *_, package, stem = module.split(".")
    folder, top = root / "tests" / wing(module), root / "tests"
    names = {f"test_{stem}", f"test_{package}"} - {f"test_{folder.name}"}  # a wing is more than one test can be about
    return any(
        (folder in test.parents or test.parent == top) and (test.stem in names or module in used[test]) for test in used
    )


def wing(module):
    """The folder of the tests of a module's wing, below tests; any, for the modules that people call first."""
    package, *rest = module.split(".")
    if package == "derivations":
        return "derivations"
    if rest[0] == "checking":
        return "/".join(rest[:2])
    return rest[0] if len(rest) > 1 else ""
