"""Does every example in a docstring give what it shows?"""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHOWN = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted((ROOT / "nnref").rglob("*.py"))
    if ">>>" in path.read_text(encoding="utf-8")
]
"""The modules whose docstrings hold an example: pytest's own search would look through every object of every file."""


@pytest.mark.parametrize("name", SHOWN)
def test_the_examples_of_a_module_give_what_they_show(name):
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried
    assert not failed


def test_an_example_that_shows_something_else_fails():
    runner = doctest.DocTestRunner(verbose=False)
    example = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, None)
    assert runner.run(example, out=lambda text: None).failed == 1
