"""Lines in words."""

import ast
from dataclasses import replace
from types import SimpleNamespace

import pytest

from nnref.checking.reading.source import Source
from nnref.checking.watching.telling.lines import as_found, is_own_file, line_in_words, place_of
from nnref.checking.watching.telling.report import certificate
from tests.support.programs import seen
from tests.support.recordings import STEP

LINES = ["import numpy as np", "def slope(z): return z", "d = slope(2)", "e = d"]


STEPS = """\
def step(np, X, y, w):
    loss = np.mean((X @ w - y) ** 2)
    dw = 2 * X.T @ (X @ w - y) / len(y)
    w = w - 0.1 * dw
    return w, loss
"""

TRAINED = """\
import numpy as np
import steps
X, y, w = np.random.randn(9, 3), np.random.randn(9), np.random.randn(3)
for t in range(5):
    w, loss = steps.step(np, X, y, w)
"""


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
    assert [place_of(found, s) for s in (site, other)] == ["line 9", "layers.py, line 9"]
    assert as_found(found, "used in line 3", other) == "used in line 3"


def test_the_report_on_a_program_says_which_lines_are_those_of_a_module(tmp_path):
    (tmp_path / "steps.py").write_text(STEPS)
    said = certificate(seen(tmp_path, TRAINED)).reading
    assert "w (updated in steps.py, line 4)" in said
    assert "loss: your own loss, steps.py, line 2" in said
