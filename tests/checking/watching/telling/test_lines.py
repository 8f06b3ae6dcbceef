"""Lines in words."""

import ast
from dataclasses import replace
from types import SimpleNamespace

import pytest

from nnref.checking.reading.source import Source
from nnref.checking.watching.telling.lines import as_found, is_own_file, line_in_words
from tests.support.programs import seen
from tests.support.recordings import STEP

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


def test_a_line_is_shown_with_its_text_and_one_of_a_module_with_the_module(tmp_path):
    found = seen(tmp_path, STEP)
    site = found.steps[0].roles.updates[0].end.site
    assert line_in_words(found, site) == "line 9:  W = W - 0.1 * dW"
    other = replace(site, file="/elsewhere/layers.py")
    assert is_own_file(found, site)
    assert not is_own_file(found, other)
    assert line_in_words(found, other) == "layers.py, line 9"
