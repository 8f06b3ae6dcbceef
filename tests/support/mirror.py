"""Where the test of a module stands: under its own name, or in a test of its wing that imports it."""

from tests.support import imports

BY_CLAIM = ("nnref.checking.operations.",)
"""Modules that are found by the name of a claim or of a record, as those of nnref and derivations themselves are."""


def untested(root, concepts):
    """The modules of nnref and derivations without a test that is found by their path, by dotted name.

    concepts are the first words of the claims: their files are tested by name, in tests/concepts and tests/derivations.
    """
    known = imports.modules(root)
    tests = sorted((root / "tests").rglob("test_*.py"))
    used = {test: set(imports.imported(test, known)) for test in tests}
    return [name for name in known if not by_name(name, concepts) and not found(name, root, used)]


def by_name(module, concepts):
    """Is it tested under the name of a claim or of a record, or does it hold nothing that could be wrong alone?"""
    package, *rest = module.split(".")
    if not rest or rest[-1] == "__main__" or module.startswith(BY_CLAIM):
        return True
    return len(rest) == 1 and (rest[0] in concepts or package == "derivations")


def found(module, root, used):
    """Is there a test of its name, or one of its wing that imports it?"""
    stem = module.rsplit(".", 1)[-1]
    place = root / "tests" / folder(module)
    return any(place in test.parents and (test.stem == f"test_{stem}" or module in used[test]) for test in used)


def folder(module):
    """The folder of the tests of a module's wing, below tests; any, for the modules that people call first."""
    package, *rest = module.split(".")
    if package == "derivations":
        return "derivations"
    if rest[0] == "checking":
        return "/".join(rest[:2])
    return rest[0] if len(rest) > 1 else ""
