"""What the report says of lines."""

import ast
from types import SimpleNamespace

import pytest

from nnref.checking.reading.source import Source
from nnref.checking.watching.telling.report import as_found

LINES = ["import numpy as np", "def slope(z): return z", "d = slope(2)", "e = d"]


@pytest.mark.parametrize(
    ("starts", "says"),
    [
        ((), "used in line 3, and line 4 stops"),
        ((1, 3), "used in cell 2, line 1, and cell 2, line 2 stops"),
    ],
    ids=["a file", "a notebook"],
)
def test_lines_within_a_sentence_are_those_that_the_person_finds(starts, says):
    source = Source("program", LINES, ast.parse("\n".join(LINES)), starts)
    assert as_found(SimpleNamespace(source=source), "used in line 3, and line 4 stops") == says
